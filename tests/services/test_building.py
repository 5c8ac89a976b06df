"""`make services` where something is missing: one sentence says what."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from local_servers.find import ROOT

TOOLS = ("bash", "cat", "dirname", "mkdir", "grep", "id", "java", "javac", "go", "cargo", "pkg-config")


@pytest.mark.parametrize(
    ("script", "without", "said"),
    [
        ("mongo/build.sh", "java", "the MongoDB server cannot be built: there is no Java 17 (the command java)"),
        ("mongo/build.sh", "mvn", "the MongoDB server cannot be built: there is no Maven (the command mvn)"),
        ("influxdb/build.sh", "go", "InfluxDB cannot be built: there is no Go (the command go)"),
        ("influxdb/build.sh", "cargo", "InfluxDB cannot be built: there is no Rust (the command cargo)"),
        ("influxdb/build.sh", "cc", "InfluxDB cannot be built: there is no C compiler (the command cc)"),
        ("slurm/install.sh", "apt-get", "Slurm is missing, and this machine has no apt-get to install it"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, script: str, without: str, said: str) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in TOOLS:
        if name == without:
            continue
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
        else:  # that a program is there is all that is looked at before the missing one
            (programs / name).touch(mode=0o755)
    command = [str(programs / "bash"), str(ROOT / "services" / script), str(tmp_path / "services")]
    done = subprocess.run(command, env={"PATH": str(programs)}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
