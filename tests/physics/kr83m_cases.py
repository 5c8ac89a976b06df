"""What kr83m does with awkward data, as JSON; needs the analysis environment.

Every function whose name starts with ``case_`` is one case; its return value stands in the JSON under the rest of its
name.
"""

import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import analysis_scripts
import cases
import numpy as np
import simulation as sim
from fake_run import DataCorrupted, attempt, run_main

from support.effort import tries
from xomphysics import quality
from xomphysics.fits import attenuation, decay, line
from xomphysics.kr83m import columns, estimates, selection
from xomphysics.kr83m.figure import draw
from xomphysics.kr83m.results import _inverse_lifetime, _lifetime, results
from xomphysics.kr83m.selection import DEFAULTS, double_cuts
from xomphysics.reading.selection import CutFlow
from xomphysics.settings import merge

kr83m = analysis_scripts.load("kr83m")
DOUBLE = "event_info_double"


def kr_chunks(chunks: Any, is_drawn: bool = False, **given: Any) -> dict[str, dict[str, Any]]:
    """Return the results of kr83m by variable; draws the figure as well, if there may be something odd about it."""
    settings = merge(DEFAULTS, given)
    flows = CutFlow(double_cuts(settings)), CutFlow(selection.merged_cuts(settings))
    double, merged = selection.collect(chunks, *flows, settings)
    found = estimates.estimate(double, merged, settings)
    if is_drawn:
        draw("Run 052894", double, merged, flows, found, settings["delay_ns"]).canvas.draw()
    return {result["variable_name"]: result for result in results(found, *flows, settings)}


def kr(events: np.ndarray, pieces: int = 3, **given: Any) -> dict[str, dict[str, Any]]:
    """Return the results of kr83m for a run with these events."""
    return kr_chunks(sim.as_chunks(events, pieces=pieces), **given)


def drawn(events: np.ndarray) -> dict[str, dict[str, Any]]:
    """Return the results of kr83m for a run that is odd, whose figure is drawn as well."""
    return kr(events, is_drawn=True)


@functools.cache
def usual() -> dict[str, dict[str, Any]]:
    """Return the results of kr83m for an ordinary run."""
    return kr(decays())


def decays(n: float = 20_000, seed: int = 5, **truth: Any) -> np.ndarray:
    """Return the events of a simulated Kr83m run."""
    return sim.kr83m_events(np.random.default_rng(seed), sim.KrTruth(decays=n, **truth))


def gaussian(n: int = 500, seed: int = 7) -> np.ndarray:
    """Return areas of a line at 100 PE, 14 PE wide."""
    return np.random.default_rng(seed).normal(100, 14, n)


def case_kr_zero_events() -> Any:
    return drawn(decays(0))


def case_kr_one_event() -> Any:
    return drawn(decays(200)[:1])


def case_kr_few() -> Any:
    return drawn(decays(1000))


def case_kr_some() -> Any:
    return kr(decays(6000))


def case_kr_nan() -> Any:
    broken = decays()
    broken["z"][::10] = np.nan
    return {"clean": usual(), "broken": drawn(broken)}


def case_kr_no_s2() -> Any:
    events = decays()
    for column in ("s2_a_area", "cs2_w_bias_xy", "drift_time", "r", "z"):
        events[column] = np.nan
    return drawn(events)


def case_kr_all_equal() -> Any:
    events = decays()
    events["cs1_b_wo_timecorr"] = np.where(events["s1_b_area"] > 0, 100.0, np.nan)
    return drawn(events)


def case_kr_s2_all_equal() -> Any:
    events = decays()
    events["cs2_w_bias_xy"] = 6000.0
    return drawn(events)


def case_kr_identical() -> Any:
    return drawn(np.repeat(decays(200)[:1], 5000))


