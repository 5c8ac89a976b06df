"""What a built wheel of the project contains."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest
from checkouts import ROOT, UV, clean_environment


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The project's wheel, built without the network."""
    if not (UV / "bin/uv").exists():
        pytest.skip(f"uv is not at {UV}: this test needs environments that `make envs` made")
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        str(UV / "bin/uv"),
        "build",
        "--quiet",
        "--no-config",
        "--offline",
        "--wheel",
        "--out-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, env=clean_environment(folder / "home"), check=True)
    return zipfile.ZipFile(next(folder.glob("xom-*.whl")))


def test_it_has_every_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    """Also what is no Python: the page, the schema of outcomes."""
    listed = subprocess.run(["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    there = {name for name in listed.splitlines() if (ROOT / name).exists()}
    missing = there - {f"src/{name}" for name in wheel.namelist()}
    assert not missing
    assert any(name.endswith("/index.html") for name in there)
    assert any(name.endswith("/outcome.schema.json") for name in there)


def test_it_has_the_command_and_the_licences(wheel: zipfile.ZipFile) -> None:
    about = next(name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name)
    assert "xom = xomflow.cli:main" in wheel.read(f"{about}/entry_points.txt").decode()
    licences = {
        Path(name).name for name in wheel.namelist() if name.startswith(f"{about}/licenses/") and name[-1] != "/"
    }
    assert licences == {"LICENSE", "uPlot.LICENSE"}
