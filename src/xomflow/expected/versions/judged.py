"""How far the results of one version of an analysis are judged: a cache that replays equal.

It has, for each shelf, which results were seen, then the verdicts, the events, and states of the judge. If results,
decisions or settings change, judging goes on from the newest state before the first change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.core.key import first_run
from xomflow.core.paths import Paths
from xomflow.core.verdicts import bands_line
from xomflow.expected.event import Event
from xomflow.expected.judge import Judge
from xomflow.expected.method.settings import Settings
from xomflow.expected.versions.bands_file import BandsFile
from xomflow.expected.versions.decided import Decided
from xomflow.expected.versions.history import History, Judgeable
from xomflow.expected.versions.seeding import Seeding
from xomflow.expected.versions.states import EVERY, Reached, States
from xomflow.outcomes.cache import Shelf

_FORM = 1
# Before and after any run.
_FIRST, _END = "000000", "~"


class JudgedVersion:
    """One version of an analysis.

    Parameters
    ----------
    paths
        Where all is kept.
    history
        The results.
    analysis, version
        Which one.
    settings
        Of the analysis.
    decided
        What people decided about its runs.

    Attributes
    ----------
    units
        Unit of each variable.
    """

    def __init__(
        self, paths: Paths, history: History, analysis: str, version: str, settings: Settings, decided: Decided
    ) -> None:
        self._paths, self._history, self._settings, self._decided = paths, history, settings, decided
        self.analysis, self.version = analysis, version
        self._folder = paths.judged(analysis, version)
        self._states = States(self._folder)
        kept = read_kept(self._folder / "version.json", _checked) or _EMPTY
        self._seen: dict[str, str] = dict(kept["seen"])
        self._reached = Reached(*kept["reached"])
        self._digests: list[str] = list(kept["digests"])
        self._events = [(run, group, Event.from_json(event)) for run, group, event in kept["events"]]
        self._shown = [(group, Event.from_json(event)) for group, event in kept["shown"]]
        self._before = Decided.from_json(kept["decided"])
        self._is_complete = bool(kept["complete"])
        self.units: dict[str, str] = dict(kept["units"])

    @property
    def events(self) -> dict[str, list[Event]]:
        """All events by group of run modes, as of the last moment at which all was judged."""
        found: dict[str, list[Event]] = {}
        for group, event in self._shown:
            found.setdefault(group, []).append(event)
        return found

    def go_on(self, is_over: Callable[[], bool]) -> bool:
        """Judge what has to be judged; return whether all is.

        Parameters
        ----------
        is_over
            Whether to stop; asked after every run.
        """
        versions = self._history.shelves(self.analysis)
        shelves = versions.get(self.version, [])
        changes = self._changes(shelves)
        first = min(filter(None, [_first_run(changes), self._first_decided(shelves)]), default="")
        seeding = Seeding(self._history, self.analysis, self.version, versions)
        digests = [_digest(self._settings.to_json()), seeding.digest(self._reached.runs, self._digests[1])]
        if digests != self._digests:
            first = _FIRST
        is_new = bool(changes) or digests != self._digests or self._decided != self._before
        judge = None
        if first and (first <= self._reached.last or digests != self._digests):
            judge = self._go_back(first, seeding)
        self._digests, self._before = digests, self._decided
        if judge is not None:
            self._is_complete = False
            self._keep_version()  # before it is forgotten what has changed
        self._note(changes, shelves)
        if judge is None and self._is_complete and not any(map(self._left_in, self._later(shelves))):
            self._finish(None, is_new)
            return True
        judge = judge or self._resume(seeding)
        # It stops at the first shelf that is not done.
        is_done = all(self._judge_shelf(judge, one, is_over) for one in self._later(shelves))
        self._states.keep(judge, self._reached, is_newest=True)
        self._is_complete = is_done
        self._finish(judge if is_done else None, True)
        return is_done

    def _finish(self, judge: Judge | None, is_new: bool) -> None:
        """Show the events if all is judged, and keep how far it is."""
        if judge is not None:
            self._shown = [*((group, event) for _, group, event in self._events), *judge.open_events()]
        if judge is not None or is_new:
            self._keep_version()

    def _changes(self, shelves: Sequence[Shelf]) -> dict[str, tuple[str, dict[str, int], set[str]]]:
        """Return for each shelf that changed its fingerprint, its results, and the runs that changed, came or went."""
        found = dict[str, tuple[str, dict[str, int], set[str]]]()
        for name in self._seen.keys() - {one.name for one in shelves}:
            found[name] = "", {}, set(self._known(name))
        for shelf in shelves:
            fingerprint = self._history.fingerprint(shelf)
            if not fingerprint or self._seen.get(shelf.name) != fingerprint:
                known, now = self._known(shelf.name), self._history.stamps(shelf)
                runs = {run for run in known.keys() | now.keys() if known.get(run) != now.get(run)}
                if runs or fingerprint:
                    found[shelf.name] = fingerprint, now, runs
        return found

    def _note(self, changes: Mapping[str, tuple[str, dict[str, int], set[str]]], shelves: Sequence[Shelf]) -> None:
        """Note the results that there are."""
        there = {one.name for one in shelves}
        for name, (fingerprint, now, runs) in changes.items():
            if name not in there:
                self._known_file(name).unlink(missing_ok=True)
                self._bands(name).remove()
                del self._seen[name]
                continue
            if runs:
                write_kept(self._known_file(name), json.dumps(now))
            self._seen[name] = fingerprint

    def _first_decided(self, shelves: Sequence[Shelf]) -> str:
        """Return the first run about which people have decided otherwise than when it was judged; empty: none."""
        numbers, times = self._decided.changes(self._before)
        firsts = [f"{number:06d}" for number in numbers]
        firsts += [run for since in times[:1] if (run := self._first_since(shelves, since))]
        return min(firsts, default="")

    def _first_since(self, shelves: Sequence[Shelf], since: str) -> str | None:
        """Return the first judged run that began at a time or later."""
        found = None
        for shelf in reversed(shelves):
            starts = self._bands(shelf.name).starts()
            later = [run for run, start in starts if start >= since]
            found = later[0] if later else found
            if starts and not later:
                break
        return found

    def _go_back(self, first: str, seeding: Seeding) -> Judge:
        """Return the judge as it was some runs before a run, and go back to there."""
        found = self._states.before(first, self._settings)
        judge, self._reached = found or (Judge(self._settings, seeding.seeds()), Reached())
        self._states.forget_after(self._reached)
        self._events = [one for one in self._events if one[0] <= self._reached.last]
        return judge

    def _resume(self, seeding: Seeding) -> Judge:
        """Return the judge as it was when judging stopped; if that is lost, as it was before."""
        newest = self._states.newest(self._settings)
        if newest is not None and newest[1] == self._reached:
            self._states.forget_after(self._reached)
            return newest[0]
        return self._go_back(self._reached.last and self._reached.last + _END, seeding)

    def _judge_shelf(self, judge: Judge, shelf: Shelf, is_over: Callable[[], bool]) -> bool:
        """Judge the runs of a shelf after the last one; return whether these were all."""
        runs, file, stops = self._left_in(shelf), self._bands(shelf.name), False
        if not runs:
            file.replace(self._reached.last, _END, ())
        for i in range(0, len(runs), EVERY):
            some, before, lines = runs[i : i + EVERY], self._reached.last, list[str]()
            found = self._history.read(shelf, some)
            for run in some:
                lines += [self._judge_run(judge, found[run])] if run in found else []
                self._reached = self._reached._replace(last=run)
                if run in found and self._reached.runs % EVERY == 0:
                    self._states.keep(judge, self._reached, is_newest=False)
                if stops := is_over():
                    break
            is_done = self._reached.last == runs[-1]
            file.replace(before, _END if is_done else self._reached.last, lines)
            if stops and not is_done:
                return False
        return True

    def _judge_run(self, judge: Judge, one: Judgeable) -> str:
        """Judge a run; return the line with its verdicts."""
        before = first_run(self._reached.last) if self._reached.last else -1
        results = self._decided.on(one.results, before)
        verdicts = judge.take(one.group, results)
        self._events += [(results.run, group, event) for group, event in judge.drain()]
        self._reached = Reached(results.run, self._reached.runs + 1)
        self.units |= one.units
        return bands_line(one.group, results.run, results.start, verdicts)

    def _later(self, shelves: Sequence[Shelf]) -> list[Shelf]:
        """Return the shelves that can have runs after the last one."""
        return [one for one in shelves if one.name >= self._reached.last[:3]]

    def _left_in(self, shelf: Shelf) -> list[str]:
        return [run for run in sorted(self._known(shelf.name)) if run > self._reached.last]

    def _known(self, shelf: str) -> dict[str, int]:
        """Return the results of a shelf that were seen, see `History.stamps`."""
        return read_kept(self._known_file(shelf), dict) or {}

    def _known_file(self, shelf: str) -> Path:
        return self._folder / f"seen-{shelf}.json"

    def _bands(self, shelf: str) -> BandsFile:
        return BandsFile(self._paths.bands(self.analysis, self.version, shelf))

    def _keep_version(self) -> None:
        content = {
            "form": _FORM,
            "seen": self._seen,
            "reached": self._reached,
            "digests": self._digests,
            "events": self._events,
            "shown": self._shown,
            "decided": self._before.to_json(),
            "complete": self._is_complete,
            "units": self.units,
        }
        write_kept(self._folder / "version.json", json.dumps(content, separators=(",", ":")))


_EMPTY: Mapping[str, Any] = {
    "seen": {},
    "reached": Reached(),
    "digests": ["", ""],
    "events": [],
    "shown": [],
    "decided": Decided().to_json(),
    "complete": False,
    "units": {},
}


def _first_run(changes: Mapping[str, tuple[str, dict[str, int], set[str]]]) -> str:
    return min((min(runs) for _, _, runs in changes.values() if runs), default="")


def _checked(content: Any) -> Mapping[str, Any]:
    if content["form"] != _FORM or content.keys() < _EMPTY.keys():
        raise ValueError("another form")
    return dict(content)


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
