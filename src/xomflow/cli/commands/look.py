"""Commands that look at a site; they only read."""

from __future__ import annotations

import argparse
import sys

from xomflow.cli.arguments import run_number, run_or_campaign
from xomflow.cli.command import Command
from xomflow.config.model import Config
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import Paths
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


def _of_status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--documents", action="store_true", help="list each run document that cannot be understood instead"
    )


def _of_why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=run_number, help="run number, or the id of a campaign")


def _of_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("analysis")
    parser.add_argument("run", type=run_or_campaign, help="run number, or the id of a campaign")
    parser.add_argument("--attempt", type=int, help="number of a failed attempt; default: the newest log")
    parser.add_argument("--version", help="version of the analysis; default: the configured one")


COMMANDS = (Command(status, _of_status), Command(why, _of_why), Command(log, _of_log))
