"""The configuration: one typed model is the source of defaults, of the JSON schema and of ``docs/configuration.md``."""

from __future__ import annotations

import itertools
import keyword
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from xomflow.config.software import Program

_TAKEN = frozenset({"all", "discover", "publish", "report", "xom"})
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_LENGTH = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(s|min|h|d)")
_LONGEST_DAYS = 10_000


def _length(text: str) -> Any:
    """Return the default of a length of time as it is written; loading turns it into seconds."""
    return text


def _seconds(value: Any) -> float:
    match = _LENGTH.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError("a length of time is needed: a number and one of s, min, h, d, such as '2 d'")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST_DAYS * _UNITS["d"]:
        raise ValueError(f"a length of time of at most {_LONGEST_DAYS} d is needed")
    return seconds


def _free(name: str) -> str:
    """Return a name that can be that of a rule."""
    if name in _TAKEN or keyword.iskeyword(name):
        raise ValueError(f"{name!r} is taken, an analysis needs another name")
    return name


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("a length of time above zero is needed")
    return seconds


def _spelled(pattern: str, words: str) -> tuple[Any, Any]:
    """Return what makes a text one of a certain form, and says it in words where it is not."""

    def check(value: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"{words}, is needed")
        return value

    return BeforeValidator(check), WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(f"a list is needed, such as [{value}]")
    return value


