"""What the environments are made of."""

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def pins(lock: str) -> set[str]:
    """The versions that a lock names, with their conditions."""
    lines = (ROOT / f"envs/{lock}.txt").read_text().splitlines()
    return {line.rstrip(" \\") for line in lines if re.match(r"[a-z0-9]", line)}


@pytest.mark.parametrize("package", ["pandas", "snakemake_executor_plugin_slurm"])
def test_snakemake_has_nothing_heavy_to_import_by_itself(package: str) -> None:
    """It imports every executor plugin that is installed, and pandas when a rule has parameters: in every tick."""
    assert find_spec(package) is None


def test_the_development_lock_has_all_of_the_workflow_lock() -> None:
    """Tests run with what is used, and a wheelhouse needs only one of the two."""
    assert pins("workflow") <= pins("development")


def test_the_project_is_built_by_the_locked_uv() -> None:
    """Another version's build backend would come from the network."""
    [uv] = pins("uv")
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert [line.split(",")[0] for line in wanted] == [uv.replace("uv==", "uv_build>=")]
