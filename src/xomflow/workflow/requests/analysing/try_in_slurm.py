"""Try an analysis as jobs of the batch system: what fails there is memory, time and what a node mounts."""

from __future__ import annotations

import contextlib
import math
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xomflow.config.model import Config
from xomflow.core.errors import BatchSystemError
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.slurm.batch_system import BatchSystem, JobEnd, JobRequest
from xomflow.workflow.requests.analysing.try_runs import Tried, published
from xomflow.workflow.requests.describe_job import describe_job
from xomlib.attempt import Attempt
from xomlib.files import read_json

_LOOK_SECONDS = 2.0
_UNSEEN_SECONDS = 60.0  # for so long a job that the batch system does not list may still be about to begin
_GONE = JobEnd("lost", "the batch system does not list the job any more, and it left no report")


@dataclass(frozen=True, slots=True)
class _Submitted:
    key: Key
    number: str
    folder: Path
    began: float

    @property
    def report(self) -> Path:
        return self.folder / "attempt.json"

    @property
    def log(self) -> Path:
        return self.folder / "job.log"


def try_in_slurm(
    config: Config,
    batch: BatchSystem,
    analysis: str,
    runs: Iterable[str],
    source: Path,
    save: Path,
    tell: Callable[[str], None],
) -> Iterator[Tried]:
    """Submit a job for each run, with the options, memory and time limit of a tick's jobs, and yield how they ended.

    Parameters
    ----------
    config, batch
        The configuration, and the batch system; this process works in the folder of the site.
    analysis, runs
        Name of the analysis; numbers or ids of runs, or ids of campaigns.
    source
        The configuration's file.
    save
        Folder that the nodes see too, for results, figures, logs.
    tell
        Prints a sentence about what was submitted.
    """
    keys = [describe_job(config, analysis, run, str(source)).key for run in runs]
    submitted: list[_Submitted] = []
    try:
        for key in keys:
            one = _submit(config, batch, Key(key.analysis, key.version, key.run), source, save)
            submitted.append(one)
            tell(f"{one.key}: {batch.name} job {one.number}, log {one.log}")
        for one in submitted:
            yield Tried(one.key, _wait(config, batch, one), published(Paths(config.work), one.key))
    except BaseException:
        with contextlib.suppress(BatchSystemError):
            batch.cancel([one.number for one in submitted if not one.report.exists()])
        raise


def _submit(config: Config, batch: BatchSystem, key: Key, source: Path, save: Path) -> _Submitted:
    block, folder = config.analyses[key.analysis], save / f"{key.analysis}-{key.run}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "attempt.json").unlink(missing_ok=True)
    words = [sys.executable, "-m", "xomflow", "try", key.analysis, key.run, "--save", str(save)]
    words += ["--site", str(Path.cwd()), "--config", str(source), "--report", str(folder / "attempt.json")]
    minutes, name = math.ceil(block.time_limit / 60) + 1, f"xom-try-{key.analysis}-{key.run}"
    request = JobRequest(key, 1, shlex.join(words), block.memory_mb, minutes, 1, batch=name)
    with tempfile.TemporaryFile() as lock:
        number = batch.submit(request, name, folder / "job.log", lock).number
    return _Submitted(key, number, folder, time.monotonic())


def _wait(config: Config, batch: BatchSystem, one: _Submitted) -> Attempt:
    """Return the attempt of a job once it has reported, or has ended without a report."""
    ended: float | None = None
    end = _GONE
    while True:
        with contextlib.suppress(OSError, ValueError, TypeError, LookupError):
            (content,) = read_json(one.report)
            del content["key"]
            return Attempt.from_json(content)
        if ended is not None and time.monotonic() - ended > config.slurm.latency:
            return Attempt(None, (end.kind, end.message), round(time.monotonic() - one.began, 1))
        with contextlib.suppress(BatchSystemError):  # without an answer nothing is concluded
            found = _end_of(batch, one)
            if found is not None:
                end, ended = found, ended or time.monotonic()
        time.sleep(_LOOK_SECONDS)


def _end_of(batch: BatchSystem, one: _Submitted) -> JobEnd | None:
    """Return how a job ended; None while it may still work."""
    jobs = [job for job in batch.jobs() if job.number == one.number]
    if not jobs and time.monotonic() - one.began > _UNSEEN_SECONDS:
        with contextlib.suppress(BatchSystemError):  # not every site keeps records
            jobs = batch.ended_jobs([one.number])
        return next((job.end for job in jobs if job.end), _GONE)
    return next((job.end for job in jobs if job.is_over), None)
