"""XOM works with the newest Snakemake, not only with the locked one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.seam import unmet_uses_of
from support.site import Site
from xomflow.core.paths import ROOT, SOURCE

pytestmark = [pytest.mark.slow, pytest.mark.nightly]
GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"


@pytest.fixture(scope="module")
def snakemake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The newest Snakemake, in an environment of its own with what the workflow needs beside it."""
    folder = tmp_path_factory.mktemp("newest")
    uv = Path(shutil.which("uv") or ROOT / "work/envs/uv/bin/uv")
    environment = folder / "environment"
    python = environment / "bin/python"
    needs = (line.partition("#")[0] for line in (ROOT / "envs/workflow.in").read_text().splitlines())
    names = [re.split("[=<>~!;]", line)[0].strip() for line in needs if line.strip()]
    for command in (
        [str(uv), "venv", "--quiet", "--python", sys.executable, str(environment)],
        [str(uv), "pip", "install", "--quiet", "--python", str(python), "--upgrade", *names],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = f"the newest Snakemake cannot be installed: {done.stderr.strip().splitlines()[-1:]}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
    return environment / "bin/snakemake"


class NewestSite(Site):
    """A site whose ticks are those of another Snakemake."""

    snakemake_program: Path

    def command(self, *arguments: str) -> list[str]:
        return [str(self.snakemake_program), *super().command(*arguments)[1:]]


def test_it_has_what_xom_uses_beside_the_documented_interface(snakemake: Path, tmp_path: Path) -> None:
    assert unmet_uses_of(snakemake, tmp_path) == []


def test_a_tick_works_and_a_wrong_rule_file_stops_no_other_analysis(snakemake: Path, tmp_path: Path) -> None:
    site = NewestSite(tmp_path)
    site.snakemake_program = snakemake
    site.runs([52001])
    for name in ("good", "bad"):
        site.analysis(name, GOOD)
    (tmp_path / "extra/rules/analyses/bad.smk").write_text("x = 1 / 0\n")
    assert site.pending(PYTHONPATH=str(SOURCE)) == {("good", "052001")}
    done = site.tick(PYTHONPATH=str(SOURCE))
    assert done.returncode == 3, done.stderr
    assert site.done("good") == {52001}
    assert "bad.smk, line 1: ZeroDivisionError: division by zero" in done.stderr.splitlines()[-1]
