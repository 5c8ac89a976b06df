"""What the veto detectors and the acquisition monitor see: hitlets of veto events and dark counts, busy intervals."""

import numpy as np
from numpy.random import Generator

HITLET = np.dtype([("time", np.int64), ("channel", np.int16), ("area", np.float32)])
"""Time in ns since the epoch, channel number, area in PE."""
EVENT_DECAY = 40.0
EVENT_MARGIN = 5_000
MIN_HITS, MEAN_FURTHER_HITS = 6, 8.0


def hitlets(
    rng: Generator, rate: float, dark_rate: float, channels: tuple[int, int], start: int, end: int
) -> np.ndarray:
    """Simulate the hitlets of one veto detector.

    Parameters
    ----------
    rate, dark_rate : float
        Rates in Hz of veto events and of single hits in the whole detector. An event has at least 6 hits within some
        40 ns, above any coincidence level; dark counts make no coincidence of their own.
    channels : tuple of int
        First and last channel.
    start, end : int
        Window in ns since the epoch.

    Returns
    -------
    numpy.ndarray
        Array of dtype `HITLET`, sorted by time.
    """
    seconds = (end - start) / 1e9
    last = max(start + 1, end - EVENT_MARGIN)
    event = rng.integers(start, last, rng.poisson(rate * seconds))
    hit = np.repeat(event, MIN_HITS + rng.poisson(MEAN_FURTHER_HITS, len(event)))
    hit = hit + np.minimum(rng.exponential(EVENT_DECAY, len(hit)), EVENT_MARGIN / 2).astype(np.int64)
    dark = rng.integers(start, last, rng.poisson(dark_rate * seconds))
    out = np.zeros(len(hit) + len(dark), HITLET)
    out["time"] = np.sort(np.concatenate([hit, dark]))
    out["channel"] = rng.integers(channels[0], channels[1] + 1, len(out))
    out["area"] = rng.exponential(1.2, len(out))
    return out


def intervals(rng: Generator, rate: float, duration: int, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Simulate veto intervals that never overlap: a renewal process with the given mean rate.

    Parameters
    ----------
    rate : float
        Intervals per second; `rate * duration` is the fraction of time within them, at most 0.9.
    duration : int
        Length of each interval in ns.
    start, end : int
        Window in ns since the epoch.

    Returns
    -------
    tuple of numpy.ndarray
        Starts and ends in ns since the epoch, all within the window.

    Raises
    ------
    ValueError
        If the intervals would fill more than 90 % of the time.
    """
    if rate * duration / 1e9 > 0.9:
        raise ValueError(f"veto intervals of {duration} ns at {rate} Hz fill more than 90 % of the time")
    if rate <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    expected = rate * (end - start) / 1e9
    gaps = rng.exponential(1e9 / rate - duration, int(expected + 10 * np.sqrt(expected) + 20))
    offsets = np.cumsum(gaps) + duration * np.arange(len(gaps))
    starts = start + offsets[offsets < end - start - duration].astype(np.int64)
    return starts, starts + duration
