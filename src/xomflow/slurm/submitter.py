"""The batch jobs of one tick: submit them, submit refused ones again, and see how they ended."""

from __future__ import annotations

import functools
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import IO, Literal

from xomflow.config.model import Config
from xomflow.core.errors import BatchSystemError, UnclearSubmissionError
from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.jobs.batches.batch_file import write_batch
from xomflow.jobs.batches.plan import read_plan
from xomflow.jobs.ends.last_words import LastWords
from xomflow.jobs.job_files import begin_log, mark_made
from xomflow.outcomes.files import file_of
from xomflow.outcomes.reading import read_outcome
from xomflow.slurm.asked import statuses
from xomflow.slurm.batch_system import BatchJob, BatchSystem, JobRequest, Submitted
from xomflow.slurm.settle import settle
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.batching import Batching, ToSubmit
from xomflow.slurm.submitting.job_index import JobIndex, by_name, job_by_name
from xomflow.slurm.submitting.submissions import Submission
from xomlib.files import write_atomically
from xomlib.process.locks import is_locked

# What became of a job. "left": its batch was cancelled, or the batch system refused it for long; its run is as ready
# as before.
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
        self._waiting: dict[str, ToSubmit] = {}  # by label
        self._unclear: set[str] = set()  # of those that wait: the batch system may have them
        self._records: dict[Key, Submission] = {}  # of those that were submitted and have not ended
        self._open: Counter[str] = Counter()  # how many of these each job has, by label
        self._lock = threading.Lock()  # Snakemake submits and looks in two threads
        self._refused_since: float | None = None
        self._reported: set[str] = set()
        self.complaint = ""

    @functools.cached_property
    def _batching(self) -> Batching:
        """Exists once something is submitted: the tick has planned its batches by then."""
        return Batching(self._tick, read_plan(self._files), self._config.slurm.batch)

    def add(self, request: JobRequest) -> None:
        """Submit a job, now or as soon as its batch is complete and the batch system accepts it."""
        with self._lock:
            self._requests[request.key] = request
            self._wait(self._batching.add(request))
            if self._refused_since is None:
                self._submit(JobIndex(), {})

    def _wait(self, jobs: Iterable[ToSubmit]) -> None:
        self._waiting.update({job.records[0].label: job for job in jobs})

    @property
    def batch_system(self) -> str:
        """The name of the batch system."""
        return self._batch.name

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
        self._wait(self._batching.rest())
        if self._waiting:
            self._submit_again()
        refused = {record.key for job in self._waiting.values() for record in job.records} & keys
        waiting = refused | self._batching.keys & keys  # one just added is not asked about yet
        words = LastWords(self._paths)
        verdicts = {key: self._verdict_of_files(key, words) for key in keys if key not in waiting}
        if "active" in verdicts.values():
            self._ask_batch_system(verdicts)
        since = time.monotonic() - (self._refused_since or time.monotonic())
        left = since > self._config.slurm.patience and "active" not in verdicts.values()
        if left:
            of = {label: {record.key for record in job.records} for label, job in self._waiting.items()}
            self._waiting = {label: job for label, job in self._waiting.items() if not of[label] & keys}
        return verdicts | dict.fromkeys(waiting, "active") | dict.fromkeys(refused, "left" if left else "active")

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
        for label, waiting in list(self._waiting.items()):
            options, found = self._batch.options(waiting.request), known.job_of(waiting.records[0])
            if found is None and label in self._unclear:
                found = job_by_name(waiting.records[0], named)
            if found is None and options in refusals:
                continue
            try:
                submissions.note(self._paths, *waiting.records)
                answer = Submitted(found.number) if found else self._submit_one(waiting)
            except BatchSystemError as error:
                refusals[options] = str(error)
                if isinstance(error, UnclearSubmissionError):
                    self._unclear.add(label)
                continue
            job, cluster = answer.number, answer.cluster or self._batch.cluster()
            records = [replace(one, job=job, cluster=cluster) for one in waiting.records]
            submissions.note(self._paths, *records)
            self._records.update({one.key: one for one in records})
            self._open[label] += len(records)
            del self._waiting[label]
            self._unclear.discard(label)
        self.complaint = "; ".join(dict.fromkeys(refusals.values()))
        if len(self._waiting) < before:
            self._refused_since = None
        if self._waiting and self._refused_since is None:
            self._refused_since = time.monotonic()

    def _names(self, known: JobIndex) -> dict[str, BatchJob]:
        """Return the jobs by name that may be those whose submission got no answer."""
        others = known.numbers_of_others(submissions.noted(self._paths).values())
        return by_name(self._batch.jobs(by_name=True), others)

    def _submit_one(self, job: ToSubmit) -> Submitted:
        request, label = job.request, job.records[0].label
        if job.batch:
            write_batch(self._files, job.batch)
            log = self._files.log(f"batch-{job.batch.name}")
            log.parent.mkdir(exist_ok=True)
            return self._batch.submit(request, label, log, self._tick_lock)
        log = self._paths.log(request.key)
        log.parent.mkdir(parents=True, exist_ok=True)
        if not is_locked(str(self._paths.run_lock(request.key))):
            begin_log(self._paths, self._files, request.key)
        return self._batch.submit(request, label, log, self._tick_lock)

    # --- ends --------------------------------------------------------------------------------------------------------
    def _verdict_of_files(self, key: Key, words: LastWords) -> Verdict:
        """Return what the files show; a run that has ended is seen at once, without the batch system."""
        request = self._requests[key]
        if words.is_done(key):
            mark_made(self._files, key)
            if request.benchmark:
                self._write_benchmark(key, request.benchmark)
        elif not words.has_failed(key, request.attempt):
            return "active"
        self._forget(key)
        return "done" if words.is_done(key) else "failed"

    def _forget(self, key: Key) -> None:
        """Remove the record of a job with its last run."""
        if record := self._records.pop(key, None):
            self._open[record.label] -= 1
            if not self._open[record.label]:
                submissions.forget(self._paths, record)

    def _write_benchmark(self, key: Key, place: Path) -> None:
        """Write the columns that Snakemake measures where it starts jobs itself."""
        used = read_outcome(file_of(self._paths.outcome(key))).resources
        seconds = used.wall_s
        row = [seconds, timedelta(seconds=int(seconds)), used.peak_memory_mb, *["-"] * 6, used.cpu_s]
        lines = [_BENCHMARK_HEADINGS, "\t".join("-" if value is None else str(value) for value in row)]
        write_atomically(place, "\n".join(lines) + "\n")

    def _ask_batch_system(self, verdicts: dict[Key, Verdict]) -> None:
        """Find the active jobs that ended without a file about it, and what they left is submitted again."""
        found = statuses(self._paths, self._batch, self._config.slurm.latency)
        own = {key: one for key, one in found.items() if one.submission.tick == self._tick}
        settle(self._paths, self._batch, self._config.retries, own)
        active = {key: one for key, one in own.items() if verdicts.get(key) == "active"}
        for key in (key for key, one in active.items() if not one.working):
            self._forget(key)
        verdicts.update({key: "failed" for key, one in active.items() if one.kind})
        left = [key for key, one in active.items() if one.left_by == "cancelled"]  # a person wants it so
        verdicts.update(dict.fromkeys(left, "left"))
        again = [key for key, one in active.items() if one.left_by not in ("", "cancelled")]
        self._wait(self._batching.add(*(self._requests[key] for key in again)))