Duration = Annotated[
    float,
    BeforeValidator(_seconds),
    WithJsonSchema({"type": "string", "pattern": f"^{_LENGTH.pattern}$", "examples": ["30 s", "10 min", "2 d"]}),
]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Count = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[int, Field(strict=True, ge=1)]
Growth = Annotated[float, Field(ge=1, le=100)]
AnalysisName = Annotated[
    str, *_spelled(r"[a-z][a-z0-9_]*", "lower-case letters, digits and _, a letter first"), AfterValidator(_free)
]
Version = Annotated[str, *_spelled(r"[A-Za-z0-9][A-Za-z0-9._]*", "a text such as 'v2': letters, digits, dots and _")]
FunctionName = Annotated[str, *_spelled(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", "a text such as 'module:function'")]
Prefix = Annotated[str, *_spelled(r"[a-z]+_", "lower-case letters and a final _, such as 'prod_'")]
SbatchOption = Annotated[
    str, *_spelled("--?[A-Za-z][A-Za-z0-9_-]*(=.*)?", "an option of sbatch, such as '--constraint=skylake'")
]
Label = Annotated[str, *_spelled(r"\S(?:.*\S)?", "a text such as 'SR1'")]
Types = Annotated[list[str] | list[list[str]], BeforeValidator(_listed)]


class Model(BaseModel):
    """Base of all blocks: no unknown keys, no changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class RunRange(Model):
    """Base of blocks that apply to a range of run numbers."""

    min_run: Count = Field(0, description="First run number.")
    max_run: Count | None = Field(None, description="Last run number; nothing: no end.")

    @model_validator(mode="after")
    def _ordered(self) -> RunRange:
        if self.max_run is not None and self.max_run < self.min_run:
            raise ValueError(f"max_run is {self.max_run}, less than min_run, which is {self.min_run}")
        return self

    def covers(self, number: int) -> bool:
        """Return whether run ``number`` is in the range."""
        return self.min_run <= number and (self.max_run is None or number <= self.max_run)


class RunDB(Model):
    """Where the run documents come from."""

    kind: Literal["file", "mongodb"] = Field(description="A file of documents, or a MongoDB server.")
    file: Path | None = Field(
        None, description="For `file`: run documents as `mongoexport` writes them, one JSON document a line."
    )
    credentials: Path | None = Field(
        None,
        description="For `mongodb`: file with the section `[RunDB]` (`xent_url`, `xent_user`, `xent_password`, "
        "`xent_database`) or with one line `mongodb://user:password@host/database`, readable by its owner only; "
        "nothing: `$XENON_CONFIG`, else `~/.xenon_config`.",
    )
    collection: str = Field("runs", description="For `mongodb`: name of the collection.")
    timeout: PositiveDuration = Field(_length("5 s"), description="For `mongodb`: how long to wait for the server.")
    read_limit: PositiveDuration = Field(
        _length("60 s"), description="For `mongodb`: how long reading all documents may take."
    )
    read_preference: Literal["primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest"] = Field(
        "secondaryPreferred",
        description="For `mongodb`: which server of a replica set is asked, unless the file with the account says it.",
    )

    @model_validator(mode="after")
    def _complete(self) -> RunDB:
        if self.kind == "file" and self.file is None:
            raise ValueError("kind is 'file', so file must name the file of run documents")
        return self


class Context(Model):
    """The strax context that availability is asked with and that analyses get."""

    function: FunctionName = Field(description="`module:function` that returns the context.")
    arguments: dict[str, Any] = Field({}, description="Keyword arguments of the function.")
    storage: list[str] = Field([], description="More folders with strax data (`strax.DataDirectory`), read only.")


class Software(RunRange):
    """What runs the analyses of a range of runs: an interpreter, an image, or what a set-up file brings."""

    interpreter: Path = Field(
        Path("python3"),
        description="Python interpreter that has strax, straxen and what the analyses import; with `image` the one "
        "inside, with `set_up` the one that it brings.",
    )
    image: Path | None = Field(None, description="Image of apptainer or singularity to run it in.")
    binds: list[str] = Field(
        [], description="For `image`: folders it sees beside the project and the working directory, as of `--bind`."
    )
    launcher: str = Field("apptainer", description="For `image`: the command that starts it, such as `singularity`.")
    set_up: Path | None = Field(None, description="Shell file to source first, such as one on cvmfs.")
    context: Context | None = Field(
        None, description="A context of its own for these runs, except for analyses with one; nothing: the common one."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Software:
        if self.image and self.set_up:
            raise ValueError("image and set_up exclude each other")
        if not self.image and self.binds:
            raise ValueError("binds are for an image, and there is none")
        if not (self.image or self.set_up or "interpreter" in self.model_fields_set):
            raise ValueError("an interpreter, an image or a set_up is needed")
        return self

    @property
    def kind(self) -> Literal["image", "set_up", "interpreter"]:
        """The key of this block that names what is started."""
        return "image" if self.image else "set_up" if self.set_up else "interpreter"

    @property
    def program(self) -> Program:
        """What is started."""
        image, set_up = (str(place.expanduser().absolute()) if place else "" for place in (self.image, self.set_up))
        return Program(self.interpreter, image, tuple(self.binds), self.launcher, set_up)


class Selection(RunRange):
    """Which runs are monitored at all; each analysis narrows this further."""

    excluded_modes: list[str] = Field(
        [], description="Run modes that are never monitored unless an analysis names them; `*` stands for any text."
    )
    excluded_tags: list[str] = Field([], description="Runs with one of these tags are not monitored.")
    status: list[str] = Field(
        ["transferred"], description="States of the run document's `status` in which a run can be monitored."
    )


class Retries(Model):
    """How failures are tried again; the distance grows by `factor` from one attempt to the next."""

    attempts: Positive = Field(4, description="Attempts after which an analysis gives up on a run.")
    first_wait: Duration = Field(_length("1 h"), description="Distance between the first and the second attempt.")
    factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] = Field(
        4.0, description="By what the distance grows with each attempt."
    )
    lost_attempts: Positive = Field(
        50,
        description="Attempts that may end through no fault of the analysis (killed with their tick, node gone, "
        "cancelled) before giving up.",
    )
    more_memory: Growth = Field(2.0, description="By what an attempt's memory grows after each `out_of_memory`.")
    most_memory_mb: Positive = Field(32_000, description="Beyond this memory does not grow, in megabytes.")
    more_time: Growth = Field(2.0, description="By what an attempt's time limit grows after each `timeout`.")
    most_time: PositiveDuration = Field(_length("12 h"), description="Beyond this the time limit does not grow.")


class WarmStart(Model):
    """One process per software imports the heavy libraries once and forks a child for every run."""

    enabled: bool = Field(True, strict=True, description="Switch.")
    least_jobs: Positive = Field(2, description="Runs that a tick must have for this to be worth it.")
    preload: list[str] = Field(["straxen"], description="Modules to import once, beside the one of the context.")
    idle: PositiveDuration = Field(_length("60 s"), description="Time without work after which the process ends.")


class Store(Model):
    """Where results are published."""

    kind: Literal["local", "influxdb"] = Field(
        "local", description="Files of line protocol under `work`, or an InfluxDB 2 server."
    )
    prefix: Prefix = Field(
        "test_", description="Put before the name of the analysis to make the measurement: `prod_` or `test_`."
    )
    credentials: Path = Field(
        Path("~/.xom_influxdb.json"),
        description="For `influxdb`: JSON file with `url`, `token` (may read and write the bucket), `org`, `bucket` "
        "(keeps data for ever), readable by its owner only.",
    )
    batch: Positive = Field(5000, description="For `influxdb`: points per request.")


class SlurmOptions(Model):
    """What a job is submitted with, beside its memory and time."""

    account: str | None = Field(None, description="Account; nothing: Slurm's default.")
    partition: str | None = Field(None, description="Partition; nothing: Slurm's default.")
    qos: str | None = Field(None, description="Quality of service; nothing: Slurm's default.")
    options: list[SbatchOption] = Field([], description="More options of `sbatch`, such as `--constraint=skylake`.")


class Slurm(SlurmOptions):
    """Jobs in Slurm, used with `snakemake --profile slurm`."""

    tick_limit: PositiveDuration = Field(
        _length("45 min"),
        description="Time after which a tick ends and leaves its running jobs to Slurm and the next tick.",
    )
    patience: Duration = Field(
        _length("2 min"), description="Time for which Slurm may refuse jobs before a tick with nothing else to do ends."
    )
    latency: Duration = Field(
        _length("60 s"), description="Time after the end of a job in which its files may not be visible here yet."
    )
    memory_margin_mb: Count = Field(
        300, description="Memory asked for beyond `memory_mb`, for the runner and what is mapped, in megabytes."
    )


class Page(Model):
    """The page that shows the results."""

    interval: PositiveDuration = Field(_length("1 h"), description="Time between ticks; the page warns after three.")


class Period(Model):
    """Which runs an analysis over a period takes together: runs of its kind that follow each other."""

    gap: PositiveDuration = Field(
        _length("12 h"),
        description="Time without such a run after which a period is over; a run of another mode ends it too.",
    )
    wait: Duration = Field(
        _length("2 d"),
        description="Time after its end for which it waits for runs that cannot be read; then it goes on without them.",
    )


class Analysis(RunRange):
    """One analysis."""

    version: Version = Field(description="Part of the key of every result; raising it is what reprocesses.")
    title: str = Field("", description="Heading on the page; nothing: the analysis' name.")
    documentation: str = Field("", description="Address of its documentation, or a sentence, for the page.")
    run_modes: list[str] = Field([], description="Run modes, any of these; `*` stands for any text; nothing: all.")
    detectors: list[str] = Field([], description="Detectors that must have been part of the run, all of these.")
    included_tags: list[str] = Field([], description="Tags of which a run must have one; nothing: no matter.")
    excluded_tags: list[str] = Field([], description="Tags that a run must not have, beside those of `selection`.")
    except_runs: list[Count] = Field([], description="Run numbers that are left out.")
    needs: Types = Field(
        [],
        description="Strax data types the script reads: a list of types, or a list of alternative sets of types.",
    )
    needs_document: list[Literal["rate", "source", "tags", "comments"]] = Field(
        [], description="Entries of the run document that come late: a run waits until they are there."
    )
    period: Period | None = Field(None, description="Takes several runs together; nothing: one run at a time.")
    settings: dict[str, Any] = Field({}, description="What `xomlib.settings()` returns in the script.")
    context: Context | None = Field(None, description="A context of its own; nothing: the common one.")
    max_jobs_per_tick: Positive | None = Field(None, description="Instead of the common one.")
    time_limit: PositiveDuration = Field(_length("30 min"), description="Time after which a run's job is ended.")
    slurm: SlurmOptions | None = Field(None, description="Instead of the common options for jobs in Slurm.")
    memory_mb: Positive = Field(4000, description="Memory that a run's job may use, in megabytes.")

    @property
    def alternatives(self) -> tuple[tuple[str, ...], ...]:
        """The sets of types of which one must be complete; no set at all where nothing is needed."""
        if not self.needs:
            return ()
        if isinstance(self.needs[0], str):
            return (tuple(map(str, self.needs)),)
        return tuple(tuple(one) for one in self.needs)

    @property
    def types(self) -> frozenset[str]:
        """Every type that any alternative names."""
        return frozenset(name for one in self.alternatives for name in one)


class ScienceRun(RunRange):
    """A science run: a range of runs that the page shades, and to which it can be narrowed."""

    name: Label = Field(description="What it is called, such as `SR1`.")


class Config(Model):
    """The whole configuration."""

    work: Path = Field(Path("work"), description="Folder for everything that is generated.")
    rundb: RunDB = Field(description="Where the run documents come from.")
    context: Context = Field(description="The strax context.")
    software: list[Software] = Field(
        min_length=1, description="What runs the analyses, by ranges of runs without overlap or hole."
    )
    software_may_have_holes: bool = Field(
        False, strict=True, description="Whether runs may be left without software; they wait and say so."
    )
    selection: Selection = Field(Selection(), description="Which runs are monitored at all.")
    retries: Retries = Field(Retries(), description="How failures are tried again.")
    stale_after: PositiveDuration = Field(
        _length("2 d"), description="Time after its end when a run that still lacks data is stale."
    )
    max_jobs_per_tick: Positive = Field(100, description="Runs that one tick takes per analysis, newest first.")
    warm_start: WarmStart = Field(WarmStart(), description="Start of analyses from a preloaded process.")
    slurm: Slurm = Field(Slurm(), description="Jobs in Slurm, used with `snakemake --profile slurm`.")
    store: Store = Field(Store(), description="Where results are published.")
    page: Page = Field(Page(), description="The page.")
    science_runs: list[ScienceRun] = Field(
        [], description="Science runs, which the page shades: ranges of runs without overlap, each with a name."
    )
    keep_ticks: Positive = Field(100, description="Ticks whose run lists are kept.")
    analysis_folders: list[Path] = Field(
        [],
        description="More folders with `scripts/analyses/` and `rules/analyses/`; what they have wins over ours.",
    )
    analyses: dict[AnalysisName, Analysis] = Field(description="The analyses, by name.")

    @model_validator(mode="after")
    def _software_is_unambiguous(self) -> Config:
        twice = _first_overlap(self.software)
        if twice is not None:
            raise ValueError(f"two ranges of software contain run {twice}")
        hole = _first_hole(self.software, self.selection)
        if hole is not None and not self.software_may_have_holes:
            raise ValueError(f"no range of software contains run {hole}; if so be it: software_may_have_holes: true")
        return self

    @model_validator(mode="after")
    def _science_runs_are_unambiguous(self) -> Config:
        twice = _first_overlap(self.science_runs)
        if twice is not None:
            raise ValueError(f"two of science_runs contain run {twice}: each run belongs to one at most")
        names = [one.name for one in self.science_runs]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two of science_runs have the name '{name}': each needs a name of its own")
        return self

    def context_of(self, analysis: str, software: Software) -> Context:
        """Return the context of an analysis under a software: its own, else the software's, else the common one."""
        return self.analyses[analysis].context or software.context or self.context

    def software_of(self, number: int) -> Software | None:
        """Return the software for run ``number``; None where no range covers it."""
        return next((one for one in self.software if one.covers(number)), None)

    def slurm_options_of(self, analysis: str) -> SlurmOptions:
        """Return what jobs of an analysis are submitted with."""
        return self.analyses[analysis].slurm or self.slurm

    def limit_of(self, analysis: str) -> int:
        """Return how many runs of an analysis one tick takes at most."""
        return self.analyses[analysis].max_jobs_per_tick or self.max_jobs_per_tick


def _first_overlap(ranges: Iterable[RunRange]) -> int | None:
    """Return the first run number that two ranges cover; None if none is."""
    for left, right in itertools.pairwise(sorted(ranges, key=lambda one: one.min_run)):
        if left.max_run is None or left.max_run >= right.min_run:
            return right.min_run
    return None


def _first_hole(ranges: Iterable[RunRange], selection: Selection) -> int | None:
    """Return the first run number of the selection that no range covers; None if all are."""
    number: int | None = selection.min_run
    for one in sorted(ranges, key=lambda one: one.min_run):
        if number is not None and one.covers(number):
            number = None if one.max_run is None else one.max_run + 1
    inside = number is not None and (selection.max_run is None or number <= selection.max_run)
    return number if inside else None
