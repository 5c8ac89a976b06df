"""Counts per second of a run, chunk by chunk: 8 bytes per second at any rate."""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


class CountsPerSecond:
    """Counts events in the seconds since the start of the run.

    Attributes
    ----------
    counts
        Events per second, shape (seconds,), the last second included even if it is not a whole one.
    start, end
        Start and end of the data counted so far (ns since 1970).
    """

    def __init__(self) -> None:
        self.counts: Counts = np.zeros(0, dtype=np.int64)
        self.start, self.end = 0, 0

    @property
    def span(self) -> float:
        """Seconds from the start of the first to the end of the last chunk."""
        return (self.end - self.start) / 1e9

    def add(self, times: NDArray[np.int64], start: int, end: int) -> None:
        """Count one chunk with events at ``times``, from ``start`` to ``end`` (ns since 1970)."""
        self.start, self.end = (self.start if self.end else start), end
        seconds = -((self.start - end) // 10**9)
        longer = np.zeros(max(len(self.counts), seconds), dtype=np.int64)
        longer[: len(self.counts)] = self.counts
        longer += np.bincount((times - self.start) // 10**9, minlength=len(longer))[: len(longer)]
        self.counts = longer

    def parts(self, per_part: int = 20, most: int = 60) -> tuple[NDArray[np.float64], Counts]:
        """Return edges (s since the start) and counts in at most ``most`` equal parts, about ``per_part`` events each.

        Only whole seconds are used: up to one second at the end of the run is left out.
        """
        seconds = int(self.span)
        parts = int(np.clip(self.counts.sum() // per_part, 1, min(most, max(seconds, 1))))
        width = max(seconds // parts, 1)
        counts = self.counts[: width * parts].reshape(-1, width).sum(axis=1, dtype=np.int64)
        return np.arange(len(counts) + 1, dtype=np.float64) * width, counts
