"""Which runs a person means: RUNS on the command line, and the options that narrow them down. Pure."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from xomflow.core.errors import UsageError
from xomflow.core.given_times import moment_of
from xomflow.core.key import ID, RUN_DIGITS, Key, first_run, is_group
from xomflow.planning.runs.selection import matches
from xomflow.rundb.run import Run

Span = tuple[int, int]
_NUMBER = re.compile(rf"\d{{1,{RUN_DIGITS}}}", re.ASCII)
_FORMS = "write a run as 52894, several as 52801-52899, a campaign as @ANALYSIS/052801-0bea"


@dataclass(frozen=True, slots=True)
class Word:
    """One word of RUNS.

    Parameters
    ----------
    text
        As it was typed.
    first, last
        Numbers of the first and the last run of a range.
    analysis, campaign
        Of a campaign: its analysis and its id.
    members
        Numbers of the runs of a campaign, where single runs are meant by it.
    """

    text: str
    first: int = 0
    last: int = -1
    analysis: str = ""
    campaign: str = ""
    members: frozenset[int] = frozenset()

    def is_about(self, key: Key) -> bool:
        """Return whether a key is meant; of a campaign, by its id or its first run."""
        if self.campaign:
            return (key.analysis, key.run) == (self.analysis, self.campaign)
        return self.first <= first_run(key.run) <= self.last


@dataclass(frozen=True, slots=True)
class WantedRuns:
    """The runs that a person means: those of any word, or all if there is none, that fit all options.

    Parameters
    ----------
    words
        Each names runs.
    modes, tags
        Patterns, of which a run fits one.
    since
        When the runs began at the earliest.
    """

    words: tuple[Word, ...] = ()
    modes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: datetime | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing was given, which means all runs."""
        return not (self.words or self.modes or self.tags or self.since)

    @property
    def bounds(self) -> tuple[int, int | None]:
        """The least and the greatest run number that can be meant; None: no bound, also if a campaign is meant."""
        if not self.words or any(word.campaign for word in self.words):
            return 0, None
        return min(word.first for word in self.words), max(word.last for word in self.words)

    def choose(self, analysis: str, runs: Iterable[Run]) -> list[Run]:
        """Return which runs, or campaigns as runs, of an analysis are meant, in their order."""
        if not self.words:
            return list(filter(self._fits, runs))
        campaigns = {word.campaign for word in self.words if word.analysis == analysis}
        single = {number for word in self.words for number in word.members}
        spans = _merged((word.first, word.last) for word in self.words if not word.campaign)
        return [
            run
            for run in runs
            if (run.id in campaigns or any(one in single or _is_in(one, spans) for one in _numbers(run)))
            and self._fits(run)
        ]

    def choose_keys(self, keys: Iterable[Key]) -> list[Key]:
        """Return which keys are meant by the words alone, where nothing else is known about their runs."""
        return [key for key in keys if not self.words or any(word.is_about(key) for word in self.words)]

    def with_runs(self, members: Mapping[str, Collection[int]]) -> WantedRuns:
        """Return this with single runs in the place of campaigns.

        Parameters
        ----------
        members
            The numbers of their runs, by the text of each word.
        """
        words = (replace(word, members=frozenset(members.get(word.text, ()))) for word in self.words)
        return replace(self, words=tuple(words))

    def without_run(self, found: Iterable[tuple[str, Run]]) -> list[str]:
        """Return the words, modes and tags that name none of these pairs of analysis and run."""
        pairs = list(found) if self.words or self.modes or self.tags else []
        modes = {mode for mode in self.modes if not any(matches(run.mode, (mode,)) for _, run in pairs)}
        tags = {one for one in self.tags if not any(matches(tag, (one,)) for _, run in pairs for tag in run.tags)}
        ids = {(analysis, run.id) for analysis, run in pairs}
        spans = _merged((number, number) for _, run in pairs for number in _numbers(run))
        empty = [word.text for word in self.words if not _names_any(word, ids, spans)]
        return [*empty, *(f"--mode {one}" for one in sorted(modes)), *(f"--tag {one}" for one in sorted(tags))]

    def _fits(self, run: Run) -> bool:
        return (
            (not self.modes or matches(run.mode, self.modes))
            and (not self.tags or any(matches(tag, self.tags) for tag in run.tags))
            and (self.since is None or run.start >= self.since)
        )


def parse_runs(
    words: Iterable[str],
    modes: Sequence[str] = (),
    tags: Sequence[str] = (),
    since: str | None = None,
    *,
    now: datetime,
) -> WantedRuns:
    """Return what RUNS and its options mean.

    Parameters
    ----------
    words, modes, tags, since
        As they were typed.
    now
        The present, from which a length of time in ``since`` counts.

    Raises
    ------
    UsageError
        For a wrong form.
    """
    try:
        began = moment_of(since, now) if since is not None else None
    except ValueError as error:
        raise UsageError(f"--since: {error}") from None
    return WantedRuns(tuple(map(_word, words)), tuple(modes), tuple(tags), began)


def _names_any(word: Word, ids: Collection[tuple[str, str]], spans: Sequence[Span]) -> bool:
    if word.campaign:
        return (word.analysis, word.campaign) in ids or any(_is_in(number, spans) for number in word.members)
    place = bisect_right(spans, (word.last, math.inf)) - 1
    return place >= 0 and spans[place][1] >= word.first


def _numbers(run: Run) -> tuple[int, ...]:
    return run.members or (run.number,)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans of numbers, both ends included, in order and without overlaps."""
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _is_in(number: int, spans: Sequence[Span]) -> bool:
    place = bisect_right(spans, (number, math.inf)) - 1
    return place >= 0 and spans[place][1] >= number


def _word(text: str) -> Word:
    """Return the meaning of one word of RUNS; `UsageError` for a wrong form."""
    if text.startswith("@"):
        analysis, _, campaign = text[1:].partition("/")
        if not analysis or not re.fullmatch(ID, campaign, re.ASCII) or not is_group(campaign):
            raise UsageError(f"RUNS {text!r} is no campaign: write it as @ANALYSIS/052801-0bea")
        return Word(text, analysis=analysis, campaign=campaign)
    first, dash, last = text.partition("-")
    last = last if dash else first
    if not (_NUMBER.fullmatch(first) and _NUMBER.fullmatch(last)):
        if re.fullmatch(ID, text, re.ASCII):
            raise UsageError(f"RUNS {text!r} is the id of a campaign: write it with its analysis, @ANALYSIS/{text}")
        raise UsageError(f"RUNS {text!r} is neither a run nor a range of runs nor a campaign: {_FORMS}")
    if int(last) < int(first):
        raise UsageError(f"RUNS {text!r} ends before it begins: {_FORMS}")
    return Word(text, int(first), int(last))
