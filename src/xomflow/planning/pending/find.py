"""Find the pending work; only shelves in which something changed are read again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.files.folder_marks import mark
from xomflow.core.key import is_shelf, run_id, shelf_of
from xomflow.core.paths import Paths
from xomflow.decisions.effects import backfilled, vetoes
from xomflow.decisions.files import standing_decisions
from xomflow.jobs.redo import outcomes_to_redo
from xomflow.outcomes.campaigns.groups import KnownGroups, read_groups, revisions_of
from xomflow.outcomes.files import list_outcomes, list_shelf
from xomflow.planning.pending.kept import Kept, common_fingerprint, read_kept_work, write_kept_work
from xomflow.planning.pending.outcome_stamps import OutcomeStamps
from xomflow.planning.pending.overview import Overview
from xomflow.planning.pending.periods import pending_of_all, unclear_for
from xomflow.planning.pending.shelf import (
    EqualRuns,
    KnownShelf,
    PendingShelf,
    by_selection_key,
    kinds_of,
    pending_shelf,
)
from xomflow.planning.pending.work import PendingRuns, PendingWork
from xomflow.planning.runs.near_tags import describe_near_tags
from xomflow.planning.runs.runs_now import complete, describe_unseen, given_up
from xomflow.planning.runs.science_runs import times_of
from xomflow.planning.runs.selection import Selector
from xomflow.rundb.complaints import summarize
from xomflow.rundb.database import RunDB
from xomflow.rundb.query import RunQuery, is_out_of_range
from xomflow.rundb.run import Run
from xomflow.rundb.run_metadata import RunMetadata
from xomflow.rundb.shelves import Shelves

# Shelves that are read at a time: the runs of all of them need not be in memory together.
_SHELVES_AT_A_TIME = 64
_NO_DOCUMENTS = "no documents"


def load_pending(config: Config, rundb: RunDB, may_write: bool, anew: bool = False) -> PendingWork:
    """Return the pending work, from all run documents and all names of outcomes.

    Parameters
    ----------
    config, rundb
        The configuration and the run database.
    may_write
        Whether what was found may be kept, the content of the run documents too: for publishing, and for answers that
        lack some of them.
    anew
        Whether to look at everything, whatever is kept.

    Raises
    ------
    RunDBError
        If the run database does not answer.
    """
    return _Look(config, rundb, may_write, anew).work()


def find_pending(config: Config, rundb: RunDB, may_write: bool = False) -> PendingWork:
    """Return the pending work without regard to what is kept, see `load_pending`."""
    return load_pending(config, rundb, may_write, anew=True)


class _Look:
    """One look at all runs and outcomes.

    Parameters
    ----------
    config, rundb, may_write, anew
        As for `load_pending`.
    """

    def __init__(self, config: Config, rundb: RunDB, may_write: bool, anew: bool) -> None:
        self._config = config
        self._rundb = rundb
        self._may_write = may_write
        self._paths = Paths(config.work)
        self._ends = config.selection.min_run, config.selection.max_run
        self._metadata = RunMetadata(self._paths)
        self._decided = given_up(self._paths)
        decided = standing_decisions(self._paths)
        # All results are by the names in lists: a trial has one of its own beside its analysis.
        self._blocks = config.blocks
        self._selectors = {
            name: Selector(config.selection, block, vetoes(decided, one), backfilled(decided, one, block.version))
            for name, (one, block) in self._blocks.items()
        }
        self._to_redo = outcomes_to_redo(self._paths)
        common = common_fingerprint(config)
        self._kept = Kept(common) if anew else read_kept_work(self._paths.pending, common)
        self._documents = rundb.fingerprint(*self._ends)
        self._source: Shelves | None = None
        # Before all stamps; what is younger is looked at again.
        now = times.now_of(mark(self._paths.outcomes) if may_write else None)
        self._stamps = OutcomeStamps(self._paths, self._blocks, self._selectors, self._to_redo, now)
        self._runs: dict[str, dict[int, Run]] = {}
        self._everything: RunQuery | None = None

    # --- shelves of runs ---------------------------------------------------------------------------------------------
    def work(self) -> PendingWork:
        """Return the pending work."""
        known = self._shelves()
        whole = {name: found for name in self._blocks if (found := self._whole(name, known))}
        work = self._joined(known, {name: runs for name, (_, runs) in whole.items()})
        present = Kept(self._kept.common, self._documents, known, whole)
        if self._may_write and present != self._kept:
            write_kept_work(self._paths.pending, present)
        return work

    def _shelves(self) -> dict[str, KnownShelf]:
        """Return all shelves of runs or outcomes; those that changed are read."""
        digests = self._digests()
        names = digests.keys() | self._metadata.shelves | self._stamps.shelves
        known = {}
        for name in sorted(names):
            kept = self._kept.shelves.get(name)
            digest = digests.get(name, _NO_DOCUMENTS)
            if kept and digest and (kept.digest, kept.seen) == (digest, self._seen(name)):
                known[name] = replace(kept, analyses=dict(kept.analyses))
                self._look_at_outcomes(name, known[name])
        while left := sorted(names - known.keys()):
            known |= self._read(left[:_SHELVES_AT_A_TIME])
        return dict(sorted(known.items(), reverse=True))

    def _digests(self) -> Mapping[str, str]:
        known = {name: one.digest for name, one in self._kept.shelves.items()}
        if self._documents and self._documents == self._kept.documents:
            return known
        return self._documents_by_shelf().digests(known)

    def _documents_by_shelf(self) -> Shelves:
        if self._source is None:
            self._source = self._rundb.shelves(*self._ends)
        return self._source

    def _seen(self, name: str) -> str:
        decided = [(number, when.isoformat()) for number, when in self._decided_in(name).items()]
        return f"{self._metadata.stamp(name)} {decided or ''}"

    def _decided_in(self, name: str) -> dict[int, datetime]:
        return {number: when for number, when in self._decided.items() if shelf_of(run_id(number)) == name}

    def _read(self, names: Collection[str]) -> dict[str, KnownShelf]:
        """Read the documents of some shelves, or of all if these cannot be told apart."""
        answers = self._answers(names)
        if self._may_write:
            runs = [run for _, answer in answers.values() for run in answer.runs.values()]
            gone = [number for _, answer in answers.values() for number in answer.given_up]
            self._metadata.keep(runs, gone)
        known = {}
        for name, (digest, answer) in answers.items():
            groups = by_selection_key(answer.runs.values())
            shelf = known[name] = KnownShelf(digest, self._seen(name), Overview.of(groups, self._config.science_runs))
            shelf.complaints, shelf.unseen = answer.complaints, sorted(answer.unseen)
            shelf.given_up = sorted(answer.given_up)
            self._runs[name] = answer.runs
            self._look_at_outcomes(name, shelf, groups)
        return known

    def _answers(self, names: Collection[str]) -> dict[str, tuple[str, RunQuery]]:
        read = self._documents_by_shelf().read(names)
        answers = {}
        for name in {*names, *read}:
            digest, answer = read.get(name, (_NO_DOCUMENTS, RunQuery()))
            if is_shelf(name):
                first, (lowest, highest) = int(name) * 1000, self._ends
                last = first + 999
                ends = max(first, lowest), last if highest is None else min(last, highest)
                complete(answer, self._metadata, self._decided_in(name), ends)
            answers[name] = (digest, answer)
        return answers

    # --- outcomes ----------------------------------------------------------------------------------------------------
    def _look_at_outcomes(self, name: str, shelf: KnownShelf, groups: EqualRuns | None = None) -> None:
        """Find what is pending on a shelf for the analyses of which that may have changed."""
        for analysis in self._blocks:
            stamp = self._stamps.of(analysis, name)
            known = shelf.analyses.get(analysis)
            if known is not None and stamp and known.stamp == stamp:
                continue
            groups = by_selection_key(self._runs_of(name, shelf).values()) if groups is None else groups
            shelf.analyses[analysis] = self._pending_on(analysis, name, groups, stamp)
        if name in self._runs:  # the others need not stay in memory
            self._runs[name] = {number: self._runs[name][number] for number in shelf.wanted}

    def _pending_on(self, analysis: str, name: str, groups: EqualRuns, stamp: str) -> PendingShelf:
        (of, block), selector = self._blocks[analysis], self._selectors[analysis]
        if not name:  # of documents without a run number
            return PendingShelf(stamp)
        listing = list_shelf(self._paths.shelves(of, block.version) / name)
        if not block.period:
            return pending_shelf(selector, groups, listing, self._stamps.not_counted(analysis, name), stamp)
        kinds = kinds_of(selector, [run for group in groups for run in group.values()])
        return PendingShelf(stamp, foreign=list(map(str, listing.foreign)), kinds=kinds)

    def _runs_of(self, name: str, shelf: KnownShelf) -> dict[int, Run]:
        """Return the runs of a shelf whose documents have not changed, as they were kept, else read again."""
        if name not in self._runs:
            unclear = {one.number for one in shelf.complaints}
            kept = self._metadata.runs(name)
            runs = {n: run for n, run in kept.items() if n not in unclear and not is_out_of_range(n, *self._ends)}
            is_whole = len(runs) == shelf.overview.runs
            self._runs[name] = runs if is_whole else self._answers([name])[name][1].runs
        return self._runs[name]

    # --- all shelves together ----------------------------------------------------------------------------------------
    def _joined(self, known: Mapping[str, KnownShelf], whole: Mapping[str, PendingRuns]) -> PendingWork:
        overview = Overview()
        for shelf in known.values():
            overview.add(shelf.overview)
        complaints = [one for name in sorted(known) for one in known[name].complaints]
        work = PendingWork(science_runs=times_of(self._config.science_runs, overview.spans), to_redo=self._to_redo)
        work.unseen = frozenset(number for shelf in known.values() for number in shelf.unseen)
        # If the run database shows none of them, monitoring stops: a person must get a mail.
        told = work.for_person if len(work.unseen) == overview.runs else work.warnings
        told += describe_unseen(work.unseen, self._rundb)
        work.warnings += summarize(complaints)
        if not overview.runs and not complaints:
            least = self._ends[0]
            work.warnings.append(f"the run database has no run from number {least} on: {self._rundb.place}")
        work.warnings += describe_near_tags(self._config, overview.tags)
        for analysis, (of, block) in self._blocks.items():
            found = whole.get(analysis) or self._runs_pending(analysis, known)
            work.analyses[analysis] = found
            if overview.runs and found.is_empty and analysis == of:
                work.warnings.append(overview.describe_empty_selection(f"analyses.{analysis}", block))
            work.foreign += [Path(path) for shelf in known.values() for path in shelf.analyses[analysis].foreign]
        return work

    def _runs_pending(self, analysis: str, known: Mapping[str, KnownShelf]) -> PendingRuns:
        found = PendingRuns()
        for name, shelf in known.items():
            here = shelf.analyses[analysis]
            found.done += here.done
            found.failures |= here.failures
            if here.pending:
                runs = self._runs_of(name, shelf)
                found.pending += [runs[number] for number in here.pending]
        return found

    def _whole(self, analysis: str, known: Mapping[str, KnownShelf]) -> tuple[str, PendingRuns] | None:
        """Return the pending runs of an analysis whose runs depend on each other, with their fingerprint; else None."""
        of, block = self._blocks[analysis]
        if not block.period and not any(shelf.analyses[analysis].has_groups for shelf in known.values()):
            return None
        kept = self._kept.whole.get(analysis)
        if kept and kept[0] == self._fingerprint(analysis, known, kept[1]):
            return kept
        listing = list_outcomes(self._paths, of, block.version)
        groups = (read_groups(self._paths) or {}).get((of, block.version), KnownGroups())
        revisions = revisions_of(self._paths, of, block.version, listing, groups.revisions)
        again = {run for name in known for run in self._stamps.not_counted(analysis, name)}
        selector = self._selectors[analysis]
        found = pending_of_all(selector, block, self._all_runs(known), listing, revisions, again)
        return self._fingerprint(analysis, known, found), found

    def _fingerprint(self, analysis: str, known: Mapping[str, KnownShelf], found: PendingRuns) -> str:
        """Return a text that differs whenever what was found for an analysis might; empty if that cannot be seen."""
        assert found.known_groups is not None
        # A document of any kind makes such a run known.
        watched = {shelf_of(run_id(number)) for number in found.known_groups.groups.unknown}
        selector = self._selectors[analysis]
        complaints = [one for shelf in known.values() for one in shelf.complaints]
        by_kind = self._blocks[analysis][1].period and not unclear_for(selector, complaints)
        content = []
        for name, shelf in known.items():
            here = shelf.analyses[analysis]
            only_kinds = by_kind and name not in watched
            if not (here.stamp and (only_kinds or shelf.digest)):
                return ""
            runs = [here.kinds] if only_kinds else [shelf.digest, shelf.seen]
            content.append([name, here.stamp, shelf.unseen, shelf.given_up, *runs])
        return hashlib.sha256(json.dumps([content, list(map(str, complaints))]).encode()).hexdigest()

    def _all_runs(self, known: Iterable[str]) -> RunQuery:
        if self._everything is None:
            everything = RunQuery()
            for _, answer in self._answers(list(known)).values():
                everything.runs |= answer.runs
                everything.complaints += answer.complaints
                everything.unseen |= answer.unseen
                everything.given_up |= answer.given_up
                everything.before |= answer.before
            self._everything = everything
        return self._everything
