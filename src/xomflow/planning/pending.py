"""Pending work: for each analysis the selected runs that are not done, and their failures.

Finding it reads all run documents and all names of outcomes. It is kept, and found again only after a change of the
documents, the outcomes' folders, the configuration or the code, so a tick in which nothing happened is cheap however
many runs there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from xomflow.config.model import Analysis, Config, Period
from xomflow.core.key import is_group
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import Paths
from xomflow.jobs.redo import outcomes_to_redo
from xomflow.outcomes.current import Groups, Revision, judge
from xomflow.outcomes.files import Failure, Listing, list_outcomes
from xomflow.outcomes.groups import GroupsOfAll, KnownGroups, read_groups, revisions_of
from xomflow.planning.runs.campaigns import Campaign, campaigns_of, with_results
from xomflow.planning.runs.near_tags import describe_near_tags
from xomflow.planning.runs.runs_now import describe_unseen, read_runs
from xomflow.planning.runs.science_runs import ScienceRunTimes, times_of
from xomflow.planning.runs.selection import Selector, matches, selection_key
from xomflow.rundb.complaints import summarize
from xomflow.rundb.database import RunDB, RunQuery
from xomflow.rundb.run import Run
from xomflow.rundb.run_metadata import RunMetadata


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
    done_ids
        Of an analysis over a period: the ids of campaigns that are done, with whatever members.
    known_groups
        What decides which outcomes of groups are current; None if there are neither groups nor such outcomes.
    """

    done: int = 0
    pending: list[Run] = field(default_factory=list)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    campaigns: list[Campaign] = field(default_factory=list)
    done_ids: set[str] = field(default_factory=set)
    known_groups: KnownGroups | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the analysis selects no run at all."""
        return not (self.done or self.pending or self.campaigns)


@dataclass(slots=True)
class PendingWork:
    """The pending runs of all analyses.

    Parameters
    ----------
    analyses
        By analysis, in the order of the configuration.
    foreign
        Files among the outcomes that are no outcomes.
    warnings
        Sentences about run documents that are missing or cannot be understood, about tags that nearly match an excluded
        one, and about analyses that select no run.
    science_runs
        When the science runs were.
    unseen
        Numbers of the runs that the run database had before and does not show now.
    """

    analyses: dict[str, PendingRuns] = field(default_factory=dict)
    foreign: list[Path] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    science_runs: list[ScienceRunTimes] = field(default_factory=list)
    unseen: frozenset[int] = frozenset()

    def known_groups(self, config: Config) -> GroupsOfAll:
        """Return what decides which outcomes of groups are current."""
        return {
            (analysis, config.analyses[analysis].version): runs.known_groups
            for analysis, runs in self.analyses.items()
            if runs.known_groups is not None
        }


def find_pending(config: Config, rundb: RunDB, may_write: bool = False) -> PendingWork:
    """Return the pending work from all run documents and all names of outcomes.

    Parameters
    ----------
    config
        The configuration.
    rundb
        The run database.
    may_write
        Whether the content of the run documents is kept, for publishing and for answers that lack some of them.

    Raises
    ------
    RunDBError
        If the run database does not answer.
    """
    paths, common = Paths(config.work), config.selection
    answer = read_runs(config, rundb, common.min_run, common.max_run)
    if may_write:
        RunMetadata(paths).keep(answer.runs.values(), answer.given_up)
    work = PendingWork(unseen=answer.unseen, science_runs=times_of(config.science_runs, answer.runs))
    work.warnings = [*describe_unseen(answer, rundb), *summarize(answer.complaints)]
    kept, to_redo = read_groups(paths) or {}, outcomes_to_redo(paths)
    if not answer.runs and not answer.complaints:
        work.warnings.append(f"the run database has no run from number {common.min_run} on: {rundb.place}")
    alike: dict[tuple, dict[str, Run]] = {}
    for run in answer.runs.values():
        alike.setdefault(selection_key(run), {})[run.id] = run
    work.warnings += describe_near_tags(config, alike)
    for analysis, block in config.analyses.items():
        listing = list_outcomes(paths, analysis, block.version)
        selector = Selector(common, block)
        revisions: dict[str, Revision] = {}
        if block.period or any(map(is_group, listing.done | listing.superseded)):
            known = kept.get((analysis, block.version), KnownGroups())
            revisions = revisions_of(paths, analysis, block.version, listing, known.revisions)
        again = {key.run for key in to_redo if (key.analysis, key.version) == (analysis, block.version)}
        if block.period:
            found = _pending_campaigns(selector, block.period, answer, listing.failures, revisions, again)
        else:
            # Publishing gives those that are called superseded their names back.
            done = (listing.done | revisions.keys()) - again
            found = _pending_runs(selector, alike.values(), replace(listing, done=done))
            if revisions:
                found.known_groups = _groups_of_single_runs(selector, answer, revisions)
        work.analyses[analysis] = found
        if answer.runs and found.is_empty:
            work.warnings.append(describe_empty_selection(f"analyses.{analysis}", block, alike))
        work.foreign += listing.foreign
    return work


def describe_empty_selection(place: str, block: Analysis, alike: Mapping[tuple, Mapping[str, Run]]) -> str:
    """Return a sentence about an analysis that selects no run, with those of its names that no run has.

    Parameters
    ----------
    place
        The analysis' place in the configuration.
    block
        Its block there.
    alike
        All runs by id, grouped by `selection_key`.
    """
    samples = [next(iter(runs.values())) for runs in alike.values()]
    modes, detectors = {run.mode for run in samples}, {name for run in samples for name in run.detectors}
    unknown = [("mode", name, modes) for name in block.run_modes if not any(matches(mode, [name]) for mode in modes)]
    unknown += [("detector", name, detectors) for name in block.detectors if name not in detectors]
    why = [f", none has the {kind} '{name}'{did_you_mean(name, sorted(known))}" for kind, name, known in unknown]
    return f"{place} selects none of the {sum(map(len, alike.values()))} runs{''.join(why)}"


def _pending_runs(selector: Selector, alike: Iterable[dict[str, Run]], listing: Listing) -> PendingRuns:
    """Return the pending runs of one analysis; the runs of each group have one `selection_key`."""
    found = PendingRuns()
    for group in alike:
        if selector.refusal_by_looks(next(iter(group.values()))):
            continue
        rest = group.keys() - listing.done
        found.done += len(group) - len(rest)
        found.pending += [group[run] for run in rest if not selector.refusal_by_number(group[run].number)]
    found.pending.sort(key=lambda run: -run.number)
    found.failures = {run.id: listing.failures[run.id] for run in found.pending if run.id in listing.failures}
    return found


def _pending_campaigns(
    selector: Selector,
    period: Period,
    answer: RunQuery,
    failures: dict[str, list[Failure]],
    revisions: Mapping[str, Revision],
    again: Collection[str],
) -> PendingRuns:
    """Return the pending campaigns of one analysis; those of ``again`` are to be made again."""
    done = revisions.keys() - set(again)
    unknown = _unknown(selector, answer, revisions.values())
    obscure = unknown | answer.unseen
    unclear = [one for one in answer.complaints if one.number is None or not selector.refusal_by_number(one.number)]
    campaigns = campaigns_of(answer.runs.values(), _Belongs(selector), period, unclear)
    groups = Groups(tuple(tuple(run.number for run in one.members) for one in campaigns), unknown)
    current = [revisions[name] for name in judge(revisions, groups).current]
    rest = [with_results(one, current, obscure) for one in reversed(campaigns) if one.id not in done]
    return PendingRuns(
        done=len(campaigns) - len(rest),
        failures=failures,
        campaigns=rest,
        done_ids=set(done),
        known_groups=KnownGroups(groups, _of_groups(revisions)),
    )


def _groups_of_single_runs(selector: Selector, answer: RunQuery, revisions: Mapping[str, Revision]) -> KnownGroups:
    """Return what decides about outcomes of groups that an analysis of single runs has from before."""
    belongs, of_groups = _Belongs(selector), _of_groups(revisions)
    runs = {run for one in of_groups.values() for run in one.runs}
    alone = tuple((run,) for run in sorted(runs & answer.runs.keys()) if belongs(answer.runs[run]))
    return KnownGroups(Groups(alone, _unknown(selector, answer, of_groups.values()), single=True), of_groups)


def _unknown(selector: Selector, answer: RunQuery, revisions: Iterable[Revision]) -> frozenset[int]:
    """Return the runs with results of which nothing is known now, and no decision against them from before."""
    belongs, unknown = _Belongs(selector), set()
    for number in {run for one in revisions for run in one.runs} - answer.given_up:
        run = answer.runs.get(number, answer.before.get(number))
        is_unknown = number in answer.unseen or number not in answer.runs
        if is_unknown and (belongs(run) if run else not selector.refusal_by_number(number)):
            unknown.add(number)
    return frozenset(unknown)


def _of_groups(revisions: Mapping[str, Revision]) -> dict[str, Revision]:
    return {name: one for name, one in revisions.items() if is_group(name)}


class _Belongs:
    """Whether an analysis is about a run, finished or not; runs that look alike are decided once.

    Parameters
    ----------
    selector
        Decides for the analysis.
    """

    def __init__(self, selector: Selector) -> None:
        self._selector = selector
        self._decided: dict[tuple, bool] = {}

    def __call__(self, run: Run) -> bool:
        key = selection_key(run)
        if key not in self._decided:
            self._decided[key] = not self._selector.refusal_by_kind(run)
        return self._decided[key] and not self._selector.refusal_by_number(run.number)
