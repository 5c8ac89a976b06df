"""The description of a single job outside a tick, for a script that is tried by hand."""

from __future__ import annotations

import re
from pathlib import Path

from xomflow.config.load import script_of
from xomflow.config.model import Config
from xomflow.config.model import RunDB as RunDBBlock
from xomflow.config.software import Program, caches
from xomflow.core.errors import ConfigurationError, RunDBError, UsageError
from xomflow.core.key import ID, first_run
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import Paths
from xomflow.decisions.effects import vetoes
from xomflow.decisions.files import standing_decisions
from xomflow.jobs.description import how_started, units_promised
from xomflow.planning.runs.campaigns import as_run, campaigns_of
from xomflow.planning.runs.runs_now import read_runs
from xomflow.planning.runs.selection import Selector
from xomflow.rundb.database import RunDB, open_rundb
from xomflow.rundb.run import Run
from xomlib.documents.job_description import ByHand, ContextSpec, JobDescription, JobKey

_GIVE_DOCUMENTS = "give --documents FILE with its run document, as mongoexport writes it"


def with_documents(config: Config, documents: Path) -> Config:
    """Return the configuration with a file of run documents in the place of its run database."""
    return config.model_copy(update={"rundb": RunDBBlock(kind="file", file=documents)})


def describe_job(config: Config, analysis: str, run: str, source: str) -> JobDescription:
    """Return the description of a job as a tick makes it, whether a tick would take the run or not.

    Parameters
    ----------
    config
        The configuration.
    analysis
        Name of the analysis.
    run
        Number or six-digit id of a run, or the id of a campaign.
    source
        Name of the configuration, for messages.

    Raises
    ------
    XomError
        If there is no such analysis, run id or campaign, or no software for the run.
    """
    if analysis not in config.analyses:
        hint = did_you_mean(analysis, list(config.analyses))
        raise ConfigurationError(f"{source} has no analyses.{analysis}: add its block first{hint}")
    key = JobKey(analysis, config.analyses[analysis].version, run_id(run))
    software = config.software_of(key.run_number)
    if software is None:
        raise ConfigurationError(f"{source}: no software is configured for run {key.run}")
    found: Run | None = None
    try:
        rundb = open_rundb(config.rundb)
        found = _find_campaign(config, key, rundb) if "-" in key.run else _find_run(key.run_number, rundb)
        reason = ""
    except RunDBError as error:
        if "-" in key.run:
            raise  # without its members no campaign can be tried; many analyses do not ask for the document of a run
        reason = str(error)
    return JobDescription(
        key=key,
        script=str(script_of(config, analysis).absolute()),
        context=ContextSpec(**config.context_of(analysis, software).model_dump()),
        settings=config.analyses[analysis].settings,
        run=found and found.as_dict(),
        why_no_run=reason,
        needs=sorted(config.analyses[analysis].types),
        by_hand=_by_hand(config, analysis, software.program),
        promised=units_promised(config.analyses[analysis]),
        **how_started(config.analyses[analysis], config.store.prefix),
    )


def _by_hand(config: Config, analysis: str, program: Program) -> ByHand:
    block = config.analyses[analysis]
    clean = not (program.image or program.set_up)
    return ByHand(block.memory_mb, block.time_limit, caches(Paths(config.work)), clean)


def run_id(text: str) -> str:
    """Return the six-digit id of a run, or that of a campaign; `UsageError` for anything else."""
    if re.fullmatch(ID, text, re.ASCII):
        return text
    if not re.fullmatch("[0-9]{1,6}", text):
        raise UsageError(f"run id {text!r} is not a number of at most six digits, nor the id of a campaign")
    return text.zfill(6)


def _find_run(number: int, rundb: RunDB) -> Run:
    """Return a run; `RunDBError` if its document is not there or cannot be read."""
    answer = rundb.runs(number, number)
    if number in answer.runs:
        return answer.runs[number]
    for one in answer.complaints:
        if one.number == number:
            raise RunDBError(f"{one.sentence} ({rundb.place})")
    others = f" ({len(answer.complaints)} other documents cannot be read)" if answer.complaints else ""
    raise RunDBError(f"{rundb.place} has no document of run {number}{others}: {_GIVE_DOCUMENTS}")


def _find_campaign(config: Config, key: JobKey, rundb: RunDB) -> Run:
    """Return a campaign with all its members as if it were one run.

    Raises
    ------
    UsageError
        If there is no such campaign.
    """
    block, common = config.analyses[key.analysis], config.selection
    if block.period is None:
        raise UsageError(f"{key.run} is the id of a campaign, and analyses.{key.analysis} has no period: give a run id")
    decided = standing_decisions(Paths(config.work))
    selector = Selector(common, block, vetoes(decided, key.analysis))
    answer = read_runs(config, rundb, common.min_run, common.max_run)
    found = campaigns_of(
        answer.runs.values(),
        lambda run: not (selector.refusal_in_groups(run.number) or selector.refusal_by_kind(run)),
        block.period,
    )
    first = first_run(key.run)
    for campaign in found:
        whole = as_run(campaign.members)
        if whole.id == key.run:
            return whole
        if first in whole.members:
            raise UsageError(f"there is no campaign {key.run} of {key.analysis}: run {first} belongs to {whole.id}")
    raise UsageError(f"there is no campaign {key.run} of {key.analysis}: run {first} belongs to none")
