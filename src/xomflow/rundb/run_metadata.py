"""The present metadata of runs: tags, comments, mode, source and rates, which may change after the analysis.

Discovery reads all run documents and keeps what XOM uses of them where it changed. Publishing makes points of it and of
the outcomes; and a run that an answer of the run database lacks stays as it was last seen, since absence proves
nothing. Deleted, it comes back with the next tick.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from xomflow.core import times
from xomflow.core.files.kept_json import dict_of, read_kept, write_kept
from xomflow.core.key import RUN_DIGITS, run_id, shelf_of
from xomflow.core.paths import Paths
from xomflow.rundb.run import Run
from xomflow.rundb.united import RunEntries

# Changes that are kept of each shelf, and runs in one change: enough for a day of ticks.
_MOST_STEPS, _MOST_RUNS = 50, 200
_KNOWN = {*RunEntries._fields, "rest", "since"}
_TEXT = {str}
_entries_of = itemgetter("mode", "source", "tags", "comments", "rate")


class _Step(NamedTuple):
    """A change of the metadata of a shelf: the digests before and after it, and the ids of the runs that changed."""

    before: str
    after: str
    runs: list[str]


class RunMetadata:
    """The kept metadata of all runs.

    Parameters
    ----------
    paths
        Where they are kept.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._digests: dict[str, str] = read_kept(paths.run_metadata_digests, dict_of(str)) or {}
        self._steps: dict[str, list[_Step]] = read_kept(paths.run_metadata_changes, _steps) or {}

    def keep(self, runs: Iterable[Run], given_up: Iterable[int] = ()) -> None:
        """Keep what the documents of these runs have; what is kept of other runs stays, see `unseen_runs`.

        Parameters
        ----------
        runs
            The runs.
        given_up
            Numbers of runs that are gone. If one comes back, it counts as seen from then on.
        """
        gone = set(map(run_id, given_up))
        shelves: dict[str, list[Run]] = {shelf_of(run): [] for run in gone}
        for run in sorted(runs, key=lambda run: run.number):
            shelves.setdefault(shelf_of(run.id), []).append(run)
        changed = False
        for shelf, members in shelves.items():
            text = json.dumps([(run.number, *run.entries, *_rest(run)) for run in members])
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            kept = self._kept(shelf)
            leaving = [name for name in gone if "rest" in kept.get(name, ())]
            whole = all("rest" in kept.get(run.id, ()) for run in members)
            if whole and not leaving and (not members or self._digests.get(shelf) == digest):
                continue
            for name in leaving:
                del kept[name]["rest"]
            now = {run.id: _kept_form(run, kept.get(run.id, {})) for run in members}
            write_kept(self._paths.run_metadata(shelf), json.dumps(kept | now))
            differ = [*leaving, *(name for name, entry in now.items() if _differ(entry, kept.get(name, {})))]
            step = _Step(self._digests.get(shelf, ""), digest, differ)
            traceable = kept and len(differ) <= _MOST_RUNS
            self._steps[shelf] = [*self._steps.get(shelf, []), step][-_MOST_STEPS:] if traceable else []
            self._digests[shelf] = digest
            changed = True
        if changed:
            write_kept(self._paths.run_metadata_changes, json.dumps(self._steps))
            write_kept(self._paths.run_metadata_digests, json.dumps(self._digests))

    def unseen_runs(
        self,
        seen: Collection[int],
        min_run: int,
        max_run: int | None,
        given_up: Mapping[int, datetime] = MappingProxyType({}),
    ) -> dict[int, Run]:
        """Return the runs that were kept before and are not among those seen now, each as it was last seen.

        Parameters
        ----------
        seen
            Numbers of the runs that are not missed, such as those with a document that cannot be understood.
        min_run, max_run
            The range of numbers that the run database was asked about.
        given_up
            When a person decided that a run is gone; it is missed again if it has come back since.
        """
        last = 10**RUN_DIGITS - 1 if max_run is None else min(max_run, 10**RUN_DIGITS - 1)
        shelves = {shelf_of(run_id(min_run)), shelf_of(run_id(last))}
        unseen = {}
        for shelf in sorted(self._digests):
            for name, entry in self._kept(shelf).items() if min(shelves) <= shelf <= max(shelves) else ():
                number = int(name) if name.isdecimal() else -1
                if not min_run <= number <= last or number in seen:
                    continue
                if number in given_up and given_up[number].timestamp() >= entry.get("since", 0):
                    continue
                if (run := _run(number, entry)) is not None:
                    unseen[number] = run
        return unseen

    @property
    def shelves(self) -> frozenset[str]:
        """The shelves of which metadata are kept."""
        return frozenset(self._digests)

    def stamp(self, shelf: str) -> str:
        """Return a text that differs whenever the kept file of a shelf does; empty if there is none."""
        try:
            status = self._paths.run_metadata(shelf).stat()
        except OSError:
            return ""
        return f"{status.st_mtime_ns} {status.st_size} {status.st_ino}" if shelf in self._digests else ""

    def runs(self, shelf: str) -> dict[int, Run]:
        """Return the runs of a shelf as they were last seen, by number; not those that were given up."""
        kept = ((int(name), entry) for name, entry in self._kept(shelf).items() if name.isdecimal())
        return {number: run for number, entry in kept if (run := _run(number, entry)) is not None}

    def digest(self, shelf: str) -> str:
        """Return a text that differs whenever the metadata of a shelf do."""
        return self._digests.get(shelf, "")

    def changed_since(self, shelf: str, digest: str) -> set[str] | None:
        """Return the ids of the runs of a shelf whose metadata are not those of an earlier digest; None: any run."""
        runs: set[str] = set()
        wanted = self._digests.get(shelf)
        for step in reversed(self._steps.get(shelf, [])):
            if wanted == digest or step.after != wanted:
                break
            runs.update(step.runs)
            wanted = step.before
        return runs if digest and wanted == digest else None

    def of(self, shelf: str) -> dict[str, RunEntries]:
        """Return the metadata of a shelf's runs, by run id; a run that was never seen has none."""
        return {run: entries for run, one in self._kept(shelf).items() if (entries := _parsed(one)) is not None}

    def _kept(self, shelf: str) -> dict[str, dict[str, Any]]:
        return read_kept(self._paths.run_metadata(shelf), dict_of(dict)) or {}


