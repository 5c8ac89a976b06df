"""`make services`: one build for all checkouts of a user, anew when its sources change, never a part of one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from checkouts import ROOT

# In the place of the real builds: leaves a file, and a line for each time that it ran.
BUILD = """#!/usr/bin/env bash
set -e
mkdir -p "$1/NAME"
echo part > "$1/NAME/part"
echo NAME >> "$BUILDS"
if [ -e "$BUILDS.stop" ]; then kill -9 $PPID; exit 1; fi
if [ -e "$BUILDS.fail" ]; then echo "no compiler" >&2; exit 1; fi
"""


@dataclass
class Place:
    """Checkouts of one user, with builds that take no time."""

    folder: Path

    def checkout(self, name: str) -> Path:
        """Make a checkout."""
        root = self.folder / name
        (root / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts/lively.sh", root / "scripts")
        for service in ("mongo", "influxdb"):
            (root / "services" / service).mkdir(parents=True)
            (root / "services" / service / "build.sh").write_text(BUILD.replace("NAME", service))
        (root / "services/slurm").mkdir()
        (root / "services/slurm/install.sh").write_text("")
        shutil.copy(ROOT / "services/make.sh", root / "services")
        return root

    def make(self, checkout: Path, **more: str) -> subprocess.CompletedProcess[str]:
        """Build the services for a checkout."""
        given = {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home"), "BUILDS": str(self.builds), **more}
        command = ["bash", "services/make.sh", "work/services"]
        return subprocess.run(command, cwd=checkout, env=given, capture_output=True, text=True, check=False)

    @property
    def builds(self) -> Path:
        """Where each build leaves a line."""
        return self.folder / "builds"

    @property
    def built(self) -> list[str]:
        """What was built, in this order."""
        return self.builds.read_text().split()


def test_a_silent_step_is_heard_of(tmp_path: Path) -> None:
    """The step ends only when something was printed beside it."""
    (tmp_path / "script").write_text(
        f"source {ROOT / 'scripts/lively.sh'}\nlively bash -c 'until grep -q \"[0-9] s$\" output; do :; done'\n"
    )
    with (tmp_path / "output").open("w") as output:
        given = {"PATH": os.environ["PATH"], "LIVELY_SECONDS": "0.1"}
        subprocess.run(["bash", "script"], cwd=tmp_path, env=given, stdout=output, check=True, timeout=60)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Nothing built yet."""
    return Place(tmp_path)


def test_a_second_checkout_builds_nothing(place: Place) -> None:
    for name in ("first", "second", "first"):
        root = place.folder / name if (place.folder / name).exists() else place.checkout(name)
        assert place.make(root).returncode == 0
        assert (root / "work/services/mongo/part").exists()
        assert (root / "work/services/influxdb/part").exists()
    assert place.built == ["mongo", "influxdb"]


def test_only_the_service_whose_sources_changed_is_built_again(place: Place) -> None:
    root = place.checkout("first")
    place.make(root)
    (root / "services/mongo/pom.xml").write_text("newer")
    before = (root / "work/services/mongo").resolve()
    place.make(root)
    assert place.built == ["mongo", "influxdb", "mongo"]
    assert (root / "work/services/mongo").resolve() != before
    assert before.exists()  # another checkout may use it


@pytest.mark.parametrize("end", ["stop", "fail"])
def test_a_build_that_did_not_end_well_does_not_count(place: Place, end: str) -> None:
    root = place.checkout("first")
    (place.folder / f"builds.{end}").touch()
    done = place.make(root)
    assert done.returncode == {"stop": -signal.SIGKILL, "fail": 1}[end]
    assert not (root / "work/services/mongo").exists()
    (place.folder / f"builds.{end}").unlink()
    assert place.make(root).returncode == 0
    assert place.built == ["mongo", "mongo", "influxdb"]


def test_a_failed_build_leaves_nothing_in_the_cache(place: Place) -> None:
    (place.folder / "builds.fail").touch()
    assert place.make(place.checkout("first")).stderr == "no compiler\n"
    assert list((place.folder / "home/.cache/xom/services").iterdir()) == []


def test_the_cache_is_where_the_user_wants_it(place: Place) -> None:
    root = place.checkout("first")
    place.make(root, XDG_CACHE_HOME=str(place.folder / "elsewhere"))
    assert (root / "work/services/mongo").resolve().parent == place.folder / "elsewhere/xom/services"


def test_without_a_home_folder_to_write_the_builds_stay_in_the_checkout(place: Place) -> None:
    root = place.checkout("first")
    (place.folder / "file").touch()
    assert place.make(root, HOME=str(place.folder / "file")).returncode == 0
    assert (root / "work/services/mongo").resolve().parent == root / "work/services/builds"


def test_a_build_of_version_1_is_replaced_by_the_link(place: Place) -> None:
    root = place.checkout("first")
    (root / "work/services/mongo/lib").mkdir(parents=True)
    place.make(root)
    assert (root / "work/services/mongo").is_symlink()
