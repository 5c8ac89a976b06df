"""Gain and spread of single electrons, from the small S2s that follow large ones.

One pass over ``veto_intervals``, then one over ``event_basics`` and ``peak_basics``; areas of small S2s are kept.
See docs/analyses/single_electron.md.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import xomlib
from xomphysics import figures, quality
from xomphysics.fits.errors import FitFailed
from xomphysics.fits.goodness import Steadiness, steadiness
from xomphysics.fits.line import LineFit, fit_line
from xomphysics.fits.place import densest
from xomphysics.photo_ionization import Sums, add_up, windows
from xomphysics.poisson import poisson_error
from xomphysics.reading import live_time, peak_types
from xomphysics.reading.chunks import chunks
from xomphysics.reading.live_time import Vetoes
from xomphysics.settings import merge

DEFAULTS: dict[str, Any] = {
    # S2s and windows behind them as in photo_ionization: there most small S2s are one electron.
    "signal_ns": [5.0e4, 2.2e6],
    "side_band_ns": [2.4e6, 4.55e6],
    "primary_area_pe": [1000, 200_000],
    "disturbing_area_pe": 300,
    "search_pe": [10, 106],  # where the gain is looked for; S2s below 10 PE have another type (straxen: s2_min_area)
    "range_factors": [0.25, 1.75],  # of the place of most small S2s: range of the fit; two electrons begin above
    **peak_types.DEFAULTS,
    **live_time.DEFAULTS,
    "minimum_electrons": 200,
    "quality": {
        "misfit": [None, 0.15],
        "drift": [None, 0.02],
        "background_fraction": [None, 0.25],
        "edge_sigma": [2.5, None],
        "minos_asymmetry": [None, 0.25],
    },
}
WIDEST = 0.4  # relative width of a line
INSIDE = 2.2  # widths: nearer ends of a range cut a line too much to be fitted
EVENT_COLUMNS = ("s2_center_time", "s2_area", "alt_s2_area")
PEAK_COLUMNS = ("center_time", "area", "type")


@dataclass(frozen=True)
class Electrons:
    """The areas of small S2s (PE) in the order of time, and the line in them; None and a reason without one.

    ``shifts`` is how far gain and spread move at most where the fit leaves out what is below or above the line.
    """

    areas: NDArray[np.float64]
    fit: LineFit | None = None
    steady: Steadiness | None = None
    shifts: tuple[float, float] = (0.0, 0.0)
    reason: str = ""


def check(settings: dict[str, Any]) -> None:
    """Check the settings.

    Raises
    ------
    ValueError
        If there is no type s2, or a pair is not two rising numbers.
    """
    quality.check(settings["quality"])
    peak_types.check(settings["types"])
    if "s2" not in settings["types"]:
        raise ValueError(f"settings.types has {', '.join(settings['types'])}, the type s2 is needed")
    for name in ("search_pe", "range_factors"):
        pair = settings[name]
        if len(pair) != 2 or not 0 < pair[0] < pair[1]:
            raise ValueError(f"settings.{name} is {pair}, a lower and an upper limit are needed")


def measure(areas: NDArray[np.float64], settings: dict[str, Any]) -> Electrons:
    """Find the line of one electron among the areas of small S2s (PE)."""
    low, high = map(float, settings["search_pe"])
    areas = areas[(areas >= low) & (areas < high)]
    if len(areas) < settings["minimum_electrons"]:
        return Electrons(areas, reason=f"{len(areas)} small S2s, {settings['minimum_electrons']} needed")
    place, (below, above) = densest(areas), settings["range_factors"]
    limits = max(low, below * place), min(high, above * place)
    inside = areas[(areas >= limits[0]) & (areas < limits[1])]
    try:
        fit = fit_line(areas, *limits, WIDEST)
    except FitFailed as failure:
        return Electrons(areas, reason=f"fit failed: {failure}")
    return Electrons(areas, fit, steadiness(inside), _shifts(areas, fit))


def _shifts(areas: NDArray[np.float64], fit: LineFit) -> tuple[float, float]:
    """Return how far centre and spread of the line move at most, if the range begins or ends nearer to it.

    They move where line or background are not as the fit takes them: light that is skewed, noise beside the line.
    """
    reach = INSIDE * fit.sigma
    gain, spread = [0.0], [0.0]
    for low, high in ((max(fit.low, fit.mean - reach), fit.high), (fit.low, min(fit.high, fit.mean + reach))):
        try:
            other = fit_line(areas, low, high, WIDEST)
        except FitFailed:
            continue
        gain.append(abs(other.mean - fit.mean))
        spread.append(abs(other.resolution - fit.resolution))
    return max(gain), max(spread)


def results(found: Electrons, sums: Sums, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`."""
    n = len(found.areas)
    number = {"variable_name": "small_s2s", "variable_value": n, "error": poisson_error(n), "unit": "S2s", "n": n}
    out: list[dict[str, Any]] = [number | {"data": {"primaries": sums.primaries, **sums.live.data()}}]
    for name, unit in (("gain", "PE"), ("spread", "")):
        head = {"variable_name": name, "unit": unit, "n": found.fit.n if found.fit else n}
        out.append(head | _numbers(name, found))
    return quality.judged(out, settings["quality"], sums.live.warning, sums.unknown.warning)


