"""The runs and campaigns of an analysis that are not done, and what they lack."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from xomflow.config.model import Config
from xomflow.core.reason import Reason
from xomflow.planning.missing_data import Lacking, MissingData
from xomflow.planning.pending.work import PendingRuns
from xomflow.planning.runs.campaigns import campaign_as_run
from xomflow.planning.runs.runs_now import NOT_SHOWN
from xomflow.planning.runs.selection import Selector
from xomflow.rundb.run import Run


@dataclass(frozen=True, slots=True)
class Undone:
    """What is not done.

    Parameters
    ----------
    runs
        The runs, or the campaigns as if they were runs, newest first.
    reasons
        What some of them lack, by id.
    lacking
        What the others lack.
    """

    runs: list[Run]
    reasons: Mapping[str, Reason]
    lacking: Lacking

    @property
    def incomplete(self) -> set[str]:
        """Ids of those that lack something."""
        return self.lacking.runs | self.reasons.keys()

    def describe(self, runs: Collection[Run]) -> dict[str, Reason]:
        """Return what each of some of them lacks, by id; complete ones are left out."""
        ids = [run.id for run in runs]
        return {**self.lacking.describe(ids), **{run: self.reasons[run] for run in ids if run in self.reasons}}


def find_undone(
    config: Config,
    analysis: str,
    pending: PendingRuns,
    missing: MissingData,
    unseen: Collection[int],
    vetoed: Collection[int],
    now: datetime,
) -> Undone:
    """Return what is not done of an analysis.

    Parameters
    ----------
    config, analysis, pending
        The configuration, which of its analyses, and its pending runs.
    missing
        Finds out what runs lack.
    unseen, vetoed
        Numbers of the runs that the run database does not show now, and of those that are vetoed: it is not looked
        whether their data can be read.
    now
        The present.
    """
    block = config.analyses[analysis]
    if block.period is None:
        seen, hidden = pending.pending, dict[str, Reason]()
        if unseen or vetoed:
            hidden = {run.id: NOT_SHOWN for run in seen if run.number in unseen}
            seen = [run for run in seen if run.number not in unseen and run.number not in vetoed]
        return Undone(pending.pending, hidden, missing.of(analysis, seen))
    selector = Selector(config.selection, block)
    members = [run for campaign in pending.campaigns for run in campaign.members]
    unready = {run.id: refusal for run in members if (refusal := selector.refusal_by_progress(run))}
    finished = [run for run in members if run.id not in unready]
    unready |= missing.of(analysis, finished).describe([run.id for run in finished])
    found = [campaign_as_run(campaign, unready, block.period, now) for campaign in pending.campaigns]
    left = [(run, pending.describe_collision(run) or lacks) for run, lacks in found if not pending.is_done(run)]
    return Undone([run for run, _ in left], {run.id: lacks for run, lacks in left if lacks}, Lacking())
