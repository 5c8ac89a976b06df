"""What follows from the decisions that stand for runs and analyses: pure functions of the set of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xomflow.core import times
from xomflow.core.key import Key, first_run
from xomflow.core.reason import Reason
from xomflow.decisions.model import Decision, Verb


@dataclass(frozen=True, slots=True)
class Grant:
    """More attempts at one key, the first of them now.

    Parameters
    ----------
    after
        Number of the last attempt when they were allowed; the first of them has the next number.
    attempts
        How many they are.
    words
        Who allowed them, and why.
    """

    after: int
    attempts: int
    words: Reason

    def covers(self, attempt: int) -> bool:
        """Return whether an attempt of this number is one of them."""
        return self.after < attempt <= self.after + self.attempts

    def wants_now(self, attempt: int) -> bool:
        """Return whether an attempt of this number is the first of them, which waits for nothing."""
        return self.covers(attempt) and attempt == self.after + 1


def vetoes(decisions: Iterable[Decision], analysis: str) -> dict[int, Reason]:
    """Return the numbers of the runs that are vetoed for an analysis, each with a phrase by whom, and why."""
    return {
        first_run(run): Reason(f"vetoed by {one.words}")
        for one in decisions
        if one.what is Verb.VETO and one.subject.analysis in ("", analysis)
        for run in one.subject.runs
    }


def grants(decisions: Iterable[Decision]) -> dict[Key, tuple[Grant, ...]]:
    """Return the attempts that people allow, by key."""
    found: dict[Key, tuple[Grant, ...]] = {}
    for one in decisions:
        subject = one.subject
        for run, after in zip(subject.runs, subject.attempts, strict=False) if one.what is Verb.RETRY else ():
            key = Key(subject.analysis, subject.version, run)
            found[key] = (*found.get(key, ()), Grant(after, subject.most, one.words))
    return found


def redo_words(decisions: Iterable[Decision]) -> dict[Key, Reason]:
    """Return for each key that is to be done again a phrase by whom, and why."""
    return {
        Key(one.subject.analysis, one.subject.version, run): one.words
        for one in decisions
        if one.what is Verb.REDO
        for run in one.subject.runs
    }


def held_back(decisions: Iterable[Decision], analysis: str) -> Reason | None:
    """Return why no run of an analysis is taken: the site is drained, or the analysis paused; None if neither."""
    for one in decisions:
        until = f" until {times.text(one.until)}" if one.until else ""
        if one.what is Verb.DRAIN:
            return Reason(f"the site is drained{until} by {one.words}")
        if one.what is Verb.PAUSE and one.subject.analysis == analysis:
            return Reason(f"{analysis} is paused{until} by {one.words}")
    return None


def drained(decisions: Iterable[Decision]) -> Decision | None:
    """Return the decision by which the site is drained; None if it is not."""
    return next((one for one in decisions if one.what is Verb.DRAIN), None)
