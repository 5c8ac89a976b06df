"""Delayed electrons after S2s: their area over that of the S2, and their number per S2.

One pass over ``veto_intervals``, then one over ``event_basics`` (S2s) and ``peak_basics`` (electrons), a chunk of each
at a time; intervals and sums are kept.
See docs/analyses/photo_ionization.md.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import xomlib
from xomphysics import figures, quality
from xomphysics.fits.goodness import Steadiness, pearson_of_points
from xomphysics.photo_ionization import Sums, Windows, add_up, windows
from xomphysics.poisson import poisson_error
from xomphysics.reading import live_time, peak_types
from xomphysics.reading.chunks import chunks
from xomphysics.reading.live_time import Vetoes
from xomphysics.settings import merge

DEFAULTS: dict[str, Any] = {
    "signal_ns": [5.0e4, 2.2e6],  # after the centre of the S2
    "side_band_ns": [2.4e6, 4.55e6],
    "primary_area_pe": [1000, 200_000],
    "electron_area_pe": [15, 53],
    "disturbing_area_pe": 300,  # another S2 of at least this area excludes an S2
    **peak_types.DEFAULTS,
    **live_time.DEFAULTS,
    "minimum_primaries": 100,
    "unsteady_below": 1e-6,  # p-value of constancy below which a change may be too large; null: not tested
    "most_drift": 0.15,  # root mean square change within the run, over the value, above which there is no number
    "quality": {
        **live_time.QUALITY,
        "drift": [None, 0.1],
        "background_per_primary": [None, 2.0],
        "used_fraction": [0.3, None],
        "mean_electrons": [None, 10],  # above, too many overlap
    },
}
EVENT_COLUMNS = ("s2_center_time", "s2_area", "alt_s2_area")
PEAK_COLUMNS = ("center_time", "area", "type")


@dataclass(frozen=True)
class Estimate:
    """A mean over primaries, its standard error and its test for constancy; None if there are too few to test."""

    value: float
    error: float
    steady: Steadiness | None


def area_ratio(sums: Sums) -> Estimate:
    """Return R = sum of net areas over sum of primary areas.

    Its variance is sum (a - R s)^2 / (sum s)^2 with a the net area and s the area of each primary.
    """
    n = sums.primaries
    total, net, _, squares, net_squares, products, _ = sums.moments
    ratio = net / total
    scatter = max(net_squares - 2 * ratio * products + ratio**2 * squares, 0.0) * n / (n - 1)
    return _estimate(ratio, scatter**0.5 / total, [(block[0], block[2] / block[1]) for block in sums.blocks], n)


def electrons_per_primary(sums: Sums) -> Estimate:
    """Return the mean net number of delayed electrons."""
    n = sums.primaries
    mean = sums.moments[2] / n
    variance = max(sums.moments[6] / n - mean**2, 0.0) * n / (n - 1)
    return _estimate(mean, (variance / n) ** 0.5, [(block[0], block[3] / block[0]) for block in sums.blocks], n)


def _estimate(value: float, error: float, parts: list[tuple[int, float]], n: int) -> Estimate:
    """Return the estimate with a test for constancy in at most ten parts of the run, equal in number."""
    step = -(-len(parts) // 10) if parts else 1
    means = [float(np.mean([mean for _, mean in parts[i : i + step]])) for i in range(0, len(parts), step)]
    sizes = [sum(size for size, _ in parts[i : i + step]) for i in range(0, len(parts), step)]
    if len(means) < 2 or not error > 0:
        return Estimate(float(value), float(error), None)
    errors = error * np.sqrt(n / np.array(sizes))
    centre = np.full(len(means), np.average(means, weights=sizes))
    found = pearson_of_points(means, centre, errors, 1)
    change = found.variation(float(errors.mean()))
    drift = change / abs(value) if change else 0.0
    return Estimate(float(value), float(error), Steadiness(found, float(drift)))


def results(sums: Sums, windows: Windows, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`."""
    n, minimum = sums.primaries, settings["minimum_primaries"]
    count = {"variable_name": "primaries", "variable_value": n, "error": poisson_error(n), "unit": "S2s", "n": n}
    used: dict[str, Any] = {"s2s_of_that_area": sums.seen} | ({"used_fraction": n / sums.seen} if sums.seen else {})
    used |= sums.live.data()
    out = [count | {"data": used}]
    for name, unit, measure in (
        ("area_ratio", "", area_ratio),
        ("electrons_per_primary", "electrons", electrons_per_primary),
    ):
        head = {"variable_name": name, "unit": unit, "n": n}
        if n < minimum:
            out.append(head | {"insufficient": f"{n} primaries selected, {minimum} needed"})
            continue
        out.append(head | _numbers(measure(sums), sums, windows, settings))
    return quality.judged(out, settings["quality"], sums.live.warning, sums.unknown.warning)


