"""Slurm's programs as recordings: what each version answered in each situation; see ``tests/data/slurm``."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "data" / "slurm"
VERSIONS = sorted(place.name for place in FOLDER.iterdir() if place.is_dir())
PROGRAMS = ("squeue", "sbatch", "scancel", "sinfo")
# Of the jobs in the recordings.
TICK = "20261122T120000-host-5"
RUN = 52001

Answer = dict[str, Any]


class RecordedSlurm:
    """Answers commands in the place of `subprocess.run`, as one version of Slurm did.

    Attributes
    ----------
    recorded
        Answers by program and situation.
    sbatch
        Situation in which a job is submitted, by analysis; ``accepted`` if it is not given.
    squeue
        Situation of each job that is listed, by analysis.
    scancel
        Situation of the jobs that are cancelled.
    sinfo
        Situation of the nodes.
    is_away
        Whether the controller is away.
    commands, scripts
        The commands that were given, and their input.
    """

    def __init__(self, version: str) -> None:
        self.version = version
        self.recorded: dict[str, dict[str, Answer]] = {
            program: json.loads(place.read_text())["answers"]
            for program in PROGRAMS
            if (place := FOLDER / version / f"{program}.json").exists()
        }
        self.sbatch: dict[str, str] = {}
        self.squeue: dict[str, str] = {}
        self.scancel = "running"
        self.sinfo = "all_take_jobs"
        self.is_away = False
        self.commands: list[list[str]] = []
        self.scripts: list[str] = []

    def run(self, command: list[str], input: str = "", **_: Any) -> subprocess.CompletedProcess[str]:
        """Answer a command."""
        self.commands.append(command)
        self.scripts.append(input)
        program, *words = command
        if program == "scontrol":
            return subprocess.CompletedProcess(command, 0, "ClusterName             = xom_test\n", "")
        if program == "sacct":
            return subprocess.CompletedProcess(command, 1, "", "Slurm accounting storage is disabled\n")
        if self.is_away:
            answers = [self.recorded[program]["controller_away"]]
        elif program == "squeue":
            answers = [self._listed(analysis, situation) for analysis, situation in self.squeue.items()]
        elif program == "sbatch":
            name = next(word for word in words if word.startswith("--job-name=")).split("-")[-2]
            answers = [self.recorded[program][self.sbatch.get(name, "accepted")]]
        elif program == "sinfo":
            answers = [self.recorded[program][self.sinfo]]
        else:
            answers = [self.recorded[program][self.scancel]]
        stdout, stderr = ("".join(answer[name] for answer in answers) for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(command, sum(answer["status"] for answer in answers), stdout, stderr)

    def _listed(self, analysis: str, situation: str) -> Answer:
        answer = self.recorded["squeue"][situation]
        lines = answer["stdout"].replace(f" {situation}+v1+", f" {analysis}+v1+")
        # The day of the tick: else jobs of a fresh recording end in the future of a machine farther west.
        return {**answer, "stdout": re.sub(r"\|\d{4}-\d\d-\d\dT", "|2026-11-22T", lines)}

    def asked(self, program: str) -> list[list[str]]:
        """Return the commands of one program."""
        return [command for command in self.commands if command[0] == program]
