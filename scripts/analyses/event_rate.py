"""Number of events and event rate of a run, in all and in bands of energy; its live time.

One pass over ``veto_intervals`` and one over ``event_info``, a chunk at a time; intervals and counts are kept, and
24 bytes of each event.
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
from xomphysics import figures, quality
from xomphysics.fits.goodness import Steadiness
from xomphysics.poisson import (
    Unmerged,
    constant_rate,
    poisson_error,
    poisson_interval,
    poisson_upper_limit,
    without_merging,
)
from xomphysics.rate_per_second import Counts, CountsPerSecond, clustering, excess_share, silent_share
from xomphysics.reading import live_time
from xomphysics.reading.chunks import chunks
from xomphysics.reading.intervals import occupancy
from xomphysics.reading.live_time import LiveTime, Vetoes
from xomphysics.settings import merge

DEFAULTS: dict[str, Any] = {
    "energy_column": "e_ces",  # combined energy scale of straxen's EnergyEstimates, keV
    "bands": {"low": [1, 10], "mid": [10, 50], "high": [50, 3000]},  # keV, lower limit inside, upper outside
    "minimum_events": 10,  # of the whole run; below, the rates are "insufficient statistics"
    "after_s2_ns": 250_000,  # of an event: right_event_extension of straxen's Events
    **live_time.DEFAULTS,
    "quality": {
        **live_time.QUALITY,
        "drift": [None, 0.1],
        "merged_fraction": [None, 0.1],
        "silent_share": [None, 0.002],
        "beside_vetoes": [None, 0.01],
    },
}
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
    starts, energies, durations
        Start (ns since 1970), energy (keV) and duration (ns) of each event that touches no veto.
    typical
        Median duration of the events, vetoes or not (ns); 0 without events.
    live
        The live time.
    """

    bands: dict[str, tuple[float, float]]
    seconds: CountsPerSecond = field(default_factory=CountsPerSecond)
    events: int = 0
    without_energy: int = 0
    in_band: dict[str, int] = field(default_factory=dict)
    spectrum: Counts = field(default_factory=lambda: np.zeros(len(ENERGY_EDGES) - 1, dtype=np.int64))
    energies: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    durations: Counts = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    starts: Counts = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    typical: int = 0
    live: LiveTime = field(default_factory=lambda: LiveTime(0, 0))

    def clear(self, band: str) -> NDArray[np.bool_]:
        """Return which of the events that touch no veto are in a band; "" is all of them."""
        if not band:
            return np.ones(len(self.energies), dtype=bool)
        low, high = self.bands[band]
        return np.asarray((self.energies >= low) & (self.energies < high))

    def per_second(self) -> tuple[Counts, NDArray[np.float64]]:
        """Return the events and the live time of each whole second."""
        whole = int(self.live.span)
        return self.seconds.counts[:whole], self.live.parts(np.arange(whole + 1))

    def clustering(self, band: str) -> float:
        """Return how much more than Poisson counts the events of a band scatter; "" is all of them."""
        live = self.per_second()[1]
        seconds = (self.starts[self.clear(band)] - self.seconds.start) // 10**9
        return clustering(np.bincount(seconds, minlength=len(live))[: len(live)], live)


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


def count(data: Iterable[Any], bands: dict[str, tuple[float, float]], energy_column: str, vetoes: Vetoes) -> Tally:
    """Count the events of a run.

    Parameters
    ----------
    data
        Chunks with ``start``, ``end`` (ns) and ``data``: structured array with ``time``, ``endtime`` and
        ``energy_column``.
    bands
        Name to limits (keV), see `parse_bands`.
    energy_column
        Name of the column with the energy (keV).
    vetoes
        Of the run.

    Raises
    ------
    xomlib.DataBroken
        If the vetoes cover only a part of the run.
    """
    tally = Tally(bands, in_band=dict.fromkeys(bands, 0))
    kept, every = [(tally.starts, tally.durations, tally.energies)], [tally.durations]
    for chunk in data:
        start, end, energy = chunk.data["time"], chunk.data["endtime"], chunk.data[energy_column]
        tally.seconds.add(start, int(chunk.start), int(chunk.end))
        finite = np.isfinite(energy)
        tally.events += len(energy)
        tally.without_energy += int(np.count_nonzero(~finite))
        tally.spectrum += np.histogram(energy[finite], bins=ENERGY_EDGES)[0]
        for name, (low, high) in bands.items():
            tally.in_band[name] += int(np.count_nonzero((energy >= low) & (energy < high)))
        clear = vetoes.avoided(start, end)
        every.append(end - start)
        kept.append((start[clear], every[-1][clear], energy[clear].astype(np.float64)))
    tally.starts, tally.durations, tally.energies = (np.concatenate(part) for part in zip(*kept, strict=True))
    tally.typical = int(np.median(np.concatenate(every))) if tally.events else 0
    tally.live = vetoes.live_time(tally.seconds.start, tally.seconds.end)
    return tally