def case_kr_ramping() -> Any:
    events = decays()
    progress = np.linspace(0, 1, len(events))
    for column in ("s1_a_area", "s1_b_area", "cs1_a_wo_timecorr", "cs1_b_wo_timecorr"):
        events[column] *= 1.3 - 0.3 * progress
    for column in ("s2_a_area", "cs2_w_bias_xy"):
        events[column] *= 0.3 + 0.7 * progress
    return drawn(events)


def case_kr_drifting() -> Any:
    events = decays()
    events["cs2_w_bias_xy"] *= 1 + 0.06 * np.linspace(-0.5, 0.5, len(events))
    return kr(events)


def case_kr_real() -> Any:
    events = decays(100_000, response=sim.SKEWED)
    events["cs2_w_bias_xy"] *= 1 + 0.01 * np.linspace(-0.5, 0.5, len(events))
    return kr(events)


def case_kr_truncated() -> Any:
    said = {}
    for name, charge_yield, lifetime in (("small", 60.0, 2.0), ("short", 155.0, 0.5)):
        results = kr(decays(20_000, charge_yield=charge_yield, lifetime=lifetime))
        truths = {"charge_yield_41_6_merged": charge_yield, "inverse_lifetime_merged": 1 / lifetime}
        light = results["light_yield_41_6_gauss"]["data"]
        said[name] = {"truths": truths, "results": {key: results[key] for key in truths}, "light": light}
    return said


def case_kr_charge_yield() -> Any:
    """A charge yield that grows by 5 % from drift time 0 to 2.2 ms, with and without its map."""
    events = decays()
    events["cs2_w_bias_xy"] *= 1 + 0.05 * events["drift_time"] / 2.2e6
    maps = {"text": "a", "falling": [[1, 1], [0, 1]], "zero": [[0, 0], [1, 1]], "single": [[1], [2]]}
    return {
        "without": kr(events),
        "with": kr(events, charge_yield_map=[[0, 1.0], [2.2, 1.05]]),
        "wrong": {name: attempt(lambda pairs=one: kr(events, charge_yield_map=pairs)) for name, one in maps.items()},
    }


def case_falling() -> Any:
    """Pulls of a line at 98.8 PE over accidentals that fall by e in 40 PE."""
    rng, runs, said = np.random.default_rng(12), tries(40), {}
    for share in (0.1, 0.2):
        pulls = []
        for _ in range(runs):
            n = rng.binomial(300, share)
            other = 30 + rng.exponential(40, 4 * n + 20)
            areas = np.concatenate([rng.normal(98.8, 14, 300 - n), other[other < 250][:n]])
            fit = line.fit_line(areas, 30, 250)
            pulls.append(((fit.mean - 98.8) / fit.mean_error, (fit.moment.mean - 98.8) / fit.moment.error))
        gauss, mean = np.array(pulls).T
        said[str(share)] = {
            "runs": runs,
            "gauss": [gauss.mean(), gauss.std()],
            "mean": [mean.mean(), mean.std()],
            "off": float(np.mean(np.abs(np.array(pulls)) > 3)),
        }
    return said


def case_kr_not_krypton() -> Any:
    return drawn(decays(1, flat=20_000.0))


def case_kr_two_runs() -> Any:
    chunks = [chunk for seed in (5, 6) for chunk in sim.as_chunks(decays(seed=seed))]
    return {"each": [usual(), kr(decays(seed=6))], "both": kr_chunks(chunks)}


def case_kr_endless_lifetime() -> Any:
    return drawn(decays(lifetime=1e4))


def case_lifetimes() -> Any:
    """What is said of lifetimes in runs of 300 decays whose S2s scatter by 8 %: 1/tau to 0.007 per ms."""
    rng = np.random.default_rng(11)
    runs, said = tries(60), {}
    for lifetime in (13.0, 30.0, 60.0):
        found = [_lifetime_of(rng, lifetime) for _ in range(runs)]
        said[str(lifetime)] = {"runs": runs} | {key: float(np.mean([one[key] for one in found])) for key in found[0]}
    return said


