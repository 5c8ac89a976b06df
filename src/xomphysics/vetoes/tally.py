"""Events with hits and area, hits by channel, and their results: shared by muon_veto and neutron_veto."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xomphysics import pmt_channels, quality
from xomphysics.fits.errors import FitFailed
from xomphysics.fits.mean import sample_mean
from xomphysics.poisson import constant_rate, poisson_error, poisson_interval, poisson_upper_limit
from xomphysics.quantiles import quantile
from xomphysics.rate_per_second import CountsPerSecond, clustering, silent_share
from xomphysics.reading.chunks import chunks, side_by_side

Result = dict[str, Any]
Counts = NDArray[np.int64]
SPREADS = ("pos_x_spread", "pos_y_spread", "pos_z_spread")

DEFAULTS: dict[str, Any] = {
    "minimum_events": 10,  # for means
    "minimum_beyond": 3,  # expected events on the smaller side of a quantile
    **pmt_channels.DEFAULTS,
    # limits of a good result
    "quality": {"drift": [None, 0.1], "share_without_area": [None, 0.01], "silent_share": [None, 0.002]},
}


@dataclass(frozen=True)
class Detector:
    """A veto detector.

    Attributes
    ----------
    name
        For titles and messages.
    events, monitor, hitlets
        Its data types in straxen.
    first_channel, channels
        Number of the first channel, and how many there are (straxen's channel map).
    positions
        Data type with the positions of its events, or empty.
    """

    name: str
    events: str
    monitor: str
    hitlets: str
    first_channel: int
    channels: int
    positions: str = ""

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Data types of one data kind to their columns that are read, ``time`` beside."""
        wanted: dict[str, tuple[str, ...]] = {self.events: ("area", "n_hits", "n_contributing_pmt")}
        return wanted | ({self.positions: ("angle", *SPREADS)} if self.positions else {})


@dataclass
class Tally:
    """Counts and values of one pass over a run.

    Attributes
    ----------
    seconds
        Events per second.
    hits, pmts
        Events with 0, 1, 2 ... hits, and contributing PMTs.
    areas
        Area of each event that has a finite one (PE).
    without_area
        Number of events without area.
    spreads
        Spread of the hits' positions in each event that has a position (mm).
    channels
        Hits of each channel.
    """

    seconds: CountsPerSecond = field(default_factory=CountsPerSecond)
    hits: Counts = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    pmts: Counts = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    areas: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    without_area: int = 0
    spreads: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    channels: Counts = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def events(self) -> int:
        """Number of all events."""
        return int(self.hits.sum())


def tally_events(data: Iterable[Any]) -> Tally:
    """Return the tally of the events of a run, from chunks with ``start``, ``end`` (ns) and ``data``."""
    tally = Tally()
    areas, spreads = [tally.areas], [tally.spreads]
    for chunk in data:
        events = chunk.data
        tally.seconds.add(events["time"], int(chunk.start), int(chunk.end))
        tally.hits = _added(tally.hits, events["n_hits"])
        tally.pmts = _added(tally.pmts, events["n_contributing_pmt"])
        finite = np.isfinite(events["area"])
        areas.append(events["area"][finite])
        tally.without_area += int(np.count_nonzero(~finite))
        if "angle" in (events.dtype.names or ()):
            spreads.append(_spread(events))
    tally.areas, tally.spreads = np.concatenate(areas), np.concatenate(spreads)
    return tally


def _added(counts: Counts, values: NDArray[Any]) -> Counts:
    more = np.bincount(values, minlength=len(counts)).astype(np.int64)
    more[: len(counts)] += counts
    return more


def _spread(events: NDArray[Any]) -> NDArray[np.float32]:
    """Return the length of the vector of spreads; events whose hits have no area have no angle and are left out."""
    vector = np.array([events[name] for name in SPREADS])
    length = np.sqrt((vector**2).sum(axis=0))
    return np.asarray(length[np.isfinite(events["angle"]) & np.isfinite(length)], dtype=np.float32)


def hits_of_monitor(data: Iterable[Any], column: str, channels: int) -> Counts:
    """Return the hits of each channel, summed over the chunks of straxen's online monitor."""
    total = np.zeros(channels, dtype=np.int64)
    for chunk in data:
        total += chunk.data[column].sum(axis=0, dtype=np.int64)
    return total


def hits_of_hitlets(data: Iterable[Any], first: int, channels: int) -> Counts:
    """Return the hits of each channel, counted in hitlets."""
    total = np.zeros(channels, dtype=np.int64)
    for chunk in data:
        place = chunk.data["channel"].astype(np.int64) - first
        total += np.bincount(place[(place >= 0) & (place < channels)], minlength=channels)
    return total


def read(st: Any, run_id: str, detector: Detector) -> Tally:
    """Return the tally of a run; the hits by channel are from the online monitor or, without it, from the hitlets.

    Raises
    ------
    xomlib.DataBroken
        If a data type cannot be read.
    """
    tally = tally_events(side_by_side(st, run_id, detector.columns))
    if st.is_stored(run_id, detector.monitor):
        column = f"{detector.hitlets}_per_channel"
        tally.channels = hits_of_monitor(chunks(st, run_id, detector.monitor, (column,)), column, detector.channels)
    else:
        hitlets = chunks(st, run_id, detector.hitlets, ("channel",))
        tally.channels = hits_of_hitlets(hitlets, detector.first_channel, detector.channels)
    return tally


# --- results ----------------------------------------------------------------------------------------------------------
def results(tally: Tally, detector: Detector, settings: Mapping[str, Any]) -> list[Result]:
    """Return the results as keywords of `xomlib.Xomresult`."""
    least = int(settings["minimum_events"])
    out = [
        *_rate(tally),
        _mean("mean_hits", "hits", np.arange(len(tally.hits)), least, tally.hits),
        _mean("mean_channels", "PMTs", np.arange(len(tally.pmts)), least, tally.pmts),
        _mean("mean_area", "PE", tally.areas, least) | {"data": _without_area(tally)},
        *(_quantile(tally.areas, float(p), float(settings["minimum_beyond"])) for p in settings["area_quantiles"]),
    ]
    if detector.positions:
        out.append(_mean("position_spread", "mm", tally.spreads, least))
    return quality.judged(
        out + pmt_channels.results(tally.channels, detector.first_channel, settings), settings["quality"]
    )


def _without_area(tally: Tally) -> Result:
    return {"events_without_area": tally.without_area, "share_without_area": tally.without_area / max(tally.events, 1)}


def _rate(tally: Tally) -> list[Result]:
    n, span = tally.events, tally.seconds.span
    low, high = poisson_interval(n)
    seconds = tally.seconds.counts[: int(span)]
    spread = clustering(seconds, np.ones(len(seconds)))
    error = spread**0.5 * poisson_error(n)
    scatter: Result = {"dispersion": spread, "silent_share": silent_share(seconds, np.ones(len(seconds)), spread)}
    data: Result = {"low_68": low, "high_68": high, "upper_limit_90": poisson_upper_limit(n), "span_s": span} | scatter
    events: Result = {"variable_name": "events", "unit": "events", "n": n, "data": data}
    events |= {"variable_value": n, "error": error}
    rate: Result = {"variable_name": "rate", "unit": "Hz", "n": n}
    if not span > 0:
        return [events, rate | {"insufficient": "the data span no time"}]
    if (steady := constant_rate(tally.seconds.parts()[1])) is not None:
        found = steady.goodness
        scatter |= {"chi2": found.chi2, "ndf": found.ndf, "p_value": found.p_value, "drift": steady.drift}
    return [events, rate | {"variable_value": n / span, "error": error / span, "data": scatter}]


def _mean(name: str, unit: str, values: NDArray[Any], least: int, times: Counts | None = None) -> Result:
    n = len(values) if times is None else int(times.sum())
    result: Result = {"variable_name": name, "unit": unit, "n": n}
    if n < least:
        return result | {"insufficient": f"{n} events, {least} needed"}
    try:
        mean = sample_mean(values, times)
    except FitFailed as error:
        return result | {"insufficient": str(error)}
    return result | {"variable_value": mean.mean, "error": mean.error}


def _quantile(areas: NDArray[Any], probability: float, least: float) -> Result:
    n = len(areas)
    result: Result = {"variable_name": f"area_q{100 * probability:02.0f}", "unit": "PE", "n": n}
    beyond = n * min(probability, 1 - probability)
    if beyond < least:
        return result | {"insufficient": f"{beyond:.1f} of {n} events expected beyond it, {least:g} needed"}
    found = quantile(areas, probability)
    if not found.error > 0:
        return result | {"insufficient": f"all {n} values are equal ({found.value:g})"}
    return result | {"variable_value": found.value, "error": found.error}


def check(settings: Mapping[str, Any]) -> None:
    """Check the settings.

    Raises
    ------
    ValueError
        If a limit of the quality is no pair, a probability is not between 0 and 1, or the limits of an ordinary
        channel do not enclose 1.
    """
    quality.check(settings["quality"])
    pmt_channels.check(settings)
    if not all(0 < float(value) < 1 for value in settings["area_quantiles"]):
        raise ValueError(
            f"settings.area_quantiles is {settings['area_quantiles']!r}, numbers between 0 and 1 are needed"
        )
