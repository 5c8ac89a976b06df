"""Number of events and event rate of a run, in all and in bands of energy; its live time.

One pass over ``event_info``, a chunk at a time, and one over ``veto_intervals``; counts and intervals are kept.
See docs/analyses/event_rate.md.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import xomlib
from xomphysics import figures
from xomphysics.chunks import chunks
from xomphysics.intervals import COLUMNS, Intervals, Veto, collect, occupancy
from xomphysics.poisson import constant_rate, poisson_error, poisson_interval, poisson_upper_limit
from xomphysics.rate_per_second import Counts, CountsPerSecond
from xomphysics.settings import merge

DEFAULTS: dict[str, Any] = {
    "energy_column": "e_ces",  # combined energy scale of straxen's EnergyEstimates, keV
    "bands": {"low": [1, 10], "mid": [10, 50], "high": [50, 3000]},  # keV, lower limit inside, upper outside
    "minimum_events": 10,  # of the whole run; below, the rates are "insufficient statistics"
    "vetoes": ["busy*", "hev", "hev_veto", "straxen_deadtime*"],  # no event is recorded inside; none: no correction
    "edge_ns": 10,  # sample of the digitizer: the uncertainty of start and stop of an interval
}
UNCOVERED = 10**9  # ns of the run without veto_intervals that are accepted
TYPICAL = 10**6  # ns, of a busy interval
ENERGY_EDGES = np.geomspace(0.1, 1e4, 251)  # keV


@dataclass
class Tally:
    """Counts of one pass over a run.

    Attributes
    ----------
    bands
        Name of a band to its limits (keV).
    seconds
        Events per second of the run.
    events, without_energy
        All events; those whose energy is not a finite number.
    in_band
        Events per band.
    spectrum
        Events per bin of `ENERGY_EDGES`.
    vetoed
        Intervals in which no event is recorded; None if the live time is not corrected.
    edge_ns
        Uncertainty of their starts and stops (ns).
    """

    bands: dict[str, tuple[float, float]]
    seconds: CountsPerSecond = field(default_factory=CountsPerSecond)
    events: int = 0
    without_energy: int = 0
    in_band: dict[str, int] = field(default_factory=dict)
    spectrum: Counts = field(default_factory=lambda: np.zeros(len(ENERGY_EDGES) - 1, dtype=np.int64))
    vetoed: Intervals | None = None
    edge_ns: float = 0.0

    @property
    def span(self) -> float:
        """Seconds from the start of the first to the end of the last chunk."""
        return self.seconds.span

    @property
    def live_time(self) -> float:
        """Seconds of the span outside all veto intervals."""
        return self.span - (self.vetoed.total / 1e9 if self.vetoed else 0.0)

    @property
    def live_time_error(self) -> float:
        """Seconds: every start and stop is anywhere within one sample, which has the deviation 1 / sqrt(12)."""
        edges = 2 * len(self.vetoed.starts) if self.vetoed else 0
        return float(np.sqrt(edges / 12) * self.edge_ns / 1e9)


def parse_bands(bands: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Return the bands of the settings, checked.

    Raises
    ------
    ValueError
        If a name cannot be part of a variable's name, or the limits are not two rising numbers.
    """
    parsed = {}
    for name, limits in bands.items():
        if not re.fullmatch(r"[A-Za-z0-9_]+", str(name)):
            raise ValueError(f"settings.bands has {name!r}; a name has only letters, digits and underscore")
        if not isinstance(limits, (list, tuple)) or len(limits) != 2 or not float(limits[0]) < float(limits[1]):
            raise ValueError(f"settings.bands.{name} is {limits!r}, two rising energies in keV are needed")
        parsed[str(name)] = (float(limits[0]), float(limits[1]))
    return parsed


