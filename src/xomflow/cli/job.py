"""``xom job ...``: the commands that rules and jobs in Slurm call.

Each imports what it needs: the start of a run's job counts, since there may be 600,000 of them.
"""

from __future__ import annotations

import argparse
import contextlib
from contextlib import closing
from pathlib import Path

from xomflow.core.errors import XomError, in_words
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.work_format import check_format
from xomlib.files import dump_json, read_json
from xomlib.printing import say


def discover(options: argparse.Namespace) -> int:
    """Look for work and claim it."""
    from xomflow.workflow.discover import discover as discover_work

    try:
        survey = discover_work(options.tick)
    except Exception as error:
        sentence, code = in_words(error)
        with contextlib.suppress(OSError):  # the disk may be the reason
            dump_json(options.tick.trouble, {"sentence": sentence, "exit_code": code})
        raise
    say(f"{len(survey.chosen)} runs to analyse")
    return ExitCode.OK


def run(options: argparse.Namespace) -> int:
    """Run one analysis for one run."""
    from xomflow.jobs.runner import run_job

    key = Key(options.analysis, options.version, options.run)
    return run_job(_paths(options.tick), options.tick, key, options.batch)


def publish(options: argparse.Namespace) -> int:
    """Publish what the store lacks; errors go into the receipt and the tick's report, not into the exit code."""
    from xomflow.core.tick_summary import Receipt
    from xomflow.publishing.open_store import open_store
    from xomflow.publishing.publish import publish as publish_outcomes
    from xomflow.workflow.documents import SurveyDocument

    config = SurveyDocument.from_json(read_json(options.tick.survey)).config
    paths = Paths(config.work)
    try:
        with closing(open_store(config.store, paths)) as store:
            receipt = publish_outcomes(paths, store, config.store["prefix"], config.page_url)
    except XomError as error:
        receipt = Receipt(away=True, problems=[str(error)])
    dump_json(options.tick.published, receipt.to_json())
    say(f"{receipt.outcomes} outcomes, {receipt.points} points published", *receipt.problems)
    return ExitCode.OK


def report(options: argparse.Namespace) -> int:
    """Write the summary of the tick and renew the page."""
    from xomflow.workflow.summary import write_report

    write_report(options.tick)
    return ExitCode.OK


def describe(options: argparse.Namespace) -> int:
    """Print the description of one job as JSON, for a script that is tried by hand."""
    import json

    from xomflow.config.load import load_configuration
    from xomflow.workflow.describe_job import describe_job, with_documents

    config = load_configuration(options.config, check_files=False)
    if options.documents is not None:
        config = with_documents(config, options.documents)
    say(json.dumps(describe_job(config, options.analysis, options.run, str(options.config)).to_json()))
    return ExitCode.OK


def main(words: list[str]) -> int:
    """Run one of these commands and return its exit code."""
    parser = argparse.ArgumentParser(prog="xom job", description="Commands that rules call.")
    commands = parser.add_subparsers(required=True, metavar="command")
    for function in (discover, run, publish, report):
        command = commands.add_parser(function.__name__, help=function.__doc__)
        command.add_argument("tick", type=lambda text: TickPaths(Path(text)), help="folder of the tick")
        command.set_defaults(function=function)
        if function is run:
            for name in ("analysis", "version", "run"):
                command.add_argument(name)
            command.add_argument("--batch", "--slurm", action="store_true", help="it is a job of the batch system")
    command = commands.add_parser("describe", help=describe.__doc__)
    command.add_argument("analysis")
    command.add_argument("run", help="six-digit run id, or the id of a campaign")
    command.add_argument("--config", type=Path, default=Path("config.yaml"), help="default: %(default)s")
    command.add_argument("--documents", type=Path, help="file with run documents; default: the run database")
    command.set_defaults(function=describe)
    options = parser.parse_args(words)
    if "tick" in options:
        check_format(_paths(options.tick))
    return options.function(options)


def _paths(tick: TickPaths) -> Paths:
    """Return the paths of the ``work`` folder that has a tick."""
    return Paths(tick.folder.parent.parent)
