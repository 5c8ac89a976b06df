"""Whether an analysis is suspended: a pure decision from its failed attempts and its newest success.

An analysis whose last ten attempts on different runs failed in the same way would fail on all the others too. So it is
suspended: each tick tries one run, and all go on after the first success. Only failures that a script causes count; the
others show nothing about it. After one such series only a success ends the suspension, not a run that fails in another
way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from xomflow.outcomes.files import Failure

# Number of different runs that must fail in the same way in a row to suspend their analysis.
IN_A_ROW = 10
# Number of the newest failed attempts that are looked at.
_LOOKED_AT = 100
# Failure classes that a script or its settings cause.
CAUSED_BY_SCRIPT = frozenset(
    {"raised", "no_result", "missing_result", "bad_result", "timeout", "out_of_memory", "killed", "setup"},
)


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A failed attempt on one run.

    Parameters
    ----------
    run
        Id of the run or campaign.
    failure
        The failure.
    """

    run: str
    failure: Failure


def find_suspension(
    attempts: Iterable[FailedAttempt],
    newest_success: Callable[[datetime], datetime | None],
    cause_of: Callable[[FailedAttempt], str],
) -> str:
    """Return what the failures have in common that suspend an analysis; empty if it is not suspended.

    Parameters
    ----------
    attempts
        Its failed attempts.
    newest_success
        Returns when its newest success was, if one was since a moment. Called only if it matters.
    cause_of
        Returns failure class and type of the exception. Called only if it matters.
    """
    by_script = (one for one in attempts if one.failure.kind in CAUSED_BY_SCRIPT)
    newest = sorted(by_script, key=lambda one: (one.failure.ended, one.run), reverse=True)[:_LOOKED_AT]
    if not _in_a_row(newest, lambda one: one.failure.kind):
        return ""
    success = newest_success(newest[-1].failure.ended)
    since = [one for one in newest if success is None or one.failure.ended > success]
    return _in_a_row(since, cause_of)


def _in_a_row(attempts: Sequence[FailedAttempt], cause_of: Callable[[FailedAttempt], str]) -> str:
    """Return the cause of the newest attempts in a row on enough different runs; empty if there are none."""
    cause, runs = "", set[str]()
    for one in attempts if len({one.run for one in attempts}) >= IN_A_ROW else ():
        if cause != (its := cause_of(one)):
            cause, runs = its, set()
        runs.add(one.run)
        if len(runs) == IN_A_ROW:
            return cause
    return ""
