"""Channels with far too few or far too many hits, found with a low rate of false alarms per detector."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaincc


@dataclass(frozen=True)
class OddChannels:
    """Result of `find_odd_channels`.

    Attributes
    ----------
    silent, loud
        Indices of the channels.
    median
        Median count of the channels.
    """

    silent: NDArray[np.int64]
    loud: NDArray[np.int64]
    median: float


def minimum_median(n: int, silent_below: float, false_alarm: float) -> float:
    """Return the smallest median count at which a channel without any hit is significantly silent."""
    return float(-np.log(false_alarm / n) / silent_below)


def find_odd_channels(counts: ArrayLike, silent_below: float, loud_above: float, false_alarm: float) -> OddChannels:
    """Find channels whose rate is significantly below or above limits relative to the median channel.

    A channel is silent if a rate of ``silent_below`` times the median would give its count, or fewer, with a
    probability of less than ``false_alarm / n`` (Poisson); loud in the same way. So if all n channels are within
    the limits, at most a share ``false_alarm`` of the runs has any silent channel, and the same for loud ones
    (Bonferroni's inequality: this is the look-elsewhere effect). The error of the median is neglected.

    Parameters
    ----------
    counts
        Hits of each channel, shape (n,).
    silent_below, loud_above
        Limits of an ordinary channel, as multiples of the median.
    false_alarm
        Probability per run.
    """
    hits = np.asarray(counts, dtype=float)
    median = float(np.median(hits)) if len(hits) else 0.0
    if not median > 0:
        none = np.zeros(0, dtype=np.int64)
        return OddChannels(none, none, median)
    least = false_alarm / len(hits)
    at_most = gammaincc(hits + 1, silent_below * median)
    at_least = np.where(hits > 0, gammainc(np.maximum(hits, 1), loud_above * median), 1.0)
    return OddChannels(np.flatnonzero(at_most < least), np.flatnonzero(at_least < least), median)
