"""What a Snakemake has, beside its documented interface, of what XOM needs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from xomflow.core.paths import SOURCE

_SNAKEFILE = """
from xomflow.workflow.snakemake.seam import unmet_uses

def note_unmet(running):
    with open("unmet", "a") as file:
        print(*unmet_uses(workflow, running), "end", sep="\\n", file=file)

rule all:
    default_target: True
    input: "made"

rule make:
    output: "{name,made}"
    log: "{name}.log"
    benchmark: "{name}.tsv"
    params: command="touch"
    message: "making {wildcards.name}"
    shell: "{params.command} {output}"

note_unmet(False)

onstart:
    note_unmet(True)
"""


def unmet_uses_of(snakemake: Path, folder: Path) -> list[str]:
    """The sentences about what a Snakemake lacks, when it reads a Snakefile and when its jobs start."""
    (folder / "Snakefile").write_text(_SNAKEFILE)
    (folder / "config.yaml").write_text("a: 1\n")
    done = subprocess.run(
        [str(snakemake), "--cores", "1", "--configfile", "config.yaml"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = (folder / "unmet").read_text().splitlines()
    assert lines.count("end") >= 2, lines
    return [line for line in lines if line != "end"]
