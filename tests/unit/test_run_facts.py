"""What a script learns of its run: the same in a tick and by hand, and a run waits until the late entries are there."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_discovery import survey

import xomlib
from support.factory import NOW, json_values
from support.site import document
from xomflow.rundb.run import BadDocument, late_words, run_of
from xomlib import JobError, job
from xomlib.run_document import facts, facts_of

JOB: dict[str, Any] = {
    "key": {"analysis": "daq_rate", "version": "v1", "run": "052894"},
    "context": {"function": "nobody:asks"},
    "settings": {},
    "draft": None,
}
texts = st.text(max_size=8)
tags = st.lists(texts.map(lambda name: {"name": name, "user": "daq"}) | texts, max_size=3)
comments = json_values | st.lists(st.fixed_dictionaries({}, optional={"comment": texts, "text": texts}), max_size=3)
rates = st.dictionaries(texts, st.fixed_dictionaries({}, optional={"avg": json_values, "max": st.floats()}), max_size=3)
documents = st.fixed_dictionaries(
    {"tags": tags, "comments": comments},
    optional={
        "rate": st.none() | rates,
        "detectors": texts | st.lists(texts, max_size=3),
        "source": st.none() | texts,
        "end": st.just({"$date": "2026-09-28T12:00:00.123+02:00"}) | st.none(),
    },
)


@given(changes=documents)
def test_by_hand_the_facts_are_those_of_a_tick(changes: dict[str, Any]) -> None:
    one = document(52894, **changes)
    try:
        expected = run_of(one).as_dict()
    except BadDocument:
        return
    assert facts(one) == expected


# --- waiting for what comes late --------------------------------------------------------------------------------------
WAITS = {"kr83m": {"version": "v1", "needs_document": ["rate"]}}


def state(tmp_path: Path, hours: float, **changes: Any) -> Any:
    one = document(52001, **changes)
    ended = run_of(one).end
    assert ended is not None
    found = survey(tmp_path, one, now=ended + timedelta(hours=hours), analyses=WAITS)
    return found.items["kr83m"][0].state


def test_a_run_waits_for_the_rate_and_says_so(tmp_path: Path) -> None:
    waits = state(tmp_path, 1, rate=...)
    assert waits.name == "waiting"
    assert waits.reason == "waiting for the rate in the run document (since the run ended 1.0 h ago)"


def test_after_the_sites_time_it_is_stale(tmp_path: Path) -> None:
    assert state(tmp_path, 49, rate={}).name == "stale"


def test_with_the_rate_it_is_ready_without_any_data(tmp_path: Path) -> None:
    assert state(tmp_path, 1).name == "ready"


def test_an_analysis_that_does_not_ask_for_it_does_not_wait(tmp_path: Path) -> None:
    assert survey(tmp_path, document(52001, rate=...), now=NOW).items["kr83m"][0].state.name == "ready"


def test_missing_data_and_a_missing_entry_are_both_said(tmp_path: Path) -> None:
    blocks = {"kr83m": {"version": "v1", "needs": ["event_info"], "needs_document": ["rate", "source"]}}
    found = survey(tmp_path, document(52001, rate=..., source=""), analyses=blocks)
    reason = found.items["kr83m"][0].state.reason
    assert reason.startswith("waiting for the rate and the source in the run document; waiting for event_info: ")


@given(st.sets(st.sampled_from(["rate", "source", "tags", "comments"])))
def test_what_a_document_has_is_not_waited_for(asked: set[str]) -> None:
    full = run_of(document(52894, tags=["a"], comments=["b"], source="none"))
    assert late_words(full, sorted(asked)) == ""


# --- xomlib.run() -----------------------------------------------------------------------------------------------------
@pytest.fixture(autouse=True)
def _no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "_current", None)


def test_in_a_tick_the_facts_are_those_of_the_job() -> None:
    job.begin({**JOB, "run": {"number": 52894, "rate": {"tpc": 1.0}}})
    xomlib.run()["number"] = 5
    assert xomlib.run()["number"] == 52894


def test_by_hand_they_come_from_the_file_of_documents(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_text("\n".join(["not JSON 52894", *(json.dumps(document(n)) for n in (52893, 52894))]))
    job.begin({**JOB, "documents": str(file)})
    assert xomlib.run() == run_of(document(52894)).as_dict()


def test_without_a_document_there_is_a_sentence(tmp_path: Path) -> None:
    job.begin(JOB)
    with pytest.raises(JobError, match="give --documents FILE"):
        xomlib.run()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "has no documents of run 52894"),
        ([document(52894), document(52894)], "has 2 documents of run 52894"),
        ([document(52894, start="yesterday")], "cannot be understood"),
        ([document(52894, detectors=...)], "cannot be understood"),
    ],
)
def test_a_file_without_that_document_is_refused_in_words(tmp_path: Path, lines: list[Any], words: str) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(JobError, match=words):
        facts_of(str(file), 52894)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"gone.jsonl cannot be read: No such file"):
        facts_of(str(tmp_path / "gone.jsonl"), 52894)
