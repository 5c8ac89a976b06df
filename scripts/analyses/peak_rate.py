"""Rate of peaks in a run, in all and in bands of type and area.

One pass over ``veto_intervals`` and one over ``peak_basics``, a chunk at a time; intervals and counts per second are
kept. See docs/analyses/peak_rate.md.
"""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import xomlib
from xomphysics import figures, quality
from xomphysics.fits.goodness import Steadiness, pearson_of_points
from xomphysics.poisson import poisson_error, poisson_upper_limit
from xomphysics.rate_per_second import clustering, excess_share, silent_share
from xomphysics.reading import live_time, peak_types
from xomphysics.reading.chunks import chunks
from xomphysics.reading.intervals import Intervals
from xomphysics.reading.intervals import merge as merge_intervals
from xomphysics.reading.live_time import LiveTime, Vetoes
from xomphysics.settings import merge

DEFAULTS: dict[str, Any] = {
    "bands": {  # area in PE, lower limit inside, upper outside; null: open
        "s1_small": {"type": "s1", "area": [0, 20]},
        "s1_large": {"type": "s1", "area": [20, None]},
        "electrons": {"type": "s2", "area": [15, 53]},
        "s2_small": {"type": "s2", "area": [53, 1000]},
        "s2_large": {"type": "s2", "area": [1000, None]},
        "unknown": {"type": "unknown", "area": [0, None]},
    },
    **peak_types.DEFAULTS,
    **live_time.DEFAULTS,
    "minimum_peaks": 10,  # of the whole run; below, there is no rate
    "minimum_seconds": 30,  # below, the dispersion is too uncertain
    "beside_veto_ns": 1_000_000,  # to both sides of a veto, where peaks that fire it are more than others
    "quality": {
        **live_time.QUALITY,
        "drift": [None, 0.1],
        "silent_share": [None, 0.002],
        "beside_vetoes": [None, 0.01],
    },
}
COLUMNS = ("time", "area", "type")
AREA_EDGES = np.geomspace(0.5, 1e6, 200)  # PE
SECOND = 10**9
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Band:
    """Peaks of one type, by its numbers, with an area (PE) from ``low`` to below ``high``; None: of any type."""

    kind: tuple[int, ...] | None
    low: float
    high: float

    def contains(self, peaks: Any) -> NDArray[np.bool_]:
        """Return which peaks are in the band; a peak with NaN is in no band."""
        inside = (peaks["area"] >= self.low) & (peaks["area"] < self.high)
        return np.asarray(inside if self.kind is None else inside & peak_types.is_one(peaks["type"], self.kind))


@dataclass
class Tally:
    """Counts of one pass over a run.

    Attributes
    ----------
    bands
        By name; the first, named "", is all peaks.
    start, end
        Start and end of the data (ns since 1970).
    counts, beside
        Peaks per band; those of them beside a veto.
    per_second
        Peaks per second of the run, shape (bands, seconds).
    spectra
        Peaks by area for each type of the settings, shape (bins of `AREA_EDGES`,).
    unknown
        Peaks of other types.
    live, live_beside
        The live time; that beside a veto (s).
    """

    bands: dict[str, Band]
    unknown: peak_types.UnknownTypes
    start: int = 0
    end: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    beside: dict[str, int] = field(default_factory=dict)
    per_second: Counts = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    spectra: dict[str, Counts] = field(default_factory=dict)
    live: LiveTime = field(default_factory=lambda: LiveTime(0, 0))
    live_beside: float = 0.0

    @property
    def seconds(self) -> int:
        """Whole seconds of the run."""
        return int(self.live.span)


def parse_bands(bands: Mapping[str, Any], types: peak_types.Types) -> dict[str, Band]:
    """Return the bands of the settings, checked, after the band of all peaks.

    Parameters
    ----------
    bands, types
        As in `DEFAULTS`.

    Raises
    ------
    ValueError
        If a name cannot be part of a variable's name, a type is not known, or the areas are not two rising numbers.
    """
    parsed = {"": Band(None, -np.inf, np.inf)}
    for name, band in bands.items():
        if not re.fullmatch(r"[A-Za-z0-9_]+", str(name)):
            raise ValueError(f"settings.bands has {name!r}; a name has only letters, digits and underscore")
        if not isinstance(band, Mapping) or set(band) != {"type", "area"} or band["type"] not in types:
            raise ValueError(f"settings.bands.{name} is {band!r}, needed are area and type, one of {', '.join(types)}")
        pair = band["area"]
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"settings.bands.{name}.area is {pair!r}, two rising areas in PE are needed")
        low = -np.inf if pair[0] is None else float(pair[0])
        high = np.inf if pair[1] is None else float(pair[1])
        if not low < high:
            raise ValueError(f"settings.bands.{name}.area is {pair!r}, two rising areas in PE are needed")
        parsed[str(name)] = Band(tuple(types[band["type"]]), low, high)
    return parsed


