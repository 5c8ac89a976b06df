"""Truths of the mini-XENONnT: constants, values per run, functions of time, and what is refused."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_xenonnt import truth

ORIGIN = datetime(2026, 9, 23, 12, tzinfo=UTC)
NUMBERS = st.floats(0.1, 100)


def value(spec: Any, days: float = 0.0, run_id: str = "052801", name: str = "event_rate") -> float:
    truth.check_specs({name: spec})
    return truth.evaluate(name, spec, run_id, ORIGIN + timedelta(days=days), ORIGIN)


def of_run(specs: dict[str, Any] | None = None, mode: str = "tpc_kr83m") -> dict[str, Any]:
    return truth.of_run(specs or {}, "052801", mode, ORIGIN, ORIGIN + timedelta(minutes=10), ORIGIN, seed=1)


@settings(deadline=None)
@given(NUMBERS, st.floats(0, 60))
def test_a_number_holds_at_all_times(number: float, days: float) -> None:
    assert value(number, days) == number


@settings(deadline=None)
@given(NUMBERS, st.floats(0, 5), st.floats(0, 60))
def test_a_slope_counts_from_the_start_of_the_set(start: float, slope: float, days: float) -> None:
    assert value({"start": start, "slope_per_day": slope}, days) == pytest.approx(start + slope * days, rel=1e-6)


@pytest.mark.parametrize("at", [30, (ORIGIN + timedelta(days=30)).isoformat()])
def test_a_step_comes_at_its_time(at: Any) -> None:
    spec = {"start": 1.0, "step": {"at": at, "by": 0.5}}
    assert (value(spec, 29.99), value(spec, 30.01)) == (1.0, 1.5)


def test_a_value_per_run_is_for_that_run_only() -> None:
    spec = {"052801": 3.0, "default": {"start": 2.0}}
    assert (value(spec), value(spec, run_id="052802")) == (3.0, 2.0)


def test_a_run_that_is_not_named_has_the_default_truth() -> None:
    default = value(truth.QUANTITIES["charge_yield"].default, name="charge_yield")
    assert value({"052802": 1.0}, name="charge_yield") == default


@settings(deadline=None)
@given(st.floats(0, 60))
def test_default_truths_are_possible_at_all_times(days: float) -> None:
    when = ORIGIN + timedelta(days=days)
    values = truth.of_run({}, "052801", "tpc_kr83m", when, when + timedelta(minutes=10), ORIGIN, seed=1)
    possible = ("dead_channel",)  # there may be none
    found = {name for name, quantity in truth.QUANTITIES.items() if not values[name] > 0 and quantity.default != 0}
    assert all(name.endswith(possible) for name in found)


def test_only_kr83m_runs_have_krypton() -> None:
    assert of_run()["kr_rate"] > 0
    assert of_run(mode="tpc_bkg")["kr_rate"] == 0


def test_what_follows_from_truths_is_in_the_file_too() -> None:
    found = of_run(
        {"busy_rate": 0.5, "busy_duration": 2.0, "light_yield_9_4": 8.0, "light_yield_32_2": 8.0}
        | {"charge_yield": 150.0, "merged_recombination": 0.1}
    )
    assert found["busy_fraction"] == pytest.approx(0.001)
    assert found["charge_yield_merged"] == pytest.approx(135.0)
    assert found["light_yield_41_6"] == pytest.approx(8.0 + 15 / 16.45 * 0.1515)
    assert found["end_ns"] - found["start_ns"] == 600_000_000_000


def test_the_text_of_a_truth_file_is_json_and_gives_the_values_back() -> None:
    assert json.loads(truth.to_text(of_run())) == of_run()


@pytest.mark.parametrize(
    ("specs", "words"),
    [
        ([], "object"),
        ({"event_rat": 1.0}, "did you mean 'event_rate'"),
        ({"event_rate": "1"}, "event_rate"),
        ({"event_rate": True}, "event_rate"),
        ({"event_rate": {}}, "event_rate"),
        ({"event_rate": float("nan")}, "event_rate"),
        ({"event_rate": {"slope_per_day": 1.0}}, "start"),
        ({"event_rate": {"start": 1.0, "slope_per_day": "x"}}, "slope_per_day"),
        ({"event_rate": {"start": 1.0, "step": {"at": 3}}}, "step"),
        ({"event_rate": {"start": 1.0, "step": {"at": "soon", "by": 1}}}, "soon"),
        ({"event_rate": {"start": 1.0, "step": {"at": "2026-10-01", "by": 1}}}, "time zone"),
        ({"event_rate": {"52801": 1.0}}, "52801"),
        ({"event_rate": {"052801": {"052802": 1.0}}}, "event_rate.052801"),
        ({"event_rate": {"052801": None}}, "event_rate.052801"),
    ],
)
def test_a_wrong_truth_is_refused_with_its_place(specs: Any, words: str) -> None:
    with pytest.raises(truth.TruthError, match=words):
        truth.check_specs(specs)


@pytest.mark.parametrize(("name", "spec"), [("event_rate", -1.0), ("electron_lifetime", 0.0)])
def test_an_impossible_value_is_refused_with_its_run(name: str, spec: float) -> None:
    with pytest.raises(truth.TruthError, match=f"{name} of run 052801"):
        of_run({name: spec})


def test_a_departure_from_the_corrections_may_have_either_sign() -> None:
    assert of_run({"charge_yield_change": -0.04})["charge_yield_change"] == -0.04


def test_a_file_of_truths_is_read(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    path.write_text('{"event_rate": {"start": 1.5}}')
    assert truth.read_specs(path) == {"event_rate": {"start": 1.5}}


@pytest.mark.parametrize("text", ["{", '{"no_such": 1}', None])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "truth.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(truth.TruthError, match=r"truth\.json"):
        truth.read_specs(path)
