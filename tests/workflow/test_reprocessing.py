"""Only a raised version makes finished work pending again."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from support.site import Site

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"


@pytest.fixture
def finished(site: Site) -> Site:
    site.runs([52001, 52002])
    site.analysis("good", GOOD)
    site.tick()
    return site


def test_editing_the_script_does_nothing(finished: Site) -> None:
    finished.analysis("good", GOOD.replace("1", "2"))
    assert finished.pending() == set()


def test_touching_files_into_the_future_does_nothing(finished: Site) -> None:
    future = time.time() + 86400
    for path in [*finished.folder.glob("extra/**/*.*"), finished.folder / "runs.jsonl"]:
        os.utime(path, (future, future))
    assert finished.pending() == set()


def test_snakemake_finds_no_reason_of_its_own(snakemake_site: Site) -> None:
    """An edited script, files from the future and a Snakemake that remembers nothing: its own triggers stay silent."""
    site = snakemake_site
    site.runs([52001, 52002])
    site.analysis("good", GOOD)
    assert site.tick().returncode == 0
    site.analysis("good", GOOD.replace("1", "2"))
    future = time.time() + 86400
    for path in [*site.folder.glob("extra/**/*.*"), site.folder / "runs.jsonl"]:
        os.utime(path, (future, future))
    assert site.pending() == set()
    shutil.rmtree(site.folder / ".snakemake")
    assert site.pending() == set()


@pytest.mark.parametrize("folder", ["cache", "ledger", "ticks", "locks", "logs", "benchmarks", "page"])
def test_deleting_a_cache_or_a_ledger_does_nothing(finished: Site, folder: str) -> None:
    shutil.rmtree(finished.work / folder, ignore_errors=True)
    assert finished.pending() == set()


def test_outcomes_from_the_future_are_done_all_the_same(finished: Site) -> None:
    """A clock that was set back: everything that is there is younger than now."""
    future = time.time() + 86400
    for path in finished.paths.outcomes.rglob("*"):
        os.utime(path, (future, future))
    assert finished.pending() == set()


def test_another_setting_does_nothing(finished: Site) -> None:
    finished.tree["analyses"]["good"]["settings"] = {"cut": 3}
    assert finished.pending() == set()


def test_a_raised_version_does_all_runs_anew_and_keeps_the_old_results(finished: Site) -> None:
    finished.tree["analyses"]["good"]["version"] = "v2"
    assert finished.tick().returncode == 0
    assert finished.done("good", "v2") == finished.done("good", "v1") == {52001, 52002}
    assert finished.outcome("good", 52001, "v2")["key"]["version"] == "v2"