def beside(vetoes: Vetoes, reach: int) -> Intervals:
    """Return the vetoes, with ``reach`` (ns) to both sides of each."""
    found = vetoes.intervals
    if found is None:
        return merge_intervals([], [], 0, 0)
    return merge_intervals(found.starts - reach, found.ends + reach, found.low, found.high)


def count(
    data: Iterable[Any],
    bands: dict[str, Band],
    types: peak_types.Types,
    vetoes: Vetoes,
    reach: int = DEFAULTS["beside_veto_ns"],
) -> Tally:
    """Count the peaks of a run.

    Parameters
    ----------
    data
        Chunks with ``start``, ``end`` (ns) and ``data``: structured array with `COLUMNS`.
    bands
        See `parse_bands`.
    types
        As in `DEFAULTS`.
    vetoes
        Of the run.
    reach
        How far from a veto peaks are beside it (ns).

    Raises
    ------
    xomlib.DataBroken
        If the vetoes cover only a part of the run.
    """
    tally = Tally(bands, peak_types.UnknownTypes(types), counts=dict.fromkeys(bands, 0), beside=dict.fromkeys(bands, 0))
    near = beside(vetoes, reach)
    tally.spectra = {name: np.zeros(len(AREA_EDGES) - 1, dtype=np.int64) for name in types}
    tally.per_second = np.zeros((len(bands), 0), dtype=np.int64)
    for i, chunk in enumerate(data):
        if i == 0:
            tally.start = int(chunk.start)
        tally.end = int(chunk.end)
        seconds = -((tally.start - tally.end) // SECOND)
        longer = np.zeros((len(bands), max(seconds, tally.per_second.shape[1])), dtype=np.int64)
        longer[:, : tally.per_second.shape[1]] = tally.per_second
        second = (chunk.data["time"] - tally.start) // SECOND
        close = ~near.avoided(chunk.data["time"], chunk.data["time"])
        for row, (name, band) in zip(longer, bands.items(), strict=True):
            inside = band.contains(chunk.data)
            tally.counts[name] += int(np.count_nonzero(inside))
            tally.beside[name] += int(np.count_nonzero(inside & close))
            row += np.bincount(second[inside], minlength=len(row))[: len(row)]
        tally.per_second = longer
        tally.unknown.add(chunk.data["type"])
        for name, numbers in types.items():
            own = peak_types.is_one(chunk.data["type"], numbers)
            tally.spectra[name] += np.histogram(chunk.data["area"][own], AREA_EDGES)[0]
    tally.live = vetoes.live_time(tally.start, tally.end)
    tally.live_beside = float(((near.ends - near.starts) - tally.live.hidden(near.starts, near.ends)).sum() / 1e9)
    return tally


def steadiness(counts: Counts, live: NDArray[np.float64], spread: float) -> Steadiness | None:
    """Test a rate for constancy in up to 30 equal parts of the run; the variance of a count is ``spread`` * Poisson.

    None if fewer than two parts have 20 peaks each.

    Parameters
    ----------
    counts, live
        Peaks and live time (s) of each second.
    spread
        See `dispersion`.
    """
    parts = int(min(30, counts.sum() // (20 * spread), len(counts) // 2))
    if parts < 2:
        return None
    width = len(counts) // parts
    seen, time = (row[: width * parts].reshape(parts, width).sum(axis=1) for row in (counts, live))
    seen, time = seen[time > 0], time[time > 0]
    if len(time) < 2:
        return None
    mean = seen.sum() * time / time.sum()
    found = pearson_of_points(seen, mean, np.sqrt(spread * mean), 1)
    return Steadiness(found, found.variation(float(np.sqrt(spread / mean.mean()))))


def results(tally: Tally, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`.

    There are rates if the run is ``minimum_seconds`` long and has ``minimum_peaks`` peaks *in all*: the count of a band
    does not decide, since leaving out low counts would bias the average upwards.
    """
    out = []
    live = tally.live.parts(np.arange(tally.seconds + 1))
    every = tally.per_second[0][: tally.seconds]
    silent = silent_share(every, live, clustering(every, live))
    for row, (name, band) in zip(tally.per_second, tally.bands.items(), strict=True):
        n = tally.counts[name]
        head: dict[str, Any] = {"variable_name": f"rate_{name}" if name else "rate", "unit": "Hz", "n": n}
        if reason := _too_little(tally, settings):
            out.append(head | {"insufficient": reason})
            continue
        counts = row[: tally.seconds]
        spread = clustering(counts, live)
        data: dict[str, Any] = {**tally.live.data(), "dispersion": spread, "silent_share": silent}
        expected = n * tally.live_beside / tally.live.seconds
        data["beside_vetoes"] = excess_share(tally.beside[name], expected, n, spread)
        data |= {f"area_{side}_pe": x for side, x in (("low", band.low), ("high", band.high)) if np.isfinite(x)}
        if n == 0:
            data["upper_limit_90"] = poisson_upper_limit(0) / tally.live.seconds
        if (steady := steadiness(counts, live, spread)) is not None:
            found = steady.goodness
            data |= {"chi2": found.chi2, "ndf": found.ndf, "steady_p_value": found.p_value, "drift": steady.drift}
        error = spread**0.5 * poisson_error(n) / tally.live.seconds
        out.append(head | {"variable_value": n / tally.live.seconds, "error": error, "data": data})
    return quality.judged(out, settings["quality"], tally.live.warning, tally.unknown.warning)


def _too_little(tally: Tally, settings: dict[str, Any]) -> str:
    if not tally.live.seconds >= settings["minimum_seconds"]:
        return f"{tally.live.seconds:.3g} s of live time, {settings['minimum_seconds']} s needed"
    if tally.counts[""] < settings["minimum_peaks"]:
        return f"{tally.counts['']} peaks in the run, {settings['minimum_peaks']} needed"
    return ""


def draw(tally: Tally, title: str) -> Figure:
    """Draw the areas by type and the rates of the bands over the run."""
    figure = figures.new_figure(title, 11.0, 4.8)
    areas, rates = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.07, right=0.985, top=0.84, bottom=0.12, wspace=0.2)
    figures.style(areas, "area [PE]", "peaks per bin", f"{tally.counts['']:,} peaks in {tally.live.seconds:,.1f} s")
    areas.set_xscale("log")
    colours = (figures.GREY, figures.ORANGE, figures.BLUE, *figures.BANDS)
    for (name, spectrum), colour in zip(tally.spectra.items(), itertools.cycle(colours), strict=False):
        areas.stairs(spectrum, AREA_EDGES, color=colour, label=name)
    figures.style(rates, "time since the start of the run [s]", "rate [Hz]", "Rate")
    if not tally.counts[""]:
        figures.say_empty(areas, "no peaks")
        figures.say_empty(rates, "no peaks")
        return figure
    areas.set_yscale("log")
    areas.set_ylim(bottom=0.6)
    areas.legend(fontsize=8, frameon=False, loc="upper right")
    seconds = max(tally.seconds, 1)
    width = max(seconds // 40, 1)
    parts = max(seconds // width, 1)
    middles = (np.arange(parts) + 0.5) * width
    live = np.maximum(tally.live.parts(np.arange(parts + 1) * width), 1e-9)
    for i, (name, row) in enumerate(zip(tally.bands, tally.per_second, strict=True)):
        if not tally.counts[name]:
            continue
        counts = row[: width * parts].reshape(parts, -1).sum(axis=1)
        colour = figures.BANDS[(i - 1) % len(figures.BANDS)] if name else figures.INK
        rates.plot(middles, np.where(counts > 0, counts / live, np.nan), ".-", ms=3, lw=1, color=colour,
                   label=f"{name or 'all'}: {tally.counts[name] / max(tally.live.seconds, 1e-9):.3g} Hz")  # fmt: skip
    rates.set_yscale("log")
    rates.set_ylim(top=rates.get_ylim()[1] * 12)
    rates.legend(fontsize=7, frameon=False, loc="upper left", ncols=2)
    return figure


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    quality.check(settings["quality"])
    peak_types.check(settings["types"])
    bands = parse_bands(settings["bands"], settings["types"])
    st = xomlib.context()
    vetoes = Vetoes.read(st, run_id, settings)
    peaks, reach = chunks(st, run_id, "peak_basics", COLUMNS), int(settings["beside_veto_ns"])
    tally = count(peaks, bands, settings["types"], vetoes, reach)
    for result in results(tally, settings):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(tally, f"Run {run_id}: peaks"))
    xomlib.xom_message(success=True, text=f"{tally.counts['']} peaks in {tally.live.seconds:.1f} s")


if __name__ == "__main__":
    xomlib.cli(main)
