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
from xomflow.rundb.run import Run, describe_missing_entries, run_of
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


def test_the_runs_that_changed_since_a_digest_are_known_while_all_changes_are(tmp_path: Path) -> None:
    paths, runs = Paths(tmp_path), [run(number) for number in range(52001, 52251)]
    assert RunMetadata(paths).changed_since("052", "") is None
    digests = []

    def keep(*changed: Run, given_up: tuple[int, ...] = ()) -> RunMetadata:
        RunMetadata(paths).keep({one.number: one for one in [*runs, *changed]}.values(), given_up)
        known = RunMetadata(paths)
        digests.append(known.digest("052"))
        return known

    known = keep()
    assert (known.shelves, known.digest("053")) == ({"052"}, "")
    assert (known.changed_since("052", digests[0]), known.changed_since("052", "")) == (set(), None)
    first = run(52001, mode="other")
    assert keep(first).changed_since("052", digests[0]) == {"052001"}
    assert keep(first, run(52002, tags=["new"])).changed_since("052", digests[0]) == {"052001", "052002"}
    known = keep(run(52002, tags=["new"]))
    assert known.changed_since("052", digests[1]) == {"052001", "052002"}
    assert known.changed_since("052", digests[2]) == {"052001"}
    assert [known.changed_since("052", one) for one in ("other", "")] == [None, None]
    assert known.changed_since("053", digests[0]) is None
    digests_file = paths.run_metadata_digests.read_bytes()
    paths.run_metadata_digests.write_text(json.dumps({"052": digests[2]}))  # as after a kill between two files
    assert [RunMetadata(paths).changed_since("052", one) for one in digests[1:3]] == [None, set()]
    paths.run_metadata_digests.write_bytes(digests_file)
    status = keep(*(run(number, status="other") for number in range(52001, 52251))).changed_since("052", digests[3])
    assert status == {"052002"}  # the state of the data is in no result
    many = [run(number, mode="many") for number in range(52001, 52201)]
    assert len(keep(*many).changed_since("052", digests[4]) or ()) == 200
    assert keep(*(run(number, mode="more") for number in range(52001, 52202))).changed_since("052", digests[5]) is None


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    paths, runs = Paths(tmp_path), [run(52001), run(53001)]
    RunMetadata(paths).keep(runs)
    stamps = [RunMetadata(paths).stamp(shelf) for shelf in ("052", "053", "054")]
    RunMetadata(paths).keep(runs)
    RunMetadata(paths).keep([])
    RunMetadata(paths).keep(runs[:1], given_up=[54001])
    assert [RunMetadata(paths).stamp(shelf) for shelf in ("052", "053", "054")] == stamps
    assert all(stamps[:2]) and not stamps[2]
    RunMetadata(paths).keep([runs[0], run(53001, mode="other")])
    assert [RunMetadata(paths).stamp(shelf) == one for shelf, one in (("052", stamps[0]), ("053", stamps[1]))] == [
        True,
        False,
    ]
    paths.run_metadata("052").unlink()
    RunMetadata(paths).keep(runs)
    assert RunMetadata(paths).runs("052") == {52001: runs[0]}


def test_a_run_that_is_given_up_after_it_was_missed_leaves_the_kept_runs(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    RunMetadata(paths).keep([run(52001), run(52002)])
    RunMetadata(paths).keep([run(52001)])
    assert RunMetadata(paths).runs("052").keys() == {52001, 52002}
    RunMetadata(paths).keep([run(52001)], given_up=[52002])
    assert RunMetadata(paths).runs("052").keys() == {52001}


def test_a_run_that_is_given_up_keeps_its_metadata_for_its_results(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    RunMetadata(paths).keep([run(52001), run(52002)])
    RunMetadata(paths).keep([run(52002)], given_up=[52001])
    known = RunMetadata(paths)
    assert (list(known.runs("052")), sorted(known.of("052"))) == ([52002], ["052001", "052002"])
    assert known.of("052")["052001"] == run(52001).entries


DAMAGED: list[dict[str, Any]] = [
    {"mode": 5},
    {"source": None},
    {"tags": ["a", 5]},
    {"tags": {"a": 1}},
    {"comments": [None]},
    {"comments": "text"},
    {"rate": [1.0]},
    {"rate": {"tpc": "high"}},
    {"rate": {"tpc": float("nan")}},
    {"rate": {"tpc": 10**400}},
    {"seconds": "long"},
    {"seconds": float("inf")},
    {"unknown": 1},
    {"rate": ...},
    {"mode": ...},
]


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_entry_costs_only_its_own_run(tmp_path: Path, damage: dict[str, Any]) -> None:
    paths = Paths(tmp_path)
    RunMetadata(paths).keep([run(52001), run(52002)])
    kept = json.loads(paths.run_metadata("052").read_text())
    kept["052001"] = {name: one for name, one in (kept["052001"] | damage).items() if one is not ...}
    paths.run_metadata("052").write_text(json.dumps(kept))
    known = RunMetadata(paths)
    assert (list(known.of("052")), list(known.runs("052"))) == (["052002"], [52002])


@pytest.mark.parametrize(
    "rest",
    [
        *(None, 5, [], ["x", 5, 0, 1, {}], ["x", [], "soon", 1, {}], ["x", [], 0, 1e300, {}], ["x", [], 0, 1, []]),
        *(["x", [], 0, 1, {"tpc": "high"}], ["x", [], 0, 1, {"tpc": None}], ["x", [], float("nan"), 1, {}]),
    ],
)
def test_a_run_whose_other_entries_are_damaged_keeps_its_metadata(tmp_path: Path, rest: Any) -> None:
    paths = Paths(tmp_path)
    RunMetadata(paths).keep([run(52001)])
    kept = json.loads(paths.run_metadata("052").read_text())
    kept["052001"]["rest"] = rest
    paths.run_metadata("052").write_text(json.dumps(kept))
    assert (list(RunMetadata(paths).of("052")), RunMetadata(paths).runs("052")) == (["052001"], {})


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
