"""Single jobs, and a preloaded process to give them to, without a tick around them."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from support.factory import outcome
from xomflow.config.software import Program
from xomflow.core.key import Key
from xomflow.core.paths import ROOT, Paths, TickPaths
from xomflow.jobs.description import AnalysisJobs, RunJob, WarmStart
from xomflow.jobs.processes.process import ProcessEnd, ProcessSpec
from xomflow.jobs.processes.surroundings import Home
from xomflow.jobs.processes.warm_start import run_warm, try_to_connect
from xomflow.outcomes.retries import AttemptLimits, RetryPolicy
from xomlib.documents.job_description import ContextSpec, JobDescription, JobKey

SCRIPT = "import os, signal, sys, time\nimport xomlib\n\ndef main(run_id):\n"


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def run_job(attempt: int = 1, **changes: Any) -> RunJob:
    """As discovery describes the job of one run."""
    limits = AttemptLimits(attempt, 1000, 60.0)
    made = RunJob(limits, outcome()["run"], ContextSpec("json:loads"), Program(Path(sys.executable)), {"peaks": "abc"})
    return replace(made, **changes)


def analysis_jobs(runs: dict[str, RunJob], script: Path = Path("script.py"), **changes: Any) -> AnalysisJobs:
    """As discovery describes the jobs of one analysis."""
    retries, warm = RetryPolicy(4, 50, 3600.0, 4.0), WarmStart(False, 60.0, [])
    return replace(AnalysisJobs(str(script), {"limit": 5}, retries, warm, runs), **changes)


class Jobs:
    """Makes jobs whose scripts have a given body."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = Paths(folder / "work")
        self._files: list[IO[str]] = []

    def work(self, body: str, run: str = "052001", time_limit: float = 60, **settings: Any) -> ProcessSpec:
        script = self.folder / f"script-{run}.py"
        script.write_text(SCRIPT + "\n".join(f"    {line}" for line in body.splitlines()))
        draft = self.paths.draft(Key("any", "v1", run))
        draft.mkdir(parents=True)
        context = ContextSpec("json:loads")
        job = JobDescription(JobKey("any", "v1", run), str(script), context, settings, draft=str(draft))
        log, lock = ((self.folder / f"{name}-{run}").open("w") for name in ("log", "lock"))
        self._files += [log, lock]
        return ProcessSpec(Program(Path(sys.executable)), job, draft, log, lock, time_limit, memory_mb=1000)

    def close(self) -> None:
        for file in self._files:
            file.close()


class Preloaded(Jobs):
    """A preloaded process, the lock of its tick, and the jobs' side of it."""

    def __init__(self, folder: Path, python: Path | str, idle: float, preload: str, where: Path = ROOT) -> None:
        super().__init__(folder)
        self.tick = TickPaths(self.paths.tick("t1"))
        self.home = Home(self.tick.warm, self.tick.lock)
        self.warm = self.home.of("any")
        self.warm.mkdir(parents=True)
        self.socket = self.warm / "socket"
        self.lock = self.tick.lock.open("wb")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        command = [str(python), "-m", "xomlib.process.fork_server", str(self.warm), str(self.tick.lock), str(idle)]
        command += preload.split(",")
        with (folder / "warm.log").open("wb") as log:
            environment = {"PYTHONPATH": str(ROOT / "src"), "PRELOADED_ONLY": "1"}
            self.process = subprocess.Popen(command, cwd=where, env=environment, stdout=log, stderr=log)

    def listens(self) -> bool:
        client = try_to_connect(self.warm)
        if client is not None:
            client.close()
        return client is not None

    def start(self, work: ProcessSpec) -> ProcessEnd | None:
        """As the runner of one job does; the preloaded process is there already."""
        return run_warm(replace(work, program=Program(Path("any"))), self.paths, self.home, ["json"], 60)

    def runner(self, work: ProcessSpec) -> int:
        """The same in a process of its own."""
        pid = os.fork()
        if pid == 0:
            try:
                fcntl.flock(work.lock, fcntl.LOCK_EX)
                self.start(work)
            finally:
                os._exit(0)
        work.lock.close()
        return pid

    def file(self, name: str) -> str:
        """Python code that opens a file in the folder of this test."""
        return f"open({str(self.folder / name)!r}, 'w')"

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        super().close()
        self.lock.close()
        self.process.kill()
        self.process.wait()
