"""Commands that act at once are killed at every step: nothing is lost, and typed again they do the rest."""

from __future__ import annotations

import os
import shutil

import pytest

from support.in_process import FastSite, kills
from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import Key
from xomflow.core.paths import TickPaths
from xomflow.decisions.files import read_decisions
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.submissions import Submission, noted

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
TICK = "20261122T120000-host-5"


@pytest.fixture
def lossy(site: FastSite) -> FastSite:
    """Two analyses that have lost all their results, so that the brake stops every tick."""
    site.runs(range(52001, 52007))
    for name in ("good", "other"):
        site.analysis(name, GOOD)
    site.tick()
    for name in ("good", "other"):
        shutil.rmtree(site.paths.outcomes / name)
    assert site.tick().returncode == ExitCode.WAITS_FOR_PERSON
    return site


def test_an_acceptance_of_several_changes_that_is_killed_has_accepted_some_wholly(lossy: FastSite) -> None:
    accepted = set[str]()
    for _ in kills(lossy, "accept", "--why", "a new disk"):
        made = read_decisions(lossy.paths)
        assert made.problems == ()
        assert all(len(one.subject.runs) == 6 for one in made.made)
        if accepted == (accepted := {one.subject.analysis for one in made.made}):
            continue
        if left := {"good", "other"} - accepted:
            stopped = lossy.tick()
            told = {name for name in ("good", "other") if f"{name} v1: 6 of 6 results" in stopped.stderr}
            assert (stopped.returncode, told) == (ExitCode.WAITS_FOR_PERSON, left)
    assert accepted
    lossy.tick()
    assert lossy.done("good") == lossy.done("other") == set(range(52001, 52007))


@pytest.fixture
def busy(site: FastSite, monkeypatch: pytest.MonkeyPatch) -> FastSite:
    """A site with a job of one run and a job of two in Slurm, whose `scancel` writes what it is asked."""
    site.runs([52001, 52002, 52003])
    site.analysis("good", GOOD)
    own, of_batch = Key("good", "v1", "052001"), [Key("good", "v1", f"05200{number}") for number in (2, 3)]
    now = times.now()
    submissions.note(site.paths, Submission(own, 1, TICK, now, "17"))
    batch = [Submission(key, 1, TICK, now, "18", batch="1", is_first=not n) for n, key in enumerate(of_batch)]
    submissions.note(site.paths, *batch)
    program = site.folder / "bin/scancel"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {site.folder}/cancelled\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return site


def test_a_cancel_that_is_killed_loses_no_job_and_ends_all_when_it_is_typed_again(busy: FastSite) -> None:
    asked = TickPaths(busy.paths.tick(TICK)).cancelled(Key("good", "v1", "052002"))
    before = noted(busy.paths)
    for _ in kills(busy, "cancel", "52001", "52002"):
        assert noted(busy.paths) == before
    assert (busy.folder / "cancelled").read_text().splitlines()[-1].split()[-1] == "17"
    assert asked.exists()


@pytest.fixture
def published(site: FastSite) -> FastSite:
    site.runs([52001, 53001])
    site.analysis("good", GOOD)
    site.tick()
    return site


def test_a_rebuild_that_is_killed_is_finished_by_the_same_command(published: FastSite) -> None:
    for _ in kills(published, "rebuild", step=3):
        store = published.paths.store
        for path in [path for path in store.rglob("*.lp") if "good" in str(path)]:
            assert path.read_text().endswith("\n")  # a file is complete or absent
        shutil.rmtree(store)
        store.mkdir()
        (store / ".xom-store").write_text((published.paths.outcomes / ".xom-outcomes").read_text())
    assert published.xom("verify").returncode == ExitCode.OK


def test_a_new_analysis_that_is_killed_is_finished_by_the_same_command(
    site: FastSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.analysis("good", GOOD)
    site.write_config()
    monkeypatch.setattr(site, "write_config", lambda: None)  # or the block that was added would go
    for _ in kills(site, "new-analysis", "drift_speed"):
        pass
    assert "drift_speed:" in (site.folder / "config.yaml").read_text()
    assert (site.folder / "extra/scripts/analyses/drift_speed.py").exists()
    again = site.xom("new-analysis", "drift_speed")
    assert again.returncode == ExitCode.CONFIGURATION
    assert "has analyses.drift_speed already" in again.stderr
