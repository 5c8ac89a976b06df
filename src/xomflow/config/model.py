"""The configuration: the typed model, from which defaults, JSON schema and ``docs/configuration.md`` come."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from xomflow.config.software import Program
from xomflow.config.values import (
    Address,
    AnalysisName,
    Argument,
    BareName,
    Between,
    Contact,
    Count,
    Duration,
    FunctionName,
    Growth,
    Label,
    PlainPath,
    Positive,
    PositiveDuration,
    Prefix,
    SbatchOption,
    ScriptName,
    SizeText,
    Types,
    Version,
    WebPage,
    length,
    or_none_yet,
)


class Model(BaseModel):
    """Base of all blocks: no unknown keys, no changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class RunRange(Model):
    """Base of blocks that apply to a range of run numbers."""

    min_run: Count = Field(0, description="First run number.")
    max_run: Count | None = Field(None, description="Last run number; default: no end.")

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
        "default: `$XENON_CONFIG`, else `~/.xenon_config`.",
    )
    collection: str = Field("runs", description="For `mongodb`: name of the collection.")
    timeout: PositiveDuration = Field(length("5 s"), description="For `mongodb`: longest wait for the server.")
    read_limit: PositiveDuration = Field(
        length("60 s"), description="For `mongodb`: longest time for reading all documents."
    )
    read_preference: Literal["primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest"] = Field(
        "secondaryPreferred",
        description="For `mongodb`: server of a replica set that is asked, unless `credentials` sets it.",
    )

    @model_validator(mode="after")
    def _complete(self) -> RunDB:
        if self.kind == "file" and self.file is None:
            raise ValueError("kind is 'file', so file must name the file of run documents")
        return self


class Context(Model):
    """The strax context, for finding out which data can be read, and for the analyses."""

    function: FunctionName = Field(description="`module:function` that returns the context.")
    arguments: dict[str, Any] = Field({}, description="Keyword arguments of the function.")
    storage: list[str] = Field([], description="More folders with strax data (`strax.DataDirectory`), read only.")


class Software(RunRange):
    """The software that runs the analyses of a range of runs: an interpreter, an image, or a set-up file."""

    interpreter: Path = Field(
        Path("python3"),
        description="Python interpreter with strax, straxen and all modules that the analyses import; with `image` the "
        "one in the image, with `set_up` the one that the file puts on the PATH.",
    )
    image: Path | None = Field(None, description="Image of apptainer or singularity to run it in.")
    binds: list[str] = Field(
        [],
        description="For `image`: folders visible in it beside the project and the working directory; as `--bind`.",
    )
    launcher: str = Field("apptainer", description="For `image`: the command that starts it, such as `singularity`.")
    set_up: Path | None = Field(None, description="Shell file to source first, such as one on cvmfs.")
    context: Context | None = Field(
        None, description="Context for these runs, except for analyses with their own; default: the common one."
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
        """The program that is started."""
        image, set_up = (str(place.expanduser().absolute()) if place else "" for place in (self.image, self.set_up))
        return Program(self.interpreter, image, tuple(self.binds), self.launcher, set_up)


class Selection(RunRange):
    """The runs that are monitored at all; each analysis narrows this further."""

    excluded_modes: list[BareName] = Field(
        [], description="Run modes that are never monitored unless an analysis names them; `*` stands for any text."
    )
    excluded_tags: list[BareName] = Field([], description="Runs with one of these tags are not monitored.")
    status: list[str] = Field(
        ["transferred"], description="Values of the run document's `status` with which a run can be monitored."
    )


class Retries(Model):
    """When failed runs are tried again; the wait grows by `factor` from one attempt to the next."""

    attempts: Positive = Field(4, description="Attempts after which an analysis gives up on a run.")
    first_wait: Duration = Field(length("1 h"), description="Wait between the first and the second attempt.")
    factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] = Field(
        4.0, description="Factor by which the wait grows with each attempt."
    )
    lost_attempts: Positive = Field(
        50,
        description="Attempts that end through no fault of the analysis (killed with their tick, node failure, "
        "cancelled) after which it gives up.",
    )
    more_memory: Growth = Field(2.0, description="Factor by which memory grows after each `out_of_memory`.")
    most_memory_mb: Positive = Field(32_000, description="Limit of this growth, in megabytes.")
    more_time: Growth = Field(2.0, description="Factor by which the time limit grows after each `timeout`.")
    most_time: PositiveDuration = Field(length("12 h"), description="Limit of this growth.")


