"""What must not be in the workflow environment."""

from importlib.util import find_spec

import pytest


@pytest.mark.parametrize("package", ["pandas", "snakemake_executor_plugin_slurm"])
def test_snakemake_has_nothing_heavy_to_import_by_itself(package: str) -> None:
    """It imports every executor plugin that is installed, and pandas when a rule has parameters: in every tick."""
    assert find_spec(package) is None
