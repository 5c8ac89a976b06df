"""A ``work`` folder that an earlier version left goes on: nothing is lost or done again; points get their new form."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.old_work import LIVE_TICK, WITHOUT_SLURM, old_site
from support.site import Site
from xomflow.core.files.archive import names_in_archive, read_from_archive
from xomflow.core.paths import ROOT

GONE = {"work/slurm/answer+v1+052003.json", "work/locks/moody+v1+053014.lock"}
# Old ticks, but for the living one, may move into archives and be deleted there, as today is later than they are.
REWRITTEN = ("work/cache/", "work/page/", "work/store/test/xom/", "work/ticks/2")


@dataclass
class State:
    """The content and the time of change of every file of a site's ``work``."""

    files: dict[str, tuple[bytes, int]]

    @classmethod
    def of(cls, site: Site) -> State:
        found = (path for path in site.work.rglob("*") if path.is_file())
        return cls({str(path.relative_to(site.folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in found})

    def below(self, folder: str) -> dict[str, tuple[bytes, int]]:
        return {name: file for name, file in self.files.items() if name.startswith(folder)}


@dataclass
class Upgrade:
    """A site of the old version, before and after one tick of this one."""

    site: Site
    before: State
    after: State
    tick: subprocess.CompletedProcess[str]

    @property
    def new_outcomes(self) -> set[str]:
        return {Path(name).name for name in self.after.below("work/outcomes/").keys() - self.before.files.keys()}

    def summary(self) -> dict[str, Any]:
        return json.loads(self.site.ticks()[-1].summary.read_text())

    def states(self) -> dict[str, str]:
        return {item["run"]: item["state"] for item in self.summary()["items"]}


@pytest.fixture(scope="module", params=["in_place", "copied"])
def upgrade(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Upgrade:
    """One tick, of Snakemake where caches are valid, while the newest old tick is still alive; failures are due."""
    in_place = request.param == "in_place"
    site = old_site(tmp_path_factory.mktemp(request.param), in_place=in_place, fast=not in_place)
    site.tree["retries"]["first_wait"] = "0 s"
    before = State.of(site)
    with (site.work / "ticks" / LIVE_TICK / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tick = site.tick(**WITHOUT_SLURM)
    return Upgrade(site, before, State.of(site), tick)


def xom(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as jobs of the old version call it."""
    command = [sys.executable, str(ROOT / "scripts/xom.py"), *arguments]
    return subprocess.run(
        command, cwd=site.folder, env={**os.environ, **WITHOUT_SLURM}, capture_output=True, text=True, check=False
    )


def test_the_tick_ends_as_one_in_which_only_runs_failed(upgrade: Upgrade) -> None:
    assert upgrade.tick.returncode == 7, upgrade.tick.stderr
    assert (upgrade.summary()["mistakes"], upgrade.summary()["troubles"]) == ([], [])


def test_nothing_is_lost_and_no_finished_run_is_done_again(upgrade: Upgrade) -> None:
    kept = [name for name in upgrade.before.files if LIVE_TICK in name or not name.startswith(REWRITTEN)]
    assert {name for name in kept if as_now(name) not in upgrade.after.files | archived_logs(upgrade)} == GONE
    for folder in ("work/outcomes/", "work/figures/"):
        before, after = upgrade.before.below(folder), upgrade.after.below(folder)
        assert before == {name: after.get(as_now(name)) for name in before}


def archived_logs(upgrade: Upgrade) -> dict[str, bytes | None]:
    """Return the logs in archives, by the names that they had."""
    archives = list((upgrade.site.work / "logs").rglob("*.zip"))
    names = {(path, name) for path in archives for name in names_in_archive(path)}
    places = {f"{path.relative_to(upgrade.site.folder).with_suffix('')}/{name}": (path, name) for path, name in names}
    return {place: read_from_archive(*one) for place, one in places.items()}


def test_logs_of_finished_runs_are_in_archives_or_where_they_were_and_those_of_failed_ones_stay(
    upgrade: Upgrade,
) -> None:
    before, after, archived = (
        upgrade.before.below("work/logs/"),
        upgrade.after.below("work/logs/"),
        archived_logs(upgrade),
    )
    for name, (content, _) in before.items():
        assert (
            archived.get(name, after.get(name, (None,))[0]) == content or "052011.log" in name
        )  # which was tried again
    assert not [name for name in archived if Path(name).name[:6] in ("052011", "052013")]


def as_now(name: str) -> str:
    """Return the present name of a file: the figures of a run had a folder."""
    return re.sub(r"(work/figures/.*)/", r"\1.", name)


def test_the_number_of_the_layout_stays_while_jobs_of_the_old_version_are_in_slurm(upgrade: Upgrade) -> None:
    assert "work/slurm/answer+v1+053007.json" in upgrade.after.files
    assert "work/format" not in upgrade.after.files


def test_only_what_was_due_is_done(upgrade: Upgrade) -> None:
    names = {name.rpartition("-")[0] or name for name in upgrade.new_outcomes}
    assert names == {".xom", "052011.failed-3-raised", "053014.failed-1-lost", "053014.json"}  # .xom: the mark


def test_everything_is_published_once_in_the_new_form(upgrade: Upgrade) -> None:
    before, after = (state.below("work/store/test/") for state in (upgrade.before, upgrade.after))
    shelves = [name for name in before if Path(name).stem == "052"]
    assert len(shelves) == 3
    for name in shelves:
        old, new = (text[name][0].decode().splitlines() for text in (before, after))
        assert [line.partition(" ")[0] for line in new] == [line.partition(" ")[0] for line in old]
        assert all('form="4:' in line for line in new)
    old_ones = sum(
        len(json.loads(text)) for name, (text, _) in upgrade.before.below("work/ledger/").items() if "052" in name
    )
    assert upgrade.summary()["published"]["outcomes"] == old_ones + 1


def test_failure_records_still_count(upgrade: Upgrade) -> None:
    assert [record["attempt"] for record in upgrade.site.failures("moody", 52011)] == [1, 2, 3]
    assert [record["attempt"] for record in upgrade.site.failures("moody", 52013)] == [1, 2, 3]
    assert (upgrade.states()["052011"], upgrade.states()["052013"]) == ("gave up", "gave up")


def test_an_attempt_that_vanished_before_the_upgrade_is_recorded_and_made_again(upgrade: Upgrade) -> None:
    (record,) = upgrade.site.failures("moody", 53014)
    assert (record["attempt"], record["failure"]["class"]) == (1, "lost")
    assert upgrade.site.outcome("moody", 53014)["attempt"] == 2


def test_the_campaign_is_done_with_its_newest_revision(upgrade: Upgrade) -> None:
    assert upgrade.summary()["counts"]["sums"]["done"] == 1
    assert not [run for run in upgrade.states() if run.startswith("052021")]


def test_what_is_in_slurm_is_left_to_slurm(upgrade: Upgrade) -> None:
    """Also where a lock of its job is free here, as one of another node may seem."""
    assert upgrade.states()["053007"] == "running"
    assert upgrade.site.failures("answer", 53007) == []
    assert "work/locks/answer+v1+053007.lock" in upgrade.after.files
    assert (
        upgrade.after.files["work/slurm/answer+v1+053007.json"]
        == upgrade.before.files["work/slurm/answer+v1+053007.json"]
    )


def test_a_living_old_tick_keeps_its_claim_and_its_job_can_still_be_done(upgrade: Upgrade) -> None:
    assert upgrade.states()["053006"] == "running"
    done = xom(upgrade.site, "run", f"work/ticks/{LIVE_TICK}", "answer", "v1", "053006")
    assert done.returncode == 0, done.stderr
    outcome = upgrade.site.outcome("answer", 53006)
    assert [result["value"] for result in outcome["results"]] == [60.5, None]
    assert (outcome["attempt"], outcome["figures"]) == (1, ["pixel.png"])


def test_what_the_store_has_agrees_with_the_outcomes_and_filling_it_again_changes_nothing(upgrade: Upgrade) -> None:
    rebuilt = xom(upgrade.site, "rebuild")
    assert rebuilt.returncode == 0, rebuilt.stderr
    after, now = (state.below("work/store/test/") for state in (upgrade.after, State.of(upgrade.site)))
    shelves = [name for name in after if Path(name).stem == "052"]
    assert {now[name][0] == after[name][0] for name in shelves} == {True}
    verified = xom(upgrade.site, "verify")
    assert (verified.returncode, verified.stdout) == (0, "the store has the points of all outcomes\n"), verified.stderr
