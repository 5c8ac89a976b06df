"""What an outcome holds. Jobs write these dataclasses, everything else reads them, and the published schema follows.

A job must not pay for the import of pydantic. So the limits of the fields stand here as plain annotations; pydantic
asks each of them for its part when the first outcome is read (`outcomes.reading`).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from xomflow.core.key import Key

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


_NOT_BLANK = r"\S"


# --- limits of fields -------------------------------------------------------------------------------------------------
class _AnyText:
    """Any text, half characters included, which some run documents hold and pydantic's own `str` refuses."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.json_or_python_schema(core_schema.str_schema(), core_schema.is_instance_schema(str))


@dataclass(frozen=True, slots=True)
class _Matching:
    """A text without half characters that matches a pattern; ``published`` is the pattern that excludes these too."""

    pattern: str
    published: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.str_schema(pattern=self.pattern, strict=True)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        return {"type": "string", "pattern": self.published or self.pattern}


@dataclass(frozen=True, slots=True)
class _Number:
    """A number that a 64-bit float can hold."""

    least: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.float_schema(strict=True, allow_inf_nan=False, ge=self.least)


@dataclass(frozen=True, slots=True)
class _Whole:
    """A whole number, which JSON may write as ``2.0``."""

    least: int
    most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        number = core_schema.float_schema(strict=True, allow_inf_nan=False, ge=self.least, le=self.most)
        whole = core_schema.no_info_after_validator_function(_whole, number)
        return core_schema.json_or_python_schema(core_schema.int_schema(ge=self.least, le=self.most), whole)


class _Plain:
    """A number, a text or a truth value, kept as it is."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        number = core_schema.float_schema(strict=True, allow_inf_nan=False)
        return core_schema.no_info_wrap_validator_function(_plain, number)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        return {"type": ["number", "string", "boolean"]}


class _KeyLimits:
    """A `Key` whose parts can be names of folders and files."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        patterns = {
            "analysis": "^[a-z][a-z0-9_]*$",
            "version": "^[A-Za-z0-9][A-Za-z0-9._]*$",
            "run": "^[0-9]{6}(-[0-9a-f]{4})?$",
        }
        parts = [
            core_schema.dataclass_field(name, core_schema.str_schema(pattern=pattern, strict=True))
            for name, pattern in patterns.items()
        ]
        arguments = core_schema.dataclass_args_schema("Key", parts)
        closed = core_schema.CoreConfig(extra_fields_behavior="forbid")
        return core_schema.dataclass_schema(Key, arguments, list(patterns), slots=True, frozen=True, config=closed)


class _ValueOrReason:
    """A `Result` with exactly one of value and reason."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(_value_or_reason, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        reference = handler(schema)
        value = {"value": {"type": "number"}, "insufficient": {"type": "null"}}
        reason = {"value": {"type": "null"}, "insufficient": {"type": "string", "pattern": _NOT_BLANK}}
        handler.resolve_ref_schema(reference)["oneOf"] = [{"properties": value}, {"properties": reason}]
        return reference


def _value_or_reason(result: Result) -> Result:
    reason = result.insufficient
    if (result.value is None) == (reason is None) or (reason is not None and not re.search(_NOT_BLANK, reason)):
        raise ValueError("exactly one of value and insufficient is needed")
    return result


def _whole(number: float) -> int:
    if not number.is_integer():
        raise ValueError("a whole number is needed")
    return int(number)


def _plain(value: Any, check_number: Any) -> float | str | bool:
    if not isinstance(value, bool | str):
        check_number(value)
    return value


Text = Annotated[str, _AnyText()]
# What can be a name in a time series: no quotes, backslashes, control characters or half characters.
Name = Annotated[str, _Matching(r'^[^\x00-\x1f"\\]+$', r'^[^\u0000-\u001f"\\\ud800-\udfff]+$')]
Number = Annotated[float, _Number()]
Amount = Annotated[float, _Number(least=0)]
Plain = Annotated[float | str | bool, _Plain()]


# Entries that are not written where they are None: older outcomes do not have them.
_LEFT_OUT = frozenset({"script", "settings", "error_low", "error_high"})


# --- the parts of an outcome ------------------------------------------------------------------------------------------
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
    n: Annotated[int, _Whole(0, 2**53 - 1)] | None
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

    number: Annotated[int, _Whole(0, 999_999)]
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
    key: Annotated[Key, _KeyLimits()]
    status: Literal["done", "failed"]
    attempt: Annotated[int, _Whole(1, 999_999)]
    message: Text
    failure: FailureDetails | None
    results: list[Annotated[Result, _ValueOrReason()]]
    figures: list[Annotated[str, _Matching(r"^[A-Za-z0-9_.-]+\.(png|svg)$")]]
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
