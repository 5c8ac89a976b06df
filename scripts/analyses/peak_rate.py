"""Rate of peaks in a run, in all and in bands of type and area.

One pass over ``peak_basics``, a chunk at a time; counts per second are kept. See docs/analyses/peak_rate.md.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import xomlib
from xomphysics import figures, quality
from xomphysics.chunks import chunks
from xomphysics.fits.goodness import Goodness, pearson_of_points
from xomphysics.poisson import dispersion, poisson_error, poisson_upper_limit
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
    "minimum_peaks": 10,  # of the whole run; below, there is no rate
    "minimum_seconds": 30,  # below, the dispersion is too uncertain
    "quality": {"steady_p_value": [1e-3, None]},
}
TYPES = {"unknown": 0, "s1": 1, "s2": 2}  # straxen: numbers of the peaks' types
COLUMNS = ("time", "area", "type")
AREA_EDGES = np.geomspace(0.5, 1e6, 200)  # PE
SECOND = 10**9
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Band:
    """Peaks of one type with an area (PE) from ``low`` to below ``high``; type None: any."""

    kind: int | None
    low: float
    high: float

    def contains(self, peaks: Any) -> NDArray[np.bool_]:
        """Return which peaks are in the band; a peak with NaN is in no band."""
        inside = (peaks["area"] >= self.low) & (peaks["area"] < self.high)
        return np.asarray(inside if self.kind is None else inside & (peaks["type"] == self.kind))


@dataclass
class Tally:
    """Counts of one pass over a run.

    Attributes
    ----------
    bands
        By name; the first, named "", is all peaks.
    start, end
        Start and end of the data (ns since 1970).
    counts
        Peaks per band.
    per_second
        Peaks per second of the run, shape (bands, seconds).
    spectra
        Peaks by area for unknown, S1, S2, shape (3, bins of `AREA_EDGES`).
    """

    bands: dict[str, Band]
    start: int = 0
    end: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    per_second: Counts = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    spectra: Counts = field(default_factory=lambda: np.zeros((3, len(AREA_EDGES) - 1), dtype=np.int64))

    @property
    def live_time(self) -> float:
        """Seconds from the start of the first to the end of the last chunk."""
        return (self.end - self.start) / SECOND


def parse_bands(bands: Mapping[str, Any]) -> dict[str, Band]:
    """Return the bands of the settings, checked, after the band of all peaks.

    Raises
    ------
    ValueError
        If a name cannot be part of a variable's name, a type is not known, or the areas are not two rising numbers.
    """
    parsed = {"": Band(None, -np.inf, np.inf)}
    for name, band in bands.items():
        if not re.fullmatch(r"[A-Za-z0-9_]+", str(name)):
            raise ValueError(f"settings.bands has {name!r}; a name has only letters, digits and underscore")
        if not isinstance(band, Mapping) or set(band) != {"type", "area"} or band["type"] not in TYPES:
            raise ValueError(f"settings.bands.{name} is {band!r}, needed are area and type, one of {', '.join(TYPES)}")
        pair = band["area"]
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"settings.bands.{name}.area is {pair!r}, two rising areas in PE are needed")
        low = -np.inf if pair[0] is None else float(pair[0])
        high = np.inf if pair[1] is None else float(pair[1])
        if not low < high:
            raise ValueError(f"settings.bands.{name}.area is {pair!r}, two rising areas in PE are needed")
        parsed[str(name)] = Band(TYPES[band["type"]], low, high)
    return parsed


def count(data: Iterable[Any], bands: dict[str, Band]) -> Tally:
    """Count the peaks of a run.

    Parameters
    ----------
    data
        Chunks with ``start``, ``end`` (ns) and ``data``: structured array with `COLUMNS`.
    bands
        See `parse_bands`.
    """
    tally = Tally(bands, counts=dict.fromkeys(bands, 0))
    tally.per_second = np.zeros((len(bands), 0), dtype=np.int64)
    for i, chunk in enumerate(data):
        if i == 0:
            tally.start = int(chunk.start)
        tally.end = int(chunk.end)
        seconds = -((tally.start - tally.end) // SECOND)
        longer = np.zeros((len(bands), max(seconds, tally.per_second.shape[1])), dtype=np.int64)
        longer[:, : tally.per_second.shape[1]] = tally.per_second
        second = (chunk.data["time"] - tally.start) // SECOND
        for row, (name, band) in zip(longer, bands.items(), strict=True):
            inside = band.contains(chunk.data)
            tally.counts[name] += int(np.count_nonzero(inside))
            row += np.bincount(second[inside], minlength=len(row))[: len(row)]
        tally.per_second = longer
        for kind in TYPES.values():
            tally.spectra[kind] += np.histogram(chunk.data["area"][chunk.data["type"] == kind], AREA_EDGES)[0]
    return tally


def steadiness(per_second: Counts, seconds: int, spread: float) -> Goodness | None:
    """Test a rate for constancy in up to 30 equal parts of the run; the variance of a count is ``spread`` * Poisson.

    None if fewer than two parts have 20 peaks each.
    """
    whole = per_second[:seconds]
    parts = int(min(30, whole.sum() // (20 * spread), seconds // 2))
    if parts < 2:
        return None
    width = seconds // parts
    counts = whole[: width * parts].reshape(parts, width).sum(axis=1)
    mean = np.full(parts, counts.mean())
    return pearson_of_points(counts, mean, np.sqrt(spread * mean), 1)


def results(tally: Tally, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`.

    There are rates if the run is ``minimum_seconds`` long and has ``minimum_peaks`` peaks *in all*: the count of a band
    does not decide, since leaving out low counts would bias the average upwards.
    """
    out = []
    seconds = int(tally.live_time)
    for row, (name, band) in zip(tally.per_second, tally.bands.items(), strict=True):
        n = tally.counts[name]
        head: dict[str, Any] = {"variable_name": f"rate_{name}" if name else "rate", "unit": "Hz", "n": n}
        if reason := _too_little(tally, settings):
            out.append(head | {"insufficient": reason})
            continue
        spread = max(dispersion(row[:seconds]), 1.0)
        data: dict[str, Any] = {"live_time_s": tally.live_time, "dispersion": spread}
        data |= {f"area_{side}_pe": x for side, x in (("low", band.low), ("high", band.high)) if np.isfinite(x)}
        if n == 0:
            data["upper_limit_90"] = poisson_upper_limit(0) / tally.live_time
        if (steady := steadiness(row, seconds, spread)) is not None:
            data |= {"chi2": steady.chi2, "ndf": steady.ndf, "steady_p_value": steady.p_value}
        data |= quality.flag(data, settings["quality"])
        error = spread**0.5 * poisson_error(n) / tally.live_time
        out.append(head | {"variable_value": n / tally.live_time, "error": error, "data": data})
    return out