def _lifetime_of(rng: np.random.Generator, lifetime: float) -> dict[str, float]:
    t = rng.uniform(0.1, 2.2, 300)
    s2 = 6000 * np.exp(-t / lifetime) * rng.normal(1, 0.08, 300)
    charge = estimates.measure_charge(s2, s2, t * 1e6, [], DEFAULTS)
    tau, inverse = quality.judged([_lifetime(charge, 100), _inverse_lifetime(charge)], DEFAULTS["quality"])
    low, high = inverse["variable_value"] - inverse["error"], inverse["variable_value"] + inverse["error"]
    interval = tau["data"] if "variable_value" in tau else {}
    ends = interval.get("low_68", 1 / high if high > 0 else np.inf), interval.get("high_68", np.inf)
    good = tau.get("data", {}).get("quality") == "good"
    return {
        "inverse": float("variable_value" in inverse),
        "mean pull of 1/tau": (inverse["variable_value"] - 1 / lifetime) / inverse["error"],
        "covered": float(ends[0] <= lifetime <= ends[1] and low <= 1 / lifetime <= high),
        "limit holds": float(tau.get("data", {}).get("lower_limit_90", np.inf) < lifetime),
        "good and off": float(good and abs(tau["variable_value"] - lifetime) > 3 * tau["error"]),
    }


def case_kr_second_s1() -> Any:
    """Merged decays with a second S1 that is small, or later than a drift time, or large and near."""
    said, events = {}, decays()
    merged = ~(events["s1_b_area"] > 0)
    kinds = {"plain": (np.nan, -1), "small": (8, 900), "late": (90, 3_000_000), "other": (90, 50_000)}
    for name, (area, delay) in {**kinds, "krypton": (90, 900)}.items():
        changed = events.copy()
        changed["s1_b_area"][merged], changed["ds_s1_dt"][merged] = area, delay
        said[name] = kr(changed)["selected_events_merged"]["n"]
    wrong = attempt(lambda: kr(events, second_s1={"area_pe": 20}))
    return {"n": said, "wrong": wrong}


def case_kr_delay() -> Any:
    other = decays()
    double = np.flatnonzero(other["ds_s1_dt"] > 750)
    other["ds_s1_dt"][double[::4]] = np.random.default_rng(2).uniform(750, 2000, len(double[::4]))
    return {"krypton": usual(), "other": kr(other), "none": kr(decays(500))}


def case_kr_quality() -> Any:
    strict = {"p_value": [0.9999, None], "relative_width": [None, 0.01]}
    wrong = {"p_value": [1, 0]}
    data = {DOUBLE: sim.as_chunks(decays(2000))}
    return {"good": usual(), "poor": kr(decays(), quality=strict),
            "wrong": run_main(kr83m, data, quality=wrong)["raised"]}  # fmt: skip


def case_kr_uniform() -> Any:
    events = decays()
    events["cs1_b_wo_timecorr"] = np.random.default_rng(1).uniform(15, 400, len(events))
    return drawn(events)


def case_kr_light_yields() -> Any:
    """Lines at other places than usual are found."""
    said = {}
    for factor in (0.4, 0.7, 1.0, 1.4, 2.1):
        events = decays(light_yields=(9.3 * factor, 10.5 * factor))
        said[str(factor)] = {"results": kr(events), "truths": {"32_2": 9.3 * factor, "9_4": 10.5 * factor}}
    return said


def case_kr_two_lines() -> Any:
    events = decays()
    events["cs1_b_wo_timecorr"][::2] += 100
    return drawn(events)


def case_kr_pieces() -> Any:
    return [kr(decays(), pieces=pieces) for pieces in (1, 11)]


def case_kr_cut_range() -> Any:
    sample = np.random.default_rng(6).normal(98.8, 14, (120, 500))
    fits = [line.fit_line(row, 62, 250) for row in sample]
    pulls = [(fit.mean - 98.8) / fit.mean_error for fit in fits]
    shifts = [fit.moment.mean - fit.mean for fit in fits]
    return {
        "mean": np.mean(pulls),
        "width": np.std(pulls),
        "unexplained": float(np.abs(shifts).max()),
        "near_cut": kr(decays(), s1_b_area_pe=[62, 250]),
        "far_cut": kr(decays(), s1_b_area_pe=[90, 250]),
    }