def count(data: Iterable[Any], bands: dict[str, tuple[float, float]], energy_column: str) -> Tally:
    """Count the events of a run.

    Parameters
    ----------
    data
        Chunks with ``start``, ``end`` (ns) and ``data``: structured array with ``time`` and ``energy_column``.
    bands
        Name to limits (keV), see `parse_bands`.
    energy_column
        Name of the column with the energy (keV).
    """
    tally = Tally(bands, in_band=dict.fromkeys(bands, 0))
    for chunk in data:
        tally.seconds.add(chunk.data["time"], int(chunk.start), int(chunk.end))
        energy = chunk.data[energy_column]
        finite = np.isfinite(energy)
        tally.events += len(energy)
        tally.without_energy += int(np.count_nonzero(~finite))
        tally.spectrum += np.histogram(energy[finite], bins=ENERGY_EDGES)[0]
        for name, (low, high) in bands.items():
            tally.in_band[name] += int(np.count_nonzero((energy >= low) & (energy < high)))
    return tally


def subtract(tally: Tally, veto: Veto, settings: dict[str, Any]) -> None:
    """Take the veto intervals out of the live time.

    Raises
    ------
    xomlib.DataBroken
        If they cover only a part of the run.
    """
    start, end = tally.seconds.start, tally.seconds.end
    missing = max(veto.low - start, 0) + max(end - veto.high, 0)
    if missing > UNCOVERED:
        raise xomlib.DataBroken(f"veto_intervals lack {missing / 1e9:.1f} s of the {tally.span:.1f} s of event_info")
    within = Veto(veto.rows, start, end)
    tally.vetoed, tally.edge_ns = within.of(settings["vetoes"]), float(settings["edge_ns"])


