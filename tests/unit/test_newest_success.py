"""When the newest success of an analysis was made."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from support.factory import keep, key_of, outcome
from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.outcomes.past import successes
from xomflow.outcomes.past.successes import Successes

NOW = times.now().replace(microsecond=0)
HOUR = timedelta(hours=1)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Successes on two shelves, made one, two and three hours ago; the runs ended a day before."""
    made = Paths(tmp_path)
    for run, hours in ((51_999, 3), (52_001, 1), (52_002, 2)):
        ended = NOW - hours * HOUR
        facts = {"end": times.text(ended - timedelta(days=1))}
        keep(made, outcome(key_of(run), ended=times.text(ended), run=facts))
        os.utime(made.outcome(key_of(run)), (ended.timestamp(), ended.timestamp()))
    return made


def newest(
    paths: Paths, hours: float = 100, belongs: Callable[[str, datetime], bool] = lambda run, ended: True
) -> datetime | None:
    outcomes = Successes(paths)
    found = outcomes.newest("kr83m", "v1", NOW - hours * HOUR, belongs)
    outcomes.keep()
    return found


def test_the_newest_of_all_shelves_counts(paths: Paths) -> None:
    for _ in ("read", "kept"):
        assert newest(paths) == NOW - HOUR


def test_each_outcome_is_opened_once_unless_it_is_replaced(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    read = successes.read_kept
    monkeypatch.setattr(successes, "read_kept", lambda file, form: (opened.append(file.stem), read(file, form))[1])
    runs = {"051999", "052001", "052002"}
    for expected in (runs, set()):
        opened.clear()
        assert newest(paths, belongs=lambda run, ended: False) is None
        assert runs & set(opened) == expected
    again = NOW - HOUR / 2
    keep(paths, outcome(key_of(52_002), ended=times.text(again)))
    assert newest(paths) == again


def test_only_outcomes_that_belong_count(paths: Paths) -> None:
    assert newest(paths, belongs=lambda run, ended: run != "052001") == NOW - 2 * HOUR
    assert newest(paths, belongs=lambda run, ended: ended < NOW - timedelta(days=1, hours=2)) == NOW - 3 * HOUR
    assert newest(paths, belongs=lambda run, ended: False) is None


def test_what_was_made_before_the_moment_does_not_count(paths: Paths) -> None:
    assert newest(paths, hours=1) == NOW - HOUR
    assert newest(paths, hours=0.9) is None


def test_a_shelf_may_be_a_link_to_a_folder(paths: Paths) -> None:
    shelf = paths.outcome(key_of(52_001)).parent
    shelf.rename(paths.work / "elsewhere")
    shelf.symlink_to(paths.work / "elsewhere")
    (shelf.parent / "053").symlink_to("053")  # to itself
    assert newest(paths) == NOW - HOUR


def test_an_analysis_without_outcomes_has_none(tmp_path: Path) -> None:
    assert newest(Paths(tmp_path)) is None


def test_a_shelf_on_which_nothing_can_be_newer_is_not_looked_at(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    shelves = paths.shelves("kr83m", "v1")
    for name, hours in (("051", 3), ("052", 1)):
        moment = (NOW - hours * HOUR).timestamp()
        os.utime(shelves / name, (moment, moment))
    looked: list[str] = []
    read = Successes._read
    monkeypatch.setattr(Successes, "_read", lambda *given: (looked.append(given[1].name), read(*given))[1])
    assert newest(paths) == NOW - HOUR
    assert looked == ["052"]
    assert newest(paths, belongs=lambda run, _: run == "051999") == NOW - 3 * HOUR
    assert looked == ["052", "052", "051"]
    assert newest(paths, hours=0.5) is None
    assert looked[3:] == []


@pytest.mark.parametrize("start", [None, NOW - 5 * HOUR])
def test_a_run_without_an_end_ended_at_its_start_or_when_its_outcome_was_made(
    paths: Paths, start: datetime | None
) -> None:
    key, ended = key_of(52_003), NOW - HOUR / 2
    keep(paths, outcome(key, ended=times.text(ended), run={"start": times.text_or_none(start), "end": None}))
    os.utime(paths.outcome(key), (ended.timestamp(), ended.timestamp()))
    seen: dict[str, datetime] = {}
    assert newest(paths, belongs=lambda run, moment: bool(seen.setdefault(run, moment))) == ended
    assert seen["052003"] == (start or ended)
