"""A ``work`` folder that an earlier version left goes on: nothing is done or published again, nothing is lost."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.site import Site

ROOT = Path(__file__).resolve().parents[2]
OLD = ROOT / "tests/data/work-0"
# The newest tick of the old version: its claim is not worked on yet.
LIVE = "*-host-*"
GONE = {"work/slurm/answer+v1+052003.json", "work/locks/moody+v1+053014.lock"}
REWRITTEN = ("work/cache/", "work/page/", "work/store/test/xom/")
# No Slurm answers, whatever the machine has.
ENVIRONMENT = {"SLURM_CONF": "/dev/null"}


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


def old_site(folder: Path, in_place: bool) -> Site:
    """Lay the kept site into a folder: with its caches valid, as an upgrade finds it, or with new times, as a copy."""
    site = Site(folder)
    shutil.copytree(OLD, folder, dirs_exist_ok=True)
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes().replace(b"@SITE@", bytes(folder))
            path.write_bytes(content.replace(b"@PYTHON@", sys.executable.encode()))
    site.tree = yaml.safe_load((folder / "config.yaml").read_text())
    site.documents = {run["number"]: run for run in map(json.loads, (folder / "runs.jsonl").read_text().splitlines())}
    if in_place:
        restore_times(site)
    return site


def restore_times(site: Site) -> None:
    """Give files and folders their old times, and the kept outcomes' index the stamps that the files have here."""
    times: dict[str, int] = json.loads((OLD / "times.json").read_text())
    for kept in (site.work / "cache/outcomes").rglob("*.json"):
        index = json.loads(kept.read_text())
        for entry in index.values():
            key = entry[2]["key"]
            shelf = site.work / "outcomes" / key["analysis"] / key["version"] / key["run"][:3]
            status = (shelf / f"{key['run']}.json").stat()
            entry[0] = [
                times[str((shelf / f"{key['run']}.json").relative_to(site.folder))],
                status.st_size,
                status.st_ino,
            ]
        kept.write_text(json.dumps(index))
    for name in sorted(times, reverse=True):  # a folder after what is in it
        path = site.folder / name
        if not path.exists():
            path.mkdir(parents=True)  # version control keeps no empty folder
        os.utime(path, ns=(times[name], times[name]))


@pytest.fixture(scope="module", params=["in_place", "copied"])
def upgrade(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Upgrade:
    """One tick while the newest old tick is still alive, after failures have become due."""
    site = old_site(tmp_path_factory.mktemp(request.param), request.param == "in_place")
    site.tree["retries"]["first_wait"] = "0 s"
    before = State.of(site)
    live = max((site.work / "ticks").glob(LIVE))
    with (live / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tick = site.tick(**ENVIRONMENT)
    return Upgrade(site, before, State.of(site), tick)


def xom(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as jobs of the old version call it."""
    command = [sys.executable, str(ROOT / "scripts/xom.py"), *arguments]
    return subprocess.run(
        command, cwd=site.folder, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=False
    )


def test_the_tick_ends_as_one_in_which_only_runs_failed(upgrade: Upgrade) -> None:
    assert upgrade.tick.returncode == 1, upgrade.tick.stderr
    assert (upgrade.summary()["mistakes"], upgrade.summary()["troubles"]) == ([], [])


def test_nothing_is_lost_and_no_finished_run_is_done_again(upgrade: Upgrade) -> None:
    kept = {name: file for name, file in upgrade.before.files.items() if not name.startswith(REWRITTEN)}
    lost = kept.keys() - upgrade.after.files.keys()
    assert lost == GONE
    for folder in ("work/outcomes/", "work/figures/"):
        before, after = upgrade.before.below(folder), upgrade.after.below(folder)
        assert before == {name: after.get(name) for name in before}


def test_only_what_was_due_is_done(upgrade: Upgrade) -> None:
    names = {name.rpartition("-")[0] or name for name in upgrade.new_outcomes}
    assert names == {"052011.failed-3-raised", "053014.failed-1-lost", "053014.json"}


def test_nothing_is_published_again(upgrade: Upgrade) -> None:
    for folder in ("work/store/test/", "work/ledger/local-test_/"):
        shelves = [name for name in upgrade.before.below(folder) if Path(name).stem == "052"]
        assert len(shelves) == 3
        assert {upgrade.after.files[name] == upgrade.before.files[name] for name in shelves} == {True}
    assert upgrade.summary()["published"]["outcomes"] == 1


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
    assert upgrade.states()["053007"] == "running"
    assert (
        upgrade.after.files["work/slurm/answer+v1+053007.json"]
        == upgrade.before.files["work/slurm/answer+v1+053007.json"]
    )


def test_a_living_old_tick_keeps_its_claim_and_its_job_can_still_be_done(upgrade: Upgrade) -> None:
    assert upgrade.states()["053006"] == "running"
    live = max((OLD / "work/ticks").glob(LIVE)).name
    done = xom(upgrade.site, "run", f"work/ticks/{live}", "answer", "v1", "053006")
    assert done.returncode == 0, done.stderr
    outcome = upgrade.site.outcome("answer", 53006)
    assert [result["value"] for result in outcome["results"]] == [60.5, None]
    assert (outcome["attempt"], outcome["figures"]) == (1, ["pixel.png"])


def test_what_the_store_has_agrees_with_the_outcomes(tmp_path: Path) -> None:
    site = old_site(tmp_path, in_place=False)
    verified = xom(site, "verify")
    assert (verified.returncode, verified.stdout) == (0, "the store has what the outcomes say\n"), verified.stderr
