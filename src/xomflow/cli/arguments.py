"""Arguments that several commands have."""

from __future__ import annotations

import argparse
import re
from datetime import datetime

from xomflow.core import times
from xomflow.core.given_times import moment_of
from xomflow.core.key import ID, run_id
from xomflow.planning.runs.wanted import WantedRuns, parse_runs

RUNS_HELP = "52894, 52801-52899, or a campaign as @ANALYSIS/052801-0bea; several are added up"


def reason(text: str) -> str:
    """Return a reason without blanks around it."""
    if not text.strip():
        raise argparse.ArgumentTypeError("a reason is needed")
    return text.strip()


def analysis_name(text: str) -> str:
    """Return the name of an analysis, which is that of a folder too."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be the name of an analysis")
    return text


def run_number(text: str) -> int:
    """Return the number in a run id, or that of the first run in the id of a campaign."""
    number = text.partition("-")[0]
    if not (number.isascii() and number.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a run number nor the id of a campaign")
    return int(number)


def run_or_campaign(text: str) -> str:
    """Return the id of a run or campaign."""
    return text if re.fullmatch(ID, text, re.ASCII) else run_id(run_number(text))


def past_moment(text: str) -> datetime:
    """Return the moment that a person gives; a length of time is one before now."""
    try:
        return moment_of(text, times.now())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_reason(parser: argparse.ArgumentParser) -> None:
    """Add ``--why``, which every decision needs."""
    parser.add_argument("--why", type=reason, required=True, help="the reason, for those who read it later")


def add_runs(parser: argparse.ArgumentParser, many: str = "*") -> None:
    """Add RUNS, and the options that narrow them down.

    Parameters
    ----------
    parser
        Of the command.
    many
        How many words there may be, as for `argparse`.
    """
    parser.add_argument("runs", nargs=many, metavar="RUNS", help=RUNS_HELP)
    parser.add_argument("--mode", action="append", default=[], help="only runs of this mode, * stands for any text")
    parser.add_argument("--tag", action="append", default=[], help="only runs with this tag, * stands for any text")
    parser.add_argument("--since", help="only runs that began since a time, as 2026-11-20, 2026-11-20T12:00 or '3 d'")


def wanted_runs(options: argparse.Namespace, now: datetime | None = None) -> WantedRuns:
    """Return what RUNS and its options name; `UsageError` with one sentence for a wrong form."""
    words = [options.runs] if isinstance(options.runs, str) else options.runs
    return parse_runs(words, options.mode, options.tag, options.since, now=now or times.now())