def results(tally: Tally, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`.

    A count is always a number, also zero. There are rates if the run has ``minimum_events`` events *in all*: the count
    of a band does not decide, since leaving out low counts would bias the average upwards.
    """
    out = [_live_time(tally)]
    every, spread_of_all = _unmerged(tally, settings), tally.clustering("")
    silent = silent_share(*tally.per_second(), spread_of_all)
    beside = {} if isinstance(every, str) else {"beside_vetoes": _beside_vetoes(tally, every, spread_of_all)}
    for name, n in [("", tally.events), *tally.in_band.items()]:
        suffix, spread = (f"_{name}", tally.clustering(name)) if name else ("", spread_of_all)
        own: dict[str, Any] = {"events_without_energy": tally.without_energy}
        if name:
            own = {
                "column": settings["energy_column"],
                "band_low_kev": tally.bands[name][0],
                "band_high_kev": tally.bands[name][1],
            }
        own |= tally.live.data() | {"dispersion": spread, "silent_share": silent}
        event_result = {"variable_name": f"events{suffix}", "variable_value": n, "n": n}
        event_result["error"] = spread**0.5 * poisson_error(n)
        out.append(event_result | {"unit": "events", "data": _limits(n) | own})
        if not name and (steady := _steady(tally)) is not None:
            found = steady.goodness
            own |= {"constant_chi2": found.chi2, "constant_ndf": found.ndf, "constant_p_value": found.p_value}
            own["drift"] = steady.drift
        out.append({"variable_name": f"rate{suffix}", "unit": "Hz"} | _rate(tally, name, every, spread, own | beside))
    return quality.judged(out, settings["quality"], tally.live.warning)


def _limits(n: int) -> dict[str, float]:
    low, high = poisson_interval(n)
    return {"low_68": low, "high_68": high, "upper_limit_90": poisson_upper_limit(n)}


def _steady(tally: Tally) -> Steadiness | None:
    edges, counts = tally.seconds.parts()
    return constant_rate(counts, tally.live.parts(edges))


def _live_time(tally: Tally) -> dict[str, Any]:
    out: dict[str, Any] = {"variable_name": "live_time", "unit": "s"}
    live = tally.live
    if not live.span > 0:
        return out | {"insufficient": "the data span no time"}
    data: dict[str, Any] = {"span_s": live.span, "corrected": live.vetoed is not None}
    if live.vetoed is not None:
        seen = occupancy(live.vetoed, TYPICAL)
        data |= {"dead_fraction": seen.fraction, "dead_fraction_error": seen.fraction_error, "intervals": seen.number}
    return out | {"variable_value": live.seconds, "error": live.error, "data": data}


def _rate(tally: Tally, band: str, every: Unmerged | str, spread: float, own: dict[str, Any]) -> dict[str, Any]:
    """Return the rate of the events of a band that touch no veto; "" is all of them."""
    some = tally.clear(band)
    n = int(np.count_nonzero(some))
    if isinstance(every, str):
        return {"n": n, "insufficient": every}
    typical = float(tally.live.exposure([tally.typical])[0])
    alone = 1 - every.merged
    rate, one = float(every.weights[some].sum()), 1 / (typical * alone)
    error = float(np.hypot(spread**0.5 * every.error(some, one), rate * tally.live.error / tally.live.seconds))
    limits = {key: value * (rate / n if n else one) for key, value in _limits(n).items()}
    data = limits | own | {"exposure_s": typical, "merged_fraction": every.merged}
    return {"n": n, "variable_value": rate, "error": error, "data": data}


def _beside_vetoes(tally: Tally, every: Unmerged, spread: float) -> float:
    """Return the share of all events that touch a veto though no more should than begin where such an event would."""
    typical = float(tally.live.exposure([tally.typical])[0])
    touching = every.rate * (1 - every.merged) * (tally.live.span - typical)
    return excess_share(tally.events - len(tally.starts), touching, tally.events, spread)


def _unmerged(tally: Tally, settings: dict[str, Any]) -> Unmerged | str:
    """Return the events that touch no veto, each with the rate that it stands for, or why there is no rate.

    A weight is one over the time in which an event of this length could be seen as a whole, corrected for events that
    merge, which are fewer beside a veto: it hides S2s that would have joined the event.
    """
    live, needed = tally.live, settings["minimum_events"]
    if not live.seconds > 0:
        return "the run has no live time" if live.span > 0 else "the data span no time"
    if not float(live.exposure([tally.typical])[0]) > 0:
        longest = f"the median event lasts {tally.typical / 1e6:.3g} ms"
        return f"no time between two vetoes is as long as an event ({longest})"
    if len(tally.durations) < needed:
        return f"{len(tally.durations)} events in the run touch no veto, {needed} needed"
    after = min(int(settings["after_s2_ns"]), tally.typical)
    ends = tally.starts + tally.durations
    hidden = live.hidden(tally.starts - after, tally.starts) + live.hidden(ends, ends + tally.typical - after)
    try:
        return without_merging(1 / live.exposure(tally.durations), tally.typical / 1e9, hidden / 1e9)
    except ValueError as overlap:
        return f"the events overlap: {overlap}"


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
    live = tally.live.parts(edges)
    figures.style(axes, "time since the start of the run [s]", "rate [Hz]", _live_time_words(tally))
    if not len(counts) or not tally.events or not tally.live.seconds > 0:
        figures.say_empty(axes, "no events")
        return
    seen = live > 0
    height, bar = counts[seen] / live[seen], np.sqrt(counts[seen] + 1) / live[seen]
    axes.errorbar((edges[:-1] + edges[1:])[seen] / 2, height, bar, fmt="o", ms=3, lw=1, color=figures.INK)
    mean, error = tally.events / tally.live.seconds, poisson_error(tally.events) / tally.live.seconds
    axes.axhspan(mean - error, mean + error, color=figures.BLUE, alpha=0.3, lw=0)
    axes.axhline(mean, color=figures.BLUE, lw=1)
    steady = constant_rate(counts, live)
    found = steady.goodness if steady else None
    test = f"χ²/ndf {found.chi2:.1f}/{found.ndf}, p = {found.p_value:.2g}" if found else "too few to test"
    axes.set_ylim(0, (height + 2 * bar).max() * 1.25)
    figures.note(axes, [f"{mean:.4g} ± {error:.2g} Hz", f"constant rate: {test}"])


def _live_time_words(tally: Tally) -> str:
    live = tally.live
    if live.vetoed is None:
        return f"{live.span:,.1f} s, not corrected for vetoes"
    share = live.vetoed.fraction if live.span > 0 else 0.0
    return f"live time {live.seconds:,.1f} s, {share:.2%} vetoed"


def _colours(n: int) -> list[str]:
    return [figures.BANDS[i % len(figures.BANDS)] for i in range(n)]


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    quality.check(settings["quality"])
    bands, column = parse_bands(settings["bands"]), settings["energy_column"]
    st = xomlib.context()
    vetoes = Vetoes.read(st, run_id, settings)
    tally = count(chunks(st, run_id, "event_info", ("time", "endtime", column)), bands, column, vetoes)
    for result in results(tally, settings):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(tally, run_id))
    xomlib.xom_message(success=True, text=f"{tally.events} events in {tally.live.seconds:.1f} s")


if __name__ == "__main__":
    xomlib.cli(main)
