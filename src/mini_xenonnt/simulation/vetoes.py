"""Data of the veto detectors and the acquisition monitor: hitlets of veto events and dark counts, veto intervals."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from mini_xenonnt import detector

HITLET = np.dtype([("time", np.int64), ("channel", np.int16), ("area", np.float32)])
"""Time in ns since the epoch, channel number, area in PE."""
EVENT_DECAY = 40.0
EVENT_LENGTH = 250
"""No hit of an event is later than this after its first: within straxen's resolving time of 300 ns."""
EVENT_MARGIN = 5_000
MIN_HITS, MEAN_FURTHER_HITS = 6, 8.0
PE_PER_HIT = 1.2
_NEVER = 1e-9  # expected intervals; the gaps of so rare a process would overflow
INTERVALS = ("busy", "hev")
"""Kinds of veto intervals; each has the truths <kind>_rate and <kind>_duration."""


@dataclass(frozen=True)
class Detector:
    """A veto detector: the beginning of its truths' names, and its first and last channel."""

    truths: str
    channels: tuple[int, int]

    def of(self, truth: Mapping[str, Any], name: str) -> float:
        """Return one of its truths."""
        return float(truth[f"{self.truths}_{name}"])


DETECTORS = {"nv": Detector("nveto", detector.NV_CHANNELS), "mv": Detector("muveto", detector.MV_CHANNELS)}
"""Veto detectors by the suffix of their data types in straxen."""


def mean_hits(truth: Mapping[str, Any], of: Detector) -> float:
    """Return the mean number of hits of an event without dark counts; a dead channel reduces it."""
    first, last = of.channels
    dead = first <= of.of(truth, "dead_channel") <= last
    return (MIN_HITS + MEAN_FURTHER_HITS) * (1 - dead / (last - first + 1))


def pmts(columns: int = 20, rows: int = 6, radius: float = 2000.0, height: float = 2500.0) -> dict[str, np.ndarray]:
    """Return the positions of the neutron veto's PMTs (mm): rings above each other on a cylinder, as x, y, z."""
    angle = np.tile(2 * np.pi * np.arange(columns) / columns, rows)
    depth = np.repeat(np.linspace(-height / 2, height / 2, rows), columns)
    return {"x": radius * np.cos(angle), "y": radius * np.sin(angle), "z": depth}


def hitlets(rng: Generator, truth: Mapping[str, Any], of: Detector, start: int, end: int) -> np.ndarray:
    """Simulate the hitlets of one veto detector.

    Parameters
    ----------
    truth : Mapping
        With the detector's truths `rate` and `dark_rate` (Hz): veto events, and single hits in the whole detector. An
        event has at least 6 hits within some 40 ns, above any coincidence level; dark counts make no coincidence of
        their own. `dead_channel` has no hits; `loud_channel` has `loud_factor` times the dark counts of another more.
    of : Detector
        The detector.
    start, end : int
        Window in ns since the epoch.

    Returns
    -------
    numpy.ndarray
        Array of dtype `HITLET`, sorted by time.
    """
    seconds, (lowest, highest) = (end - start) / 1e9, of.channels
    last = max(start + 1, end - EVENT_MARGIN)
    event = rng.integers(start, last, rng.poisson(of.of(truth, "rate") * seconds))
    hit = np.repeat(event, MIN_HITS + rng.poisson(MEAN_FURTHER_HITS, len(event)))
    hit = hit + np.minimum(rng.exponential(EVENT_DECAY, len(hit)), EVENT_LENGTH).astype(np.int64)
    dark_rate = of.of(truth, "dark_rate")
    dark = rng.integers(start, last, rng.poisson(dark_rate * seconds))
    out = np.zeros(len(hit) + len(dark), HITLET)
    out["time"] = np.concatenate([hit, dark])
    out["channel"] = rng.integers(lowest, highest + 1, len(out))
    loud = int(of.of(truth, "loud_channel"))
    if lowest <= loud <= highest:
        more = of.of(truth, "loud_factor") * dark_rate / (highest - lowest + 1)
        extra = np.zeros(rng.poisson(more * seconds), HITLET)
        extra["time"], extra["channel"] = rng.integers(start, last, len(extra)), loud
        out = np.concatenate([out, extra])
    out = out[out["channel"] != int(of.of(truth, "dead_channel"))]
    out["area"] = rng.exponential(PE_PER_HIT, len(out))
    return out[np.argsort(out["time"], kind="stable")]


def intervals_of(truth: Mapping[str, Any], kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and ends (ns since the epoch) of the veto intervals of one kind in a whole run, always the same."""
    rng = np.random.default_rng([truth["seed"], int(truth["run_id"]), zlib.crc32(kind.encode())])
    duration = int(1e6 * truth[f"{kind}_duration"])
    last = int(1e9 * truth.get("last_veto", 0.0)) if kind == "hev" else 0
    end = truth["end_ns"] - last
    starts, ends = intervals(rng, truth[f"{kind}_rate"], duration, truth["start_ns"], end)
    return (np.append(starts, end), np.append(ends, truth["end_ns"] + duration)) if last else (starts, ends)


def hidden(truth: Mapping[str, Any], times: np.ndarray) -> np.ndarray:
    """Return which of `times` (ns since the epoch) lie within a veto interval, where nothing is recorded."""
    inside = np.zeros(len(times), dtype=bool)
    for kind in INTERVALS:
        starts, ends = intervals_of(truth, kind)
        last = np.searchsorted(starts, times, side="right") - 1
        inside |= (last >= 0) & (times < np.append(ends, 0)[last])
    return inside


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
    expected = rate * (end - start) / 1e9
    if expected < _NEVER:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    gaps = rng.exponential(1e9 / rate - duration, int(expected + 10 * np.sqrt(expected) + 20))
    offsets = np.cumsum(gaps) + duration * np.arange(len(gaps))
    starts = start + offsets[offsets < end - start - duration].astype(np.int64)
    return starts, starts + duration
