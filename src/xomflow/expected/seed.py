"""The start of a new version: results of the version before, shifted by the difference in the runs that both have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

from xomflow.expected.bank import RunResults
from xomflow.expected.method.statistics import robust_fit

# Runs that both versions need, and the most of them that are used: later ones change nothing any more.
FEWEST, MOST = 10, 40
# Results of the version before that are used; no older ones are kept.
HISTORY = 500
_SIGNIFICANT = 2.0


@dataclass(frozen=True, slots=True)
class Seed:
    """What a version begins with.

    Parameters
    ----------
    results
        Results of the version before, moved.
    variances
        By variable, the variance of the difference by which they were moved.
    """

    results: Sequence[RunResults] = ()
    variances: Mapping[str, float] = field(default_factory=dict)


def seed_of(before: Sequence[RunResults], here: Sequence[RunResults]) -> Seed:
    """Return what a version begins with.

    Parameters
    ----------
    before, here
        Results of the version before and of this one, in the order of runs, all of one group of run modes.
    """
    if not here:
        return Seed()
    old = {one.run: one.values for one in before}
    moves, variances = dict[str, float](), dict[str, float]()
    for variable in sorted({name for one in here for name in one.values}):
        both = [
            one.values[variable][0] - old[one.run][variable][0]
            for one in here
            if variable in one.values and variable in old.get(one.run, ())
        ][:MOST]
        if len(both) >= FEWEST:
            mean, width = robust_fit(both)
            error = width / sqrt(len(both))
            moves[variable] = mean if abs(mean) > _SIGNIFICANT * error else 0.0  # counts stay counts
            variances[variable] = error * error
    first = here[0].run
    history = [one for one in before if one.run < first][-HISTORY:] if moves else []
    return Seed([_moved(one, moves) for one in history], variances)


def _moved(one: RunResults, moves: Mapping[str, float]) -> RunResults:
    there = one.values.items()
    return one._replace(
        values={name: (value + moves[name], error) for name, (value, error) in there if name in moves},
    )
