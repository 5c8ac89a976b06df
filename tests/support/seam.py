"""Snakemake as XOM needs it: what one has beside its documented interface, and a stand-in that has all of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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


def rule(**changes: Any) -> SimpleNamespace:
    """A stand-in for a rule, but for the changes."""
    made: dict[str, Any] = {"name": "one", "params": {}, "wildcard_names": set(), "resources": {}}
    made |= {"benchmark": None, "shellcmd": "true", "message": None, "output": ["a"], "log": []}
    return SimpleNamespace(**{**made, "lineno": 1, "snakefile": "Snakefile", **changes})


def workflow(**changes: Any) -> Any:
    """A stand-in that has all, but for the changes; an attribute that is changed to ``...`` is missing."""
    scheduler = SimpleNamespace(exit_gracefully=print, failed=set())
    output = SimpleNamespace(dryrun=False)
    made: dict[str, Any] = {"is_main_process": True, "configfiles": [], "output_settings": output, "local_exec": True}
    made["config_settings"] = SimpleNamespace(config_args=[])
    made["resource_settings"] = SimpleNamespace(nodes=None, _parsed_default_resources={})
    made |= {"included_stack": [], "linemaps": {"Snakefile": {1: 1}}, "_rules": {"one": rule()}, "rules": [rule()]}
    persistence = SimpleNamespace(save_iocache=print, iocache_path=".snakemake/iocache")
    made |= {"scheduler": scheduler, "persistence": persistence, **changes}
    return SimpleNamespace(**{name: value for name, value in made.items() if value is not ...})
