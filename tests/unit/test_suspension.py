"""Suspended analyses: if many runs fail in the same way, each tick tries one run until one succeeds."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_survey import Documents, Probe, analyses, chosen, documents, states, survey

from support.factory import NOW, failed, keep, keep_failure, key_of, outcome, run, settings
from support.site import document
from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.core.reason import Reason
from xomflow.decisions.files import write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.jobs.run_lock import hold_run, write_owner
from xomflow.outcomes.files import Failure, failure_path
from xomflow.outcomes.model import FailureKind
from xomflow.outcomes.retries import NOT_ITS_FAULT
from xomflow.planning.queue import middle
from xomflow.planning.survey import Survey, take_survey
from xomflow.planning.suspensions.suspended import SuspendedRuns
from xomflow.planning.suspensions.suspension import CAUSED_BY_SCRIPT, IN_A_ROW, FailedAttempt, find_suspension

OLD = range(52000, 52000 + IN_A_ROW)
NEW = range(52900, 52900 + IN_A_ROW)


def series(*causes: str, start: int = 0) -> list[tuple[FailedAttempt, str]]:
    """Failed attempts, one a minute, on one run after the other; class and type of each."""
    made = []
    for place, cause in enumerate(causes, start):
        failure = Failure(1, cause.split()[0], NOW + timedelta(minutes=place))
        made.append((FailedAttempt(f"{52000 + place:06d}", failure), cause))
    return made


def cause(made: list[tuple[FailedAttempt, str]], success: float | None = None) -> str:
    """What suspends an analysis whose newest success was at this minute."""
    causes = dict(made)
    newest = None if success is None else NOW + timedelta(minutes=success)
    return find_suspension(causes, lambda _: newest, causes.__getitem__)


# --- the decision -----------------------------------------------------------------------------------------------------


def test_ten_failures_of_one_kind_on_different_runs_suspend_an_analysis() -> None:
    assert cause(series(*["raised KeyError"] * 10)) == "raised KeyError"
    assert cause(series(*["raised KeyError"] * 9)) == ""
    assert cause(series(*["raised KeyError"] * 9, "raised ValueError")) == ""
    assert cause(series(*["timeout"] * 9, "killed")) == ""
    (one, _), *_ = series("raised KeyError")
    again = [(FailedAttempt(one.run, Failure(n, "raised", NOW)), "raised KeyError") for n in range(1, 30)]
    assert cause(again) == ""


def test_only_classes_that_a_script_causes_count_and_the_others_show_nothing() -> None:
    others = [*NOT_ITS_FAULT, "data_broken", "disk", "not_started"]
    assert not CAUSED_BY_SCRIPT & set(others)
    assert CAUSED_BY_SCRIPT | set(others) == set(get_args(FailureKind)), "decide about a new class"
    for one in others:
        assert cause(series(*[one] * 20)) == ""
        assert cause(series(*["no_result"] * 5, one, *["no_result"] * 5)) == "no_result"


def test_a_success_in_between_resets_the_count() -> None:
    ten = series(*["raised KeyError"] * 10)
    assert cause(ten, success=-0.5) == "raised KeyError"
    assert [cause(ten, success=minute + 0.5) for minute in range(10)] == [""] * 10
    assert cause(ten, success=0) == ""  # at the same second the order is not known


def test_once_suspended_a_failure_of_another_kind_changes_nothing() -> None:
    after = [*["raised KeyError"] * 10, "raised ValueError", "timeout", "raised KeyError"]
    assert cause(series(*after)) == "raised KeyError"
    assert cause(series(*after), success=9.5) == ""


@given(st.lists(st.sampled_from(["raised KeyError", "raised ValueError", "timeout", "lost"]), max_size=40), st.data())
def test_it_is_suspended_exactly_if_ten_in_a_row_were_alike_since_the_last_success(
    causes: list[str], data: st.DataObject
) -> None:
    made = data.draw(st.permutations(series(*causes)))
    success = data.draw(st.none() | st.integers(-1, 40))
    seen = [one for place, one in enumerate(causes) if one != "lost" and (success is None or place > success)]
    alike = [set(seen[place : place + 10]) for place in range(len(seen) - 9)]
    assert bool(cause(made, success)) == any(len(one) == 1 for one in alike)


# --- in a survey ------------------------------------------------------------------------------------------------------


def young(number: int, hours: float = 1.0) -> dict[str, object]:
    """The document of a run that has just ended."""
    start = NOW - timedelta(hours=hours)
    return document(number, start={"$date": times.text(start)}, end={"$date": times.text(start + timedelta(minutes=9))})


def fail(work: Path, *numbers: int, when: datetime = NOW - timedelta(minutes=30), words: str = "KeyError: 'a'") -> None:
    """Let the first attempts on these runs fail, one a second."""
    for place, number in enumerate(numbers):
        ended = when + timedelta(seconds=place)
        record = failed(key_of(number))
        record["failure"]["message"] = words
        keep_failure(failure_path(Paths(work), key_of(number), Failure(1, "raised", ended)), record)


def succeed(work: Path, number: int, when: datetime, old: bool = True) -> None:
    end = when - timedelta(days=30 if old else 0.01)
    keep(Paths(work), outcome(key_of(number), ended=times.text(when), run={"end": times.text(end)}))


def test_of_a_suspended_analysis_a_tick_tries_the_newest_ready_run(tmp_path: Path) -> None:
    fail(tmp_path, *OLD)
    found = survey(tmp_path, *documents(*OLD, 52100, 52101, 52102))
    assert chosen(found) == ["kr83m 52102"]
    assert found.counts["kr83m"] == {"failed": 10, "suspended": 2, "ready": 1, "done": 0}
    assert {item.state.reason for item in found.items["kr83m"] if item.state.name == "suspended"} == {
        "the last runs of its analysis all failed in the same way, raised KeyError; "
        "each tick tries one run until one succeeds"
    }
    (sentence,) = found.for_person
    assert found.ended_by == {sentence: [key_of(52102)]}
    assert sentence.startswith(
        "analyses.kr83m is suspended for old runs (old_after), its last 10 attempts on different"
    )
    assert "raised KeyError" in sentence and "contact" not in sentence
    asked = survey(tmp_path, *documents(*OLD, 52100), analyses=analyses(kr83m={"contact": "jane@example.org"}))
    assert asked.for_person[0].endswith("; contact: jane@example.org")


def test_of_runs_that_are_only_counted_those_are_suspended_that_belong_to_the_failures() -> None:
    apart = SuspendedRuns("kr83m", "", lambda one: one.number < 52100, {True: Reason("raised KeyError")})
    assert apart.count([run(52001), run(52100), run(52101)]) == {"suspended": 1, "ready": 2}


def test_no_other_run_is_tried_while_one_is_running(tmp_path: Path) -> None:
    fail(tmp_path, *OLD)
    with hold_run(Paths(tmp_path), key_of(52102)) as lock:
        write_owner(lock, key_of(52102), 1, "tick")
        found = survey(tmp_path, *documents(*OLD, 52100, 52101, 52102))
    assert chosen(found) == []
    assert states(found)[52101] == "suspended"


def test_a_success_of_the_tried_run_lets_all_go_on(tmp_path: Path) -> None:
    fail(tmp_path, *OLD)
    succeed(tmp_path, 52102, NOW - timedelta(minutes=1))
    found = survey(tmp_path, *documents(*OLD, 52100, 52101, 52102))
    assert chosen(found) == ["kr83m 52101", "kr83m 52100"]
    assert found.for_person == []


def test_only_a_look_that_may_write_keeps_what_it_read_of_outcomes(tmp_path: Path) -> None:
    fail(tmp_path, *OLD)
    succeed(tmp_path, 52102, NOW - timedelta(minutes=1))
    before = set(tmp_path.rglob("*"))
    survey(tmp_path, *documents(*OLD))
    assert set(tmp_path.rglob("*")) == before
    database, probe = Documents(*documents(*OLD)), Probe(tmp_path)
    take_survey(settings(tmp_path), database, probe, NOW, may_write=True)  # type: ignore[arg-type]
    assert Paths(tmp_path).successes.exists()


def test_exceptions_of_other_types_and_earlier_versions_do_not_count(tmp_path: Path) -> None:
    fail(tmp_path, *OLD[:-1])
    fail(tmp_path, OLD[-1], when=NOW - timedelta(minutes=20), words="ValueError: b")
    assert chosen(survey(tmp_path, *documents(*OLD, 52100, 52101))) == ["kr83m 52101", "kr83m 52100"]
    fail(tmp_path, OLD[-1] + 1, when=NOW - timedelta(minutes=40))
    assert chosen(survey(tmp_path, *documents(*OLD, OLD[-1] + 1, 52100, 52101))) == ["kr83m 52101"]
    raised = analyses(kr83m={"version": "v2"})
    assert len(chosen(survey(tmp_path, *documents(*OLD, OLD[-1] + 1), analyses=raised))) == 11


def test_a_backfill_counts_apart(tmp_path: Path) -> None:
    runs = [*documents(*OLD, 52100, 52101), *map(young, (*NEW, 52920, 52921))]
    fail(tmp_path, *OLD)
    succeed(tmp_path, 52922, NOW - timedelta(minutes=1), old=False)
    found = survey(tmp_path, *runs)
    assert chosen(found) == [f"kr83m {number}" for number in (52921, 52920, *reversed(NEW), 52101)]
    assert list(found.ended_by.values()) == [[key_of(52101)]]
    for place in Paths(tmp_path).outcomes.rglob("*.json"):
        place.unlink()
    fail(tmp_path, *NEW)
    succeed(tmp_path, 52102, NOW - timedelta(minutes=1))
    found = survey(tmp_path, *runs)
    assert chosen(found) == ["kr83m 52921", *(f"kr83m {number}" for number in (52101, 52100, *reversed(OLD)))]
    assert found.for_person[0].startswith("analyses.kr83m is suspended, its last 10 attempts")


def test_young_runs_in_a_backfill_count_apart_too(tmp_path: Path) -> None:
    runs, made = map(young, (*NEW, 52920, 52921, 52930, 52931)), NOW - timedelta(hours=1)
    subject = Subject("kr83m", "v1", (*(f"{number:06d}" for number in (*NEW, 52920, 52921)),), most=50)
    write_decision(Paths(tmp_path), Decision(Verb.BACKFILL, subject, "kim", made, "once more"))
    fail(tmp_path, *NEW)
    succeed(tmp_path, 52931, NOW - timedelta(minutes=1), old=False)
    found = survey(tmp_path, *runs)
    assert chosen(found) == ["kr83m 52930", "kr83m 52921"]
    assert states(found)[52920] == "suspended"


def test_no_sentence_is_about_an_analysis_that_has_nothing_to_do(tmp_path: Path) -> None:
    fail(tmp_path, *OLD)
    found = survey(tmp_path, *documents(*OLD), retries={"attempts": 1})
    assert found.counts["kr83m"] == {"gave up": 10, "done": 0}
    assert found.for_person == []


def test_very_many_suspended_runs_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(tmp_path, *OLD)
    whole = survey(tmp_path, *documents(*OLD, *range(52100, 52120)), max_jobs_per_tick=2)
    monkeypatch.setattr(middle, "MOST_READY", 2)
    found = survey(tmp_path, *documents(*OLD, *range(52100, 52120)), max_jobs_per_tick=2)
    assert found.only_counted["kr83m"] == {"suspended": 16}
    assert (found.counts, found.chosen) == (whole.counts, whole.chosen)


def test_what_is_kept_of_successes_changes_no_state(tmp_path: Path) -> None:
    """Whatever was made, kept, lost or deleted in between: a survey without caches finds the same."""
    paths, runs = Paths(tmp_path), documents(*OLD, 52100, 52101)
    steps = [
        lambda: fail(tmp_path, *OLD),
        lambda: succeed(tmp_path, 52101, NOW - timedelta(days=1)),
        lambda: succeed(tmp_path, 52100, NOW - timedelta(minutes=5)),
        lambda: paths.outcome(key_of(52100)).write_text("{}"),
        lambda: paths.successes.write_text('{"kr83m": [1]}'),
        lambda: paths.outcome(key_of(52100)).unlink(),
        lambda: paths.outcome(key_of(52101)).unlink(),
    ]

    def look() -> Survey:
        probe: Any = Probe(tmp_path / "data")
        rundb: Any = Documents(*runs)
        return take_survey(settings(tmp_path), rundb, probe, NOW, may_write=True)

    seen = []
    for step in steps:
        step()
        kept = look()
        shutil.rmtree(paths.cache, ignore_errors=True)
        anew = look()
        assert (kept.counts, kept.chosen) == (anew.counts, anew.chosen)
        seen.append(len(kept.for_person))
    assert seen == [1, 1, 0, 1, 1, 1, 1]
