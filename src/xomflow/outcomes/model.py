"""What an outcome holds. Jobs write these dataclasses, everything else reads them, and the published schema follows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from xomflow.core.key import Key
from xomflow.outcomes.field_limits import Amount, KeyLimits, Matching, Name, Number, Plain, Text, ValueOrReason, Whole

FailureKind = Literal[
    "raised",
    "no_result",
    "missing_result",
    "bad_result",
    "data_broken",
    "killed",
    "timeout",
    "out_of_memory",
    "setup",
    "lost",
    "stopped",
    "node_failed",
    "preempted",
    "cancelled",
    "not_started",
    "disk",
]

# Entries that are not written where they are None: older outcomes do not have them.
_LEFT_OUT = frozenset({"script", "settings", "error_low", "error_high"})


@dataclass(frozen=True, slots=True)
class FailureDetails:
    """Why an attempt failed.

    Parameters
    ----------
    kind
        Failure class; JSON has it as ``class``.
    message
        What went wrong, in a sentence.
    log
        The log of the attempt.
    log_tail
        Its last lines.
    next_try
        When the next attempt is due; None: there is none.
    """

    __pydantic_config__: ClassVar = {
        "extra": "forbid",
        "alias_generator": lambda name: "class" if name == "kind" else name,
    }

    kind: FailureKind
    message: Text
    log: Text | None
    log_tail: list[Text]
    next_try: Text | None


@dataclass(frozen=True, slots=True)
class Result:
    """One variable of one analysis for one run; `xomlib.Xomresult` explains each entry.

    Parameters
    ----------
    error
        The larger of the two sides, if they differ.
    error_low, error_high
        The two sides; None: they are the same.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    variable: Name
    value: Number | None
    error: Amount | None
    unit: Text
    n: Annotated[int, Whole(0, 2**53 - 1)] | None
    limit: Literal["upper", "lower"] | None
    insufficient: Text | None
    data: dict[Name, Plain]
    error_low: Amount | None = None
    error_high: Amount | None = None

    @property
    def sides(self) -> tuple[float, float] | None:
        """How far the value may be too high and too low; None: no error is known."""
        if self.error is None:
            return None
        low, high = self.error_low, self.error_high
        return (self.error if low is None else low, self.error if high is None else high)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the run document contained when the run was analysed; of a campaign: its first run and all members.

    Parameters
    ----------
    number
        Number of the run.
    mode, source, detectors, tags, comments
        As in the run document.
    start, end
        UTC.
    rate, rate_max
        Mean and highest data rate by detector, in MB/s.
    runs, runs_missing
        Of a campaign: ids of the runs that were analysed, and of those that were left out.
    """

    __pydantic_config__: ClassVar = {"extra": "ignore"}

    number: Annotated[int, Whole(0, 999_999)]
    mode: Text
    source: Text
    start: Text | None
    end: Text | None
    detectors: list[Text]
    tags: list[Text]
    comments: list[Text]
    rate: dict[Text, Number]
    rate_max: dict[Text, Number] = field(default_factory=dict)
    runs: list[Text] = field(default_factory=list)
    runs_missing: list[Text] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A job of a batch system.

    Parameters
    ----------
    system
        Name of the batch system, such as ``slurm``.
    job
        The id that it gave the job.
    """

    __pydantic_config__: ClassVar = {"extra": "ignore"}

    system: Text
    job: Text


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made an outcome.

    Parameters
    ----------
    lineage
        Lineage hash of each data type that the script read.
    software
        Name of the configured software.
    versions
        Versions of its packages.
    git
        Revision of XOM.
    host
        Where it ran.
    batch_job
        The job of a batch system; None for a process of the tick.
    script, settings
        Digests of the script and of its settings; None where they are not known, as in older outcomes.
    """

    __pydantic_config__: ClassVar = {"extra": "ignore"}

    lineage: dict[Name, Text]
    software: Text
    versions: dict[Name, Text]
    git: Text | None
    host: Text
    batch_job: BatchJob | None
    script: Text | None = None
    settings: Text | None = None


@dataclass(frozen=True, slots=True)
class Resources:
    """What an attempt used: seconds of time and of processor, MB of memory; None where it was not measured."""

    __pydantic_config__: ClassVar = {"extra": "ignore"}

    wall_s: Amount
    cpu_s: Amount | None
    peak_memory_mb: Amount | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The document of one finished run, or of one failed attempt.

    Parameters
    ----------
    schema
        Name of the form.
    key
        Analysis, version and run.
    status
        ``done`` or ``failed``.
    attempt
        Number of the attempt, from 1.
    message
        What the analysis printed for the outcome.
    failure
        Why it failed; None where it is done.
    results, figures
        Results and names of figures.
    run, provenance, resources
        The run, what made the outcome, and what that took.
    started, ended
        UTC.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    schema: Literal["xom-outcome-2"]
    key: Annotated[Key, KeyLimits()]
    status: Literal["done", "failed"]
    attempt: Annotated[int, Whole(1, 999_999)]
    message: Text
    failure: FailureDetails | None
    results: list[Annotated[Result, ValueOrReason()]]
    figures: list[Annotated[str, Matching(r"^[A-Za-z0-9_.-]+\.(png|svg)$")]]
    run: RunFacts
    provenance: Provenance
    resources: Resources
    started: Text
    ended: Text


def to_document(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as its file has it."""
    document = asdict(outcome)
    if document["failure"] is not None:
        document["failure"] = {"class": document["failure"].pop("kind"), **document["failure"]}
    if not outcome.run.runs:  # it is no campaign
        del document["run"]["runs"], document["run"]["runs_missing"]
    for part in (document["provenance"], *document["results"]):
        for name in _LEFT_OUT & part.keys():
            if part[name] is None:
                del part[name]
    return document
