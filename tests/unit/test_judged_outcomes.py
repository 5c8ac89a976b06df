"""Which results of outcomes are judged, and how."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from support.factory import KEY, NOW, keep, key_of, outcome, result
from xomflow.core.key import Key, group_id
from xomflow.core.paths import Paths
from xomflow.decisions.files import write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.expected.versions.history import History
from xomflow.outcomes.cache import OutcomeCache, Shelf
from xomflow.outcomes.campaigns.current import Groups
from xomflow.outcomes.campaigns.groups import CurrentResults, KnownGroups

SHELF = Shelf("kr83m", "v1", "052")
CAMPAIGN = Key("kr83m", "v1", group_id([52_894, 52_895]))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


def history(paths: Paths, members: tuple[int, ...] = ()) -> History:
    known = {("kr83m", "v1"): KnownGroups(Groups((members,)))} if members else {}
    return History(OutcomeCache(paths), CurrentResults(paths, known), lambda analysis, mode: f"{analysis}-{mode}")


def values(paths: Paths, *results: dict[str, Any]) -> dict[str, tuple[float, float]]:
    keep(paths, outcome(results=list(results)))
    return dict(history(paths).read(SHELF, [KEY.run])[KEY.run].results.values)


def test_value_error_unit_and_group_are_those_of_the_outcome(paths: Paths) -> None:
    keep(paths, outcome(results=[result("a", 2.5, error=0.5), result("b", 0.0, error=None, unit="")]))
    one = history(paths).read(SHELF, [KEY.run])[KEY.run]
    assert one.group == "kr83m-tpc_kr83m"
    assert (one.results.run, one.results.start) == (KEY.run, "2026-09-25T12:00:00Z")
    assert one.results.values == {"a": (2.5, 0.5), "b": (0.0, 0.0)}
    assert one.units == {"a": "PE/keV"}


def test_limits_and_results_without_a_number_are_not_judged(paths: Paths) -> None:
    none = result("b", None, error=None, insufficient="too few events")
    assert values(paths, result("a", 2.5), none, result("c", 1.0, limit="upper")) == {"a": (2.5, 0.1)}


def test_a_vetoed_run_is_not_judged(paths: Paths) -> None:
    keep(paths, outcome(), outcome(key_of(52_895)))
    veto = Decision(Verb.VETO, Subject(runs=("052895",)), "kim", NOW, "a valve")
    write_decision(paths, veto)
    assert set(history(paths).stamps(SHELF)) == set(history(paths).read(SHELF, ["052894", "052895"])) == {"052894"}


def test_only_the_runs_that_are_asked_for_are_read(paths: Paths) -> None:
    keep(paths, *(outcome(key_of(run)) for run in (52_894, 52_895, 52_896)))
    for _ in ("from the files", "from what is kept of them"):
        assert set(history(paths).read(SHELF, ["052894", "052896"])) == {"052894", "052896"}


@pytest.mark.parametrize("start", [None, "", "yesterday"])
def test_a_run_without_a_start_is_left_out(paths: Paths, start: str | None) -> None:
    keep(paths, outcome(run={"start": start}), outcome(key_of(52_895)))
    assert set(history(paths).read(SHELF, ["052894", "052895"])) == {"052895"}


def test_shelves_are_those_of_the_analysis_by_version(paths: Paths) -> None:
    keep(paths, *(outcome(key) for key in (KEY, key_of(60_123), key_of(1, version="v2"), key_of(1, analysis="rate"))))
    found = history(paths).shelves("kr83m")
    assert {version: [one.name for one in shelves] for version, shelves in found.items()} == {
        "v1": ["052", "060"],
        "v2": ["000"],
    }


def test_a_stamp_changes_with_its_outcome_only(paths: Paths) -> None:
    keep(paths, outcome(), outcome(key_of(52_895)))
    before = history(paths).stamps(SHELF)
    keep(paths, outcome(key_of(52_895), message="again"))
    after = history(paths).stamps(SHELF)
    assert list(before) == ["052894", "052895"]
    assert [run for run in before if before[run] != after[run]] == ["052895"]


def test_a_fingerprint_changes_with_the_folder_and_with_what_is_current_unless_that_was_just_now(paths: Paths) -> None:
    keep(paths, outcome(), outcome(key_of(52_895)))
    folder, found = paths.outcome(KEY).parent, set()
    assert not history(paths).fingerprint(SHELF)
    for age in (1000, 2000):
        os.utime(folder, (time.time() - age, time.time() - age))
        for members in ((), (52_894, 52_895)):
            found.add(history(paths, members).fingerprint(SHELF))
    assert len(found) == 4 and "" not in found


def test_the_stamp_of_a_campaign_changes_with_what_is_current(paths: Paths) -> None:
    keep(paths, outcome(CAMPAIGN, run={"runs": ["052894", "052895"], "runs_missing": []}), outcome(key_of(52_899)))
    before, after = (history(paths, members).stamps(SHELF) for members in ((52_894, 52_895), (52_894, 52_896)))
    assert [run for run in before if before[run] != after[run]] == [CAMPAIGN.run]