def case_kr_settings() -> Any:
    above, below = [0.40, -2.0e-7], [0.70, -2.3e-7]
    bands = {
        "none": {"top_fraction_below": None, "top_fraction_above": None},
        "both": {"top_fraction_below": below, "top_fraction_above": above},
        "crossed": {"top_fraction_below": above, "top_fraction_above": below},
    }
    return {
        "between": {name: kr(decays(), **band)["selected_events"]["n"] for name, band in bands.items()},
        "both_top_fractions": len(double_cuts({**DEFAULTS, **bands["both"]})),
        "unknown": attempt(lambda: kr(decays(100), delay_n=[1, 2])),
        "inverted": attempt(lambda: kr(decays(100), delay_ns=[2000, 750])),
        "open": attempt(lambda: kr(decays(100), distinct_channels=[None, None])),
        "no_top_fraction": len(double_cuts({**DEFAULTS, "top_fraction_below": None, "top_fraction_above": None})),
        "cuts": len(double_cuts(DEFAULTS)),
    }


def case_kr_main() -> Any:
    return run_main(kr83m, {DOUBLE: sim.as_chunks(decays())})


def case_kr_main_broken() -> Any:
    return run_main(kr83m, {DOUBLE: [sim.as_chunks(decays())[0], DataCorrupted("chunk 1 is not there")]})


def case_kr_main_bug() -> Any:
    return run_main(kr83m, {DOUBLE: [sim.as_chunks(decays())[0], KeyError("z")]})


def case_kr_main_alternative() -> Any:
    events = decays()
    events["time"] = np.arange(len(events)) * 10**6
    renamed = events.view([(selection.event_info_name(name), kind) for name, kind in sim.DOUBLE.descr])
    info = sim.as_chunks(renamed[[name for name in renamed.dtype.names if "distinct" not in name]], 21.0)
    channels = renamed[["time", "alt_s1_distinct_channels"]]
    return {
        "double": run_main(kr83m, {DOUBLE: sim.as_chunks(events)}),
        "two": run_main(kr83m, {"event_info": info, "distinct_channels": sim.as_chunks(channels, pieces=7)}),
        "short": run_main(kr83m, {"event_info": info, "distinct_channels": sim.as_chunks(channels[:-5])}),
        "long": run_main(kr83m, {"event_info": info[:2], "distinct_channels": sim.as_chunks(channels)}),
    }


def case_kr_columns() -> Any:
    """The columns by version of straxen; a run with the names of straxen 3."""
    versions = ("1.2.8", "1.8.3", "2.2.7", "3.2.1", "4.1.1", "10.0.0", "unknown", None)
    names = [{"cs2_w_bias_xy": "cs2_a_wo_elifecorr"}.get(name, name) for name in sim.DOUBLE.names]
    old = decays().view([(name, kind) for name, (_, kind) in zip(names, sim.DOUBLE.descr, strict=True)])
    made = straxen_columns()
    return {
        "presets": {str(version): preset_of(version) for version in versions},
        "old": kr(old, s2_column="cs2_a_wo_elifecorr")["charge_yield_41_6_merged"],
        "new": usual(),
        "missing": sorted({*columns.chosen(DEFAULTS).s1, columns.chosen(DEFAULTS).s2} - made),
        "missing_gain_corrected": columns.chosen({**DEFAULTS, "s2_column": columns.GAIN_CORRECTED}).s2 not in made,
    }


def preset_of(version: str | None) -> list[str]:
    """Return the columns of a version of straxen."""
    found = columns.preset(version)
    return [*found.s1, found.s2, found.s2_gain_corrected]


