"""What both analyses do with awkward data, as JSON; needs the analysis environment.

Every function whose name starts with ``case_`` is one case; its return value stands in the JSON under the rest of its
name.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import analysis_scripts
import simulation as sim

from xomlib import session
from xomphysics import decay, line
from xomphysics.selection import CutFlow

kr83m, event_rate = analysis_scripts.load("kr83m"), analysis_scripts.load("event_rate")
DOUBLE = "event_info_double"


class FakeContext:
    """A strax context that has one run's chunks, or fails like strax after the first of them."""

    chunks: dict[str, list[Any]]
    error: Exception | None = None
    storage: tuple[Any, ...] = ()

    def set_context_config(self, config: dict[str, Any]) -> None:
        """Take what xomlib forbids."""

    def is_stored(self, run_id: str, target: str) -> bool:
        """Tell whether there are chunks of a data type."""
        return target in self.chunks

    def get_iter(self, run_id: str, target: str, keep_columns: Any = (), progress_bar: bool = True) -> Any:
        """Give the chunks with the columns asked for."""
        for chunk in self.chunks[target]:
            data = chunk.data[list(keep_columns)]
            yield SimpleNamespace(start=chunk.start, end=chunk.end, data=data)
            if self.error is not None:
                raise self.error


class DataCorrupted(Exception):
    """Has the name of strax's own."""


def kr(events: np.ndarray, pieces: int = 3, **settings: Any) -> dict[str, dict[str, Any]]:
    """Return the results of kr83m by variable; draws the figure as well."""
    merged = kr83m.merge(kr83m.DEFAULTS, settings)
    flow = CutFlow(kr83m.cuts(merged))
    decays = kr83m.collect(sim.as_chunks(events, pieces=pieces), flow, merged["s1_columns"])
    lines, half_life = kr83m.analyse(decays, merged)
    kr83m.draw(decays, flow, lines, half_life, merged["delay_ns"], "052894").canvas.draw()
    return {result["variable_name"]: result for result in kr83m.results(decays, flow, lines, half_life)}


def rate(events: np.ndarray, seconds: float = 60.0, pieces: int = 3) -> dict[str, dict[str, Any]]:
    """Return the results of event_rate by variable; draws the figure as well."""
    bands = event_rate.parse_bands(event_rate.DEFAULTS["bands"])
    tally = event_rate.count(sim.as_chunks(events, seconds, pieces), bands, "e_ces")
    event_rate.draw(tally, "052894").canvas.draw()
    return {result["variable_name"]: result for result in event_rate.results(tally, 10)}


def run_main(
    module: Any, chunks: dict[str, list[Any]], error: Exception | None = None, **settings: Any
) -> dict[str, Any]:
    """Run a script's main with the real xomlib and a fake context; return what stands in the draft."""
    context = FakeContext()
    context.chunks, context.error = chunks, error
    sys.modules["fake_site"] = SimpleNamespace(context=lambda: context)  # type: ignore[assignment]
    begun = session.begin(
        {
            "key": {"analysis": module.__name__.removeprefix("analysis_"), "version": "v1", "run": "052894"},
            "context": {"function": "fake_site:context"},
            "settings": settings,
            "draft": None,
        }
    )
    raised = attempt(lambda: module.main("052894"))
    return {"results": begun.results, "figures": begun.figures, "messages": begun.messages, "raised": raised}


def attempt(call: Callable[[], Any]) -> str | None:
    """Return class and text of what a call raises."""
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def decays(n: float = 20_000, seed: int = 5, **truth: Any) -> np.ndarray:
    """Return the events of a simulated Kr83m run."""
    return sim.kr83m_events(np.random.default_rng(seed), sim.KrTruth(decays=n, **truth))


def gaussian(n: int = 500, seed: int = 7) -> np.ndarray:
    """Return areas of a line at 100 PE, 14 PE wide."""
    return np.random.default_rng(seed).normal(100, 14, n)


def case_kr_zero_events() -> Any:
    return kr(decays(0))


def case_kr_one_event() -> Any:
    return kr(decays(200)[:1])


def case_kr_few() -> Any:
    return kr(decays(1000))


def case_kr_nan() -> Any:
    events = decays()
    clean = kr(events)
    broken = events.copy()
    broken["z"][::10] = np.nan
    return {"clean": clean, "broken": kr(broken)}


def case_kr_no_s2() -> Any:
    events = decays()
    for column in ("s2_a_area", "drift_time", "r", "z"):
        events[column] = np.nan
    return kr(events)


def case_kr_all_equal() -> Any:
    events = decays()
    events["cs1_b_wo_timecorr"] = np.where(events["s1_b_area"] > 0, 100.0, np.nan)
    return kr(events)


def case_kr_uniform() -> Any:
    events = decays()
    events["cs1_b_wo_timecorr"] = np.random.default_rng(1).uniform(30, 250, len(events))
    return kr(events)


def case_kr_two_lines() -> Any:
    events = decays()
    events["cs1_b_wo_timecorr"][::2] += 100
    return kr(events)


def case_kr_pieces() -> Any:
    return [kr(decays(), pieces=pieces) for pieces in (1, 11)]