class WarmStart(Model):
    """Warm start: one process per software imports the heavy libraries once and forks a child for every run."""

    enabled: bool = Field(True, strict=True, description="Whether it is used.")
    least_jobs: Positive = Field(2, description="Least number of runs in a tick for which it is used.")
    preload: list[str] = Field(["straxen"], description="Modules that are imported, beside the module of the context.")
    idle: PositiveDuration = Field(length("60 s"), description="Time without a run after which the process ends.")


class Store(Model):
    """Where results are published."""

    kind: Literal["local", "influxdb"] = Field(
        "local", description="Files of line protocol under `work`, or an InfluxDB 2 server."
    )
    prefix: Prefix = Field(
        "test_",
        description="Prefix of the measurements' names, `prod_` or `test_`; the analysis' name follows.",
    )
    credentials: Path = Field(
        Path("~/.xom_influxdb.json"),
        description="For `influxdb`: JSON file with `url`, `token` (may read and write the bucket), `org`, `bucket` "
        "(keeps data indefinitely), readable by its owner only.",
    )
    batch: Positive = Field(5000, description="For `influxdb`: points per request.")
    mirror: Literal["xomdata"] | None = Field(
        None,
        description="`xomdata`: results once more in the measurement and under the names of the first XOM, so that its "
        "panels go on, see docs/moving.md. Default: none.",
    )


class SlurmOptions(Model):
    """Options with which a job is submitted, beside its memory and time."""

    account: str | None = Field(None, description="Account; default: that of Slurm.")
    partition: str | None = Field(None, description="Partition; default: that of Slurm.")
    qos: str | None = Field(None, description="Quality of service; default: that of Slurm.")
    options: list[SbatchOption] = Field([], description="More options of `sbatch`, such as `--constraint=skylake`.")


class Batches(Model):
    """Batches: many runs share one job in Slurm, which starts the heavy libraries once."""

    target: PositiveDuration = Field(
        length("30 min"), description="Expected length of such a job, from the times of the newest outcomes."
    )
    most: Positive = Field(500, description="Most runs in one job; with 1 each run is a job.")
    alone: Count = Field(12, description="A tick that takes no more runs than this submits each as a job.")
    cpus: Positive = Field(
        1, description="CPUs of such a job; it works on as many runs at a time as their threads allow."
    )
    memory_mb: Count = Field(
        400, description="Memory requested for the preloaded process, beside that of its runs, in megabytes."
    )


class Slurm(SlurmOptions):
    """Jobs in Slurm, used with `snakemake --profile slurm`."""

    tick_limit: PositiveDuration = Field(
        length("45 min"),
        description="Time after which a tick ends; its running jobs go on, and a later tick takes up their results.",
    )
    patience: Duration = Field(
        length("2 min"), description="Time for which Slurm may refuse jobs before a tick that has no other jobs ends."
    )
    latency: Duration = Field(
        length("60 s"), description="Time after the end of a job in which its files may not be visible here yet."
    )
    nice_if_old: Count = Field(
        1000,
        description="`--nice` of the jobs of old runs (`old_after`), so that newer ones start first; 0: none.",
    )
    memory_margin_mb: Count = Field(
        300,
        description="Memory requested beyond `memory_mb`, for the runner and for mapped files, in megabytes.",
    )
    batch: Batches = Field(Batches(), description="Many runs in one job.")


class Page(Model):
    """The page that shows the results."""

    interval: PositiveDuration = Field(length("1 h"), description="Time between ticks; the page warns after three.")
    url: Address = Field(
        "",
        description="Address of `<work>/page/` or of its index.html, if a web server shows `<work>`; points then "
        "have the addresses of figures. Default: none.",
    )


class Grafana(Model):
    """Dashboards for Grafana, which each tick writes below `<work>/grafana/` if the store is InfluxDB."""

    token: Path = Field(
        Path("/etc/grafana/xom_influxdb_token"),
        description="File on Grafana's machine with a token that may only read the bucket. XOM does not read it.",
    )
    folder: Path | None = Field(
        None, description="`<work>/grafana` as Grafana's machine sees it; default: the same path as here."
    )
    playbook: WebPage = Field(
        "", description="Address of a copy of `docs/playbook.md`, to which alerts lead. Default: none."
    )


class Notify(Model):
    """Messages to people: mail, Mattermost, Slack and others."""

    addresses: Path | None = Field(
        None,
        description="JSON file with the addresses, readable by its owner only, see `docs/operator.md`, Messages; "
        "default: nobody is told.",
    )
    digest_hour: Annotated[int, Field(strict=True, ge=0, le=23)] | None = Field(
        6, description="Hour (UTC) from which on the first tick of a day sends the digest; `null`: none is sent."
    )


