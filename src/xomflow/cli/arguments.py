"""Arguments that several commands have."""

from __future__ import annotations

import argparse
import re
from datetime import datetime
from typing import get_args

from xomflow.core import times
from xomflow.core.errors import UsageError
from xomflow.core.given_times import moment_of
from xomflow.core.key import ID, run_id
from xomflow.core.messages import did_you_mean
from xomflow.outcomes.model import FailureKind
from xomflow.planning.runs.wanted import WantedRuns, parse_runs

RUNS_HELP = "52894, 52801-52899, or a campaign as @ANALYSIS/052801-0bea; several are added up"


def reason(text: str) -> str:
    """Return a reason without blanks around it."""
    if not text.strip():
        raise argparse.ArgumentTypeError("a reason is needed")
    return text.strip()


def analysis_name(text: str) -> str:
    """Return the name of an analysis, which is that of a folder too."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,79}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be the name of an analysis")
    return text


def failure_class(text: str) -> str:
    """Return the class of a failure."""
    known = get_args(FailureKind)
    if text not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is no class of a failure{did_you_mean(text, known)}")
    return text


def run_number(text: str) -> int:
    """Return the number in a run id, or that of the first run in the id of a campaign."""
    if not re.fullmatch(rf"\d+|{ID}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a run number nor the id of a campaign")
    return int(text.partition("-")[0])


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


def add_until(parser: argparse.ArgumentParser) -> None:
    """Add ``--until``, with which a decision ends by itself."""
    parser.add_argument(
        "--until", help="when it ends by itself, as 2026-11-20, 2026-11-20T12:00 or '3 d'; default: never"
    )


def until(options: argparse.Namespace, now: datetime) -> datetime | None:
    """Return when a decision ends by itself; `UsageError` for a wrong form, and for what is past."""
    text = getattr(options, "until", None)
    if text is None:
        return None
    try:
        ends = moment_of(text, now, ahead=True)
    except ValueError as error:
        raise UsageError(f"--until: {error}") from None
    if ends <= now:
        raise UsageError(f"--until: {text!r} is past")
    return ends


def add_runs(parser: argparse.ArgumentParser, analyses: bool = False, narrow: bool = True) -> None:
    """Add RUNS, and the options that narrow them down.

    Parameters
    ----------
    parser
        Of the command.
    analyses
        Whether names of analyses may follow, see `named_analyses`.
    narrow
        Whether there are options that narrow the runs down, for which their documents are read.
    """
    more = "; then the analyses, none: all" if analyses else ""
    parser.add_argument("runs", nargs="*", metavar="RUNS [ANALYSIS]" if analyses else "RUNS", help=RUNS_HELP + more)
    parser.set_defaults(with_analyses=analyses)
    parser.set_defaults(mode=[], tag=[], since=None)
    if narrow:
        parser.add_argument("--mode", action="append", help="only runs of this mode, * stands for any text")
        parser.add_argument("--tag", action="append", help="only runs with this tag, * stands for any text")
        parser.add_argument(
            "--since", help="only runs that began since a time, as 2026-11-20, 2026-11-20T12:00 or '3 d'"
        )


def wanted_runs(options: argparse.Namespace) -> WantedRuns:
    """Return what RUNS and its options name; `UsageError` with one sentence for a wrong form."""
    words = [word for word in options.runs if not (options.with_analyses and _is_name(word))]
    return parse_runs(words, options.mode, options.tag, options.since, now=times.now())


def named_analyses(options: argparse.Namespace) -> list[str]:
    """Return the names of analyses among the words of RUNS, which begin with a letter."""
    return list(filter(_is_name, options.runs))


def positive(text: str) -> int:
    """Return a number above 0."""
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _is_name(word: str) -> bool:
    return word[:1].isalpha() and word.isascii()
