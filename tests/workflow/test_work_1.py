"""A ``work`` of layout 1 goes on: figures become single files, and nothing is lost or done again."""

from __future__ import annotations

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from support.in_process import FastSite
from support.old_work import LAYOUT_1, WITHOUT_SLURM, old_site
from xomflow.core import times
from xomflow.core.files.archive import names_in_archive
from xomflow.core.files.work_format import FORMAT
from xomflow.core.key import Key
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.submissions import Submission

PICTURES = {
    f"05200{n}.{name}.png": b"\x89PNG\r\n\x1a\n picture of 05200%d" % n for n in (1, 2) for name in ("pixel", "other")
}


@pytest.fixture
def old(tmp_path: Path) -> FastSite:
    site = old_site(tmp_path, kept=LAYOUT_1)
    assert isinstance(site, FastSite)
    assert site.paths.format.read_text() == "1\n"
    return site


def pictures(site: FastSite) -> dict[str, bytes]:
    shelf = site.paths.all_figures / "answer/v1/052"
    return {str(path.relative_to(shelf)): path.read_bytes() for path in shelf.rglob("*") if path.is_file()}


def test_one_tick_converts_it_and_does_nothing_again(old: FastSite) -> None:
    before = {path: path.read_bytes() for path in old.paths.outcomes.rglob("*.json")}
    assert old.pending() == set(), "a dry-run works on the old layout"
    assert old.xom("log", "answer", "52001").returncode == 0
    done = old.tick(**WITHOUT_SLURM)
    assert (done.returncode, old.claimed()) == (0, set()), done.stderr
    assert (pictures(old), old.paths.format.read_text()) == (PICTURES, f"{FORMAT}\n")
    assert {path: path.read_bytes() for path in old.paths.outcomes.rglob("*.json")} == before
    assert old.xom("verify").returncode == 0
    assert 'figure="figures/answer/v1/052/052001.pixel.png"' in (old.work / "store/test/answer/v1/052.lp").read_text()


def test_a_job_of_the_older_version_in_slurm_keeps_the_number_and_what_it_writes_is_converted(old: FastSite) -> None:
    tick = next(path.name for path in old.paths.ticks.iterdir())
    of_older = Submission(Key("answer", "v1", "052003"), 1, tick, times.now() - timedelta(hours=1), "17", "root")
    submissions.note(old.paths, of_older)
    assert old.tick(**WITHOUT_SLURM).returncode in (0, 5)
    assert (pictures(old), old.paths.format.read_text()) == (PICTURES, "1\n")
    outcome = json.loads(old.paths.outcome(Key("answer", "v1", "052001")).read_text())
    outcome["key"]["run"] = "052003"
    old.paths.outcome(of_older.key).write_text(json.dumps(outcome))
    (old.paths.figures_of_layout_1(of_older.key)).mkdir()
    (old.paths.figures_of_layout_1(of_older.key) / "pixel.png").write_bytes(b"late")
    for _ in range(2):  # the first one finds the outcome, and then no job of the older version
        old.tick(**WITHOUT_SLURM)
    assert pictures(old) == {**PICTURES, "052003.pixel.png": b"late"}
    assert old.paths.format.read_text() == f"{FORMAT}\n"


def test_a_work_that_was_copied_elsewhere_goes_on_with_its_archives(old: FastSite, tmp_path: Path) -> None:
    """With other inode numbers and times, as after a restoration from a backup."""
    for log in old.paths.logs.rglob("*.log"):
        os.utime(log, (0, 0))
    old.tick(**WITHOUT_SLURM)
    assert sorted(names_in_archive(old.work / "logs/answer/v1/052.zip")) == ["052001.log", "052002.log"]
    texts = {run: old.xom("log", "answer", run).stdout for run in ("52001", "52002")}
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(old.work, elsewhere, copy_function=shutil.copyfile, symlinks=True)
    shutil.rmtree(old.work)
    (tmp_path / ".snakemake/xom-work").unlink()
    old.tree["work"] = "elsewhere"
    moved = FastSite(tmp_path)
    moved.tree = old.tree
    moved.runs(old.documents.values())
    assert moved.pending() == set()
    assert "0 outcomes, 0 points published" in (done := moved.tick(**WITHOUT_SLURM)).stdout, done.stdout
    assert done.returncode == 0, done.stderr
    assert moved.xom("verify").returncode == 0
    assert {run: moved.xom("log", "answer", run).stdout for run in texts} == texts
    shelf = elsewhere / "figures/answer/v1/052"
    assert {path.name: path.read_bytes() for path in shelf.iterdir()} == PICTURES
