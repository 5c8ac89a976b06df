"""Counts per second of a run, chunk by chunk: 8 bytes per second at any rate; and stretches in which none came."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincinv

from xomphysics.fits.goodness import CHANCE
from xomphysics.poisson import dispersion

Counts = NDArray[np.int64]
_BINS, _MOST_JOINED = 100, 10


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


def clustering(counts: ArrayLike, times: ArrayLike) -> float:
    """Return by how much the variance of counts is larger than that of Poisson counts, at least 1.

    Neighbouring bins are joined, up to ten, where a hundred are left: a cluster at a bin's edge is in two of them.

    Parameters
    ----------
    counts, times
        Events and live time of each bin, shape (bins,); see `xomphysics.poisson.dispersion`.
    """
    width = int(np.clip(np.size(counts) // _BINS, 1, _MOST_JOINED))
    whole = np.size(counts) // width * width
    seen, live = (np.asarray(row, dtype=float)[:whole].reshape(-1, width).sum(axis=1) for row in (counts, times))
    return max(dispersion(seen, live), 1.0)


def silent_share(counts: ArrayLike, times: ArrayLike, spread: float) -> float:
    """Return the share of the live time in stretches without any event that are too long to be chance.

    Of n events at random in a time T, a gap is longer than x with a probability of at most (n + 1) (1 - x / T)^n
    (the spacings of a uniform sample; H. A. David and H. N. Nagaraja, Order Statistics, 2003). Events in clusters count
    as n / ``spread``. A stretch counts if that is below `CHANCE`.

    Parameters
    ----------
    counts, times
        Events and live time of each bin, shape (bins,).
    spread
        See `clustering`.
    """
    seen, live = np.asarray(counts), np.asarray(times, dtype=float)
    total, groups = float(live.sum()), float(seen.sum()) / spread
    if not total > 0 or not groups > 0:
        return 0.0
    stretch = np.bincount(np.cumsum(seen > 0)[seen == 0], weights=live[seen == 0]) / total
    return float(stretch[(groups + 1) * (1 - np.minimum(stretch, 1)) ** groups < CHANCE].sum())


def excess_share(number: int, expected: float, total: int, spread: float) -> float:
    """Return by how many of all events there are more in some time than expected, beyond chance (`CHANCE`).

    Parameters
    ----------
    number, expected, total
        Events in that time, their mean without a reason for more, and all events.
    spread
        See `clustering`.
    """
    chance = spread * float(gammaincinv(expected / spread + 1, 1 - CHANCE))
    return max(number - chance, 0.0) / max(total, 1)
