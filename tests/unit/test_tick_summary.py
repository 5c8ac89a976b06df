"""The documents of a tick come back as they were written, those of older versions included."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factory import key_of
from xomflow.core.paths import ROOT, Paths, TickPaths
from xomflow.core.state import State
from xomflow.core.tick_summary import JobCounts, ListedKey, OldestReady, Receipt, Summary
from xomflow.outcomes.retries import RetryPolicy
from xomflow.planning.progress.claims import Claim, read_claims, write_claims
from xomflow.planning.runs.science_runs import ScienceRunTimes
from xomflow.publishing.open_store import StoreConfig
from xomflow.workflow.documents import AnalysisTitle, ReportConfig, TickStart
from xomflow.workflow.ending.terminal import closing_lines
from xomflow.workflow.survey_document import SurveyDocument

OLD_TICKS = sorted((ROOT / "tests/data/work-0/work/ticks").glob("*-*"))
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 1, 1)).map(lambda one: one.replace(microsecond=0, tzinfo=UTC))
sentences = st.lists(st.text(), max_size=3)
listed_keys = st.builds(
    ListedKey,
    st.builds(key_of, st.integers(0, 999_999)),
    st.sampled_from(State),
    st.text(),
    st.integers(1, 99),
    st.none() | moments,
    st.none() | moments,
    st.none() | st.text(),
    st.none() | moments,
    st.text(),
)
counts = st.dictionaries(st.text(), st.dictionaries(st.sampled_from(State), st.integers(0)))
receipts = st.builds(Receipt, st.integers(0), st.integers(0), st.booleans(), sentences)
summaries = st.builds(
    Summary, st.text(), moments, moments, counts, st.lists(listed_keys, max_size=3), st.lists(listed_keys, max_size=3),
    sentences, sentences, sentences, st.none() | receipts, sentences,
    st.dictionaries(st.text(), st.builds(JobCounts, st.integers(0), st.integers(0)), max_size=2),
    st.dictionaries(st.text(), st.builds(OldestReady, st.text(), moments), max_size=2), sentences,
)  # fmt: skip


@given(summaries)
def test_a_summary_comes_back_from_its_file(summary: Summary) -> None:
    assert Summary.from_json(json.loads(json.dumps(summary.to_json()))) == summary


def test_the_last_lines_of_a_tick_have_the_number_of_the_runs_that_are_only_counted(tmp_path: Path) -> None:
    numbers = {State.DONE: 9, State.WAITING: 3, State.STALE: 1}
    listed = [ListedKey(key_of(52001), State.WAITING, "no data"), ListedKey(key_of(52000), State.STALE, "no data")]
    ended = datetime(2026, 9, 25, tzinfo=UTC)
    summary = Summary("a tick", ended, ended, {"kr83m": numbers}, listed=listed)
    line = "... and 2 waiting between these: xom status --run lists all runs"
    assert line in closing_lines(summary, Paths(tmp_path), "", "Slurm")
    whole = Summary("a tick", ended, ended, {"kr83m": {**numbers, State.WAITING: 1}}, listed=listed)
    assert not [line for line in closing_lines(whole, Paths(tmp_path), "", "Slurm") if "between these" in line]


science_run_times = st.builds(ScienceRunTimes, st.text(), st.text(), st.none() | st.text())


STORE = StoreConfig("influxdb", "test_", Path("~/account.json"), 5000)


@given(counts, st.lists(listed_keys, max_size=3), sentences, st.lists(science_run_times, max_size=2))
def test_a_survey_comes_back_from_its_file(
    numbers: dict, listed: list[ListedKey], said: list[str], science_runs: list[ScienceRunTimes]
) -> None:
    config = ReportConfig(
        Path("work"), STORE, RetryPolicy(3, 50, 3600.0, 4.0), 60.0, {"a": AnalysisTitle("v1", "A", "")}
    )
    survey = SurveyDocument(config, numbers, listed, said, said[1:], said[2:], science_runs)
    assert SurveyDocument.from_json(json.loads(json.dumps(survey.to_json()))) == survey


@pytest.mark.parametrize("folder", OLD_TICKS, ids=lambda folder: folder.name)
def test_the_documents_of_version_1_0_are_read_and_written_alike(folder: Path, tmp_path: Path) -> None:
    tick, copy = TickPaths(folder), TickPaths(tmp_path)
    for kind, path in ((Summary, tick.summary), (SurveyDocument, tick.survey), (TickStart, tick.settings)):
        if path.exists():
            content = json.loads(path.read_text())
            retries = content.get("settings", {}).get("retries", {})
            for entry in retries.keys() - RetryPolicy.__slots__:  # which no step after discovery needs
                del retries[entry]
            assert kind.from_json(content).to_json() == content
    write_claims(copy, read_claims(tick))
    assert copy.claims.read_text() == tick.claims.read_text()


def test_claims_come_back_from_their_file(tmp_path: Path) -> None:
    claims = [Claim(key_of(52001), 1), Claim(key_of(52002, version="v2"), 3)]
    write_claims(TickPaths(tmp_path), claims)
    assert read_claims(TickPaths(tmp_path)) == claims


def test_a_document_of_another_form_is_refused() -> None:
    for content in (
        {},
        [],
        {"tick": "a"},
        {**Summary("a", datetime.now(UTC), datetime.now(UTC)).to_json(), "ended": 5},
    ):
        with pytest.raises((LookupError, TypeError, ValueError)):
            Summary.from_json(content)  # type: ignore[arg-type]