def case_kr_cut_range() -> Any:
    sample = np.random.default_rng(6).normal(98.8, 14, (300, 500))
    fits = [line.fit_line(row, 62, 250) for row in sample]
    pulls = [(fit.mean - 98.8) / fit.mean_error for fit in fits]
    shifts = [
        line.sample_mean(row[row >= 62]).mean - fit.mean - fit.mean_shift for row, fit in zip(sample, fits, strict=True)
    ]
    return {
        "mean": np.mean(pulls),
        "width": np.std(pulls),
        "unexplained": float(np.abs(shifts).max()),
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
        "both_top_fractions": len(kr83m.cuts({**kr83m.DEFAULTS, **bands["both"]})),
        "unknown": attempt(lambda: kr(decays(100), delay_n=[1, 2])),
        "inverted": attempt(lambda: kr(decays(100), delay_ns=[2000, 750])),
        "open": attempt(lambda: kr(decays(100), distinct_channels=[None, None])),
        "no_top_fraction": len(kr83m.cuts({**kr83m.DEFAULTS, "top_fraction_below": None, "top_fraction_above": None})),
        "cuts": len(kr83m.cuts(kr83m.DEFAULTS)),
    }


def case_kr_main() -> Any:
    return run_main(kr83m, {DOUBLE: sim.as_chunks(decays())})


def case_kr_main_broken() -> Any:
    return run_main(kr83m, {DOUBLE: sim.as_chunks(decays())}, DataCorrupted("chunk 1 is not there"))


def case_kr_main_bug() -> Any:
    return run_main(kr83m, {DOUBLE: sim.as_chunks(decays())}, KeyError("z"))


def case_kr_main_alternative() -> Any:
    events = decays()
    events["time"] = np.arange(len(events)) * 10**6
    renamed = events.view([(kr83m.event_info_name(name), kind) for name, kind in sim.DOUBLE.descr])
    info = sim.as_chunks(renamed[[name for name in renamed.dtype.names if "distinct" not in name]], 21.0)
    channels = renamed[["time", "alt_s1_distinct_channels"]]
    return {
        "double": run_main(kr83m, {DOUBLE: sim.as_chunks(events)}),
        "two": run_main(kr83m, {"event_info": info, "distinct_channels": sim.as_chunks(channels, pieces=7)}),
        "short": run_main(kr83m, {"event_info": info, "distinct_channels": sim.as_chunks(channels[:-5])}),
        "long": run_main(kr83m, {"event_info": info[:2], "distinct_channels": sim.as_chunks(channels)}),
    }


def case_rate_zero_events() -> Any:
    return rate(np.zeros(0, sim.EVENT))


def case_rate_handful() -> Any:
    return rate(sim.background_events(np.random.default_rng(1), 20, 60)[:7])


def case_rate_no_energy() -> Any:
    events = sim.background_events(np.random.default_rng(1), 20, 60)
    events["e_ces"] = np.nan
    return rate(events)


def case_rate_no_time() -> Any:
    return rate(np.zeros(0, sim.EVENT), seconds=0.0, pieces=1)


def case_rate_pieces() -> Any:
    events = sim.background_events(np.random.default_rng(1), 20, 61.7)
    return [rate(events, 61.7, pieces) for pieces in (1, 13)]


def case_rate_over_time() -> Any:
    events = sim.background_events(np.random.default_rng(1), 20, 600)
    tally = event_rate.count(sim.as_chunks(events, 600.0, 7), {}, "e_ces")
    edges, counts = event_rate.over_time(tally)
    expected = np.histogram(events["time"], edges * 1e9)[0]
    return {"counts": counts.tolist(), "expected": expected.tolist(), "end": edges[-1]}


def case_rate_step() -> Any:
    rng = np.random.default_rng(2)
    events = np.concatenate([sim.background_events(rng, 20, 300), sim.background_events(rng, 25, 300)])
    events["time"][np.flatnonzero(np.diff(events["time"]) < 0)[0] + 1 :] += 300 * 10**9
    return rate(events, 600.0)


def case_rate_edges() -> Any:
    events = np.zeros(3, sim.EVENT)
    events["time"], events["e_ces"] = [1, 2, 3], [1.0, 10.0, 50.0]
    tally = event_rate.count(
        sim.as_chunks(events, 60.0, 1), event_rate.parse_bands({"a": [1, 10], "b": [10, 50]}), "e_ces"
    )
    return tally.in_band


def case_rate_bands() -> Any:
    wrong = {"inverted": {"low": [10, 1]}, "three": {"low": [1, 2, 3]}, "name": {"a b": [1, 2]}}
    return {name: attempt(lambda bands=bands: event_rate.parse_bands(bands)) for name, bands in wrong.items()}


def case_rate_main() -> Any:
    events = sim.background_events(np.random.default_rng(1), 20, 60)
    return run_main(event_rate, {"event_info": sim.as_chunks(events)}, bands={"peak": [40, 45]})


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
    search = line.minimize
    line.minimize = lambda *args, **rest: SimpleNamespace(x=np.array([0.4, 0.1, 0.1]), message="gave up", success=False)
    try:
        return {"fit": attempt(lambda: line.fit_line(gaussian(), 30, 250)), "kr83m": kr(decays())}
    finally:
        line.minimize = search


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


def main() -> None:
    """Print all cases as one JSON document."""
    cases = {name.removeprefix("case_"): call for name, call in globals().items() if name.startswith("case_")}
    document = {name: call() for name, call in cases.items()}
    # main() of the scripts prints too; the document is the last line.
    print(json.dumps(document, default=lambda value: value.item()))


if __name__ == "__main__":
    main()