class Period(Model):
    """The runs that an analysis over a period takes together: runs of its kind that follow each other."""

    gap: PositiveDuration = Field(
        length("12 h"),
        description="Time without such a run after which a period is over; a run of another mode also ends it.",
    )
    wait: Duration = Field(
        length("2 d"),
        description="Time after the end of a period for which it waits for runs that cannot be read.",
    )


class Expected(Model):
    """What is expected of each variable from its own history, and which changes are alarms: see docs/normal.md."""

    minimum: Annotated[Positive, Field(ge=10)] = Field(
        30, description="Results of a variable before the first verdict on one: not enough history until then."
    )
    accept: Annotated[Positive, Field(ge=10)] = Field(
        48, description="Results after which a new level counts as normal by itself; it stays listed without a reason."
    )
    groups: dict[Label, list[BareName]] = Field(
        {},
        description="Groups of run modes, each with a history of its own: `{calibration: [kr83m, ar37]}`. A mode in "
        "none is a group by itself. Default: all runs of an analysis are one group.",
    )
    time_per_tick: PositiveDuration = Field(
        length("0.2 s"),
        description="Time in which a tick judges results; later ticks go on. `xom rebuild` judges all at once.",
    )

    @model_validator(mode="after")
    def _one_group_each(self) -> Expected:
        group_of = dict[str, str]()
        for group, modes in self.groups.items():
            for mode in modes:
                if (other := group_of.setdefault(mode, group)) != group:
                    raise ValueError(f"groups: mode {mode} is in {other} and in {group}: leave it in one of them")
        return self


class ExpectedVariable(Model):
    """What is of interest about a variable; sizes are parts of its level, such as `0.5 %`, or in its unit."""

    matters: SizeText = Field("", description="The smallest error that counts: differences far below do not matter.")
    tolerance: SizeText = Field(
        "", description="How far the level may move in 30 days; without it no drift is an alarm."
    )


class VariableLimits(Model):
    """Between which values a variable is expected: the lowest and the highest, `null` where there is none."""

    warn: Between = Field((None, None), description="Values outside deserve a look.")
    error: Between = Field((None, None), description="Values outside mean that something is wrong.")
    runs: Positive = Field(2, description="Results that have to be outside before Grafana alerts.")
    of: Annotated[Positive, Field(le=50)] = Field(3, description="Number of the newest results among which they are.")

    @model_validator(mode="after")
    def _possible(self) -> VariableLimits:
        if self.runs > self.of:
            raise ValueError(f"runs is {self.runs}, more than of, which is {self.of}")
        return self


class Variable(Model):
    """A variable that a script promises to save for each run, with or without a number."""

    title: str = Field("", description="Heading on page and boards; default: its name.")
    help: str = Field("", description="A sentence: what it is, and what moves it.")
    unit: str | None = Field(None, description="Unit with which it has to be saved; default: any.")
    main: bool = Field(False, description="Whether dashboards show it first; the overview shows the first of these.")


class Trial(Model):
    """A version of an analysis that is tried beside the published one, with what differs from it."""

    version: Version = Field(description="Its version, another one than that of the analysis.")
    script: ScriptName | None = Field(None, description="Name or path of its script, as of an analysis.")
    settings: dict[str, Any] | None = Field(None, description="Replaces `settings` of the analysis as a whole.")
    needs: Types | None = Field(None, description="Replaces `needs` of the analysis.")
    variables: dict[str, Variable] | None = Field(None, description="Replaces `variables` of the analysis.")


