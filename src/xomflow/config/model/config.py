"""The whole configuration."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from xomflow.config.model.analysis import Analysis
from xomflow.config.model.base import Model, RunRange
from xomflow.config.model.display import Grafana, Page
from xomflow.config.model.expected import Expected
from xomflow.config.model.notify import Notify
from xomflow.config.model.retries import Retries
from xomflow.config.model.rundb import RunDB
from xomflow.config.model.selection import ScienceRun, Selection
from xomflow.config.model.slurm import Slurm, SlurmOptions
from xomflow.config.model.software import Context, Software, WarmStart
from xomflow.config.model.store import Store
from xomflow.config.values import AnalysisName, PlainPath, Positive, PositiveDuration, length, or_none_yet


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

    @model_validator(mode="after")
    def _expected_analyses_are_known(self) -> Config:
        for name in self.expected.together:
            if name not in self.analyses:
                raise ValueError(f"expected: together: there is no analysis '{name}': correct or remove it")
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
    def blocks(self) -> dict[str, tuple[str, Analysis]]:
        """The analysis and the block of all that ticks run, by its name in lists; see `title_of`. Trials come last."""
        published = {name: (name, block) for name, block in self.analyses.items()}
        tried = self.trials.analyses if self.trials else {}
        return published | {self.title_of(name, block.version): (name, block) for name, block in tried.items()}

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
