"""Try all analyses on one run: what would be published, and what does not work with a site's software and data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xomflow.config.model import Config
from xomflow.core.errors import ConfigurationError, RunDBError, UsageError
from xomflow.core.key import first_run
from xomflow.core.paths import Paths
from xomflow.decisions.effects import vetoes
from xomflow.decisions.files import standing_decisions
from xomflow.planning.runs.selection import Selector
from xomflow.rundb.database import open_rundb
from xomflow.rundb.run import Run
from xomflow.workflow.requests.analysing.try_runs import Tried, try_here
from xomflow.workflow.requests.describe_job import run_id


@dataclass(frozen=True, slots=True)
class Checked:
    """An analysis on the run.

    Parameters
    ----------
    analysis
        Its name.
    tried
        The attempt; None: there was none.
    failure
        Failure class and a sentence; None: it works.
    passed_over
        Why it was not tried, or empty.
    not_taken
        Why ticks would not take the run for it, or empty.
    """

    analysis: str
    tried: Tried | None = None
    failure: tuple[str, str] | None = None
    passed_over: str = ""
    not_taken: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        attempt = self.tried.to_json() if self.tried else {}
        own = {"analysis": self.analysis, "failure": self.failure, "passed_over": self.passed_over}
        return {**attempt, **own, "not_taken": self.not_taken}


def check_site(config: Config, run: str, source: str, save: Path) -> Iterator[Checked]:
    """Try every analysis of the configuration on a run, whether ticks would take the run or not.

    Parameters
    ----------
    config, source, save
        See `try_here`.
    run
        Number or id of the run.

    Raises
    ------
    XomError
        If this is no run, or the run database or the software of the configuration has none like it.
    """
    number = first_run(run_id(run))
    if config.software_of(number) is None:
        raise ConfigurationError(f"{source}: no software is configured for run {run}")
    document = _document(config, number)
    decided = standing_decisions(Paths(config.work))
    for name, block in config.analyses.items():
        if block.period is not None:
            yield Checked(name, passed_over=f"it combines several runs: xom try {name} CAMPAIGN")
            continue
        selector = Selector(config.selection, block, vetoes(decided, name))
        reason = (document and selector.refusal(document)) or ""
        try:
            tried = try_here(config, name, run, source, save)
        except ConfigurationError as error:  # its software makes no attempt
            yield Checked(name, failure=("setup", str(error)), not_taken=reason)
            continue
        yield Checked(name, tried, tried.attempt.failure, not_taken=reason)


def _document(config: Config, number: int) -> Run | None:
    """Return the run; None if it cannot be read: analyses that need it have this as their failure.

    Raises
    ------
    UsageError
        If the run database has no such run.
    """
    try:
        rundb = open_rundb(config.rundb)
        answer = rundb.runs(number, number)
    except RunDBError:
        return None
    if number not in {*answer.runs, *answer.unclear}:
        raise UsageError(f"run {number:06d} is not in {rundb.place}: give the number of a run that is there, with data")
    return answer.runs.get(number)
