"""A cluster whose situations are recorded: jobs as XOM submits them, and what Slurm's commands answer as XOM asks."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from local_servers.slurm import SlurmCluster
from xomflow.config.model import Config
from xomflow.core.errors import BatchSystemError
from xomflow.core.key import Key
from xomflow.slurm.batch_system import JobRequest
from xomflow.slurm.commands import Slurm
from xomflow.slurm.submitting.submissions import Submission

_SECONDS = 40.0  # that a job may take to get into a situation
_TICK = "20261122T120000-host-5"
SLEEP = "sleep 600"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command answered.

    Parameters
    ----------
    situation
        The state of the cluster and of the job.
    command
        The program and its arguments.
    status
        Its exit status.
    stdout, stderr
        Its output; of ``squeue`` the lines of the job.
    """

    situation: str
    command: list[str]
    status: int
    stdout: str
    stderr: str

    @property
    def program(self) -> str:
        """Name of the program."""
        return self.command[0]


class Recorder:
    """Submits jobs to a cluster and keeps what its commands answer.

    Parameters
    ----------
    cluster
        The cluster, which runs.
    """

    def __init__(self, cluster: SlurmCluster) -> None:
        self.cluster = cluster
        self.answers: list[Answer] = []
        self.missing: list[str] = []
        self._site = cluster.folder / "site"
        (self._site / "logs").mkdir(parents=True)
        os.environ.update(cluster.environment)
        os.chdir(self._site)

    def submit(
        self,
        situation: str,
        script: str = SLEEP,
        *,
        keep: bool = False,
        memory_mb: int = 50,
        minutes: int = 10,
        cpus: int = 1,
        log: str = "logs/job.log",
        **options: Any,
    ) -> str:
        """Submit a job as XOM does, and return its number; empty if it was refused.

        Parameters
        ----------
        situation
            Name of the situation, which is the analysis in the job's label.
        script
            What it does.
        keep
            Whether the answer of ``sbatch`` is kept.
        memory_mb, minutes, cpus
            What it may use; 50 MB are added to the memory.
        log
            File for its output, below the site's folder.
        options
            The analysis' ``slurm`` in the configuration.
        """
        request = JobRequest(
            _submission(situation).key, 1, f"sh -c {shlex.quote(script)}", memory_mb, minutes=minutes, cpus=cpus
        )
        system = Slurm(_config(situation, options))
        with (self._site / "lock").open("wb") as lock, self._kept(situation, keep):
            return system.submit(request, _submission(situation).label, Path(log), lock).number
        return ""

    def listed(self, situation: str) -> None:
        """Keep what ``squeue`` lists of a situation's job."""
        with self._kept(situation):
            Slurm(_config(situation, {})).jobs()

    def cancel(self, situation: str, *numbers: str) -> None:
        """Keep what ``scancel`` answers."""
        with self._kept(situation):
            Slurm(_config(situation, {})).cancel(numbers)

    def nodes_out(self, situation: str) -> None:
        """Keep what ``sinfo`` lists of nodes that take no jobs."""
        with self._kept(situation):
            Slurm(_config(situation, {})).nodes_out()

    def when(self, situation: str, number: str, expected: str) -> None:
        """Keep what ``squeue`` lists of a job as soon as its state and reason are the expected ones, a pattern.

        A job that was refused, so that its number is not known, is listed at once: Slurm may have kept it.
        """
        if not number or self.wait(number, expected):
            self.listed(situation)
        else:
            self.missing.append(f"{situation}: job {number} is {self.state(number)} instead of {expected}")
            print(self.missing[-1], flush=True)

    def wait(self, number: str, expected: str) -> bool:
        """Wait for a state and reason; return whether they came."""
        return comes_true(lambda: re.fullmatch(expected, self.state(number)))

    def state(self, number: str) -> str:
        """Return state and reason of a job."""
        return self.run("squeue", "--noheader", "--states=all", f"--jobs={number}", "--format=%T %r").strip()

    def run(self, *command: str) -> str:
        """Run a command on the cluster and return its output."""
        return self.cluster.access.run(*command).stdout

    def clear(self) -> None:
        """End all jobs, and wait until the nodes are free."""
        self.run("scancel", f"--user={getpass.getuser()}")
        self.cluster.resume_nodes()
        if not comes_true(self.cluster.is_idle):
            states = [self.cluster.state_of(node) for node in self.cluster.nodes]
            raise SystemExit(f"the nodes do not become idle: {' '.join(states)}; see {self.cluster.folder}")

    @contextlib.contextmanager
    def _kept(self, situation: str, keep: bool = True) -> Iterator[None]:
        """Keep the answer of the command that XOM runs within it."""
        real = subprocess.run

        def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
            done = real(command, **options)
            if keep:
                self.answers.append(self._neutral(situation, command, done))
            return done

        with mock.patch.object(subprocess, "run", run), contextlib.suppress(BatchSystemError):
            yield

    def _neutral(self, situation: str, command: list[str], done: subprocess.CompletedProcess[str]) -> Answer:
        label = _submission(situation).label
        lines = done.stdout.splitlines(keepends=True)
        out = [line for line in lines if command[0] != "squeue" or line.rstrip("\n").endswith(f"|{label}")]
        texts = (self._replaced(text) for text in ("".join(out), done.stderr))
        return Answer(situation, [self._replaced(word) for word in command], done.returncode, *texts)

    def _replaced(self, text: str) -> str:
        places = {str(self._site): "/site", str(self.cluster.folder): "/cluster"}
        places |= {name: f"node{number}" for number, name in enumerate(self.cluster.nodes)}
        prefix = self.cluster.nodes[0][:-1]
        stem = prefix.rstrip("0123456789")
        digits = prefix.removeprefix(stem)
        places[f"{stem}[{digits}0-{digits}1]"] = "node[0-1]"
        for name, neutral in places.items():
            text = text.replace(name, neutral)
        words = {socket.gethostname(): "host", socket.gethostname().partition(".")[0]: "host", getpass.getuser(): "xom"}
        for name, neutral in words.items():
            text = re.sub(rf"\b{re.escape(name)}\b", neutral, text)
        return text


def _submission(situation: str) -> Submission:
    return Submission(Key(situation, "v1", "052001"), 1, _TICK, datetime(2026, 11, 22, 12, tzinfo=UTC))


def _config(situation: str, slurm: dict[str, Any]) -> Config:
    more = slurm.pop("options", [])
    config = Config.model_validate(
        {
            "rundb": {"kind": "file", "file": "runs.jsonl"},
            "context": {"function": "nobody:asks"},
            "software": [{"interpreter": sys.executable}],
            "slurm": {"memory_margin_mb": 50},
            "analyses": {situation: {"version": "v1", "slurm": slurm}},
        }
    )
    config.slurm_options_of(situation).options.extend(more)  # unchecked: a site may not give some of these
    return config


def comes_true(condition: Callable[[], object]) -> bool:
    """Wait until a condition holds; return whether it did in time."""
    end = time.monotonic() + _SECONDS
    while not (true := condition()) and time.monotonic() < end:
        time.sleep(0.1)
    return bool(true)
