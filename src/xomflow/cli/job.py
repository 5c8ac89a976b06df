"""``xom job ...``: the commands that rules and jobs in Slurm call.

Each imports what it needs: the start of a run's job counts, since there may be 600,000 of them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from xomflow.core.account import must_own
from xomflow.core.errors import STOPS, in_words
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.folder_marks import check_folders
from xomflow.core.files.work_format import check_format
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomlib.files import dump_json
from xomlib.printing import say

# Name of the batch system and number of the job, in the environment of a job of one.
_BATCH_JOB = "XOM_BATCH_JOB"


def discover(options: argparse.Namespace) -> int:
    """Look for work and claim it."""
    from xomflow.workflow.discover import discover as discover_work

    survey = discover_work(options.tick)
    say(f"{len(survey.chosen)} runs to analyse")
    return ExitCode.OK


def run(options: argparse.Namespace) -> int:
    """Run one analysis for one run."""
    from xomflow.jobs.description import read_job
    from xomflow.jobs.processes.surroundings import ALONE_IN_BATCH_JOB, beside
    from xomflow.jobs.runner import run_job

    job = read_job(options.tick, Key(options.analysis, options.version, options.run))
    around = ALONE_IN_BATCH_JOB if options.batch or _BATCH_JOB in os.environ else beside(options.tick)
    return run_job(_paths(options.tick), options.tick, job, around)


def batch(options: argparse.Namespace) -> int:
    """Run the jobs that share one job of the batch system."""
    from xomflow.jobs.batches.batch_file import read_batch
    from xomflow.jobs.batches.run_batch import run_batch

    return run_batch(_paths(options.tick), options.tick, read_batch(options.tick, options.name))


def publish(options: argparse.Namespace) -> int:
    """Publish what the store lacks, write the summary of the tick and renew the page."""
    from xomflow.workflow.ending.finish import finish

    say(*finish(options.tick))
    return ExitCode.OK


def notify(options: argparse.Namespace) -> int:
    """Send the messages of a tick; standard input has the settings of recipients, without secrets."""
    import json
    import sys

    from xomflow.notify.settings import NotifySettings
    from xomflow.workflow.messages.of_tick import send_about

    settings = NotifySettings.from_json(json.load(sys.stdin))
    for sentence in send_about(options.tick, settings, options.code):
        say(sentence, file=sys.stderr)
    return ExitCode.OK


def describe(options: argparse.Namespace) -> int:
    """Print the description of one job as JSON, for a script that is tried by hand."""
    import json

    from xomflow.config.load import load_configuration
    from xomflow.workflow.requests.describe_job import describe_job, with_documents
    from xomflow.workflow.trials import as_decided

    config = as_decided(load_configuration(options.config, check_files=False))
    if options.documents is not None:
        config = with_documents(config, options.documents)
    say(json.dumps(describe_job(config, options.analysis, options.run, str(options.config)).to_json()))
    return ExitCode.OK


def main(words: list[str]) -> int:
    """Run one of these commands and return its exit code."""
    options = _parser(words).parse_args(words)
    try:
        if "tick" in options:
            must_own(_paths(options.tick).work)
            check_folders(_paths(options.tick))
            check_format(_paths(options.tick))
        return options.function(options)
    except Exception as error:
        # What publishing did not foresee costs only itself; what stops a tick stops all of it.
        if options.function is discover or (options.function is publish and isinstance(error, STOPS)):
            _note_trouble(options.tick, error)
        raise


def _parser(words: list[str]) -> argparse.ArgumentParser:
    """Return the parser of a command line: of its command alone, or of all if it begins with none of them."""
    parser = argparse.ArgumentParser(prog="xom job", description="Commands that rules call.")
    commands = parser.add_subparsers(required=True, metavar="command")
    every = (discover, run, batch, publish, notify, describe)
    for function in [one for one in every if [one.__name__] == words[:1]] or every:
        older = ["report"] if function is publish else []  # what a tick of the release before calls next
        command = commands.add_parser(function.__name__, help=function.__doc__, aliases=older)
        command.set_defaults(function=function)
        _add_arguments(command, function)
    return parser


def _add_arguments(command: argparse.ArgumentParser, function: Callable[[argparse.Namespace], int]) -> None:
    if function is describe:
        command.add_argument("analysis")
        command.add_argument("run", help="six-digit run id, or the id of a campaign")
        command.add_argument("--config", type=Path, default=Path("config.yaml"), help="default: %(default)s")
        command.add_argument("--documents", type=Path, help="file with run documents; default: the run database")
        return
    command.add_argument("tick", type=lambda text: TickPaths(Path(text)), help="folder of the tick")
    if function is run:
        for name in ("analysis", "version", "run"):
            command.add_argument(name)
        command.add_argument("--batch", "--slurm", action="store_true", help=argparse.SUPPRESS)  # of older jobs
    if function is notify:
        command.add_argument("code", type=int, help="exit code of the tick")
    if function is batch:
        command.add_argument("name", help="name of the batch within the tick")


def _note_trouble(tick: TickPaths, error: Exception) -> None:
    """Write why the tick stops, for its end."""
    sentence, code = in_words(error)
    with contextlib.suppress(OSError):  # the disk may be the reason
        if tick.folder.is_dir():  # a folder where the disk should be mounted must stay empty
            dump_json(tick.trouble, {"sentence": sentence, "exit_code": code})


def _paths(tick: TickPaths) -> Paths:
    """Return the paths of the ``work`` folder that has a tick."""
    return Paths(tick.folder.parent.parent)
