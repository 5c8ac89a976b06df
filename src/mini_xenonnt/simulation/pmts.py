"""Hits of single TPC PMTs that belong to no peak: dark counts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.random import Generator

from mini_xenonnt import detector
from mini_xenonnt.simulation import vetoes

HIT = np.dtype([("time", np.int64), ("channel", np.int16), ("area", np.float32)])
"""Time in ns since the epoch, channel number, area in ADC counts times samples."""
LENGTH = 200
"""Duration of a hit in ns, with the samples before and after it."""
AREA, WIDTH = 150.0, 0.35
"""Mean area of one photoelectron, and its relative spread."""


def lone_hits(rng: Generator, truth: Mapping[str, Any], start: int, end: int) -> np.ndarray:
    """Simulate dark counts.

    Parameters
    ----------
    truth : Mapping
        With `pmt_dark_rate` (Hz, of one PMT), `pmt_dead_channel` without hits, and `pmt_loud_channel` that has
        `pmt_loud_factor` times the rate of another; channel 0 stands for none. Nothing is recorded within vetoes.
    start, end : int
        Window in ns since the epoch.

    Returns
    -------
    numpy.ndarray
        Array of dtype `HIT`, sorted by time.
    """
    rates = np.full(detector.N_PMTS, float(truth["pmt_dark_rate"]))
    loud, dead = int(truth["pmt_loud_channel"]), int(truth["pmt_dead_channel"])
    if loud:
        rates[loud] *= truth["pmt_loud_factor"]
    if dead:
        rates[dead] = 0.0
    numbers = rng.poisson(rates * (end - start) / 1e9)
    out = np.zeros(numbers.sum(), HIT)
    out["channel"] = np.repeat(np.arange(detector.N_PMTS), numbers)
    out["time"] = rng.integers(start, max(start + 1, end - LENGTH), len(out))
    out["area"] = AREA * np.maximum(rng.normal(1, WIDTH, len(out)), 0.1)
    out = out[~vetoes.hidden(truth, out["time"])]
    return out[np.argsort(out["time"], kind="stable")]