class Analysis(RunRange):
    """One analysis."""

    version: Version = Field(description="Part of the key of every result; a new version analyses all runs again.")
    trial: Trial | None = Field(
        None,
        description="A new version that ticks run beside this one, and publish under `test_` until `xom promote`: "
        "`{version: v2, script: kr83m_new, settings: {...}, needs: [...]}`; what it does not give is as here.",
    )
    script: ScriptName | None = Field(
        None,
        description="Name of its script in `scripts/analyses/`, without `.py`, or a path that ends with `.py`, for a "
        "script with a folder of its own; default: the name of the analysis.",
    )
    arguments: list[Argument] = Field(
        [],
        description="Command line of the script, where it is not the run alone: `['[run]', '[result_folder]', "
        "'--prefix', '[prefix]']`, in which the run, a folder for files and `store.prefix` are put in.",
    )
    compat: bool = Field(
        False, strict=True, description="Whether the script uses the calls of the first XOM, see docs/moving.md."
    )
    title: str = Field("", description="Heading on the page; default: the name of the analysis.")
    documentation: str = Field("", description="Address of its documentation, or a sentence, for the page.")
    contact: Contact = Field(
        "", description="Person to ask about it; a mail address also gets the mails about it, see `notify`."
    )
    run_modes: list[BareName] = Field([], description="Run modes, any of these; `*` stands for any text; default: all.")
    detectors: list[str] = Field([], description="Detectors that must have been part of the run, all of these.")
    included_tags: list[BareName] = Field(
        [], description="Tags of which a run must have one; default: no tag is needed."
    )
    excluded_tags: list[BareName] = Field([], description="Tags that a run must not have, beside those of `selection`.")
    except_runs: list[Count] = Field([], description="Run numbers that are left out.")
    needs: Types = Field(
        [],
        description="Strax data types that the script reads: a list of types, or a list of alternative sets of types.",
    )
    needs_document: list[Literal["rate", "source", "tags", "comments"]] = Field(
        [], description="Entries of the run document that come late: a run waits until they are there."
    )
    period: Period | None = Field(None, description="Takes several runs together; default: one run at a time.")
    variables: dict[str, Variable] = Field(
        {},
        description="Variables that the script promises: `{light_yield: {title: Light yield, unit: PE/keV, help: ..., "
        "main: true}}`. A run in which one is not saved has failed, class `missing_result`.",
    )
    limits: dict[str, VariableLimits] = Field(
        {},
        description="Limits by variable: `{light_yield: {warn: [9, 11], error: [8, null], runs: 2, of: 3}}`, "
        "the lowest and the highest expected value, and how many of how many newest results outside are an alert.",
    )
    expected: dict[str, ExpectedVariable] = Field(
        {},
        description="By variable, which differences matter: `{light_yield: {matters: 0.5 %, tolerance: 2 %}}`, see "
        "docs/normal.md.",
    )
    settings: dict[str, Any] = Field({}, description="What `xomlib.settings()` returns in the script.")
    context: Context | None = Field(None, description="Context of this analysis; default: the common one.")
    max_jobs_per_tick: Positive | None = Field(None, description="Replaces the common `max_jobs_per_tick`.")
    max_running: Positive | None = Field(
        None,
        description="Most runs of this analysis in progress at a time, over all ticks; default: no bound of its own.",
    )
    time_limit: PositiveDuration = Field(length("30 min"), description="Time after which a run's job is ended.")
    slurm: SlurmOptions | None = Field(None, description="Replaces the common options for jobs in Slurm.")
    memory_mb: Positive = Field(4000, description="Memory that a run's job may use, in megabytes.")

    @model_validator(mode="after")
    def _trial_is_another_version(self) -> Analysis:
        if self.trial and self.trial.version == self.version:
            raise ValueError(f"trial.version is {self.version}, that of the analysis: a trial needs another one")
        return self

    @property
    def tried(self) -> Analysis:
        """The block of its trial."""
        given = {} if self.trial is None else {name: getattr(self.trial, name) for name in Trial.model_fields}
        given = {name: value for name, value in given.items() if value is not None}
        return self.model_copy(update={**given, "trial": None})

    @property
    def first_variables(self) -> tuple[str, ...]:
        """The variables that boards show first."""
        return tuple(name for name, one in self.variables.items() if one.main)

    @property
    def alternatives(self) -> tuple[tuple[str, ...], ...]:
        """The sets of types of which one must be complete; none if no data are needed."""
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
    """A science run: a range of runs, which the page shades and can show alone."""

    name: Label = Field(description="Its name, such as `SR1`.")


