"""Properties of the pure function that decides the state of a key."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factory import NOW
from xomflow.config.model import Retries
from xomflow.core.reason import Reason
from xomflow.core.state import ATTENTION, FAILURES, WAITINGS, State
from xomflow.outcomes.files import Failure
from xomflow.outcomes.retries import NOT_ITS_FAULT, next_resources, next_try
from xomflow.planning.decide import Evidence, KeyState, decide

STALE_AFTER = 2 * 86400.0
RETRIES = Retries()
OWN_KINDS = [
    "raised",
    "killed",
    "timeout",
    "no_result",
    "missing_result",
    "bad_result",
    "data_broken",
    "out_of_memory",
    "setup",
]

moments = st.datetimes(datetime(2016, 1, 1), datetime(2060, 1, 1)).map(lambda naive: naive.replace(tzinfo=NOW.tzinfo))
kinds = st.sampled_from([*OWN_KINDS, *NOT_ITS_FAULT])
lengths = st.floats(0, 1000).map(lambda number: f"{number:.3f} h")
retries_strategy = st.builds(
    lambda attempts, wait, factor, lost: Retries.model_validate(
        {"attempts": attempts, "first_wait": wait, "factor": factor, "lost_attempts": lost}
    ),
    st.integers(1, 10),
    lengths,
    st.floats(1, 1e300),
    st.integers(1, 5),
)


@st.composite
def histories(draw: st.DrawFn, least: int = 0) -> list[Failure]:
    """Failed attempts, numbered from 1, of which each ended after the one before."""
    size = draw(st.integers(least, 12))
    ended = sorted(draw(st.lists(moments, min_size=size, max_size=size)))
    return [Failure(number, draw(kinds), when) for number, when in enumerate(ended, 1)]


evidences = st.builds(
    Evidence,
    failures=histories(),
    working=st.sampled_from([None, Reason("claimed by tick x")]),
    missing=st.sampled_from([None, Reason("waiting for event_info")]),
    ended=moments,
    suspended=st.sampled_from([None, Reason("raised KeyError")]),
)


def failures(*ones: str) -> list[Failure]:
    """One failure a day of these kinds, the last one a day before NOW."""
    first = NOW - timedelta(days=len(ones))
    return [Failure(number + 1, kind, first + timedelta(days=number)) for number, kind in enumerate(ones)]


def state_of(
    failed: list[Failure] | None = None,
    retries: Retries = RETRIES,
    now: datetime = NOW,
    working: str = "",
    missing: str = "",
) -> KeyState:
    evidence = Evidence(failed or [], Reason.of(working), Reason.of(missing), NOW - timedelta(hours=1))
    return decide(evidence, retries, STALE_AFTER, now)


# --- for all evidence -------------------------------------------------------------------------------------------------


@given(evidence=evidences, retries=retries_strategy, now=moments)
def test_all_evidence_leads_to_a_state_and_a_reason(evidence: Evidence, retries: Retries, now: datetime) -> None:
    state = decide(evidence, retries, STALE_AFTER, now)
    assert state.name in set(State) - {State.DONE}
    assert state.reason
    assert state.attempt == len(evidence.failures) + 1
    assert (state.next_try is not None) == (state.name == "failed")


@given(evidence=evidences, retries=retries_strategy, now=moments)
def test_the_same_evidence_gives_the_same_state_and_stays_as_it_is(
    evidence: Evidence, retries: Retries, now: datetime
) -> None:
    before = copy.deepcopy(evidence)
    assert decide(evidence, retries, STALE_AFTER, now) == decide(evidence, retries, STALE_AFTER, now)
    assert evidence == before


@given(evidence=evidences, retries=retries_strategy, now=moments)
def test_what_somebody_works_on_is_never_due(evidence: Evidence, retries: Retries, now: datetime) -> None:
    working = replace(evidence, working=Reason("claimed by tick x"))
    assert decide(working, retries, STALE_AFTER, now).name == "running"


@given(evidence=evidences, retries=retries_strategy, now=moments)
def test_only_what_can_be_read_is_due(evidence: Evidence, retries: Retries, now: datetime) -> None:
    state = decide(evidence, retries, STALE_AFTER, now)
    assert state.due == (state.name == "ready")
    assert not (state.due and evidence.missing)


@given(evidence=evidences, retries=retries_strategy, now=moments, later=st.timedeltas(timedelta(0), timedelta(10**4)))
def test_once_due_stays_due(evidence: Evidence, retries: Retries, now: datetime, later: timedelta) -> None:
    if decide(evidence, retries, STALE_AFTER, now).due:
        assert decide(evidence, retries, STALE_AFTER, now + later).due


@given(evidence=evidences, retries=retries_strategy, now=moments)
def test_a_failed_key_is_due_at_its_next_try_and_not_a_moment_before(
    evidence: Evidence, retries: Retries, now: datetime
) -> None:
    state = decide(evidence, retries, STALE_AFTER, now)
    if state.next_try is not None:
        just_before = decide(evidence, retries, STALE_AFTER, state.next_try - timedelta(microseconds=1))
        assert just_before.name == "failed"
        then = decide(evidence, retries, STALE_AFTER, state.next_try)
        free = "suspended" if evidence.suspended else "ready"
        assert then.name in (("waiting", "stale") if evidence.missing else (free,))


@given(failed=histories(least=1), retries=retries_strategy)
def test_it_gives_up_at_so_many_own_or_so_many_lost_attempts(failed: list[Failure], retries: Retries) -> None:
    lost = sum(failure.kind in NOT_ITS_FAULT for failure in failed)
    over = len(failed) - lost >= retries.attempts or lost >= retries.lost_attempts
    assert (next_try(failed, retries) is None) == over


@given(failed=histories(least=1), retries=retries_strategy)
def test_the_next_try_is_never_before_the_failure_and_never_beyond_a_century(
    failed: list[Failure], retries: Retries
) -> None:
    due = next_try(failed, retries)
    if due is not None:
        assert timedelta(0) <= due - failed[-1].ended <= timedelta(days=36525)


# --- in particular ----------------------------------------------------------------------------------------------------


def test_a_run_with_all_its_data_is_ready() -> None:
    assert state_of().due
    assert state_of().attempt == 1


@pytest.mark.parametrize(("hours", "name"), [(-5, "waiting"), (47, "waiting"), (49, "stale")])
def test_missing_data_become_stale(hours: int, name: str) -> None:
    state = state_of(missing="waiting for x", now=NOW + timedelta(hours=hours - 1))
    assert state.name == name
    assert state.reason.startswith("waiting for x (since the run ended ")


def test_the_distance_grows_by_the_factor() -> None:
    retries = Retries.model_validate({"attempts": 5, "first_wait": "1 h", "factor": 4})
    waits = []
    for number in range(1, 5):
        failed = failures(*["raised"] * number)
        waits.append(next_try(failed, retries) - failed[-1].ended)  # type: ignore[operator]
    assert waits == [timedelta(hours=hours) for hours in (1, 4, 16, 64)]


@pytest.mark.parametrize("attempts", [1, 2, 4])
def test_it_gives_up_exactly_at_the_configured_number_of_attempts(attempts: int) -> None:
    retries = Retries.model_validate({"attempts": attempts, "first_wait": "0 s"})
    assert state_of(failures(*["raised"] * attempts), retries).name == "gave up"
    assert state_of(failures(*["raised"] * (attempts - 1)), retries).due


def test_what_is_not_its_fault_does_not_count_as_own_and_is_repeated_at_once() -> None:
    failed = failures(*["node_failed", "lost", "cancelled", "preempted"] * 5)
    state = state_of(failed)
    assert state.due
    assert state.attempt == 21
    assert next_try(failed, RETRIES) == failed[-1].ended


def test_attempts_that_are_lost_in_a_row_wait_ever_longer() -> None:
    waits = []
    for number in range(1, 6):
        failed = failures("raised", *["lost"] * number)
        waits.append(next_try(failed, RETRIES) - failed[-1].ended)  # type: ignore[operator]
    assert waits == [timedelta(hours=hours) for hours in (0, 1, 4, 16, 24)]


def test_a_lost_attempt_between_own_ones_does_not_change_the_distance() -> None:
    with_lost, without = failures("raised", "lost", "raised"), failures("raised", "raised")
    assert next_try(with_lost, RETRIES) == next_try(without, RETRIES)


def test_too_many_lost_attempts_end_it_too() -> None:
    assert state_of(failures(*["lost"] * 50)).name == "gave up"


def test_what_failed_and_whose_data_went_away_waits() -> None:
    assert state_of(failures("raised"), missing="waiting for x").name == "waiting"


def test_what_failed_and_is_not_due_is_failed_even_without_data() -> None:
    assert state_of(failures("raised"), now=NOW - timedelta(days=1), missing="waiting for x").name == "failed"


def test_a_clock_set_back_makes_no_failed_run_due() -> None:
    assert state_of(failures("raised"), now=NOW - timedelta(days=400)).name == "failed"


def test_a_huge_number_of_attempts_overflows_nothing() -> None:
    retries = Retries.model_validate({"attempts": 10_000, "first_wait": "10000 d", "factor": 1e300})
    failed = failures(*["raised"] * 5000)
    assert next_try(failed, retries) == failed[-1].ended + timedelta(days=36525)


def test_the_reasons_say_what_happened() -> None:
    assert state_of(failures("killed")).reason == "attempt 2 is due after: killed"
    assert state_of(failures("raised"), now=NOW - timedelta(days=1)).reason == "raised at attempt 1"
    assert state_of(failures(*["raised"] * 4)).reason == "raised at attempt 4, which was the last"
    assert state_of(working="claimed by tick x").reason == "claimed by tick x"


@given(failed=histories(), more=st.floats(1, 100), most=st.integers(1, 10**6))
def test_memory_and_time_grow_with_what_was_too_little_up_to_a_ceiling(
    failed: list[Failure], more: float, most: int
) -> None:
    block = {"more_memory": more, "more_time": more, "most_memory_mb": most, "most_time": "1 h"}
    retries = Retries.model_validate(block)
    kinds = [failure.kind for failure in failed]
    given = next_resources(failed, retries, 4000, 1800)
    assert 4000 <= given["memory_mb"] <= max(most, 4000)
    assert 1800 <= given["time_limit_s"] <= 3600
    if "out_of_memory" not in kinds:
        assert given["memory_mb"] == 4000
    if "timeout" not in kinds:
        assert given["time_limit_s"] == 1800


def test_memory_doubles_each_time() -> None:
    failed = failures("out_of_memory", "raised", "out_of_memory", "timeout")
    assert next_resources(failed, RETRIES, 1000, 60) == {"memory_mb": 4000, "time_limit_s": 120}


# --- the list of states -----------------------------------------------------------------------------------------------


def test_a_state_is_its_name_in_documents() -> None:
    assert [State(str(state)) for state in State] == list(State)
    assert f"{State.GAVE_UP} {State.GAVE_UP:8}|" == "gave up gave up |"


def test_what_needs_a_person_is_listed_with_the_most_urgent_first() -> None:
    assert [*ATTENTION] == ["gave up", "failed", "stale", "suspended", "waiting"]
    assert set(ATTENTION) == FAILURES | WAITINGS | {State.SUSPENDED}
    assert all(state.meaning for state in State)
