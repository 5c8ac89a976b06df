"""Installation without the internet, with the real packages: `make test-all` fetches them first."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkouts import ROOT, clean_environment

pytestmark = pytest.mark.nightly

WHEELHOUSE = os.environ.get("XOM_TEST_WHEELHOUSE", "")


def test_a_fresh_checkout_installs_from_the_wheelhouse_alone(tmp_path: Path) -> None:
    """With an empty home folder, and a package index that does not answer."""
    if not WHEELHOUSE:
        pytest.skip("XOM_TEST_WHEELHOUSE names no folder; `make wheelhouse` fills one")
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("Makefile", "pyproject.toml", "README.md", "LICENSE", "envs", "scripts", "src"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, checkout / name)
    choices = [f"PYTHON={sys.executable}", f"WHEELHOUSE={WHEELHOUSE}"]
    command = ["make", "--no-print-directory", "development", *choices]
    environment = clean_environment(tmp_path / "home")
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    asked = [
        ["workflow/bin/snakemake", "--version"],
        ["workflow/bin/python", "-c", "import pymongo, influxdb_client, pydantic, pytest, xomflow.workflow"],
        ["analysis/bin/python", "-c", "import strax, straxen, numba, xomphysics, mini_xenonnt"],
    ]
    for program, *words in asked:
        command = [f"{checkout}/work/envs/{program}", *words]
        answer = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
