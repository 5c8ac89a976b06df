"""What is left to decide: for each analysis the selected runs that are not done, and the failures there were.

Taking the inventory means reading all run documents and all names of outcomes. It is kept, and taken again only when
the documents, the outcomes' folders, the configuration or the code changed, so a tick in which nothing happened is
cheap however many runs there are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xomflow.config.model import Analysis, Config, Period
from xomflow.core import times
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import Paths
from xomflow.outcomes.files import Failure, Listing, list_outcomes, list_shelves
from xomflow.planning.campaigns import Campaign, as_run, campaigns_of
from xomflow.planning.selection import Selector, matches, selection_key
from xomflow.rundb.database import RunDB, RunQuery
from xomflow.rundb.run import Run, run_of
from xomflow.rundb.run_metadata import RunMetadata
from xomlib.files import read_json, write_atomically

_PACKAGE = Path(__file__).resolve().parents[1]
# More pending runs than this are not worth keeping: a backfill changes them in every tick.
_MOST_KEPT = 5000


@dataclass(slots=True)
class PendingRuns:
    """The runs of one analysis.

    Parameters
    ----------
    done
        Number of selected runs that are done.
    pending
        Selected runs that are not, newest first.
    failures
        Their failed attempts, by run id.
    groups
        Of an analysis over a period: the groups of runs that are not done with all their members.
    done_ids
        Of an analysis over a period: the groups that are done, with whatever members.
    """

    done: int = 0
    pending: list[Run] = field(default_factory=list)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    groups: list[Campaign] = field(default_factory=list)
    done_ids: set[str] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        """Whether there is no run that the analysis looks at."""
        return not (self.done or self.pending or self.groups)


@dataclass(slots=True)
class PendingWork:
    """The stocks of all analyses.

    Parameters
    ----------
    stocks
        By analysis.
    foreign
        Files among the outcomes that are none.
    problems
        Sentences about documents that could not be understood.
    """

    stocks: dict[str, PendingRuns] = field(default_factory=dict)
    foreign: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def find_pending(settings: Config, rundb: RunDB, facts: RunMetadata | None = None) -> PendingWork:
    """Read everything and take the inventory; `RunDBError` if the run database cannot be asked.

    Parameters
    ----------
    settings
        The configuration.
    rundb
        The run database.
    facts
        Where what the documents say is kept for publishing; nothing: it is not kept.
    """
    paths, common = Paths(settings.work), settings.selection
    answer = rundb.runs(common.min_run, common.max_run)
    if facts is not None:
        facts.keep(answer.runs.values())
    inventory = PendingWork(problems=answer.problems)
    if not answer.runs and not answer.problems:
        inventory.problems.append(f"the run database has no run from number {common.min_run} on: {rundb.place}")
    groups: dict[tuple, dict[str, Run]] = {}
    for run in answer.runs.values():
        groups.setdefault(selection_key(run), {})[run.id] = run
    for analysis, block in settings.analyses.items():
        names = list_outcomes(paths, analysis, block.version)
        selector = Selector(common, block)
        if block.period:
            stock = _stock_of_groups(selector, block.period, answer, names)
        else:
            stock = _stock(selector, groups.values(), names.done)
            stock.failures = {run.id: names.failures[run.id] for run in stock.pending if run.id in names.failures}
        inventory.stocks[analysis] = stock
        if answer.runs and stock.is_empty:
            inventory.problems.append(nothing_selected(f"analyses.{analysis}", block, groups))
        inventory.foreign += names.foreign
    return inventory


def nothing_selected(place: str, block: Analysis, groups: Mapping[tuple, Mapping[str, Run]]) -> str:
    """Say that an analysis selects no run at all, and which of the names it asks for no run has.

    Parameters
    ----------
    place
        The analysis' place in the configuration.
    block
        What it asks for.
    groups
        All runs; those of a group look alike to selection.
    """
    alike = [next(iter(runs.values())) for runs in groups.values()]
    modes, detectors = {run.mode for run in alike}, {name for run in alike for name in run.detectors}
    unknown = [("mode", name, modes) for name in block.run_modes if not any(matches(mode, [name]) for mode in modes)]
    unknown += [("detector", name, detectors) for name in block.detectors if name not in detectors]
    why = [f", none has the {kind} '{name}'{did_you_mean(name, sorted(known))}" for kind, name, known in unknown]
    return f"{place} selects none of the {sum(map(len, groups.values()))} runs{''.join(why)}"


def _stock(selector: Selector, groups: Iterable[dict[str, Run]], done: set[str]) -> PendingRuns:
    """Take stock of one analysis; each group holds runs that look alike to selection."""
    stock = PendingRuns()
    for group in groups:
        if selector.refusal_by_looks(next(iter(group.values()))):
            continue
        rest = group.keys() - done
        stock.done += len(group) - len(rest)
        stock.pending += [group[run] for run in rest if not selector.refusal_by_number(group[run].number)]
    stock.pending.sort(key=lambda run: -run.number)
    return stock


def _stock_of_groups(selector: Selector, period: Period, answer: RunQuery, names: Listing) -> PendingRuns:
    """Take stock of an analysis over a period."""
    alike: dict[tuple, bool] = {}

    def belongs(run: Run) -> bool:
        look = selection_key(run)
        if look not in alike:
            alike[look] = not selector.refusal_by_kind(run)
        return alike[look] and not selector.refusal_by_number(run.number)

    groups = campaigns_of(answer.runs.values(), belongs, period, answer.unclear)
    done = {group for group in groups if as_run(group.members).id in names.done}
    rest = [group for group in reversed(groups) if group not in done]
    return PendingRuns(done=len(done), failures=names.failures, groups=rest, done_ids=names.done)


def load_pending(settings: Config, rundb: RunDB, may_write: bool) -> PendingWork:
    """Return the kept inventory if nothing changed since, else take it anew and, if allowed, keep it.

    Deleting what is kept changes nothing but the time this takes.
    """
    paths = Paths(settings.work)
    place, facts = paths.cache / "inventory.json", RunMetadata(paths)
    before = fingerprint(settings, rundb)
    inventory = _read(place, before)
    if inventory is not None and (facts.known or not may_write):
        return inventory
    inventory = find_pending(settings, rundb, facts if may_write else None)
    small = sum(len(stock.pending) for stock in inventory.stocks.values()) <= _MOST_KEPT
    # The second look makes sure that nothing changed while the inventory was taken.
    if may_write and before and small and fingerprint(settings, rundb) == before:
        write_atomically(place, json.dumps({"fingerprint": before, **_packed(inventory)}))
    return inventory


def fingerprint(settings: Config, rundb: RunDB) -> str:
    """Return a text that differs whenever the inventory might; empty if that cannot be told.

    Outcomes come and go by renaming, which changes the time stamp of their folder.
    """
    documents = rundb.stamp(settings.selection.min_run, settings.selection.max_run)
    if not documents:
        return ""
    code = [source.stat().st_mtime_ns for source in sorted(_PACKAGE.rglob("*.py"))]
    stamps: list[Any] = [code, documents, settings.model_dump(mode="json")]
    newest = 0
    paths = Paths(settings.work)
    for analysis, block in settings.analyses.items():
        for shelf in [paths.shelves(analysis, block.version), *list_shelves(paths, analysis, block.version)]:
            changed = shelf.stat().st_mtime_ns if shelf.exists() else 0
            newest = max(newest, changed)
            stamps.append([str(shelf), changed])
    if not times.settled(newest):
        return ""
    return hashlib.sha256(json.dumps(stamps, sort_keys=True).encode()).hexdigest()


def _read(place: Path, wanted: str) -> PendingWork | None:
    try:
        packed = read_json(place)
        if not wanted or packed["fingerprint"] != wanted:
            return None
        stocks = {
            analysis: PendingRuns(
                done,
                [run_of(document) for document in pending],
                {run: [Failure(n, kind, times.moment(ended)) for n, kind, ended in one] for run, one in failed.items()},
                [Campaign(tuple(map(run_of, members)), closed, tuple(unclear)) for members, closed, unclear in groups],
                set(done_ids),
            )
            for analysis, (done, pending, failed, groups, done_ids) in packed["stocks"].items()
        }
        return PendingWork(stocks, [Path(path) for path in packed["foreign"]], packed["problems"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _packed(inventory: PendingWork) -> dict[str, Any]:
    return {
        "stocks": {
            analysis: [
                stock.done,
                [run.as_document() for run in stock.pending],
                {
                    run: [[failure.attempt, failure.kind, times.text(failure.ended)] for failure in failures]
                    for run, failures in stock.failures.items()
                },
                [
                    [[run.as_document() for run in group.members], group.closed, list(group.unclear)]
                    for group in stock.groups
                ],
                sorted(stock.done_ids),
            ]
            for analysis, stock in inventory.stocks.items()
        },
        "foreign": [str(path) for path in inventory.foreign],
        "problems": inventory.problems,
    }
