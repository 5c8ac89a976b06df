"""Upgrade and roll back as docs/operator.md describes it: checkouts side by side, a link, one site."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from support.in_process import FastSite
from support.patience import PATIENCE
from xomflow.core.files import work_format
from xomflow.core.key import Key
from xomflow.core.paths import ROOT

# Waits for a file `go`, then publishes where the code of its worker lies.
WAITS = """
from pathlib import Path
Path(f"begun-{run_id}").touch()
while not Path("go").exists():
    time.sleep(0.05)
xomlib.Xomresult(variable_name="code", variable_value=1, data={"place": str(Path(xomlib.__file__).parents[2])}).save()
"""
PARTS = ("Snakefile", "rules", "scripts", "profiles", "slurm", "config.yaml", "src", "docs")


class Versions:
    """Two checkouts beside a site, each with its own environment, and the link ``current``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for version in ("2.0.0", "2.1.0"):
            (folder / version).mkdir()
            for part in PARTS:
                copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
                copy(ROOT / part, folder / version / part)
            _make_environment(folder / version)
        (folder / "site").mkdir()
        self.site = FastSite(folder / "site")
        self.site.tree["software"] = [{"interpreter": os.path.realpath(sys.executable)}]

    def switch(self, version: str) -> None:
        """Let ``current`` lead to a version, in one step, as ``ln -sfn`` does."""
        new = self.folder / "new"
        new.symlink_to(version)
        new.rename(self.folder / "current")

    def command(self, *arguments: str) -> dict[str, Any]:
        """What a timer starts: Snakemake with the code and the rules of ``current``."""
        current = (self.folder / "current").resolve()
        python = str(current / "environment/bin/python")
        words = [python, "-m", "snakemake", "--snakefile", str(current / "Snakefile"), *arguments]
        return {"args": words, "cwd": self.site.folder, "text": True}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        self.site.write_config()
        return subprocess.run(**self.command(*arguments), capture_output=True, check=False)

    def pending(self) -> set[tuple[str, str]]:
        """What a dry-run lists; each version has the code of the tests here."""
        return self.site.pending()


def _make_environment(checkout: Path) -> None:
    """Make an environment with a checkout's own code and the packages of the one that the tests run in."""
    environment = checkout / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    lines = [str(checkout / "src"), sysconfig.get_path("purelib"), "import xomflow.start"]
    (packages / "own.pth").write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(tmp_path)


def test_a_site_goes_on_after_an_upgrade_and_after_rolling_back(versions: Versions, wait_for: Any) -> None:
    site = versions.site
    site.runs([52001])
    site.analysis("waits", WAITS)
    site.write_config()
    versions.switch("2.0.0")
    with (site.folder / "tick.log").open("w") as log:
        old = subprocess.Popen(**versions.command(), stdout=log, stderr=log)
    wait_for((site.folder / "begun-052001").exists)

    versions.switch("2.1.0")
    assert versions.pending() == set(), "a run of the old version's job would be done twice"
    (site.folder / "go").touch()
    assert old.wait(PATIENCE) == 0, (site.folder / "tick.log").read_text()
    place = site.outcome("waits", 52001)["results"][0]["data"]["place"]
    assert place == str(versions.folder / "2.0.0"), "the job changed its code while it ran"
    site.runs([52002])
    assert versions.run().returncode == 0
    assert site.claimed() == {("waits", "052002")}

    versions.switch("2.0.0")
    assert versions.pending() == set()


# Turns a copy of this version into one of layout 1: it writes a folder for the figures of a run.
TO_LAYOUT_1 = {
    "src/xomflow/core/files/work_format.py": [
        ("FORMAT = 2", "FORMAT = 1"),
        ("= {1: _one_file_for_each_figure}", "= {}"),
    ],
    "src/xomflow/core/paths/work.py": [('f"{key.run}.{name}"', "key.run / name")],
    "src/xomflow/jobs/job_files.py": [("    shutil.rmtree(paths.figures_of_layout_1(key), ignore_errors=True)\n", "")],
}


def to_layout_1(checkout: Path) -> None:
    for name, changes in TO_LAYOUT_1.items():
        text = (checkout / name).read_text()
        for old, new in changes:
            assert old in text, (name, old)
            text = text.replace(old, new)
        (checkout / name).write_text(text)


@pytest.mark.slow
def test_jobs_of_a_version_with_an_older_layout_go_on_and_their_figures_are_converted(
    versions: Versions, wait_for: Any
) -> None:
    """And the number waits for them: they would refuse the new one at their end."""
    to_layout_1(versions.folder / "2.0.0")
    site = versions.site
    site.runs([52001])
    site.analysis("waits", WAITS + "xomlib.figure('one', b'\\x89PNG\\r\\n\\x1a\\n picture of ' + run_id.encode())\n")
    site.write_config()
    versions.switch("2.0.0")
    with (site.folder / "tick.log").open("w") as log:
        old = subprocess.Popen(**versions.command(), stdout=log, stderr=log)
    wait_for((site.folder / "begun-052001").exists)

    versions.switch("2.1.0")
    assert versions.run().returncode == 0
    assert work_format.format_of(site.paths) == 1
    (site.folder / "go").touch()
    assert old.wait(300) == 0, (site.folder / "tick.log").read_text()
    shelf = site.paths.figure(Key("waits", "v1", "052001"), "").parent
    assert [path.name for path in shelf.iterdir()] == ["052001"], "the old version's job did not write the old layout"
    site.runs([52002])
    assert versions.run().returncode == 0
    pictures = {path.name: path.read_bytes() for path in shelf.iterdir()}
    assert pictures == {
        f"{run}.one.png": b"\x89PNG\r\n\x1a\n picture of " + run.encode() for run in ("052001", "052002")
    }
    assert site.paths.format.read_text() == f"{work_format.FORMAT}\n"

    versions.switch("2.0.0")
    refused = versions.run()
    assert (refused.returncode, "has layout 2" in refused.stderr) == (3, True)
    site.paths.format.write_text("1\n")  # as docs/operator.md describes the way back
    assert versions.pending() == set()
    versions.switch("2.1.0")
    assert versions.run().returncode == 0
    assert {path.name: path.read_bytes() for path in shelf.iterdir()} == pictures
    left = {path.relative_to(site.folder / ".snakemake").parts[0] for path in site.folder.glob(".snakemake/*/**/*")}
    assert left == {"log"}, "Snakemake keeps files of jobs"


def test_rolling_back_over_a_change_of_the_layout_is_refused(site: FastSite) -> None:
    site.runs([52001])
    site.analysis("waits", WAITS)
    site.work.mkdir()
    site.paths.format.write_text(f"{work_format.FORMAT + 1}\n")
    done = site.tick()
    assert done.returncode == 3
    assert json.dumps(work_format.FORMAT + 1) in done.stderr.splitlines()[-1]
    assert not site.paths.outcomes.exists()