def _numbers(name: str, found: Electrons) -> dict[str, Any]:
    fit = found.fit
    if fit is None:
        return {"insufficient": found.reason}
    data = {"background_fraction": fit.background, "edge_sigma": fit.nearest_edge, "misfit": fit.goodness.misfit(fit.n)}
    data |= {"chi2": fit.goodness.chi2, "ndf": fit.goodness.ndf, "p_value": fit.goodness.p_value}
    data |= {} if fit.asymmetry is None else {"minos_asymmetry": fit.asymmetry}
    data |= {"steady_p_value": found.steady.goodness.p_value, "drift": found.steady.drift} if found.steady else {}
    data["systematic_error"] = found.shifts[name == "spread"]
    if name == "gain":
        return {"variable_value": fit.mean, "error": fit.mean_error, "data": data}
    return {"variable_value": fit.resolution, "error": fit.resolution_error, "data": data}


def draw(found: Electrons, title: str) -> Figure:
    """Draw the areas of the small S2s with the fit, and over the run."""
    figure = figures.new_figure(title, 11.0, 4.6)
    spectrum, over_time = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.075, right=0.985, top=0.84, bottom=0.13, wspace=0.22)
    figures.style(spectrum, "area of the small S2 [PE]", "small S2s per bin", f"{len(found.areas):,} small S2s")
    figures.style(over_time, "small S2s in the order of time", "mean area in the range of the fit [PE]", "Over the run")
    fit = found.fit
    if len(found.areas):
        edges = np.linspace(0, found.areas.max(), 81)
        figures.counts_with_errors(spectrum, edges, np.histogram(found.areas, edges)[0])
    if fit is None:
        for axes in (spectrum, over_time):
            figures.say_empty(axes, found.reason, 0.9)
        return figure
    x = np.linspace(fit.low, fit.high, 300)
    spectrum.plot(x, fit.density(x) * fit.n * (edges[1] - edges[0]), color=figures.ORANGE, lw=1.6)
    lines = [
        f"gain {fit.mean:.2f} ± {fit.mean_error:.2f} PE",
        f"spread {fit.resolution:.3f} ± {fit.resolution_error:.3f}",
    ]
    figures.note(spectrum, [*lines, f"χ²/ndf {fit.goodness.chi2:.1f}/{fit.goodness.ndf}"])
    inside = found.areas[(found.areas >= fit.low) & (found.areas < fit.high)]
    parts = np.array_split(inside, int(np.clip(len(inside) // 100, 2, 20)))
    middles = np.cumsum([len(part) for part in parts]) - len(parts[0]) / 2
    errors = [part.std() / np.sqrt(len(part)) for part in parts]
    over_time.errorbar(middles, [part.mean() for part in parts], errors, fmt="o", ms=3, lw=1, color=figures.INK)
    over_time.axhline(inside.mean(), color=figures.BLUE, lw=1)
    return figure


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    check(settings)
    half = [limit / 2 for limit in settings["search_pe"]]  # small S2s are kept up to twice the largest
    chosen = windows({**settings, "electron_area_pe": half})
    st = xomlib.context()
    vetoes = Vetoes.read(st, run_id, settings)
    events, peaks = (
        chunks(st, run_id, name, columns)
        for name, columns in (("event_basics", EVENT_COLUMNS), ("peak_basics", PEAK_COLUMNS))
    )
    sums = add_up(events, peaks, chosen, settings["types"], vetoes, keep=True)
    found = measure(np.concatenate([np.zeros(0), *(sums.areas or [])]), settings)
    for result in results(found, sums, settings):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(found, f"Run {run_id}: single electrons"))
    xomlib.xom_message(success=True, text=f"{len(found.areas)} small S2s behind {sums.primaries} S2s")


if __name__ == "__main__":
    xomlib.cli(main)
