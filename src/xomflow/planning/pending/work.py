"""The pending work of all analyses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xomflow.config.model import Config
from xomflow.core.key import Key, run_id
from xomflow.core.messages import some_of
from xomflow.core.reason import Reason
from xomflow.outcomes.campaigns.groups import GroupsOfAll, KnownGroups
from xomflow.outcomes.files import Failure
from xomflow.planning.runs.campaigns import Campaign
from xomflow.planning.runs.science_runs import ScienceRunTimes
from xomflow.rundb.run import Run


@dataclass(slots=True)
class PendingRuns:
    """The runs of one analysis.

    Parameters
    ----------
    done
        Number of selected runs that are done; of an analysis over a period, of campaigns.
    pending
        Selected runs that are not, newest first.
    failures
        Their failed attempts, by run id.
    campaigns
        Of an analysis over a period: the campaigns that are not done with all their members, newest first.
    done_runs
        Of an analysis over a period: the numbers of the runs of each outcome, by the id of the campaign.
    known_groups
        What decides which outcomes of groups are current; None if there are neither groups nor such outcomes.
    """

    done: int = 0
    pending: list[Run] = field(default_factory=list)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    campaigns: list[Campaign] = field(default_factory=list)
    done_runs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    known_groups: KnownGroups | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the analysis selects no run at all."""
        return not (self.done or self.pending or self.campaigns)

    def is_done(self, campaign: Run) -> bool:
        """Return whether a campaign has an outcome."""
        return self.done_runs.get(campaign.id) == campaign.members

    def describe_collision(self, campaign: Run) -> Reason | None:
        """Return a phrase about an outcome of other runs under a campaign's id, whose digest is short; None: none."""
        others = self.done_runs.get(campaign.id)
        if others is None or others == campaign.members:
            return None
        what = f"the outcome {campaign.id} has other runs ({some_of(list(map(run_id, others)))})"
        return Reason(f"{what}: raise the version, or put one into except_runs")


@dataclass(slots=True)
class PendingWork:
    """The pending runs of all analyses.

    Parameters
    ----------
    analyses
        By analysis, in the order of the configuration; those of trials by their names in lists, see `Config.title_of`.
    foreign
        Files among the outcomes that are no outcomes.
    warnings
        Sentences about run documents that are missing or cannot be understood, about tags that nearly match an excluded
        one, and about analyses that select no run.
    for_person
        A sentence about a run database that shows none of the runs that it had.
    science_runs
        When the science runs were.
    unseen
        Numbers of the runs that the run database had before and does not show now.
    to_redo
        The keys whose present outcome is to be made again, with the number of the attempt that made it.
    """

    analyses: dict[str, PendingRuns] = field(default_factory=dict)
    foreign: list[Path] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    for_person: list[str] = field(default_factory=list)
    science_runs: list[ScienceRunTimes] = field(default_factory=list)
    unseen: frozenset[int] = frozenset()
    to_redo: Mapping[Key, int] = field(default_factory=dict)

    def known_groups(self, config: Config) -> GroupsOfAll:
        """Return what decides which outcomes of groups are current."""
        methods = {name: (analysis, block.version) for name, (analysis, block) in config.blocks.items()}
        found = {methods[name]: runs.known_groups for name, runs in self.analyses.items()}
        return {method: groups for method, groups in found.items() if groups is not None}
