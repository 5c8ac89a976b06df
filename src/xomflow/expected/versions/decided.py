"""What people decided about single runs, as far as verdicts follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from xomflow.core import times
from xomflow.core.key import first_run
from xomflow.decisions.model import Decision, Verb, standing
from xomflow.expected.bank import RunResults


@dataclass(frozen=True, slots=True)
class Decided:
    """The decisions about one analysis.

    Parameters
    ----------
    bad
        Numbers of bad runs.
    renewed
        Number of the first run of each intended change, with the variable; empty: all.
    muted
        Variable (empty: all), and from when to when (UTC; empty: for ever) its results are not marked.
    """

    bad: tuple[int, ...] = ()
    renewed: tuple[tuple[int, str], ...] = ()
    muted: tuple[tuple[str, str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the form in files."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Any) -> Decided:
        """Return what `to_json` wrote."""
        renewed = tuple((int(number), str(variable)) for number, variable in content["renewed"])
        muted = tuple((str(variable), str(since), str(until)) for variable, since, until in content["muted"])
        return cls(tuple(map(int, content["bad"])), renewed, muted)

    def on(self, results: RunResults, before: int) -> RunResults:
        """Return the results of a run with what was decided about it.

        Parameters
        ----------
        results
            The results.
        before
            Number of the run before.
        """
        number = first_run(results.run)
        renewed = frozenset(variable for first, variable in self.renewed if before < first <= number)
        muted = frozenset(
            variable
            for variable, since, until in self.muted
            if since <= results.start and (not until or results.start < until)
        )
        if number not in self.bad and not renewed and not muted:
            return results
        return results._replace(is_bad=number in self.bad, renewed=renewed, muted=muted)

    def changes(self, before: Decided) -> tuple[list[int], list[str]]:
        """Return the numbers of runs, and the times, from which on this differs from earlier decisions."""
        runs = set(self.bad) ^ set(before.bad)
        firsts = {number for number, _ in set(self.renewed) ^ set(before.renewed)}
        return sorted(runs | firsts), sorted({since for _, since, _ in set(self.muted) ^ set(before.muted)})


def decided_about(made: Iterable[Decision], analysis: str, now: datetime) -> Decided:
    """Return what was decided about the runs of an analysis.

    Parameters
    ----------
    made
        All decisions; a mute that is over still covers its time.
    analysis
        The analysis.
    now
        The present.
    """
    every = list(made)
    ends = {one.name: one.until for one in every}
    stand = list(standing((replace(one, until=None) if one.what is Verb.MUTE else one for one in every), now))
    about = [one for one in stand if one.subject.analysis in ("", analysis)]
    bad = {first_run(run) for one in about if one.what is Verb.BAD_RUN for run in one.subject.runs}
    renewed = {
        (first_run(run), one.subject.variable) for one in about if one.what is Verb.EXPECT for run in one.subject.runs
    }
    return Decided(tuple(sorted(bad)), tuple(sorted(renewed)), tuple(sorted(_muted(about, ends))))


def _muted(about: Iterable[Decision], ends: dict[str, datetime | None]) -> Iterator[tuple[str, str, str]]:
    for one in about:
        if one.what is Verb.MUTE:
            until = ends.get(one.name)
            yield one.subject.variable, times.text(one.when), times.text(until) if until else ""
