"""What a script gets to know of its run, and that a run waits until the entries that come late are there."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from test_run import odd_documents
from test_survey import survey

import xomlib
from support.factory import NOW, run
from support.site import document
from xomflow.core.paths import Paths
from xomflow.rundb.run import describe_missing_entries, run_of
from xomflow.rundb.run_metadata import RunMetadata
from xomlib import JobError, job
from xomlib.documents.job_description import ContextSpec, JobDescription, JobKey
from xomlib.documents.run_document import BadDocument

JOB = JobDescription(JobKey("daq_rate", "v1", "052894"), "daq_rate.py", ContextSpec("nobody:asks"))


# --- runs that an answer lacks ----------------------------------------------------------------------------------------
@given(one=odd_documents)
@example(one=document(52894, rate={"tpc": {"avg": 1.5, "max": 2}, "neutron_veto": {"max": 4}}))
@example(one=document(52894, end=None))
@effort(max_examples=30)
def test_a_run_that_is_missing_stays_as_it_was_last_seen(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, Any]
) -> None:
    try:
        made = run_of(one)
    except BadDocument:
        return
    paths = Paths(tmp_path_factory.mktemp("work"))
    RunMetadata(paths).keep([made])
    assert RunMetadata(paths).unseen_runs({}, 0, None) == {made.number: made}


def test_only_runs_that_were_asked_for_are_missing(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    RunMetadata(paths).keep(run(number) for number in (7, 51999, 52000, 52001, 52999, 53000, 999_999))
    RunMetadata(paths).keep([run(52001, mode="other")])

    def missing(*asked: Any) -> list[int]:
        return sorted(RunMetadata(paths).unseen_runs(*asked))

    assert missing({52000}, 51999, 53000) == [51999, 52001, 52999, 53000]
    assert missing((), 52001, 52998) == [52001]
    assert missing((), 53000, None) == missing((), 53000, 5_000_000) == [53000, 999_999]
    assert missing({7, 52000}, 0, 52000) == [51999]
    assert RunMetadata(paths).unseen_runs((), 52001, 52001)[52001].mode == "other"


def test_a_run_that_was_given_up_and_came_back_is_missed_again(tmp_path: Path) -> None:
    paths = Paths(tmp_path)

    def missing(when: datetime) -> list[int]:
        return list(RunMetadata(paths).unseen_runs({52002}, 0, None, {52001: when}))

    RunMetadata(paths).keep([run(52001), run(52002)])
    decided = datetime.now(UTC)
    assert missing(decided) == []
    RunMetadata(paths).keep([run(52002)], given_up=[52001, 60000])
    assert missing(decided) == []
    RunMetadata(paths).keep([run(52001), run(52002)])
    assert (missing(decided), missing(datetime.now(UTC))) == ([52001], [])
    RunMetadata(paths).keep([run(52001), run(52002)])
    assert missing(decided) == [52001]


def test_an_entry_that_is_damaged_or_of_version_1_is_not_missed(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    RunMetadata(paths).keep(map(run, range(52001, 52005)))
    kept = json.loads(paths.run_metadata("052").read_text())
    del kept["052001"]["rest"]
    kept["052002"]["rest"] = ["transferred"]
    kept["052003"]["tags"] = 5
    paths.run_metadata("052").write_text(json.dumps(kept))
    assert list(RunMetadata(paths).unseen_runs((), 0, None)) == [52004]
    RunMetadata(paths).keep(map(run, range(52001, 52005)))
    assert list(RunMetadata(paths).unseen_runs((), 0, None)) == [52001, 52002, 52003, 52004]


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
    assert describe_missing_entries(full, sorted(asked)) is None


# --- xomlib.run() -----------------------------------------------------------------------------------------------------
@pytest.fixture(autouse=True)
def _no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "_current", None)


def test_a_script_gets_a_copy_of_the_metadata_in_its_job() -> None:
    job.begin(replace(JOB, run={"number": 52894, "rate": {"tpc": 1.0}}))
    xomlib.run()["number"] = 5
    assert xomlib.run()["number"] == 52894


def test_the_runs_are_those_of_the_campaign_or_the_one_run() -> None:
    job.begin(replace(JOB, run={"runs": ["052894", "052895"]}))
    assert xomlib.runs() == ["052894", "052895"]
    job.begin(JOB)
    assert xomlib.runs() == ["052894"]


def test_without_metadata_the_reason_is_the_error() -> None:
    job.begin(replace(JOB, why_no_run="the file has no document of run 52894"))
    with pytest.raises(JobError, match="the file has no document of run 52894"):
        xomlib.run()