def _differ(entry: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Return whether two kept forms differ in what results have of a run."""
    return any(name not in before or before[name] != entry[name] for name in RunEntries._fields)


def _steps(content: Any) -> dict[str, list[_Step]]:
    return {
        str(shelf): [_Step(str(before), str(after), list(map(str, runs))) for before, after, runs in steps]
        for shelf, steps in content.items()
    }


def _kept_form(run: Run, before: dict[str, Any]) -> dict[str, Any]:
    """Return the kept form of a run, with the time since when it has been there without being given up."""
    since = before.get("since", 0) if "rest" in before else times.now().timestamp()
    return {**run.entries._asdict(), "rest": _rest(run), "since": since}


def _rest(run: Run) -> list[Any]:
    """Return what a run has beside its metadata: with both it can be made again."""
    end = run.end.timestamp() if run.end else None
    return [run.status, sorted(run.detectors), run.start.timestamp(), end, dict(run.rate_max)]


def _run(number: int, kept: dict[str, Any]) -> Run | None:
    """Return a run as it was kept; None if its entry is damaged, or of version 1.0, which kept less."""
    entries = _parsed(kept)
    if entries is None:
        return None
    try:
        status, detectors, start, end, highest = kept["rest"]
        return Run(
            number,
            entries.mode,
            entries.source,
            str(status),
            _set_of(tuple(map(str, detectors))),
            _set_of(tuple(entries.tags)),
            datetime.fromtimestamp(start, UTC),
            None if end is None else datetime.fromtimestamp(end, UTC),
            tuple(entries.rate.items()),
            tuple((str(name), float(rate)) for name, rate in highest.items()),
            tuple(entries.comments),
        )
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, OSError):
        return None


@functools.lru_cache(maxsize=10_000)  # most runs have the same detectors and few tags
def _set_of(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(names)


def _parsed(kept: dict[str, Any]) -> RunEntries | None:
    """Return kept entries; None if they are damaged. Those of version 1.0 had no length."""
    try:  # fast: a command reads 60,000 of them
        mode, source, tags, comments, rate = _entries_of(kept)
        seconds = kept.get("seconds")
        numbers = [seconds or 0, *rate.values()]
        good = kept.keys() <= _KNOWN and type(tags) is type(comments) is list
        good = good and all(map(math.isfinite, numbers)) and {type(mode), type(source)} == _TEXT
        good = good and _TEXT.issuperset(map(type, tags)) and _TEXT.issuperset(map(type, comments))
    except (LookupError, TypeError, AttributeError, OverflowError):
        return None
    return RunEntries(mode, source, tags, comments, rate, seconds) if good else None
