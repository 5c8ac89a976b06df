"""The decisions that stand at the time of a survey, in the form in which the state of a key depends on them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from xomflow.core import times
from xomflow.core.key import Key, first_run, run_id
from xomflow.core.paths import Paths
from xomflow.core.reason import Reason
from xomflow.core.state import State
from xomflow.decisions.effects import Backfill, Grant, backfills, grants, held_back, redo_words, vetoes
from xomflow.decisions.files import standing_decisions
from xomflow.decisions.model import Decision, Verb
from xomflow.planning.decide import Decided
from xomflow.planning.items import Item
from xomflow.rundb.run import Run

# What is over once it has begun; all other decisions hold until they end or are taken back.
ORDERS = frozenset({Verb.RETRY, Verb.REDO})
# Whether these still hold follows from their keys.
OF_KEYS = ORDERS | {Verb.BACKFILL}


@dataclass(slots=True)
class Standing:
    """What people decided, as of one look.

    Parameters
    ----------
    made
        The decisions that stand.
    to_redo
        The keys whose present outcome is to be made again, with the number of the attempt that made it.
    tried
        The vetoed keys for which a retry has begun, since they have outcomes.
    """

    made: tuple[Decision, ...] = ()
    to_redo: Mapping[Key, int] = field(default_factory=dict)
    tried: frozenset[Key] = frozenset()
    _grants: dict[Key, tuple[Grant, ...]] = field(init=False)
    _redo: dict[Key, Reason] = field(init=False)
    _backfills: dict[Key, Backfill] = field(init=False)
    _of_analysis: dict[str, tuple[dict[int, Reason], Reason | None]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._grants, self._redo = grants(self.made), redo_words(self.made)
        self._backfills = backfills(self.made)

    @classmethod
    def read(cls, paths: Paths, now: datetime, to_redo: Mapping[Key, int]) -> Standing:
        """Return the decisions that hold at a moment, and the outcomes to make again; reads only."""
        made = standing_decisions(paths, now)
        return cls(made, to_redo, _tried(paths, made))

    def vetoed(self, analysis: str) -> dict[int, Reason]:
        """Return the numbers of the runs that are vetoed for an analysis, with the reason."""
        return self._about(analysis)[0]

    def apart(self, analysis: str) -> set[str]:
        """Return the ids of runs of an analysis, or of more, whose state does not follow from their data alone."""
        return {key.run for key in self.to_redo} | {run_id(number) for number in self.vetoed(analysis)}

    def decided(self, key: Key, run: Run) -> Decided:
        """Return what was decided about a key."""
        vetoed, held = self._about(key.analysis)
        return Decided(vetoed.get(run.number), held, self._redo.get(key), self._grants.get(key, ()))

    def backfill_of(self, key: Key) -> Backfill | None:
        """Return the backfill that has a key; None if none has."""
        return self._backfills.get(key)

    def backfilled(self, analysis: str, version: str) -> frozenset[str]:
        """Return the ids of the runs and campaigns of one version of an analysis that are in backfills."""
        return frozenset(key.run for key in self._backfills if (key.analysis, key.version) == (analysis, version))

    def lines(self, items: Iterable[Item]) -> list[str]:
        """Return a sentence for each decision that holds something back, or is an order that has not begun.

        Parameters
        ----------
        items
            The keys that are not done.
        """
        there = {item.key: item for item in items} if any(one.what in OF_KEYS for one in self.made) else {}
        shown = [one for one in self.made if one.what is not Verb.ACCEPT and self.holds(one, there)]
        return [_sentence(one) for one in reversed(shown)]

    def about(self, number: int, items: Iterable[Item]) -> list[str]:
        """Return a sentence for each decision that holds and is about a run, or about all runs of an analysis or site.

        Parameters
        ----------
        number
            Number of the run.
        items
            The keys that are not done.
        """
        there = {item.key: item for item in items}
        campaigns = {item.key.run for item in there.values() if number in item.run.members}
        ids = {run_id(number), *campaigns}
        found = [one for one in self.made if not one.subject.runs or ids.intersection(one.subject.runs)]
        return [_sentence(one) for one in found if one.what is not Verb.ACCEPT and self.holds(one, there)]

    def holds(self, one: Decision, items: Mapping[Key, Item]) -> bool:
        """Return whether a decision still has an effect.

        An order that has begun for all its runs has none, and a backfill whose runs are all done.

        Parameters
        ----------
        one
            The decision, which stands.
        items
            The keys that are not done.
        """
        if one.what is Verb.BACKFILL:
            return any(Key(one.subject.analysis, one.subject.version, run) in items for run in one.subject.runs)
        return one.what not in ORDERS or any(True for _ in self.not_begun(one, items))

    def not_begun(self, one: Decision, items: Mapping[Key, Item]) -> Iterator[Key]:
        """Yield the keys for which an order has not begun."""
        afters = one.subject.attempts or (None,) * len(one.subject.runs)
        for run, after in zip(one.subject.runs, afters, strict=False):
            key = Key(one.subject.analysis, one.subject.version, run)
            last = self.to_redo.get(key) if after is None else after
            item = None if key in self.tried else items.get(key)
            if item and item.state.name is not State.RUNNING and item.state.attempt - 1 == last:
                yield key

    def _about(self, analysis: str) -> tuple[dict[int, Reason], Reason | None]:
        if analysis not in self._of_analysis:
            self._of_analysis[analysis] = (vetoes(self.made, analysis), held_back(self.made, analysis))
        return self._of_analysis[analysis]


def _tried(paths: Paths, made: Collection[Decision]) -> frozenset[Key]:
    """Return the keys of retries that are vetoed and have outcomes: they are not done, and nothing is left to try."""
    retried = {
        Key(one.subject.analysis, one.subject.version, run)
        for one in made
        if one.what is Verb.RETRY
        for run in one.subject.runs
    }
    vetoed = {analysis: vetoes(made, analysis) for analysis in {key.analysis for key in retried}}
    both = (key for key in retried if first_run(key.run) in vetoed[key.analysis])
    return frozenset(key for key in both if paths.outcome(key).exists())


def _sentence(one: Decision) -> str:
    until = f" until {times.text(one.until)}" if one.until else ""
    return f"{one.title}: {one.words} ({times.text(one.when)}{until})"
