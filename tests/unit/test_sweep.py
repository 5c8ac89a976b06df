"""What killed processes and Snakemake leave does not grow without bound, and nothing else is removed."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.workflow.upkeep.sweep import sweep

DAYS = 86400.0
LEFT = {
    "work/outcomes/a/v1/052/.052001.json.7.8.part": 2,
    "work/cache/.inventory.json.7.8.part": 2,
    "work/ticks/x/.claims.json.7.8.part": 2,
    "work/locks/.lock-test.7": 2,
    "work/drafts/a+v1+052001+1-host-7-x/draft.json": 8,
    "work/logs/a/v1/.052.zip.7.part": 2,
    ".snakemake/log/x.snakemake.log": 31,
    ".snakemake/incomplete/ab/cd": 31,
    ".snakemake/metadata/abcd": 31,
}
KEPT = {
    "work/outcomes/a/v1/052/052001.json": 400,
    "work/outcomes/a/v1/052/.052002.json.7.8.part": 0,
    "work/.xom-work": 400,
    "work/drafts/a+v1+052002+1-host-7-x/draft.json": 1,
    "work/drafts/a+v1+052003+1-host-7-x/draft.json": 8,  # whose lock is held
    "work/figures/a/.x.part": 400,
    ".snakemake/log/y.snakemake.log": 1,
    ".snakemake/xom-work": 400,
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, age in {**LEFT, **KEPT}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        then = time.time() - age * DAYS
        for changed in (path, path.parent) if "drafts" in name else (path,):
            os.utime(changed, (then, then))
    return tmp_path


def present(site: Path) -> set[str]:
    return {name for name in {**LEFT, **KEPT} if (site / name).exists()}


def test_what_is_old_and_left_is_removed_once_a_day_and_nothing_else(site: Path) -> None:
    paths = Paths(site / "work")
    lock = paths.run_lock(Key("a", "v1", "052003"))
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert sweep(paths, site / ".snakemake") == len(LEFT)
        assert present(site) == set(KEPT)
        again = site / "work/cache/.x.part"
        again.touch()
        os.utime(again, (0, 0))
        assert sweep(paths, site / ".snakemake") == 0
        assert again.exists()
        assert sweep(paths, site / ".snakemake", time.time() + 1.5 * DAYS) >= 1
        assert not again.exists()


def test_where_nothing_is_there_nothing_happens(tmp_path: Path) -> None:
    assert sweep(Paths(tmp_path / "work"), tmp_path / ".snakemake") == 0