class Config(Model):
    """The whole configuration."""

    work: PlainPath = Field(Path("work"), description="Folder for everything that is generated.")
    rundb: RunDB = Field(description="Where the run documents come from.")
    context: Context = Field(description="The strax context.")
    software: list[Software] = Field(
        min_length=1, description="The software that runs the analyses, by ranges of runs without overlap or hole."
    )
    software_may_have_holes: bool = Field(
        False, strict=True, description="Whether runs may have no software; these runs wait, with this reason."
    )
    selection: Selection = Field(Selection(), description="The runs that are monitored at all.")
    retries: Retries = Field(Retries(), description="When failed runs are tried again.")
    stale_after: PositiveDuration = Field(
        length("2 d"), description="Time after the end of a run from which on it is stale if data are missing."
    )
    max_jobs_per_tick: Positive = Field(
        100,
        description="Most runs that one tick takes per analysis, newest first, but for a tenth, which are the oldest.",
    )
    max_running: Positive = Field(
        5000,
        description="Most runs in progress at a time, of all analyses and ticks together: claimed, in Slurm, or "
        "running here. A tenth of them is kept for runs that are not old.",
    )
    local_memory_mb: Positive | None = Field(
        None,
        description="Memory that all runs on one machine may use together, by their `memory_mb`, over all ticks, in "
        "megabytes; a run that does not fit waits. Default: that of the machine or, if more, `memory_mb` times its "
        "cores. Not for jobs in Slurm.",
    )
    old_after: PositiveDuration = Field(
        length("1 d"),
        description="Time after its end from which on a run is old: newer ones go first, see `max_running` and "
        "`slurm.nice_if_old`.",
    )
    warm_start: WarmStart = Field(WarmStart(), description="Start of analyses from a preloaded process.")
    slurm: Slurm = Field(Slurm(), description="Jobs in Slurm, used with `snakemake --profile slurm`.")
    store: Store = Field(Store(), description="Where results are published.")
    page: Page = Field(Page(), description="The page.")
    grafana: Grafana = Field(Grafana(), description="Dashboards for Grafana.")
    expected: Expected = Field(Expected(), description="What is expected of each variable, and alarms.")
    notify: Notify = Field(Notify(), description="Messages to people.")
    science_runs: list[ScienceRun] = Field(
        [], description="Science runs, which the page shades: ranges of runs without overlap, each with a name."
    )
    longest_wait: PositiveDuration = Field(
        length("10 min"),
        description="Longest wait of a tick for another one that looks for work or publishes; then that one hangs.",
    )
    keep_ticks_for: PositiveDuration = Field(
        length("30 d"), description="Time for which run lists and reports of ticks are kept, after a day in archives."
    )
    keep_ticks: Positive | None = Field(None, description="Has no effect any more, see `keep_ticks_for`.")
    analysis_folders: list[Path] = Field(
        [],
        description="More folders with `scripts/analyses/` and `rules/analyses/`; their files replace the project's.",
    )
    analyses: Annotated[dict[AnalysisName, Analysis], BeforeValidator(or_none_yet)] = Field(
        description="The analyses, by name."
    )

    @model_validator(mode="after")
    def _software_is_unambiguous(self) -> Config:
        twice = _first_overlap(self.software)
        if twice is not None:
            raise ValueError(f"two ranges of software contain run {twice}")
        hole = _first_hole(self.software, self.selection)
        if hole is not None and not self.software_may_have_holes:
            raise ValueError(f"no range of software contains run {hole}; to allow it set software_may_have_holes: true")
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

    @property
    def warnings(self) -> list[str]:
        """Sentences about keys that have no effect any more."""
        if self.keep_ticks is None:
            return []
        effect = "ticks are kept for keep_ticks_for, 30 d by default; remove keep_ticks"
        return [f"keep_ticks has no effect any more: {effect}"]

    def promoted(self, methods: Collection[tuple[str, str]]) -> Config:
        """Return the configuration with trials in the place of the published versions.

        Parameters
        ----------
        methods
            Analysis and version of those that a person has promoted.
        """
        blocks = {
            name: block.tried if block.trial and (name, block.trial.version) in methods else block
            for name, block in self.analyses.items()
        }
        return self.model_copy(update={"analyses": blocks})

    @property
    def trials(self) -> Config | None:
        """The configuration of the trials alone; None if there are none."""
        blocks = {name: block.tried for name, block in self.analyses.items() if block.trial}
        return self.model_copy(update={"analyses": blocks}) if blocks else None

    @property
    def methods(self) -> frozenset[tuple[str, str]]:
        """Analysis and version of each block."""
        return frozenset((name, block.version) for name, block in self.analyses.items())

    def title_of(self, analysis: str, version: str) -> str:
        """Return what one version of an analysis is called in lists: a trial with its version, `kr83m+v2`."""
        block = self.analyses.get(analysis)
        return analysis if block is None or block.version == version else f"{analysis}+{version}"

    def context_of(self, analysis: str, software: Software) -> Context:
        """Return the context of an analysis under a software: its own, else the software's, else the common one."""
        return self.analyses[analysis].context or software.context or self.context

    def software_of(self, number: int) -> Software | None:
        """Return the software for run ``number``; None where no range covers it."""
        return next((one for one in self.software if one.covers(number)), None)

    def slurm_options_of(self, analysis: str) -> SlurmOptions:
        """Return the options with which jobs of an analysis are submitted."""
        return self.analyses[analysis].slurm or self.slurm

    def limit_of(self, analysis: str) -> int:
        """Return the largest number of runs of an analysis that one tick takes."""
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
