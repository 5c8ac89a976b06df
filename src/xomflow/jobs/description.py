"""The jobs of one analysis in one tick: discovery writes them, the tick and each of its jobs read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xomflow.config.software import Program
from xomflow.core.key import Key
from xomflow.core.paths import TickPaths
from xomflow.outcomes.retries import AttemptLimits, RetryPolicy
from xomlib.documents.job_description import PREFIX, ContextSpec, JobDescription, JobKey
from xomlib.files import dump_json, read_json

if TYPE_CHECKING:  # the runner needs no model of the configuration
    from xomflow.config.model import Analysis


@dataclass(frozen=True, slots=True)
class RunJob:
    """What holds for one run.

    Parameters
    ----------
    limits
        The attempt, and what it may use.
    run
        Metadata of the run, as `xomlib.run` returns them.
    context
        How to build the strax context.
    program
        The software that runs the analysis.
    lineage
        Lineage hash of each data type that the analysis reads.
    """

    limits: AttemptLimits
    run: dict[str, Any]
    context: ContextSpec
    program: Program
    lineage: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the run in the file."""
        own = {"facts": self.run, "context": asdict(self.context), "program": self.program.to_json()}
        limits = asdict(self.limits)
        if not self.limits.nice:  # as in files of earlier versions
            del limits["nice"]
        return {**own, "lineage": self.lineage, **limits}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> RunJob:
        """Return what `to_json` wrote."""
        limits = AttemptLimits(entry["attempt"], entry["memory_mb"], entry["time_limit_s"], entry.get("nice", 0))
        program = Program.from_json(entry["program"])
        return cls(limits, entry["facts"], ContextSpec.from_json(entry["context"]), program, entry["lineage"])


@dataclass(frozen=True, slots=True)
class WarmStart:
    """How the tick's preloaded process is used.

    Parameters
    ----------
    enabled
        Whether it is.
    idle_s
        Seconds without a job after which it ends.
    preload
        Modules that it imports, beside that of the context.
    """

    enabled: bool
    idle_s: float
    preload: list[str]


@dataclass(frozen=True, slots=True)
class AnalysisJobs:
    """The jobs of one analysis.

    Parameters
    ----------
    script
        Path of the analysis script.
    settings
        The ``settings:`` of its block in the configuration.
    retries
        When failed attempts are tried again.
    warm
        How the preloaded process is used.
    runs
        What holds for each run, by run id.
    needs
        The data types that the analysis needs; None: a tick of an earlier version did not write them.
    local_memory_mb
        Memory that all runs on this machine may use together; None: as much as it has.
    promised
        Units by variable that the script promises to save; a unit that is None may be any.
    started
        How the script is started, if otherwise than with the run alone.
    """

    script: str
    settings: dict[str, Any]
    retries: RetryPolicy
    warm: WarmStart
    runs: dict[str, RunJob]
    needs: list[str] | None = None
    local_memory_mb: int | None = None
    promised: dict[str, str | None] = field(default_factory=dict)
    started: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the content of the file."""
        common: dict[str, Any] = {"script": self.script, "settings": self.settings, "needs": self.needs}
        runs = {run: job.to_json() for run, job in self.runs.items()}
        if self.local_memory_mb is not None:
            common["local_memory_mb"] = self.local_memory_mb
        if self.promised:
            common["promised"] = self.promised
        if self.started:
            common["started"] = self.started
        return {**common, "retries": asdict(self.retries), "warm": asdict(self.warm), "runs": runs}

    @classmethod
    def from_json(cls, content: Mapping[str, Any], run: str | None = None) -> AnalysisJobs:
        """Return what `to_json` wrote; with ``run`` only the entry of this run, `KeyError` if there is none."""
        entries = content["runs"] if run is None else {run: content["runs"][run]}
        runs = {one: RunJob.from_json(entry) for one, entry in entries.items()}
        retries, warm = RetryPolicy.from_json(content["retries"]), WarmStart(**content["warm"])
        more = content.get("needs"), content.get("local_memory_mb"), content.get("promised", {})
        started = content.get("started", {})
        return cls(content["script"], content["settings"], retries, warm, runs, *more, started=started)


@dataclass(frozen=True, slots=True)
class Job:
    """The job of one run.

    Parameters
    ----------
    key
        What to work on.
    common
        The jobs of the analysis.
    own
        What holds for this run.
    """

    key: Key
    common: AnalysisJobs
    own: RunJob

    @property
    def attempt(self) -> int:
        """Number of the attempt."""
        return self.own.limits.attempt

    def description(self, draft: str) -> JobDescription:
        """Return the description for the process of the analysis.

        Parameters
        ----------
        draft
            Folder for results and figures.
        """
        key, common = JobKey(**self.key.as_dict()), self.common
        own = self.own
        given = {"draft": draft, "needs": common.needs, **common.started}
        return JobDescription(key, common.script, own.context, common.settings, own.run, **given)


def units_promised(block: Analysis) -> dict[str, str | None]:
    """Return what a block promises of its variables, for `AnalysisJobs.promised`."""
    return {name: one.unit for name, one in block.variables.items()}


def how_started(block: Analysis, prefix: str) -> dict[str, Any]:
    """Return the entries of `JobDescription` with which the script of a block is started, without those by default.

    Parameters
    ----------
    block
        The block.
    prefix
        What measurements begin with.
    """
    given = {"arguments": [one.replace(PREFIX, prefix) for one in block.arguments]} if block.arguments else {}
    return {**given, **({"compat": True} if block.compat else {})}


def write_jobs(tick: TickPaths, name: str, jobs: AnalysisJobs) -> None:
    """Write the jobs of an analysis; those of a trial under its name and version, ``kr83m+v2``."""
    dump_json(tick.jobs(name), jobs.to_json())


def read_jobs_of(tick: TickPaths, keys: Iterable[Key]) -> list[Job]:
    """Return the jobs of keys in their order, each file read once; errors as of `read_job`."""
    keys = list(keys)
    files = {method: _file_of(tick, *method) for method in {(key.analysis, key.version) for key in keys}}
    contents = {method: read_json(file) for method, file in files.items()}
    found = ((key, AnalysisJobs.from_json(contents[key.analysis, key.version], key.run)) for key in keys)
    return [Job(key, jobs, jobs.runs[key.run]) for key, jobs in found]


def read_job(tick: TickPaths, key: Key) -> Job:
    """Return the job of a key; `OSError` if the file cannot be read, `KeyError` if the tick did not claim the key."""
    return read_jobs_of(tick, [key])[0]


def _file_of(tick: TickPaths, analysis: str, version: str) -> Path:
    trial = tick.jobs(f"{analysis}+{version}")
    return trial if trial.exists() else tick.jobs(analysis)
