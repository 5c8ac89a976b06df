"""What scada does with good and bad answers of a real https server, as JSON; needs the analysis environment."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import analysis_scripts
import cases
import numpy as np
from fake_run import FACTS, attempt, run_main

from support import scada as bad
from xomphysics import slow_control_client as client
from xomphysics.time_series import Constant, coverage, fit_line

scada = analysis_scripts.load("scada")
OTHER = "XE1T.CRY_TT101_PMON.PI"
PARAMETERS = {"pressure": {"name": bad.NAME, "unit": "bar"}, "temperature": {"name": OTHER, "unit": "K"}}
START, END = 1_000.0, 1_600.0
RNG = np.random.default_rng(6)
NOISE = RNG.normal(0, 1, 61)
TIMES = np.arange(START, END + 1, 10)


@contextmanager
def server(series: Any = None) -> Iterator[tuple[bad.FaultyServer, dict[str, Any]]]:
    """Give a server and the settings that lead to it."""
    with tempfile.TemporaryDirectory() as folder, bad.serving(Path(folder), series) as running:
        yield running, {"credentials": str(running.account), "parameters": PARAMETERS, "wait_s": 0, "timeout_s": 2}


def run(settings: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """Run main for a run that ended a day ago."""
    end = datetime.now(UTC).timestamp() // 86400 * 86400
    times = {"start": end - 600, "end": end, **facts}
    text = {key: f"{datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%M:%SZ}" for key, value in times.items()}
    return run_main(scada, {}, facts={**FACTS, **text}, **settings)


def said(values: Any, times: Any = TIMES, drawn: bool = True, **settings: Any) -> dict[str, dict[str, Any]]:
    """Return the results for one parameter by kind; draws the figure as well."""
    kept = [(float(t), float(v)) for t, v in zip(times, values, strict=True) if np.isfinite(v)]
    readings = client.Readings([t for t, _ in kept], [v for _, v in kept], len(values) - len(kept))
    answers = {"x": scada.Answer("K", readings, "" if kept else "no readings")}
    if drawn:
        scada.draw(answers, START, END, "052894").canvas.draw()
    found = scada.results(answers, START, END, {**scada.DEFAULTS, **settings})
    return {result["variable_name"].removeprefix("x_"): result for result in found}


def case_exact_line() -> Any:
    return said(np.arange(61) / 7), said(np.arange(61) / 7 + 1e-12 * NOISE)


def case_rounded() -> Any:
    """Readings that scatter by 0.2 and 0.6 of the step to which they are rounded, up to errors of floating point."""
    values = {share: 177.203 + 0.01 * share * NOISE for share in (0.2, 0.6)}
    found = {str(share): said(np.round(one / 0.01) * 0.01 + 1e-13 * NOISE) for share, one in values.items()}
    return found | {"fine": said(177.203 + 0.002 * NOISE)}


def alike(rng: np.random.Generator, n: int, noise: float, runs: int = 60) -> Any:
    """Results of series whose neighbours are correlated by 0.98, a share of their variance white noise."""
    found = []
    for _ in range(runs):
        scatter = rng.normal(0, (1 - 0.98**2) ** 0.5, n)
        scatter[0] = rng.normal()
        for i in range(1, n):
            scatter[i] += 0.98 * scatter[i - 1]
        values = 5 + np.sqrt(1 - noise) * scatter + np.sqrt(noise) * rng.normal(size=n)
        found.append(said(values, np.linspace(START, END, n), drawn=False))
    pulls = [
        (one[kind]["variable_value"] - TRUE[kind]) / one[kind]["error"]
        for one in found
        for kind in ("mean", "slope")
        if _good(one[kind])
    ]
    return {
        "reason": next((one["mean"]["insufficient"] for one in found if "insufficient" in one["mean"]), ""),
        "good": sum(_good(one[kind]) for one in found for kind in TRUE) / len(found) / len(TRUE),
        "good and off": sum(_off(one[kind], TRUE[kind]) for one in found for kind in TRUE) / len(found) / len(TRUE),
        "width": float(np.std(pulls)) if pulls else None,
    }


def case_alike() -> Any:
    rng = np.random.default_rng(9)
    return {str(n): alike(rng, n, 0.0) for n in (60, 360, 3600)}


def case_noise_over_slow() -> Any:
    return alike(np.random.default_rng(10), 3600, 0.5, 30)


TRUE = {"mean": 5.0, "spread": 1.0, "slope": 0.0}


def _good(result: dict[str, Any]) -> bool:
    return "variable_value" in result and result["data"]["quality"] == "good"


def _off(result: dict[str, Any], truth: float) -> bool:
    return _good(result) and bool(abs(result["variable_value"] - truth) > 3 * result["error"])


def case_main() -> Any:
    with server() as (running, settings):
        return {**run(settings), "log": running.log}


def case_one_unknown() -> Any:
    with server() as (_, settings):
        return run({**settings, "parameters": {**PARAMETERS, "gone": {"name": "XE1T.GONE"}}})


def case_one_unanswered() -> Any:
    with server() as (running, settings):
        running.faults = [("GET", bad.half)] * 3
        return run(settings)


def case_nothing_answered() -> Any:
    with server() as (running, settings):
        running.faults = [("GET", bad.code(500))] * 6
        return run(settings)


def case_wrong_password() -> Any:
    with server() as (running, settings):
        text = running.account.read_text().replace("straxen_password = ", "straxen_password = wr0ng ")
        running.account.write_text(text)
        return {**run(settings), "log": running.log}


def case_open_account() -> Any:
    with server() as (running, settings):
        running.account.chmod(0o644)
        return run(settings)


def case_old_run() -> Any:
    with server() as (running, settings):
        return {**run(settings, start=1.3e9, end=1.3e9 + 600), "log": running.log}


def case_no_readings() -> Any:
    with server(lambda name, start, end: []) as (_, settings):
        return run(settings)


def case_only_nan() -> Any:
    rows = [{"timestampseconds": 1.7e9, "value": None}]
    with server(lambda name, start, end: [{**rows[0], "timestampseconds": start + 1}]) as (_, settings):
        return run(settings)


def case_line() -> Any:
    return said(5 + 0.001 * (TIMES - START) + 0.01 * NOISE)


def case_nan() -> Any:
    values = 5 + 0.01 * NOISE
    broken = values.copy()
    broken[::7] = np.nan
    return said(broken)


def case_one_reading() -> Any:
    return said([5.0], [1_300.0])


def case_few() -> Any:
    return said(NOISE[:19], TIMES[:19])


def case_equal() -> Any:
    return said(np.full(61, 7.25))


def case_gap() -> Any:
    """A strong drift with its first third missing: the mean is that over the run, not of the readings."""
    values = 5 + 0.01 * (TIMES - START) + 0.01 * NOISE
    return said(values[20:], TIMES[20:])


def case_long_gap() -> Any:
    return said(NOISE[:25], TIMES[:25])


def case_bunched() -> Any:
    return said(NOISE, np.full(61, 1_300.0), minimum_covered=0.0)


def case_coverage() -> Any:
    return {
        "all": coverage(TIMES, START, END).covered,
        "hole": coverage(np.delete(TIMES, range(20, 40)), START, END).__dict__,
        "late": coverage(TIMES[30:], START, END).covered,
        "none": coverage([], START, END).__dict__,
        "one": coverage([1_300.0], START, END).covered,
    }


def case_line_refuses() -> Any:
    return {
        "few": attempt(lambda: fit_line([1, 2, 3], [1, 2, 3], 0, 4)),
        "one_time": attempt(lambda: fit_line([1] * 9, range(9), 0, 4)),
        "constant": attempt(lambda: fit_line(range(9), [3] * 9, 0, 4)) == f"{Constant.__name__}: ",
    }


def case_settings() -> Any:
    wrong = {
        "none": {},
        "name": {"parameters": {"a b": {"name": "x"}}},
        "block": {"parameters": {"a": "XE1T.X"}},
        "key": {"parameters": {"a": {"name": "x", "units": "K"}}},
        "unknown": {"parameter": {}},
    }
    return {
        name: attempt(lambda settings=settings: scada.check(scada.merge(scada.DEFAULTS, settings)))
        for name, settings in wrong.items()
    }


if __name__ == "__main__":
    cases.print_all(globals())
