"""Which runs the mini-XENONnT has."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_xenonnt import schedule
from mini_xenonnt.schedule import ODD, Parameters, Run, ScheduleError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SETS = st.builds(
    Parameters,
    now=st.datetimes(datetime(2023, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    runs=st.integers(1, 120),
    decays=st.integers(100, 20_000),
    seconds=st.integers(1, 1200),
)


def plan(runs: int = 48, **others: Any) -> list[Run]:
    return schedule.plan(Parameters(NOW, runs=runs, **others))


@settings(deadline=None)
@given(SETS)
def test_runs_are_as_many_as_asked_and_numbered_in_order(parameters: Parameters) -> None:
    numbers = [run.number for run in schedule.plan(parameters)]
    assert numbers == list(range(52800, 52800 + parameters.runs))


@settings(deadline=None)
@given(SETS)
def test_no_run_starts_before_the_last_one_ended(parameters: Parameters) -> None:
    runs = schedule.plan(parameters)
    assert all(run.start < run.end for run in runs)
    assert all(one.end < other.start for one, other in itertools.pairwise(runs))


@settings(deadline=None)
@given(SETS)
def test_all_runs_lie_within_two_months_and_the_newest_ended_minutes_ago(parameters: Parameters) -> None:
    runs = schedule.plan(parameters)
    newest = max(run.end for run in runs if run.odd != "running")
    assert runs[0].start >= parameters.now - timedelta(days=60, seconds=1)
    assert timedelta(minutes=4) < parameters.now - newest < timedelta(minutes=6)


@settings(deadline=None)
@given(SETS)
def test_a_set_is_the_same_again(parameters: Parameters) -> None:
    assert schedule.plan(parameters) == schedule.plan(parameters)


@settings(deadline=None)
@given(SETS)
def test_every_odd_case_is_there_once_or_none_is(parameters: Parameters) -> None:
    odd = [run.odd for run in schedule.plan(parameters) if run.odd]
    assert sorted(odd) == (sorted(ODD) if parameters.runs >= 24 else [])


@pytest.mark.parametrize("runs", [24, 48])
def test_every_mode_is_there(runs: int) -> None:
    missing = set(schedule.MODES) - {run.mode for run in plan(runs)}
    assert missing <= ({"tpc_pmtgain"} if runs == 24 else set())


def test_krypton_comes_in_pairs_every_second_week() -> None:
    starts = [run.start for run in plan() if run.mode == "tpc_kr83m" and not run.odd]
    firsts, seconds = starts[::2], starts[1::2]
    assert len(firsts) == len(seconds) >= 4
    assert all(other - one < timedelta(hours=2) for one, other in zip(firsts, seconds, strict=True))
    assert all(timedelta(days=12) < b - a < timedelta(days=20) for a, b in itertools.pairwise(firsts))


@pytest.mark.parametrize("odd", ["abandon", "old_no_data", "no_data_yet", "not_transferred", "running"])
def test_odd_runs_without_data_have_none(odd: str) -> None:
    assert next(run for run in plan() if run.odd == odd).types == ()


@pytest.mark.parametrize("odd", ["partial", "temp", "exception"])
def test_odd_runs_with_part_of_the_data_lack_what_is_above_event_basics(odd: str) -> None:
    run = next(run for run in plan() if run.odd == odd)
    assert set(run.types) == {"peak_basics", "event_basics", "veto_intervals", "online_peak_monitor"}
    assert bool(run.broken_types) == (odd != "partial")


def test_what_never_came_is_older_than_two_days_and_what_may_come_is_younger() -> None:
    ends = {run.odd: run.end for run in plan()}
    assert NOW - ends["old_no_data"] > timedelta(days=2)
    for odd in ("partial", "temp", "exception", "no_data_yet", "not_transferred"):
        assert NOW - ends[odd] < timedelta(days=2)


def test_a_krypton_run_takes_until_it_has_its_decays() -> None:
    run = next(run for run in plan(decays=8000) if run.mode == "tpc_kr83m")
    assert run.end - run.start == timedelta(seconds=1000)  # at the default 8 Hz


def test_too_many_decays_are_refused_with_the_runs_they_concern() -> None:
    with pytest.raises(ScheduleError, match=r"run 0528\d\d \(tpc_kr83m\)"):
        plan(decays=5_000_000)


def test_krypton_runs_without_krypton_are_refused() -> None:
    with pytest.raises(ScheduleError, match="kr_rate"):
        schedule.plan(Parameters(NOW, truth={"kr_rate": 0}))


def test_a_set_without_runs_is_refused() -> None:
    with pytest.raises(ScheduleError, match="0"):
        plan(0)


def take(now: datetime, mode: str = "tpc_bkg") -> Run:
    parameters = Parameters(NOW)
    return schedule.take(schedule.plan(parameters), parameters, mode, ("new",), 800, now)


def test_a_run_that_is_taken_has_the_next_number_and_its_tags() -> None:
    run = take(NOW + timedelta(hours=1))
    assert (run.number, run.tags, run.odd) == (plan()[-1].number + 1, ("new",), None)


def test_a_run_that_is_taken_ends_now() -> None:
    assert take(NOW + timedelta(hours=1), "tpc_kr83m").end == NOW + timedelta(hours=1)


def test_a_run_that_is_taken_at_once_starts_after_the_newest() -> None:
    assert take(NOW).start > max(run.start for run in plan())


def test_an_unknown_mode_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ScheduleError, match=r"'tpc_xyz'.*tpc_kr83m"):
        take(NOW, "tpc_xyz")


def test_the_runs_of_odd_cases_can_be_looked_up() -> None:
    found = schedule.odd_runs(plan())
    assert set(found) == set(ODD)
    assert all(next(run for run in plan() if run.run_id == run_id).odd == odd for odd, run_id in found.items())
