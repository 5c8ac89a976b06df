"""The blocks in ``analyses``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from xomflow.config.model.base import Model, RunRange
from xomflow.config.model.expected import ExpectedVariable, VariableLimits
from xomflow.config.model.slurm import SlurmOptions
from xomflow.config.model.software import Context
from xomflow.config.values import (
    Argument,
    BareName,
    Contact,
    Count,
    Duration,
    Positive,
    PositiveDuration,
    ScriptName,
    Types,
    Version,
    length,
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