def live_times(tally: Tally, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the live time (s) between edges (s since the start)."""
    if tally.vetoed is None:
        return np.diff(edges)
    return np.diff(edges - tally.vetoed.before(tally.seconds.start + (edges * 1e9).astype(np.int64)) / 1e9)


def results(tally: Tally, minimum_events: int) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`, for all events and for each band.

    A count is always a number, also zero. There are rates if the run has ``minimum_events`` events *in all*: the count
    of a band does not decide, since leaving out low counts would bias the average upwards.
    """
    out = [_live_time(tally)]
    edges, counts = tally.seconds.parts()
    steady = constant_rate(counts, live_times(tally, edges))
    for name, n in [("", tally.events), *tally.in_band.items()]:
        suffix = f"_{name}" if name else ""
        low, high = poisson_interval(n)
        data = {"low_68": low, "high_68": high, "upper_limit_90": poisson_upper_limit(n)}
        extras: dict[str, float] = {"live_time_s": tally.live_time}
        if name:
            extras |= {"band_low_kev": tally.bands[name][0], "band_high_kev": tally.bands[name][1]}
        else:
            extras |= {"events_without_energy": tally.without_energy}
        event_result = {"variable_name": f"events{suffix}", "variable_value": n, "error": poisson_error(n), "n": n}
        out.append(event_result | {"unit": "events", "data": data | extras})
        extras |= {key: value / tally.live_time for key, value in data.items()} if tally.live_time > 0 else {}
        if not name and steady is not None:
            extras |= {"constant_chi2": steady.chi2, "constant_ndf": steady.ndf, "constant_p_value": steady.p_value}
        rate = {"variable_name": f"rate{suffix}", "unit": "Hz", "n": n, "data": extras}
        out.append(rate | _rate(n, tally, minimum_events))
    return out


def _live_time(tally: Tally) -> dict[str, Any]:
    out: dict[str, Any] = {"variable_name": "live_time", "unit": "s"}
    if not tally.span > 0:
        return out | {"insufficient": "the data span no time"}
    data: dict[str, Any] = {"span_s": tally.span, "corrected": tally.vetoed is not None}
    if tally.vetoed is not None:
        seen = occupancy(tally.vetoed, TYPICAL)
        data |= {"dead_fraction": seen.fraction, "dead_fraction_error": seen.fraction_error, "intervals": seen.number}
    return out | {"variable_value": tally.live_time, "error": tally.live_time_error, "data": data}


def _rate(n: int, tally: Tally, minimum_events: int) -> dict[str, Any]:
    if not tally.live_time > 0:
        return {"insufficient": "the run has no live time" if tally.span > 0 else "the data span no time"}
    if tally.events < minimum_events:
        return {"insufficient": f"{tally.events} events in the run, {minimum_events} needed"}
    rate = n / tally.live_time
    error = np.hypot(poisson_error(n) / tally.live_time, rate * tally.live_time_error / tally.live_time)
    return {"variable_value": rate, "error": float(error)}


def draw(tally: Tally, run_id: str) -> Figure:
    """Draw the energy spectrum with the bands and the rate over the run."""
    figure = figures.new_figure(f"Run {run_id}: events", 9.0, 6.4)
    spectrum, rate = figure.subplots(2, 1)
    figure.subplots_adjust(left=0.085, right=0.98, top=0.89, bottom=0.08, hspace=0.36)
    _draw_spectrum(spectrum, tally)
    _draw_rate(rate, tally)
    return figure


def _draw_spectrum(axes: Any, tally: Tally) -> None:
    axes.stairs(tally.spectrum, ENERGY_EDGES, color=figures.INK, lw=1)
    for colour, (name, (low, high)) in zip(_colours(len(tally.bands)), tally.bands.items(), strict=True):
        label = f"{name}: {low:g} to {high:g} keV, {tally.in_band[name]:,} events"
        axes.axvspan(low, high, color=colour, alpha=0.14, lw=0, label=label)
    axes.set_xscale("log")
    if tally.spectrum.any():
        seen = np.flatnonzero(tally.spectrum)
        axes.set_yscale("log")
        axes.set_ylim(0.6, tally.spectrum.max() * 4)
        axes.set_xlim(ENERGY_EDGES[max(seen[0] - 8, 0)], ENERGY_EDGES[min(seen[-1] + 9, len(ENERGY_EDGES) - 1)])
    else:
        figures.say_empty(axes, "no event with an energy")
    figures.style(axes, "combined energy e_ces [keV]", "events per bin", f"{tally.events:,} events")
    axes.text(
        0.995, 1.02, f"{tally.without_energy:,} without energy", transform=axes.transAxes,
        ha="right", va="bottom", fontsize=8, color=figures.GREY,
    )  # fmt: skip
    if tally.bands:
        axes.legend(fontsize=8, frameon=False, loc="upper left")


def _draw_rate(axes: Any, tally: Tally) -> None:
    edges, counts = tally.seconds.parts()
    live = live_times(tally, edges)
    figures.style(axes, "time since the start of the run [s]", "rate [Hz]", _live_time_words(tally))
    if not len(counts) or not tally.events or not tally.live_time > 0:
        figures.say_empty(axes, "no events")
        return
    seen = live > 0
    height, bar = counts[seen] / live[seen], np.sqrt(counts[seen] + 1) / live[seen]
    axes.errorbar((edges[:-1] + edges[1:])[seen] / 2, height, bar, fmt="o", ms=3, lw=1, color=figures.INK)
    mean, error = tally.events / tally.live_time, poisson_error(tally.events) / tally.live_time
    axes.axhspan(mean - error, mean + error, color=figures.BLUE, alpha=0.3, lw=0)
    axes.axhline(mean, color=figures.BLUE, lw=1)
    steady = constant_rate(counts, live)
    test = f"χ²/ndf {steady.chi2:.1f}/{steady.ndf}, p = {steady.p_value:.2g}" if steady else "too few to test"
    axes.set_ylim(0, (height + 2 * bar).max() * 1.25)
    figures.note(axes, [f"{mean:.4g} ± {error:.2g} Hz", f"constant rate: {test}"])


def _live_time_words(tally: Tally) -> str:
    if tally.vetoed is None:
        return f"{tally.span:,.1f} s, not corrected for vetoes"
    share = tally.vetoed.fraction if tally.span > 0 else 0.0
    return f"live time {tally.live_time:,.1f} s, {share:.2%} vetoed"


def _colours(n: int) -> list[str]:
    return [figures.BANDS[i % len(figures.BANDS)] for i in range(n)]


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    bands, column = parse_bands(settings["bands"]), settings["energy_column"]
    st = xomlib.context()
    tally = count(chunks(st, run_id, "event_info", ("time", column)), bands, column)
    if settings["vetoes"]:
        subtract(tally, collect(chunks(st, run_id, "veto_intervals", COLUMNS)), settings)
    for result in results(tally, settings["minimum_events"]):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(tally, run_id))
    xomlib.xom_message(success=True, text=f"{tally.events} events in {tally.live_time:.1f} s")


if __name__ == "__main__":
    xomlib.cli(main)
