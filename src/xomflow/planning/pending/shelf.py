"""What is pending among the runs of one shelf."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from xomflow.core import times
from xomflow.core.key import is_group, run_id
from xomflow.outcomes.files import Failure, Listing
from xomflow.planning.pending.overview import Overview
from xomflow.planning.runs.selection import Selector, selection_key
from xomflow.rundb.complaints import Complaint
from xomflow.rundb.run import Run

# Runs by id, in groups with equal `selection_key`.
EqualRuns = Collection[Mapping[str, Run]]


@dataclass(frozen=True, slots=True)
class PendingShelf:
    """What is pending on one shelf for one analysis.

    Parameters
    ----------
    stamp
        Differs whenever the outcomes do, or the decisions about them; empty: that cannot be seen.
    done
        Number of selected runs that are done.
    pending
        Numbers of the selected runs that are not, newest first.
    failures
        Their failed attempts, by run id.
    foreign
        Files that are no outcomes.
    has_groups
        Whether there are outcomes of groups of runs.
    kinds
        Of an analysis over a period: differs whenever its campaigns do, or runs that part them.
    """

    stamp: str
    done: int = 0
    pending: list[int] = field(default_factory=list)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)
    has_groups: bool = False
    kinds: str = ""

    def to_json(self) -> list[Any]:
        """Return the form in files: short, since there may be 12,000 of them."""
        failures = {
            run: [[one.attempt, one.kind, times.text(one.ended)] for one in of] for run, of in self.failures.items()
        }
        return [self.stamp, self.done, self.pending, failures, self.foreign, self.has_groups, self.kinds]

    @classmethod
    def from_json(cls, content: Any) -> PendingShelf:
        """Return what `to_json` wrote."""
        stamp, done, pending, failures, foreign, has_groups, kinds = content
        parsed = {run: [Failure(n, kind, times.moment(ended)) for n, kind, ended in of] for run, of in failures.items()}
        return cls(str(stamp), int(done), pending, parsed, foreign, bool(has_groups), str(kinds))


@dataclass(slots=True)
class KnownShelf:
    """What is known about one shelf of runs.

    Parameters
    ----------
    digest
        Digest of the run documents; empty: their changes cannot be seen.
    seen
        Differs whenever the runs do that are kept of earlier documents, or the decisions about them.
    overview
        What there is among the runs.
    complaints
        The documents that cannot be understood.
    unseen, given_up
        Numbers of runs, see `xomflow.rundb.query.RunQuery`.
    analyses
        What is pending, by analysis.
    """

    digest: str
    seen: str
    overview: Overview = field(default_factory=Overview)
    complaints: list[Complaint] = field(default_factory=list)
    unseen: list[int] = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)
    analyses: dict[str, PendingShelf] = field(default_factory=dict)

    @property
    def wanted(self) -> set[int]:
        """Numbers of the runs that are pending for any analysis."""
        return {number for one in self.analyses.values() for number in one.pending}

    def to_json(self) -> dict[str, Any]:
        """Return the form in files."""
        return {
            "digest": self.digest,
            "seen": self.seen,
            "overview": self.overview.to_json(),
            "complaints": [one.to_json() for one in self.complaints],
            "unseen": self.unseen,
            "given_up": self.given_up,
            "analyses": {name: one.to_json() for name, one in self.analyses.items()},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> KnownShelf:
        """Return what `to_json` wrote."""
        return cls(
            str(content["digest"]),
            str(content["seen"]),
            Overview.from_json(content["overview"]),
            [Complaint.from_json(one) for one in content["complaints"]],
            content["unseen"],
            content["given_up"],
            {name: PendingShelf.from_json(one) for name, one in content["analyses"].items()},
        )


def by_selection_key(runs: Iterable[Run]) -> EqualRuns:
    """Return runs in groups with equal `selection_key`: each is decided once."""
    groups: dict[tuple, dict[str, Run]] = {}
    for run in runs:
        groups.setdefault(selection_key(run), {})[run.id] = run
    return groups.values()


def pending_shelf(
    selector: Selector, groups: EqualRuns, listing: Listing, again: Collection[str], stamp: str
) -> PendingShelf:
    """Return what is pending on a shelf for an analysis of single runs.

    Parameters
    ----------
    selector
        Decides for the analysis.
    groups
        The runs of the shelf.
    listing
        The names of its outcomes.
    again
        Ids of the runs whose outcomes do not count: they are to be made again, or vetoed.
    stamp
        See `PendingShelf`.
    """
    done, finished, pending = 0, listing.done.difference(again), []
    for group in groups:
        if selector.refusal_by_looks(next(iter(group.values()))):
            continue
        rest = group.keys() - finished
        done += len(group) - len(rest)
        pending += [group[run].number for run in rest if not selector.refusal_by_number(group[run].number)]
    pending.sort(reverse=True)
    failures = {run: listing.failures[run] for run in map(run_id, pending) if run in listing.failures}
    has_groups = bool(listing.superseded) or any(map(is_group, listing.done))
    return PendingShelf(stamp, done, pending, failures, list(map(str, listing.foreign)), has_groups)


def kinds_of(selector: Selector, runs: Iterable[Run]) -> str:
    """Return a digest of all that the campaigns of an analysis depend on among runs whose documents are all clear.

    Between two runs that belong, it only matters which modes and detectors there are.
    """
    return hashlib.sha256(json.dumps(list(_kinds(selector, runs))).encode()).hexdigest()[:32]


def _kinds(selector: Selector, runs: Iterable[Run]) -> Iterator[Any]:
    between: set[tuple[str, tuple[str, ...]]] = set()
    for run in sorted(runs, key=lambda run: run.number):
        if selector.refusal_in_groups(run.number) or selector.refusal_by_kind(run):
            between.add((run.mode, tuple(sorted(run.detectors))))
            continue
        yield sorted(between)
        between.clear()
        yield run.as_document()
    yield sorted(between)
