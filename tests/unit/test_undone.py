"""What is not done of an analysis and what it lacks, with one phrase for each run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.factory import NOW, run, settings
from xomflow.core.errors import ContextError
from xomflow.core.key import group_id, run_id
from xomflow.core.reason import Reason
from xomflow.planning.missing_data import Lacking, MissingData
from xomflow.planning.pending.work import PendingRuns
from xomflow.planning.runs.campaigns import Campaign, campaign_as_run
from xomflow.planning.runs.runs_now import NOT_SHOWN
from xomflow.planning.undone import find_undone
from xomflow.rundb.run import Run
from xomflow.storage.availability import Availability


class Missing(MissingData):
    """The data of some runs are missing."""

    def __init__(self, *numbers: int) -> None:
        self._poor = set(map(run_id, numbers))
        self.asked: list[int] = []

    def of(self, analysis: str, runs: list[Run]) -> Lacking:
        self.asked += [one.number for one in runs]
        poor = {one.id for one in runs} & self._poor
        return Lacking([(poor, lambda some: dict.fromkeys(some, "no data"))])


@pytest.mark.parametrize(
    ("unseen", "vetoed"), [(set(), set()), ({52002}, set()), (set(), {52003}), ({52002}, {52003, 52004})]
)
def test_runs_that_are_not_shown_or_vetoed_are_listed_and_not_asked_about(unseen: set[int], vetoed: set[int]) -> None:
    runs, missing = [run(number) for number in (52005, 52004, 52003, 52002)], Missing(52002, 52004)
    found = find_undone(settings(), "kr83m", PendingRuns(pending=runs), missing, unseen, vetoed, NOW)
    assert found.runs == runs
    assert set(missing.asked) == {52002, 52003, 52004, 52005} - unseen - vetoed
    lacking = {52002, 52004} - unseen - vetoed
    assert found.incomplete == set(map(run_id, lacking | unseen))
    reasons = {run_id(n): NOT_SHOWN for n in unseen} | {run_id(n): Reason("no data") for n in lacking}
    assert found.describe(runs) == reasons
    assert found.describe(runs[:2]) == {name: one for name, one in reasons.items() if name >= "052004"}


def test_campaigns_wait_for_their_runs_and_those_with_an_outcome_of_what_there_is_are_done() -> None:
    period = {"gap": "12 h", "wait": "2 d"}
    config = settings(analyses={"kr83m": {"version": "v1", "period": period}})
    going_on, poor, good, other = (run(n, end=None) if n == 52001 else run(n) for n in (52001, 52003, 52005, 52007))
    pairs = [(going_on, run(52002)), (run(52004), poor), (good,), (other,), (run(52009), run(52010))]
    campaigns = [Campaign(members, True) for members in pairs]
    done = {group_id([52005]): (52005,), group_id([52007]): (1, 2)}
    pending, missing = PendingRuns(campaigns=campaigns, done_runs=done), Missing(52003)
    block = config.analyses["kr83m"].period
    assert block is not None and going_on.start is not None
    now = run(52010).start + timedelta(hours=1)
    found = find_undone(config, "kr83m", pending, missing, (), (), now)
    assert missing.asked == [52002, 52004, 52003, 52005, 52007, 52009, 52010]
    left = [campaigns[place] for place in (0, 1, 3, 4)]
    assert found.runs == [campaign_as_run(one, {}, block, now)[0] for one in left]
    told = {
        place: str(found.describe([one])[one.id]) for place, one in enumerate(found.runs) if one.id in found.reasons
    }
    assert told == {
        0: "1 of 2 runs cannot be read: 052001: the run is not finished",
        1: "1 of 2 runs cannot be read: 052003: no data",
        2: f"the outcome {group_id([52007])} has other runs (000001, 000002): raise the version, "
        "or put one into except_runs",
    }
    assert found.incomplete == {one.id for one in found.runs[:3]}


class Available(Availability):
    """Some runs lack data; one context is broken."""

    def __init__(self, *numbers: int) -> None:
        self._poor = set(map(run_id, numbers))

    def lacking(self, program: Any, context: Any, runs: Collection[str], types: Any) -> dict[str, Any]:  # type: ignore[override]
        if context.function == "broken:context":
            raise ContextError("it broke")
        return {one: types for one in runs if one in self._poor}

    def absent_places(self, program: Any, context: Any, types: Any) -> list[str]:
        return [f"/disk of {', '.join(sorted(types))} is absent"]

    def describe(self, program: Any, context: Any, poor: Mapping[str, Any], types: Any) -> dict[str, str]:  # type: ignore[override]
        return {one: f"waiting for data of {one}" for one in poor}


RUNS = [run(52003, rate=...), run(52002), run(52001, rate=...)]


def missing(folder: Path, rule_errors: Mapping[str, str] | None = None, **changes: Any) -> MissingData:
    return MissingData(settings(folder, **changes), Available(52001, 52002), rule_errors or {})


def words(missing: MissingData, name: str = "kr83m") -> dict[int, str]:
    lacking = missing.of(name, RUNS)
    found = lacking.describe([one.id for one in RUNS])
    assert lacking.runs == found.keys()
    assert lacking.describe([RUNS[0].id]) == {one: told for one, told in found.items() if one == RUNS[0].id}
    return {int(one): str(told) for one, told in found.items()}


def test_an_analysis_without_needs_lacks_nothing(tmp_path: Path) -> None:
    there = missing(tmp_path)
    assert (words(there), there.configuration_errors) == ({}, [])


def test_missing_entries_and_missing_data_are_told_together(tmp_path: Path) -> None:
    block = {"version": "v1", "needs": ["event_info"], "needs_document": ["rate"]}
    there = missing(tmp_path, analyses={"kr83m": block})
    late = "waiting for the rate in the run document"
    assert words(there) == {
        52003: late,
        52002: "waiting for data of 052002",
        52001: f"{late}; waiting for data of 052001",
    }
    assert there.configuration_errors == ["/disk of event_info is absent"]


def test_all_runs_wait_for_a_rule_file_and_for_a_context_that_can_be_read(tmp_path: Path) -> None:
    there = missing(
        tmp_path, {"kr83m": "rules/kr83m.smk: line 3"}, analyses={"kr83m": {"version": "v1", "needs": ["a"]}}
    )
    fixed = "its rule file must be fixed: rules/kr83m.smk: line 3"
    assert words(there) == dict.fromkeys((52001, 52002, 52003), fixed)
    assert there.configuration_errors == ["rules/kr83m.smk: line 3"]


def test_what_no_software_is_for_waits_and_the_others_are_looked_at(tmp_path: Path) -> None:
    block = {"kr83m": {"version": "v1", "needs": ["event_info"]}}
    software = [{"interpreter": "/opt/python", "min_run": 52002, "max_run": 52002}]
    there = missing(tmp_path, analyses=block, software=software, software_may_have_holes=True)
    none = "no software is configured for this run"
    assert words(there) == {52003: none, 52002: "waiting for data of 052002", 52001: none}


def test_an_analysis_with_a_broken_context_stops_no_other_and_the_error_is_told_once(tmp_path: Path) -> None:
    block = {"version": "v1", "needs": ["event_info"]}
    broken = {**block, "context": {"function": "broken:context"}}
    there = missing(tmp_path, analyses={"kr83m": block, "a": broken, "b": broken})
    unknown = dict.fromkeys((52001, 52002, 52003), "the data that it needs are unknown: it broke")
    assert words(there, "a") == words(there, "b") == unknown
    assert sorted(words(there)) == [52001, 52002]
    assert there.configuration_errors == ["/disk of event_info is absent", "analyses.a, analyses.b: it broke"]