def case_kr_regions() -> Any:
    """The gain of electrons is 8 % lower in a fifth of the plane: S2s as they are, and corrected by region."""
    rng, pulls = np.random.default_rng(12), {"": [], columns.GAIN_CORRECTED: []}
    truth, said = sim.KrTruth(decays=20_000, charge_yield=155.0, lifetime=13.0), {}
    for _ in range(tries(6)):
        events = sim.kr83m_events(rng, truth)
        low = rng.random(len(events)) < 0.2
        more = np.zeros(len(events), [*sim.DOUBLE.descr, ("cs2_w_bias_xy_segee", "f4")])
        for name in sim.DOUBLE.names:
            more[name] = events[name]
        more["cs2_w_bias_xy_segee"] = events["cs2_w_bias_xy"]
        more["cs2_w_bias_xy"][low] *= 0.92
        more["s2_a_area"][low] *= 0.92
        for column, found in pulls.items():
            said[column] = kr(more, s2_column=column or None)
            one = said[column]["charge_yield_41_6_merged"], said[column]["inverse_lifetime_merged"]
            found.append([(r["variable_value"] - t) / r["error"] for r, t in zip(one, (155.0, 1 / 13.0), strict=True)])
    return {
        name or "usual": {
            "runs": len(found),
            "means": np.mean(found, axis=0).tolist(),
            "column": said[name]["charge_yield_41_6_merged"]["data"]["column"],
            "resolution": said[name]["resolution_s2_merged"]["variable_value"],
        }
        for name, found in pulls.items()
    }


def straxen_columns() -> set[str]:
    """Return the columns of the installed straxen's ``event_info_double``."""
    from mini_xenonnt.context import mini_xenonnt

    st = mini_xenonnt("nowhere")
    return set(st.get_single_plugin("052894", "event_info_double").dtype_for("event_info_double").names)


def case_kr_cuts() -> Any:
    """The same events with columns of cuts, as a context of cutax adds them."""
    events = decays()
    more = np.zeros(len(events), [*sim.DOUBLE.descr, ("cut_fiducial_volume", "?"), ("cut_Kr_DoubleS1_SingleS2", "?")])
    for name in sim.DOUBLE.names:
        more[name] = events[name]
    return [usual(), kr(more)]


def case_line() -> Any:
    sample = gaussian()
    fit = line.fit_line(sample, 30, 250)
    x = np.linspace(30, 250, 4001)
    area = float(np.sum((fit.density(x)[1:] + fit.density(x)[:-1]) / 2) * (x[1] - x[0]))
    scaled = line.fit_line(1000 * sample, 30_000, 250_000)
    shifted = line.fit_line(sample[::-1], 30, 250)
    return {"fit": [fit.mean, fit.mean_error, fit.sigma], "area": area,
            "scaled": [scaled.mean, scaled.mean_error, scaled.sigma], "reversed": shifted.mean}  # fmt: skip


def case_line_failures() -> Any:
    rng = np.random.default_rng(3)
    samples = {
        "empty": np.zeros(0),
        "few": gaussian(9),
        "equal": np.full(100, 100.0),
        "uniform": rng.uniform(30, 250, 500),
        "edge": 30 + rng.exponential(8, 500),
    }
    return {name: attempt(lambda sample=sample: line.fit_line(sample, 30, 250)) for name, sample in samples.items()}


def case_line_no_convergence() -> Any:
    fit = _stuck(lambda: attempt(lambda: line.fit_line(gaussian(), 30, 250)))
    return {"fit": fit, "kr83m": _stuck(lambda: drawn(decays()))}


def _stuck(call: Callable[[], Any]) -> Any:
    """Call something whose fits of lines stop early."""
    search = line.minimise
    line.minimise = lambda cost, starts, limits: _Early(search(cost, starts, limits))
    try:
        return call()
    finally:
        line.minimise = search


