"""The commands that a person types: ``xom status``, ``xom why 52894`` and others."""

from __future__ import annotations

import argparse
import os
import re
import sys
from contextlib import closing
from pathlib import Path

from xomflow.cli.site import find_site
from xomflow.config.load import load_configuration
from xomflow.config.model import Config
from xomflow.core.account import must_own, other_owner, whose
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.folder_marks import check_folders, mark_folders
from xomflow.core.files.work_format import check_format
from xomflow.core.key import ID, run_id
from xomflow.core.paths import Paths
from xomflow.outcomes.groups import GroupsOfAll, read_groups
from xomflow.publishing.open_store import StoreConfig, open_store
from xomflow.publishing.store import Store
from xomlib.printing import say


def status(config: Config, options: argparse.Namespace) -> int:
    """Print the state of all runs, by analysis, and what needs attention; reads only."""
    from xomflow.workflow.discover import as_listed, survey_now
    from xomflow.workflow.makers import maker_lines
    from xomflow.workflow.requests.explain import document_problems
    from xomflow.workflow.terminal import status_lines

    if options.documents:
        say(*document_problems(config))
        return 0
    survey = survey_now(config, may_write=False)
    say(*status_lines(survey, [as_listed(item) for item in survey.undone], Paths(config.work)), *maker_lines(config))
    if survey.configuration_errors:
        return ExitCode.CONFIGURATION
    return ExitCode.WAITS_FOR_PERSON if survey.mass_changes or survey.for_person else ExitCode.OK


def why(config: Config, options: argparse.Namespace) -> int:
    """Print the state of a run for each analysis, with its reason; reads only."""
    from xomflow.workflow.requests.explain import why as explain

    say(*explain(config, options.run))
    return ExitCode.OK


def log(config: Config, options: argparse.Namespace) -> int:
    """Print the log of a run, wherever it is; reads only."""
    from xomflow.workflow.requests.show_log import log_of

    place, lines = log_of(config, options.analysis, options.run, options.version, options.attempt)
    say(place, file=sys.stderr)
    say(*lines)
    return ExitCode.OK


def cancel(config: Config, options: argparse.Namespace) -> int:
    """End the jobs that ticks left in the batch system, or those of some runs; a later tick tries these runs again."""
    from xomflow.slurm.cancel import cancel as cancel_runs
    from xomflow.slurm.open_batch_system import open_batch_system

    wanted = {run_id(number) for number in options.run}
    say(*cancel_runs(Paths(config.work), open_batch_system(config), wanted) or ["no such job is known"])
    return ExitCode.OK


def accept(config: Config, options: argparse.Namespace) -> int:
    """Let a tick make the mass change before which it stopped; asks for the reason with --why."""
    from xomflow.workflow.requests.accept import accept as accept_changes

    say(*accept_changes(config, options.why, options.dry_run))
    return ExitCode.OK


def rebuild(config: Config, options: argparse.Namespace) -> int:
    """Publish all outcomes to the store, which may be empty."""
    from xomflow.decisions.files import read_decisions
    from xomflow.workflow.mass_changes import mass_changes, stop_before
    from xomflow.workflow.requests.rebuild import rebuild as publish_everything

    paths, where = Paths(config.work), StoreConfig.of(config.store)
    stop_before(mass_changes(paths, where, read_decisions(paths).made, everything=True))
    mark_folders(paths, where.is_local)
    with closing(_store(config)) as store:
        receipt = publish_everything(config, store, _groups(config))
    say(f"{receipt.outcomes} outcomes, {receipt.points} points are in the store", *receipt.problems)
    return ExitCode.STORE_OR_DISK if receipt.problems else ExitCode.OK


def verify(config: Config, options: argparse.Namespace) -> int:
    """Compare the store with the outcomes; exit code 9 if they differ, 6 if the store does not answer."""
    from xomflow.publishing.publish import verify as differences

    with closing(_store(config)) as store:
        found = list(differences(Paths(config.work), store, config.store.prefix, _groups(config), config.page.url))
    say(*found, f"{len(found)} differences" if found else "the store has what the outcomes say")
    return ExitCode.STORE_DIFFERS if found else ExitCode.OK


def _groups(config: Config) -> GroupsOfAll | None:
    """Return what decides which outcomes of groups are current: as the last tick left it, else found again."""
    from xomflow.planning.pending.find import load_pending
    from xomflow.rundb.database import open_rundb

    left = read_groups(Paths(config.work))
    if left is not None or not any(block.period for block in config.analyses.values()):
        return left
    return load_pending(config, open_rundb(config.rundb), may_write=False).known_groups(config)


def _store(config: Config) -> Store:
    return open_store(StoreConfig.of(config.store), Paths(config.work))


def _reason(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("a reason is needed")
    return text.strip()


def _run_number(text: str) -> int:
    """Return the number in a run id, or that of the first run in the id of a campaign."""
    number = text.partition("-")[0]
    if not (number.isascii() and number.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a run number nor the id of a campaign")
    return int(number)


def _run_or_campaign(text: str) -> str:
    return text if re.fullmatch(ID, text) else run_id(_run_number(text))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="xom", description="XENONnT Offline Monitoring: look at a site and act on it."
    )
    site = argparse.ArgumentParser(add_help=False)
    site.add_argument(
        "--site", type=Path, help="folder with config.yaml; default: $XOM_SITE, else here or the nearest folder above"
    )
    site.add_argument(
        "--config", type=Path, default=Path("config.yaml"), help="configuration, within the site; default: %(default)s"
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    for function in (status, why, log, accept, cancel, rebuild, verify):
        command = commands.add_parser(function.__name__, help=function.__doc__, parents=[site])
        command.set_defaults(function=function)
        if function is status:
            command.add_argument(
                "--documents", action="store_true", help="list each run document that cannot be understood instead"
            )
        if function is why:
            command.add_argument("run", type=_run_number, help="run number, or the id of a campaign")
        if function is log:
            command.add_argument("analysis")
            command.add_argument("run", type=_run_or_campaign, help="run number, or the id of a campaign")
            command.add_argument("--attempt", type=int, help="number of a failed attempt; default: the newest log")
            command.add_argument("--version", help="version of the analysis; default: the configured one")
        if function is accept:
            command.add_argument("--why", type=_reason, required=True, help="the reason, for those who read it later")
            command.add_argument("--dry-run", action="store_true", help="print what would be accepted")
        if function is cancel:
            command.add_argument("run", type=int, nargs="*", help="run numbers; none: all runs")
    return parser


def main(words: list[str]) -> int:
    """Run one of these commands in the folder of its site and return its exit code."""
    options = _parser().parse_args(words)
    os.chdir(find_site(options.site, options.config))  # a configuration's relative paths begin there
    config = load_configuration(options.config)
    if options.function in (cancel, rebuild):
        must_own(config.work)
    elif owner := other_owner(config.work):
        say(whose(config.work, owner), file=sys.stderr)
    check_folders(Paths(config.work))
    check_format(Paths(config.work))
    return options.function(config, options)