def _numbers(found: Estimate, sums: Sums, windows: Windows, settings: dict[str, Any]) -> dict[str, Any]:
    if not found.error > 0:
        return {"insufficient": "fit failed: no electron came after any of the S2s, so there is no error"}
    steady, least, most = found.steady, settings["unsteady_below"], settings["most_drift"]
    if steady is not None and least is not None and steady.goodness.p_value < least and steady.drift > most:
        change = f"by {steady.drift:.0%} or more, at most {most:.0%} may"
        return {"insufficient": f"fit failed: it changes within the run ({change})"}
    data: dict[str, Any] = {
        "mean_primary_area_pe": sums.moments[0] / sums.primaries,
        "background_per_primary": windows.scale * sums.side_number / sums.primaries,
        "used_fraction": sums.primaries / sums.seen,
        "mean_electrons": sums.moments[2] / sums.primaries,
        **sums.live.data(),
    }
    if steady is not None:
        test = steady.goodness
        data |= {"chi2": test.chi2, "ndf": test.ndf, "steady_p_value": test.p_value, "drift": steady.drift}
    return {"variable_value": found.value, "error": found.error, "data": data}


def draw(sums: Sums, windows: Windows, title: str) -> Figure:
    """Draw when small S2s come after S2s, and how large they are."""
    figure = figures.new_figure(title, 11.0, 4.6)
    when, how_large = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.075, right=0.985, top=0.84, bottom=0.13, wspace=0.22)
    n = max(sums.primaries, 1)
    edges = np.linspace(0, windows.reach / 1e6, len(sums.profile) + 1)
    figures.style(when, "time after the S2 [ms]", "small S2s per S2 and ms", f"{sums.primaries:,} S2s")
    when.stairs(sums.profile / n / (edges[1] - edges[0]), edges, color=figures.INK)
    for (low, high), colour, label in (
        (windows.signal, figures.ORANGE, "signal"),
        (windows.side, figures.BLUE, "side band"),
    ):
        when.axvspan(low / 1e6, high / 1e6, color=colour, alpha=0.12, lw=0, label=label)
    when.set_ylim(bottom=0)
    when.legend(fontsize=8, frameon=False, loc="upper right")
    figures.style(how_large, "area of the small S2 [PE]", "small S2s per S2 and PE", "Area")
    edges = np.linspace(0, 2 * windows.small_area[1], sums.spectra.shape[1] + 1)
    per_bin = 1 / n / (edges[1] - edges[0])
    how_large.stairs(sums.spectra[0] * per_bin, edges, color=figures.ORANGE, label="signal window")
    how_large.stairs(windows.scale * sums.spectra[1] * per_bin, edges, color=figures.BLUE, label="side band, scaled")
    how_large.axvspan(*windows.small_area, color=figures.PALE, alpha=0.5, lw=0, zorder=0)
    how_large.set_ylim(bottom=0)
    how_large.legend(fontsize=8, frameon=False, loc="upper right")
    if sums.primaries > 1:
        ratio, number = area_ratio(sums), electrons_per_primary(sums)
        out = [f"area ratio {ratio.value:.5f} ± {ratio.error:.5f}"]
        out += [f"electrons per S2 {number.value:.3f} ± {number.error:.3f}"]
        figures.note(how_large, out, y=0.72)
    return figure


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    quality.check(settings["quality"])
    peak_types.check(settings["types"])
    if "s2" not in settings["types"]:
        raise ValueError(f"settings.types has {', '.join(settings['types'])}, the type s2 is needed")
    chosen = windows(settings)
    st = xomlib.context()
    vetoes = Vetoes.read(st, run_id, settings)
    events = chunks(st, run_id, "event_basics", EVENT_COLUMNS)
    peaks = chunks(st, run_id, "peak_basics", PEAK_COLUMNS)
    sums = add_up(events, peaks, chosen, settings["types"], vetoes)
    for result in results(sums, chosen, settings):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(sums, chosen, f"Run {run_id}: delayed electrons"))
    xomlib.xom_message(success=True, text=f"{sums.primaries} of {sums.seen} S2s used")


if __name__ == "__main__":
    xomlib.cli(main)