class _Early:
    """A fit that never becomes valid."""

    valid, accurate, strategy = False, True, 0

    def __init__(self, fit: Any) -> None:
        self.values, self.limits, self.fixed = fit.values, fit.limits, fit.fixed
        self.fmin = SimpleNamespace(edm=0.5)

    def migrad(self) -> None:
        pass

    hesse = migrad


def case_attenuation_no_convergence() -> Any:
    search = attenuation.minimise
    attenuation.minimise = lambda cost, starts, limits: _Early(search(cost, starts, limits))
    try:
        return drawn(decays())
    finally:
        attenuation.minimise = search


def case_no_iminuit() -> Any:
    code = (
        "import sys; sys.modules['iminuit'] = None\n"
        "from xomlib.process.failures import failure_of\n"
        "try:\n    import xomphysics.fits.line\n"
        "except Exception as error:\n    print(*failure_of(error), sep='|')"
    )
    python = str(Path(sys.prefix, "bin", "python"))
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def s2s(n: int = 500, seed: int = 8, tails: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return drift times (ms) and S2 areas with 6000 PE at zero, 10 ms lifetime, 7 % resolution."""
    rng = np.random.default_rng(seed)
    times = rng.uniform(0.2, 2.0, n)
    noise = rng.standard_t(3, n) if tails else rng.normal(size=n)
    return times, np.maximum(6000 * np.exp(-times / 10) * (1 + 0.07 * noise), 1.0)


def case_attenuation() -> Any:
    times, areas = s2s()
    fit, scaled = attenuation.fit_attenuation(times, areas), attenuation.fit_attenuation(1000 * times, 50 * areas)
    reversed_ = attenuation.fit_attenuation(times[::-1], areas[::-1])
    dirty = areas.copy()
    dirty[::20] *= 3  # 5 % of something else
    pulled, medians = attenuation.fit_attenuation(times, dirty), attenuation.fit_medians(times, dirty)
    tails = [attenuation.fit_attenuation(*s2s(seed=seed, tails=True)) for seed in range(200)]
    bent = attenuation.fit_medians(times, areas * (1 - 0.1 * np.cos(3 * times)))
    return {
        "fit": [fit.start, fit.start_error, fit.rate, fit.rate_error],
        "scaled": [scaled.start / 50, scaled.start_error / 50, scaled.rate * 1000, scaled.rate_error * 1000],
        "reversed": [reversed_.start, reversed_.rate],
        "dirty": [(pulled.start - 6000) / pulled.start_error, (pulled.rate - 0.1) / pulled.rate_error],
        "dirty_medians": (medians.rate - 0.1) / medians.rate_error,
        "tails": [float(np.std([(fit.rate - 0.1) / fit.rate_error for fit in tails])), tails[0].tails],
        "bent": [attenuation.fit_medians(times, areas).goodness.p_value, bent.goodness.p_value],
    }


def case_attenuation_failures() -> Any:
    times, areas = s2s(100)
    samples = {
        "few": (times[:15], areas[:15]),
        "equal times": (np.ones(100), areas),
        "equal areas": (times, np.full(100, 6000.0)),
        "negative": (times, areas - 5000),
        "nan": (times, np.where(times > 1, np.nan, areas)),
        "uniform": (times, np.random.default_rng(1).uniform(1000, 20000, 100)),
    }
    return {name: attempt(lambda pair=pair: attenuation.fit_attenuation(*pair)) for name, pair in samples.items()}


def case_decay() -> Any:
    rng = np.random.default_rng(4)
    tau = sim.HALF_LIFE / np.log(2)
    pulls = []
    for _ in range(300):
        times = 750 + rng.exponential(tau, 400)
        fit = decay.fit_half_life(times[times < 2000], 750, 2000)
        pulls.append((fit.half_life - sim.HALF_LIFE) / fit.error)
    rising = attempt(lambda: decay.fit_half_life(rng.uniform(750, 2000, 300), 750, 2000))
    return {"mean": np.mean(pulls), "width": np.std(pulls), "uniform": rising}


if __name__ == "__main__":
    cases.print_all(globals())