def _too_little(tally: Tally, settings: dict[str, Any]) -> str:
    if not tally.live_time >= settings["minimum_seconds"]:
        return f"{tally.live_time:.3g} s of data, {settings['minimum_seconds']} s needed"
    if tally.counts[""] < settings["minimum_peaks"]:
        return f"{tally.counts['']} peaks in the run, {settings['minimum_peaks']} needed"
    return ""


def draw(tally: Tally, title: str) -> Figure:
    """Draw the areas by type and the rates of the bands over the run."""
    figure = figures.new_figure(title, 11.0, 4.8)
    areas, rates = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.07, right=0.985, top=0.84, bottom=0.12, wspace=0.2)
    figures.style(areas, "area [PE]", "peaks per bin", f"{tally.counts['']:,} peaks in {tally.live_time:,.1f} s")
    areas.set_xscale("log")
    for (name, kind), colour in zip(TYPES.items(), (figures.GREY, figures.ORANGE, figures.BLUE), strict=True):
        areas.stairs(tally.spectra[kind], AREA_EDGES, color=colour, label=name)
    figures.style(rates, "time since the start of the run [s]", "rate [Hz]", "Rate")
    if not tally.counts[""]:
        figures.say_empty(areas, "no peaks")
        figures.say_empty(rates, "no peaks")
        return figure
    areas.set_yscale("log")
    areas.set_ylim(bottom=0.6)
    areas.legend(fontsize=8, frameon=False, loc="upper right")
    seconds = max(int(tally.live_time), 1)
    width = max(seconds // 40, 1)
    parts = max(seconds // width, 1)
    middles = (np.arange(parts) + 0.5) * width
    for i, (name, row) in enumerate(zip(tally.bands, tally.per_second, strict=True)):
        if not tally.counts[name]:
            continue
        counts = row[: width * parts].reshape(parts, -1).sum(axis=1)
        colour = figures.BANDS[(i - 1) % len(figures.BANDS)] if name else figures.INK
        rates.plot(middles, np.where(counts > 0, counts / width, np.nan), ".-", ms=3, lw=1, color=colour,
                   label=f"{name or 'all'}: {tally.counts[name] / max(tally.live_time, 1e-9):.3g} Hz")  # fmt: skip
    rates.set_yscale("log")
    rates.set_ylim(top=rates.get_ylim()[1] * 12)
    rates.legend(fontsize=7, frameon=False, loc="upper left", ncols=2)
    return figure


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    quality.check(settings["quality"])
    tally = count(chunks(xomlib.context(), run_id, "peak_basics", COLUMNS), parse_bands(settings["bands"]))
    for result in results(tally, settings):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(tally, f"Run {run_id}: peaks"))
    xomlib.xom_message(success=True, text=f"{tally.counts['']} peaks in {tally.live_time:.1f} s")


if __name__ == "__main__":
    xomlib.cli(main)
