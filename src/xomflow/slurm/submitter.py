"""The batch jobs of one tick: submit them, submit refused ones again, and see how they ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import IO, Literal

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.account import own_account
from xomflow.core.errors import BatchSystemError, UnclearSubmissionError
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.job_files import begin_log, mark_made
from xomflow.jobs.redo import is_done
from xomflow.outcomes.files import failures_of
from xomflow.outcomes.reading import read_outcome
from xomflow.slurm import status, submissions
from xomflow.slurm.batch_system import BatchJob, BatchSystem, JobRequest, Submitted
from xomflow.slurm.job_index import JobIndex, by_name, job_by_name
from xomflow.slurm.settle import settle
from xomflow.slurm.submissions import Submission
from xomlib.files import write_atomically
from xomlib.process.locks import is_locked

# What became of a job. "left": the batch system refused it for long; its run is as ready as before.
Verdict = Literal["active", "done", "failed", "left"]
_BENCHMARK_HEADINGS = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"


class Submitter:
    """Submits the jobs of a tick and watches them.

    Parameters
    ----------
    config
        The configuration.
    tick
        Name of the tick.
    lock
        The tick's open lock file. Submitting programs inherit it; this object holds it as long as it exists.
    batch
        The batch system.

    Attributes
    ----------
    complaint
        Why jobs wait here, in the batch system's words; empty if none does.
    """

    def __init__(self, config: Config, tick: str, lock: IO[bytes], batch: BatchSystem) -> None:
        self._config = config
        self._paths = Paths(config.work)
        self._tick = tick
        self._files = TickPaths(self._paths.tick(tick))
        self._tick_lock = lock
        self._batch = batch
        self._requests: dict[Key, JobRequest] = {}
        self._waiting: list[JobRequest] = []
        self._unclear: set[Key] = set()  # of those that wait: the batch system may have them
        self._lock = threading.Lock()  # Snakemake submits and looks in two threads
        self._refused_since: float | None = None
        self._reported: set[str] = set()
        self.complaint = ""

    def add(self, request: JobRequest) -> None:
        """Submit a job, now or as soon as the batch system accepts it."""
        with self._lock:
            self._requests[request.key] = request
            self._waiting.append(request)
            if self._refused_since is None:
                self._submit(JobIndex(), {})

    def news(self) -> str:
        """Return why jobs wait here, once for each reason; empty otherwise."""
        with self._lock:
            if not self.complaint or self.complaint in self._reported:
                return ""
            self._reported.add(self.complaint)
            return f"{self.complaint}: what {self._batch.name} does not take now waits here and is offered again"

    def look(self, keys: Iterable[Key]) -> dict[Key, Verdict]:
        """Submit what the batch system accepts now, and return what became of the jobs of these keys.

        All that wait are "left" once the batch system has refused jobs for `slurm.patience` while none of this tick
        was active.
        """
        with self._lock:
            return self._look(set(keys))

    def _look(self, keys: set[Key]) -> dict[Key, Verdict]:
        if self._waiting:
            self._submit_again()
        waiting = {request.key for request in self._waiting} & keys  # one just added is not asked about yet
        verdicts = {key: self._verdict_of_files(key) for key in keys if key not in waiting}
        if "active" in verdicts.values():
            self._ask_batch_system(verdicts)
        refused = time.monotonic() - (self._refused_since or time.monotonic())
        left = refused > self._config.slurm.patience and "active" not in verdicts.values()
        if left:
            self._waiting = [request for request in self._waiting if request.key not in keys]
        return verdicts | dict.fromkeys(waiting, "left" if left else "active")

    # --- submission --------------------------------------------------------------------------------------------------
    def _submit_again(self) -> None:
        """Submit what was refused, except jobs that the batch system has: its answer may have come too late."""
        try:
            known = JobIndex(self._batch.jobs())
            self._submit(known, self._names(known) if self._unclear else {})
        except BatchSystemError as error:
            self.complaint = str(error)

    def _submit(self, known: JobIndex, named: Mapping[str, BatchJob]) -> None:
        """Submit the waiting jobs that are not known; of jobs with equal options the first refusal counts for all."""
        refusals: dict[tuple[str, ...], str] = {}
        before = len(self._waiting)
        for request in list(self._waiting):
            record = Submission(request.key, request.attempt, self._tick, times.now(), user=own_account())
            options, job = self._batch.options(request), known.job_of(record)
            if job is None and request.key in self._unclear:
                job = job_by_name(record, named)
            if job is None and options in refusals:
                continue
            try:
                submissions.note(self._paths, record)
                answer = Submitted(job.number) if job else self._submit_one(request, record)
            except BatchSystemError as error:
                refusals[options] = str(error)
                if isinstance(error, UnclearSubmissionError):
                    self._unclear.add(request.key)
                continue
            cluster = answer.cluster or self._batch.cluster()
            submissions.note(self._paths, replace(record, job=answer.number, cluster=cluster))
            self._waiting.remove(request)
            self._unclear.discard(request.key)
        self.complaint = "; ".join(dict.fromkeys(refusals.values()))
        if len(self._waiting) < before:
            self._refused_since = None
        if self._waiting and self._refused_since is None:
            self._refused_since = time.monotonic()

    def _names(self, known: JobIndex) -> dict[str, BatchJob]:
        """Return the jobs by name that may be those whose submission got no answer."""
        others = known.numbers_of_others(submissions.noted(self._paths).values())
        return by_name(self._batch.jobs(by_name=True), others)

    def _submit_one(self, request: JobRequest, record: Submission) -> Submitted:
        log = self._paths.log(request.key)
        log.parent.mkdir(parents=True, exist_ok=True)
        if not is_locked(str(self._paths.run_lock(request.key))):
            begin_log(self._paths, self._files, request.key)
        return self._batch.submit(request, record.label, log, self._tick_lock)

    # --- ends --------------------------------------------------------------------------------------------------------
    def _verdict_of_files(self, key: Key) -> Verdict:
        """Return what the job's files show; a finished job is seen at once, without the batch system."""
        request = self._requests[key]
        if is_done(self._paths, key):
            verdict: Verdict = "done"
            mark_made(self._files, key)
            if request.benchmark:
                self._write_benchmark(key, request.benchmark)
        elif any(failure.attempt >= request.attempt for failure in failures_of(self._paths, key)):
            verdict = "failed"
        else:
            return "active"
        submissions.forget(self._paths, key, self._tick, request.attempt)
        return verdict

    def _write_benchmark(self, key: Key, place: Path) -> None:
        """Write the columns that Snakemake measures where it starts jobs itself."""
        used = read_outcome(self._paths.outcome(key)).resources
        seconds = used.wall_s
        row = [seconds, timedelta(seconds=int(seconds)), used.peak_memory_mb, *["-"] * 6, used.cpu_s]
        lines = [_BENCHMARK_HEADINGS, "\t".join("-" if value is None else str(value) for value in row)]
        write_atomically(place, "\n".join(lines) + "\n")

    def _ask_batch_system(self, verdicts: dict[Key, Verdict]) -> None:
        """Find the active jobs that ended without a file about it."""
        statuses = status.statuses(self._paths, self._batch, self._config.slurm.latency)
        ended = {key: one for key, one in statuses.items() if verdicts.get(key) == "active" and one.kind}
        settle(self._paths, self._batch, self._config.retries, ended)
        verdicts.update(dict.fromkeys(ended, "failed"))
