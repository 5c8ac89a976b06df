"""What follows from the decisions that stand for runs and analyses: pure functions of the set of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xomflow.core import times
from xomflow.core.key import Key, first_run, is_group
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


@dataclass(frozen=True, slots=True)
class Backfill:
    """Runs that are analysed beside the others, at low priority.

    Parameters
    ----------
    name
        Of the decision.
    at_once
        How many of them are in progress at a time.
    nice
        ``--nice`` of their jobs; 0: that of old runs.
    words
        Who wants them, and why.
    """

    name: str
    at_once: int
    nice: int
    words: Reason


def backfills(decisions: Iterable[Decision]) -> dict[Key, Backfill]:
    """Return for each key in a backfill the first one that has it."""
    found: dict[Key, Backfill] = {}
    for one in decisions:
        subject = one.subject
        for run in subject.runs if one.what is Verb.BACKFILL else ():
            backfill = Backfill(one.name, subject.most, subject.nice, one.words)
            found.setdefault(Key(subject.analysis, subject.version, run), backfill)
    return found


def backfilled(decisions: Iterable[Decision], analysis: str, version: str) -> frozenset[int]:
    """Return the numbers of the single runs in backfills of one version of an analysis."""
    return frozenset(
        first_run(run)
        for one in decisions
        if one.what is Verb.BACKFILL and (one.subject.analysis, one.subject.version) == (analysis, version)
        for run in one.subject.runs
        if not is_group(run)
    )


def promoted(decisions: Iterable[Decision]) -> frozenset[tuple[str, str]]:
    """Return the analyses and versions that are promoted from trials to what is published."""
    return frozenset((one.subject.analysis, one.subject.version) for one in decisions if one.what is Verb.PROMOTE)


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
