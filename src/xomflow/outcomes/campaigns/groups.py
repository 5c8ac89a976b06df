"""The outcomes of groups of runs: which there are, which of them are current, and what their files are called.

Planning finds the groups of today and leaves them in a file, `CurrentResults` applies them for publishing and page.
Without the file no outcome counts as left out by decision; the next tick writes it again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.core.key import Key, first_run, is_group, run_id, shelf_of
from xomflow.core.paths import Paths
from xomflow.decisions.effects import vetoes
from xomflow.decisions.files import standing_decisions
from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.campaigns.current import CurrentOutcomes, Groups, Revision, find_current
from xomflow.outcomes.files import Listing, list_outcomes, superseded_path
from xomflow.outcomes.model import Outcome
from xomlib.files import read_json

# Analysis and version.
Method = tuple[str, str]
GroupsOfAll = Mapping[Method, "KnownGroups"]


@dataclass(frozen=True, slots=True)
class KnownGroups:
    """What planning found about the groups of one analysis and version.

    Parameters
    ----------
    groups
        The groups of today.
    revisions
        The outcomes of groups that were there, by id.
    """

    groups: Groups = field(default_factory=Groups)
    revisions: Mapping[str, Revision] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the form in files."""
        return {
            "members": self.groups.members,
            "unknown": sorted(self.groups.unknown),
            "single": self.groups.single,
            "revisions": {name: one[:3] for name, one in self.revisions.items()},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> KnownGroups:
        """Return what `to_json` wrote."""
        members = tuple(map(_numbers, content["members"]))
        groups = Groups(members, frozenset(_numbers(content["unknown"])), bool(content["single"]))
        revisions = {
            name: Revision(_numbers(runs), _numbers(missing), str(ended))
            for name, (runs, missing, ended) in content["revisions"].items()
        }
        return cls(groups, revisions)


def write_groups(paths: Paths, known: GroupsOfAll) -> None:
    """Leave the groups of today for publishing and page."""
    content = [[*method, one.to_json()] for method, one in known.items()]
    write_kept(paths.groups, json.dumps(content, separators=(",", ":")))


def read_groups(paths: Paths) -> GroupsOfAll | None:
    """Return the groups that planning kept; None if there is no file of them."""
    return read_kept(paths.groups, _parsed)


def revisions_of(
    paths: Paths, analysis: str, version: str, listing: Listing, known: Mapping[str, Revision]
) -> dict[str, Revision]:
    """Return all outcomes of one analysis and version, those called superseded included, by id.

    Parameters
    ----------
    paths, analysis, version
        Where they are.
    listing
        Their names.
    known
        Those that were read before. The id of a group has a digest of its members, so they need not be read again.
    """
    found: dict[str, Revision] = {}
    for name in sorted(listing.done | listing.superseded):
        if not is_group(name):
            found[name] = Revision((first_run(name),), alone=True)
        elif name in known:
            found[name] = known[name]
        else:
            path = paths.outcome(Key(analysis, version, name))
            with contextlib.suppress(OSError, ValueError, TypeError, LookupError):  # publishing reports it
                found[name] = _revision(read_json(path if name in listing.done else superseded_path(path)))
    return found


class CurrentResults:
    """The outcomes that are current, as of one look at all of them.

    Parameters
    ----------
    paths
        Where they are.
    known
        The groups of this survey; None: those that the last one left.
    """

    def __init__(self, paths: Paths, known: GroupsOfAll | None = None) -> None:
        self._paths = paths
        self._decided = standing_decisions(paths)
        self._vetoed: dict[str, dict[str, set[str]]] = {}
        known = (read_groups(paths) or {}) if known is None else known
        self._listings = {method: list_outcomes(paths, *method) for method in known}
        self._revisions = {
            method: revisions_of(paths, *method, self._listings[method], one.revisions) for method, one in known.items()
        }
        self._derived = {method: find_current(self._revisions[method], one.groups) for method, one in known.items()}

    def of(self, shelf: Shelf, outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
        """Return those of the outcomes of a shelf that are current, and have no vetoed run.

        Parameters
        ----------
        shelf
            The shelf.
        outcomes
            Its outcomes by id.
        """
        derived, vetoed = self._derived.get((shelf.analysis, shelf.version)), self._vetoed_for(shelf.analysis)
        if vetoed:
            outcomes = {name: one for name, one in outcomes.items() if not _has_one_of(one, vetoed)}
        if derived is None and any(map(is_group, outcomes)):
            derived = find_current({name: _revision_of(one) for name, one in outcomes.items()}, None)
        return {name: one for name, one in outcomes.items() if derived is None or name in derived.current}

    def vetoed_in(self, shelf: Shelf) -> set[str]:
        """Return the ids of the runs of a shelf that are vetoed for its analysis."""
        return self._vetoed_for(shelf.analysis).get(shelf.name, set())

    def _vetoed_for(self, analysis: str) -> Mapping[str, set[str]]:
        """Return the ids of the runs that are vetoed for an analysis, by shelf."""
        if analysis not in self._vetoed:
            found = self._vetoed[analysis] = dict[str, set[str]]()
            for run in map(run_id, vetoes(self._decided, analysis)):
                found.setdefault(shelf_of(run), set()).add(run)
        return self._vetoed[analysis]

    def marks(self, shelf: Shelf) -> dict[str, str]:
        """Return why current outcomes of a shelf are not made of what their groups are today, by id."""
        derived = self._derived.get((shelf.analysis, shelf.version), CurrentOutcomes())
        return {name: str(mark) for name, mark in derived.current.items() if mark and name.startswith(shelf.name)}

    def describe(self, run: int) -> list[str]:
        """Return a line for each outcome of a group that has a run: whether it is current, and why not."""
        lines = []
        for (analysis, version), derived in self._derived.items():
            for name, one in sorted(self._revisions[analysis, version].items()):
                if is_group(name) and run in one.runs:
                    words = f"{analysis} {version} result {name} of {len(one.runs)} runs"
                    mark = derived.current.get(name)
                    why = f": {mark}" if mark else ""
                    superseded = derived.superseded.get(name)
                    lines.append(f"{words}: superseded: {superseded}" if superseded else f"{words}: current{why}")
        return lines

    def fingerprint(self, shelf: Shelf) -> str:
        """Return a text that changes whenever other outcomes of a shelf are current, or for other reasons."""
        derived, of_analysis = self._derived.get((shelf.analysis, shelf.version)), self._vetoed_for(shelf.analysis)
        vetoed = [run for one in self.shelves(shelf) for run in of_analysis.get(one, ())] if of_analysis else []
        if derived is None and not vetoed:
            return ""
        marks = derived.current.items() if derived else ()
        here = sorted((name, mark) for name, mark in marks if name.startswith(shelf.name))
        return hashlib.sha256(json.dumps([here, sorted(vetoed)]).encode()).hexdigest()[:16]

    def shelves(self, shelf: Shelf) -> list[str]:
        """Return the shelves of all runs of the outcomes of a shelf, in order; a campaign may reach into others."""
        revisions = self._revisions.get((shelf.analysis, shelf.version))
        if revisions is None:  # as of most analyses
            return [shelf.name]
        here = {one.runs for name, one in revisions.items() if name.startswith(shelf.name)}
        return sorted({shelf.name, *(shelf_of(run_id(run)) for runs in here for run in runs)})

    def rename(self) -> list[str]:
        """Rename the files of superseded and of current outcomes; return a sentence for each that failed."""
        problems = []
        for (analysis, version), derived in self._derived.items():
            listing = self._listings[analysis, version]
            for name in sorted(listing.done & derived.superseded.keys()):
                path = self._paths.outcome(Key(analysis, version, name))
                problems += _renamed(path, superseded_path(path))
            for name in sorted(derived.current.keys() & listing.superseded - listing.done):
                path = self._paths.outcome(Key(analysis, version, name))
                problems += _renamed(superseded_path(path), path)
        return problems


def _renamed(old: Path, new: Path) -> list[str]:
    try:
        old.rename(new)
    except OSError as error:
        return [f"{old} cannot be renamed to {new.name}: {error.strerror}"]
    return []


def _revision(document: Any) -> Revision:
    run = document["run"]
    if not run["runs"]:
        raise ValueError("no runs")
    return Revision(_numbers(run["runs"]), _numbers(run["runs_missing"]), str(document["ended"]))


def _has_one_of(outcome: Outcome, vetoed: Mapping[str, Set[str]]) -> bool:
    return any(run in vetoed.get(shelf_of(run), ()) for run in map(run_id, _revision_of(outcome).runs))


def _revision_of(outcome: Outcome) -> Revision:
    runs = _numbers(outcome.run.runs) or (outcome.run.number,)
    return Revision(runs, _numbers(outcome.run.runs_missing), outcome.ended, alone=not outcome.run.runs)


def _numbers(content: Any) -> tuple[int, ...]:
    return tuple(map(int, content))


def _parsed(content: Any) -> dict[Method, KnownGroups]:
    return {(str(analysis), str(version)): KnownGroups.from_json(one) for analysis, version, one in content}
