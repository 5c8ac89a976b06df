"""The jobs of one tick in Slurm: what waits to be submitted, what is there, what became of it."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import IO, Literal

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.errors import SlurmError
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.outcomes.files import failures_of, read_outcome
from xomflow.slurm import commands, submissions
from xomflow.slurm.commands import SlurmJob
from xomflow.slurm.settle import settle
from xomflow.slurm.submissions import Submission
from xomlib.files import write_atomically

Verdict = Literal["active", "done", "failed", "left"]
_BENCHMARK = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One job to submit.

    Parameters
    ----------
    key, attempt
        What it works on.
    command
        Shell command.
    memory_mb, minutes, cpus
        What it may use.
    """

    key: Key
    attempt: int
    command: str
    memory_mb: int
    minutes: int
    cpus: int

    @property
    def name(self) -> str:
        """The job's name, from which a person sees analysis and run."""
        return f"xom-{self.key.analysis}-{self.key.run}"


class SlurmSubmitter:
    """Submits the jobs of a tick and watches them.

    Parameters
    ----------
    settings
        The configuration.
    tick
        Name of the tick.
    held
        The tick's lock; whatever submits a job keeps it, and it is held as long as this object is there.
    """

    def __init__(self, settings: Config, tick: str, held: IO[bytes]) -> None:
        self._settings = settings
        self._paths = Paths(settings.work)
        self._tick = tick
        self._held = held
        self._attempts: dict[Key, int] = {}
        self._waiting: list[JobRequest] = []
        self._lock = threading.Lock()  # Snakemake submits and looks in two threads
        self._refused_since: float | None = None
        self._told: set[str] = set()
        self.complaint = ""

    def add(self, order: JobRequest) -> None:
        """Submit a job, now or as soon as Slurm takes it."""
        with self._lock:
            self._attempts[order.key] = order.attempt
            self._waiting.append(order)
            if self._refused_since is None:
                self._submit({})

    def news(self) -> str:
        """Return why jobs wait here, in Slurm's own words, the first time that it is so; empty otherwise."""
        with self._lock:
            if not self.complaint or self.complaint in self._told:
                return ""
            self._told.add(self.complaint)
            return f"{self.complaint}: what Slurm does not take now waits here and is offered again"

    def _submit_again(self) -> None:
        """Try what Slurm did not take; it may have taken a job and have been too slow to say so."""
        try:
            self._submit(commands.jobs())
        except SlurmError as error:
            self.complaint = str(error)

    def _submit(self, known: Mapping[str, SlurmJob]) -> None:
        """Submit what waits and Slurm does not know yet; who asks for what was just refused has to wait."""
        refused: dict[tuple[str, ...], str] = {}
        before = len(self._waiting)
        for order in list(self._waiting):
            record = Submission(order.key, order.attempt, self._tick, times.now())
            options, job = self._options(order), known.get(record.comment)
            if job is None and options in refused:
                continue
            try:
                submissions.note(self._paths, record)
                number = job.number if job else self._sbatch(order, record, options)
            except SlurmError as error:
                refused[options] = str(error)
                continue
            submissions.note(self._paths, replace(record, job=number))
            self._waiting.remove(order)
        self.complaint = "; ".join(dict.fromkeys(refused.values()))
        if len(self._waiting) < before:
            self._refused_since = None
        if self._waiting and self._refused_since is None:
            self._refused_since = time.monotonic()

    def _sbatch(self, order: JobRequest, record: Submission, options: Sequence[str]) -> str:
        log = self._paths.log(order.key)
        log.parent.mkdir(parents=True, exist_ok=True)
        script = f"cd {shlex.quote(str(Path.cwd()))} && exec {order.command} --slurm"
        return commands.submit(script, order.name, record.comment, str(log.absolute()), options, self._held)

    def _options(self, order: JobRequest) -> tuple[str, ...]:
        chosen = self._settings.slurm_options_of(order.key.analysis)
        named = {"account": chosen.account, "partition": chosen.partition, "qos": chosen.qos, "time": order.minutes}
        named |= {"mem": order.memory_mb + self._settings.slurm.memory_margin_mb, "cpus-per-task": order.cpus}
        return *(f"--{option}={value}" for option, value in named.items() if value is not None), *chosen.options

    def look(self, keys: Iterable[Key]) -> dict[Key, Verdict]:
        """Submit what Slurm takes now, and say what became of these jobs.

        ``left`` are those that Slurm refused for long although it had nothing else of this tick to do; they are as
        ready as before.
        """
        with self._lock:
            return self._look(set(keys))

    def _look(self, keys: set[Key]) -> dict[Key, Verdict]:
        if self._waiting:
            self._submit_again()
        waiting = {order.key for order in self._waiting} & keys  # one that was just added is not asked about yet
        verdicts = {key: self._last_word(key) for key in keys if key not in waiting}
        if "active" in verdicts.values():
            self._ask_slurm(verdicts)
        refused = time.monotonic() - (self._refused_since or time.monotonic())
        left = refused > self._settings.slurm.patience and "active" not in verdicts.values()
        if left:
            self._waiting = [order for order in self._waiting if order.key not in keys]
        return verdicts | dict.fromkeys(waiting, "left" if left else "active")

    def _last_word(self, key: Key) -> Verdict:
        """Return what the files say; a finished job is seen at once, without Slurm."""
        if self._paths.outcome(key).exists():
            verdict: Verdict = "done"
            self._benchmark(key)
        elif any(failure.attempt >= self._attempts[key] for failure in failures_of(self._paths, key)):
            verdict = "failed"
        else:
            return "active"
        submissions.forget(self._paths, key, self._tick, self._attempts[key])
        return verdict

    def _benchmark(self, key: Key) -> None:
        """Write what Snakemake measures itself where it starts jobs itself, in its columns."""
        used = read_outcome(self._paths.outcome(key))["resources"]
        seconds = used["wall_s"]
        row = [seconds, timedelta(seconds=int(seconds)), used["peak_memory_mb"], *["-"] * 6, used["cpu_s"]]
        lines = [_BENCHMARK, "\t".join("-" if value is None else str(value) for value in row)]
        write_atomically(self._paths.benchmark(key), "\n".join(lines) + "\n")

    def _ask_slurm(self, verdicts: dict[Key, Verdict]) -> None:
        """Find the jobs that ended without a word."""
        standings = submissions.statuses(self._paths, self._settings.slurm.latency)
        silent = {key: one for key, one in standings.items() if verdicts.get(key) == "active" and one.kind}
        settle(self._paths, self._settings.retries, silent)
        verdicts.update(dict.fromkeys(silent, "failed"))
