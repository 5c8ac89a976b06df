"""How results become a table: the command that runs under the software of the newest runs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.factory import NOW, settings
from xomflow.core.errors import ConfigurationError, UsageError
from xomflow.planning.runs.wanted import WantedRuns, parse_runs
from xomflow.workflow.requests.analysing import tables


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """The commands that are started, with their environments."""
    found: list[tuple[list[str], dict[str, str]]] = []

    def run(words: list[str], env: dict[str, str], check: bool) -> Any:
        found.append((words, env))
        return subprocess.CompletedProcess(words, 5)

    monkeypatch.setattr(tables.subprocess, "run", run)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return found


def test_the_command_has_runs_and_what_narrows_them_down(tmp_path: Path, started: list[Any]) -> None:
    config = settings(
        tmp_path, software=[{"interpreter": "/old", "max_run": 9}, {"interpreter": "/new", "min_run": 10}]
    )
    wanted = parse_runs(["52001-52003", "@kr83m/052801-0bea"], ["a*"], ["b"], "2026-11-01", now=NOW)
    more = ("--version", "v1")
    assert tables.make_table(config, "export", "kr83m", wanted, None, *more) == 5
    assert tables.make_table(config, "compare", "kr83m", WantedRuns(), tmp_path / "a.csv") == 5
    (words, _), (other, _) = started
    assert words == [
        *("/new", "-m", "xomlib.table.commands", "export", str(tmp_path), "kr83m"),
        *("--run=52001-52003", "--run=052801-0bea", "--mode=a*", "--tag=b", "--since=2026-11-01T00:00:00Z"),
        *more,
    ]
    assert other[3:] == ["compare", str(tmp_path), "kr83m", "--output", str(tmp_path / "a.csv")]


def test_an_image_sees_the_folder_of_the_output(tmp_path: Path, started: list[Any]) -> None:
    config = settings(tmp_path, software=[{"image": "a.sif", "binds": ["/dali"]}])
    (tmp_path / "there").mkdir()
    for output, folder in ((tmp_path / "there", "there"), (tmp_path / "there/a.csv", "there")):
        tables.make_table(config, "export", "kr83m", WantedRuns(), output)
        words, _ = started.pop()
        (binds,) = (word for word in words if word.startswith("--bind="))
        assert binds.endswith(f",/dali,{tmp_path / folder}")


def test_matplotlib_keeps_no_cache_where_it_may_not_write(
    tmp_path: Path, started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(tmp_path)
    for may_write in (True, False):
        monkeypatch.setattr(tables.os, "access", lambda place, mode, may_write=may_write: may_write)
        tables.make_table(config, "export", "kr83m", WantedRuns(), None)
        assert ("MPLCONFIGDIR" in started[-1][1], "XDG_CACHE_HOME" in started[-1][1]) == (may_write, False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/own")
    tables.make_table(config, "export", "kr83m", WantedRuns(), None)
    assert started[-1][1]["XDG_CACHE_HOME"] == "/own"


def test_what_cannot_be_started_or_asked_is_a_sentence(
    tmp_path: Path, started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = parse_runs(["@other/052801-0bea"], now=NOW)
    with pytest.raises(UsageError, match=r"^RUNS '@other/052801-0bea' is a campaign of other, not of kr83m$"):
        tables.make_table(settings(tmp_path), "export", "kr83m", other, None)
    old = settings(tmp_path, software=[{"interpreter": "/old", "max_run": 9}], software_may_have_holes=True)
    with pytest.raises(ConfigurationError, match=r"^no software is configured for the newest runs"):
        tables.make_table(old, "export", "kr83m", WantedRuns(), None)

    def fail(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(tables.subprocess, "run", fail)
    new = settings(tmp_path, software=[{"interpreter": "/new"}])
    with pytest.raises(ConfigurationError, match=r"^/new cannot be started here: No such file or directory$"):
        tables.make_table(new, "export", "kr83m", WantedRuns(), None)
