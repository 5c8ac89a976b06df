"""Fast simulation at the level of ``event_info_double`` and ``event_info``: arrays of events with known truths."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.random import Generator

HALF_LIFE = 156.94  # ns
ENERGIES = (32.1516, 9.4057)  # keV
RADIUS, HEIGHT = 66.4, 148.0  # cm
DRIFT_VELOCITY, GATE = 6.75e-5, 1700.0  # cm/ns, ns
SPLIT = 250.0  # ns; closer S1s are one peak
SKEWED, SYMMETRIC, TAILED = "skewed", "symmetric", "tailed"
TAILS, TAIL_WIDTH = 0.1, 2.0  # share of the tailed areas that scatter more, and how many times
S2_SKEWNESS = 0.3

DOUBLE = np.dtype(
    [("time", "i8"), ("ds_s1_dt", "i4"), ("s1_b_distinct_channels", "i4")]
    + [
        (name, "f4")
        for name in (
            "s1_a_area",
            "s1_b_area",
            "cs1_a_wo_timecorr",
            "cs1_b_wo_timecorr",
            "s1_a_area_fraction_top",
            "drift_time",
            "r",
            "z",
            "s2_a_area",
            "cs2_w_bias_xy",
        )
    ]
)
EVENT = np.dtype([("time", "i8"), ("endtime", "i8"), ("e_ces", "f4")])
EVENT_BEFORE, EVENT_AFTER = 2_400_000, 250_000  # ns: what an event takes in about its S2


@dataclass(frozen=True)
class KrTruth:
    """What a simulated Kr83m run is made of.

    Attributes
    ----------
    light_yields
        At 32.2 and 9.4 keV (PE/keV); the mean S1 area is the yield times the energy, for either response.
    charge_yield, lifetime
        S2 at drift time zero over 41.6 keV (PE/keV), and the electron lifetime (ms).
    response
        "symmetric" (normal) or "skewed": S1s are Poisson photoelectrons times a normal gain (skewness 0.15 and 0.25),
        S2s have a gamma distribution of skewness 0.3; "tailed": a tenth of all areas scatters twice as far.
    background
        Fraction of the selected second S1s whose area is uniform in 30 to 250 PE.
    flat
        Single-site events from 2 to 200 keV, flat, per decay; they have one S1.
    falling
        Fraction of the second S1s whose area is that of an accidental S1: 20 PE and more, falling by e in 40 PE.
    drift
        Relative change of all areas from the start to the end of the run, linear, about the truth.
    distortion
        Relative change of the charge yield from drift time 0 to 2.2 ms, linear: field that is not uniform.
    afterpulses
        Share of the decays behind whose S1 an afterpulse is found as another S1: 1 PE and more, falling by e in 3 PE,
        0.4 to 3 us later.
    wrong_map
        Relative amplitude of what the correction of S1s for the position leaves, over the depth, mean zero.
    """

    decays: float = 20_000.0
    light_yields: tuple[float, float] = (9.3, 10.5)
    charge_yield: float = 155.0
    lifetime: float = 13.0
    response: str = SYMMETRIC
    background: float = 0.0
    flat: float = 0.0
    falling: float = 0.0
    drift: float = 0.0
    distortion: float = 0.0
    wrong_map: float = 0.0
    afterpulses: float = 0.0

    @property
    def merged_light_yield(self) -> float:
        """At 41.6 keV (PE/keV), where both S1s are one."""
        return sum(y * e for y, e in zip(self.light_yields, ENERGIES, strict=True)) / sum(ENERGIES)


def kr83m_events(rng: Generator, truth: KrTruth) -> np.ndarray:
    """Return the events of one run, with the Poisson number of decays, in random order."""
    n, others = rng.poisson(truth.decays), rng.poisson(truth.decays * truth.flat)
    events = np.zeros(n + others, DOUBLE)
    first, second = (_area(rng, y * e, n, truth.response) for y, e in zip(truth.light_yields, ENERGIES, strict=True))
    delay = rng.exponential(HALF_LIFE / np.log(2), n)
    two = delay > SPLIT
    false = two & (rng.random(n) < truth.background)
    second[false] = rng.uniform(30, 250, np.count_nonzero(false))
    low = two & (rng.random(n) < truth.falling) if truth.falling else np.zeros(n, dtype=bool)
    second[low] = 20 + rng.exponential(40, np.count_nonzero(low))
    energy = np.append(np.full(n, sum(ENERGIES)), rng.uniform(2, 200, others))
    light = truth.merged_light_yield * energy[n:]
    single = rng.normal(light, np.sqrt(light + (0.07 * light) ** 2))
    events["s1_a_area"] = np.append(np.where(two, first, first + second), single)
    events["s1_b_area"], events["ds_s1_dt"] = np.nan, -1
    events["s1_b_area"][:n][two], events["ds_s1_dt"][:n][two] = second[two], delay[two]
    events["s1_b_distinct_channels"][:n] = np.where(two, rng.poisson(40, n), 0)
    if truth.afterpulses:
        _add_afterpulses(rng, events[:n], ~two & (rng.random(n) < truth.afterpulses))
    events["cs1_a_wo_timecorr"], events["cs1_b_wo_timecorr"] = events["s1_a_area"], events["s1_b_area"]
    _add_place_and_charge(rng, events, energy, truth)
    events = events[rng.permutation(len(events))] if others else events
    _spoil(events, truth)
    return events


def _add_afterpulses(rng: Generator, events: np.ndarray, which: np.ndarray) -> None:
    """Give merged decays a second S1 that is an afterpulse; beside a true second S1 it is the smaller one, not seen."""
    n = np.count_nonzero(which)
    events["s1_b_area"][which], events["ds_s1_dt"][which] = 1 + rng.exponential(3, n), rng.uniform(400, 3000, n)
    events["s1_b_distinct_channels"][which] = np.maximum(events["s1_b_area"][which].astype(int), 1)


def _spoil(events: np.ndarray, truth: KrTruth) -> None:
    """Change the areas as gains that drift and wrong maps do."""
    light = 1 + truth.wrong_map * np.cos(np.pi * -events["z"] / HEIGHT)
    gain = 1 + truth.drift * np.linspace(-0.5, 0.5, len(events))
    for name in ("s1_a_area", "s1_b_area", "cs1_a_wo_timecorr", "cs1_b_wo_timecorr"):
        events[name] *= light * gain
    for name in ("s2_a_area", "cs2_w_bias_xy"):
        events[name] *= gain


def _add_place_and_charge(rng: Generator, events: np.ndarray, energy: np.ndarray, truth: KrTruth) -> None:
    n = len(events)
    depth = rng.uniform(0, HEIGHT, n)
    top = 0.55 - 0.47 * depth / HEIGHT
    events["drift_time"] = GATE + depth / DRIFT_VELOCITY
    events["s1_a_area_fraction_top"] = rng.normal(top, np.sqrt(top * (1 - top) / 300))
    events["r"], events["z"] = RADIUS * np.sqrt(rng.random(n)), -depth
    mean = truth.charge_yield * (1 + truth.distortion * events["drift_time"].astype(float) / 2.2e6) * energy
    mean = mean * np.exp(-events["drift_time"].astype(float) / (1e6 * truth.lifetime))
    spread = np.sqrt(16.45 * mean + (0.05 * mean) ** 2)
    if truth.response == SKEWED:
        shape = 4 / S2_SKEWNESS**2
        unit = (rng.gamma(shape, size=n) - shape) / np.sqrt(shape)
    else:
        unit = rng.normal(size=n) * _tails(rng, n, truth.response)
    events["s2_a_area"] = np.maximum(mean + spread * unit, 1.0)
    events["cs2_w_bias_xy"] = events["s2_a_area"]


def expected_selected(truth: KrTruth, radius: float, z: tuple[float, float], delay: tuple[float, float]) -> float:
    """Return the mean number of decays inside a fiducial volume and a delay window."""
    rate = np.log(2) / HALF_LIFE
    in_window = np.exp(-rate * delay[0]) - np.exp(-rate * delay[1])
    return float(truth.decays * (radius / RADIUS) ** 2 * (z[1] - z[0]) / HEIGHT * in_window)


def background_events(rng: Generator, rate: float, seconds: float, missing: float = 0.02) -> np.ndarray:
    """Return the events of one run at a constant rate (Hz), flat from 2 to 200 keV, a share of them without energy."""
    n = rng.poisson(rate * seconds)
    events = np.zeros(n, EVENT)
    events["time"] = np.sort(rng.uniform(0, seconds * 1e9, n)).astype(np.int64)
    events["endtime"] = events["time"] + 1
    events["e_ces"] = np.where(rng.random(n) < missing, np.nan, rng.uniform(2, 200, n))
    return events


def triggered_events(rng: Generator, rate: float, seconds: float, vetoes: np.ndarray) -> np.ndarray:
    """Return the events that are left where vetoes hide signals, flat from 2 to 200 keV.

    Each has an S1 and an S2 up to 2.2 ms later. Without S2 there is no event, without S1 it has no energy.
    """
    n = rng.poisson(rate * seconds)
    s1 = np.sort(rng.uniform(0, seconds * 1e9, n)).astype(np.int64)
    s2 = s1 + rng.integers(2_000, 2_200_000, n)
    seen = [outside(times, vetoes) for times in (s1, s2)]
    events = np.zeros(n, EVENT)
    events["time"], events["endtime"] = s2 - EVENT_BEFORE, s2 + EVENT_AFTER
    events["e_ces"] = np.where(seen[0], rng.uniform(2, 200, n), np.nan)
    events = events[seen[1] & (events["time"] >= 0) & (events["endtime"] < seconds * 1e9)]
    return _merged(events[np.argsort(events["time"])])


def _merged(events: np.ndarray) -> np.ndarray:
    """Return events of which those that overlap are one, as straxen makes them; it has the energy of the first."""
    new = np.ones(len(events), dtype=bool)
    new[1:] = events["time"][1:] > events["endtime"][:-1]
    merged = events[new].copy()
    merged["endtime"] = events["endtime"][np.append(new[1:], True)[: len(events)]]
    return merged


def outside(times: np.ndarray, vetoes: np.ndarray) -> np.ndarray:
    """Return which times lie in none of the rows of ``veto_intervals``, which are sorted and do not overlap."""
    last = np.searchsorted(vetoes["time"], times, side="right") - 1
    return (last < 0) | (times >= np.append(vetoes["endtime"], 0)[last])


def as_chunks(events: np.ndarray, seconds: float = 60.0, pieces: int = 3) -> list[Any]:
    """Cut events into contiguous chunks as strax gives them: by time where they have one, else by row."""
    edges = np.linspace(0, seconds * 1e9, pieces + 1).astype(np.int64)
    times = events["time"] if events["time"].any() else np.linspace(0, seconds * 1e9 - 1, len(events)).astype(np.int64)
    rows = np.searchsorted(times, edges)
    return [
        SimpleNamespace(start=int(edges[i]), end=int(edges[i + 1]), data=events[rows[i] : rows[i + 1]])
        for i in range(pieces)
    ]


def s1_width(mean: float) -> float:
    """Return the standard deviation of the symmetric response (PE)."""
    resolution = 0.07 if mean > 200 else 0.10
    return float(np.sqrt(mean + (resolution * mean) ** 2))


def _area(rng: Generator, mean: float, n: int, response: str) -> np.ndarray:
    resolution = 0.07 if mean > 200 else 0.10
    if response == SKEWED:
        return rng.normal(1, resolution, n) * rng.poisson(mean, n)
    return mean + s1_width(mean) * rng.normal(size=n) * _tails(rng, n, response)


def _tails(rng: Generator, n: int, response: str) -> np.ndarray | float:
    """Return how many times further each area scatters."""
    return np.where(rng.random(n) < TAILS, TAIL_WIDTH, 1.0) if response == TAILED else 1.0
