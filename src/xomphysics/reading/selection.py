"""Cuts in order, with the number of events that pass each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Events = Mapping[str, NDArray[Any]]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Cut:
    """A named condition on events.

    Attributes
    ----------
    name
        Identifier, part of the names in the results.
    text
        The condition in words and numbers, for figure and log.
    passes
        Takes the events' columns, each of shape (events,), and returns which pass.
    """

    name: str
    text: str
    passes: Callable[[Any], Mask]


class CutFlow:
    """Applies cuts in order to one chunk after the other and counts.

    Parameters
    ----------
    cuts
        In the order in which they are applied and counted.

    Attributes
    ----------
    total
        Events seen.
    passed
        Events that passed each cut and all before it, shape (cuts,).
    """

    def __init__(self, cuts: Sequence[Cut]) -> None:
        self.cuts = tuple(cuts)
        self.total = 0
        self.passed = np.zeros(len(self.cuts), dtype=np.int64)

    def select(self, events: Any) -> Mask:
        """Return which of ``events`` (a structured array) pass all cuts, and count them.

        A comparison with NaN is false, so an event with NaN in the column of a cut does not pass it.
        """
        keep = np.ones(len(events), dtype=bool)
        self.total += len(events)
        for i, cut in enumerate(self.cuts):
            keep &= cut.passes(events)
            self.passed[i] += np.count_nonzero(keep)
        return keep

    def then(self, cut: Cut, passed: int) -> None:
        """Add a cut that could be made only after all events were seen, and how many passed it."""
        self.cuts = (*self.cuts, cut)
        self.passed = np.append(self.passed, passed)

    @property
    def selected(self) -> int:
        """Number of events that passed all cuts."""
        return int(self.passed[-1]) if self.cuts else self.total

    def counts(self) -> dict[str, int]:
        """Return ``{"all": ..., <name of a cut>: events that passed it and all before}``."""
        return {"all": self.total} | {cut.name: int(n) for cut, n in zip(self.cuts, self.passed, strict=True)}

    def table(self) -> str:
        """Return the cut flow as text, one line per cut."""
        rows = [("all events", self.total), *zip((cut.text for cut in self.cuts), self.passed, strict=True)]
        width = max(len(text) for text, _ in rows)
        return "\n".join(f"{text:<{width}} {count:>10d}" for text, count in rows)


def within(name: str, column: str, limits: Sequence[float | None], label: str) -> Cut:
    """Return the cut ``low <= column < high``; a limit of None leaves that side open.

    NaN never passes.

    Raises
    ------
    ValueError
        If ``limits`` are not two, or the lower one is not below the upper one.
    """
    if len(limits) != 2:
        raise ValueError(f"{name} is {list(limits)}, a lower and an upper limit are needed")
    low = -np.inf if limits[0] is None else float(limits[0])
    high = np.inf if limits[1] is None else float(limits[1])
    if not low < high:
        raise ValueError(f"{name} is [{low:g}, {high:g}], the lower limit has to be below the upper one")
    text = f"{label} {_words(low, high)}"
    return Cut(name, text, lambda events: np.asarray((events[column] >= low) & (events[column] < high)))


def _words(low: float, high: float) -> str:
    if np.isinf(low):
        return f"< {high:g}"
    if np.isinf(high):
        return f"≥ {low:g}"
    return f"{low:g} to {high:g}"
