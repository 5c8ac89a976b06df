"""How far the results of one version of an analysis are judged: a cache that replays equal.

It has, for each shelf, which results were seen, then the verdicts, the events, and states of the judge. If results,
decisions or settings change, judging goes on from the newest state before the first change. If that takes long, new
runs are judged meanwhile by a front, see `front`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.core.key import first_run, shelf_of
from xomflow.core.paths import Paths
from xomflow.core.verdicts import bands_line
from xomflow.expected.event import Event
from xomflow.expected.judge import Judge
from xomflow.expected.method.settings import Settings
from xomflow.expected.versions.bands_file import BandsFile
from xomflow.expected.versions.decided import Decided
from xomflow.expected.versions.front import Front, read_front, remove_front
from xomflow.expected.versions.history import History, Judgeable
from xomflow.expected.versions.seeding import Seeding
from xomflow.expected.versions.seen import Change, Seen
from xomflow.expected.versions.states import EVERY, Reached, States
from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.files import names_in

_FORM = 1
# Before and after any run.
_FIRST, _END = "000000", "~"
# Number of runs up to which judging again needs no front.
_FEW = 20
# Runs with which a front begins, in units of those that the first verdict needs.
_TIMES = 3


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
        kept = read_kept(self.kept_in, _checked) or _EMPTY
        self._seen = Seen(self._folder, history, kept["seen"])
        self._reached = Reached(*kept["reached"])
        self._digests: list[str] = list(kept["digests"])
        self._events = [(run, group, Event.from_json(event)) for run, group, event in kept["events"]]
        self._shown = [(group, Event.from_json(event)) for group, event in kept["shown"]]
        self._before = Decided.from_json(kept["decided"])
        self._is_complete = bool(kept["complete"])
        self.units: dict[str, str] = dict(kept["units"])
        self._shelves: Sequence[Shelf] = ()
        self._judge: Judge | None = None
        self._left = int(kept.get("left", 0))

    @property
    def kept_in(self) -> Path:
        """The file with all that is known of the version but the states to go on from."""
        return self._folder / "version.json"

    @property
    def events(self) -> dict[str, list[Event]]:
        """All events by group of run modes, as of the last moment at which all was judged, or of the front."""
        found: dict[str, list[Event]] = {}
        for group, event in self._shown:
            found.setdefault(group, []).append(event)
        return found

    @property
    def learned(self) -> tuple[int, int] | None:
        """While a history is being learned, how many of its runs are judged, and how many there are."""
        return (self._reached.runs, self._reached.runs + self._left) if self._left > self._window else None

    def judge_new(self, is_over: Callable[[], bool]) -> bool:
        """Find out what has changed, and judge new runs; return whether all is judged then.

        Parameters
        ----------
        is_over
            Whether to stop; asked after every run.
        """
        versions = self._history.shelves(self.analysis)
        self._shelves = shelves = versions.get(self.version, [])
        changes, decided = self._seen.changes(shelves), self._first_decided(shelves)
        first = min(filter(None, [_first_run(changes), decided, self._first_lost(shelves)]), default="")
        self._seeding = Seeding(self._history, self.version, versions)
        digests = [_digest(self._settings.to_json()), self._seeding.digest(self._reached.runs, self._digests[1])]
        is_anew = digests != self._digests
        is_new = bool(changes) or self._decided != self._before
        front = None if is_anew else read_front(self._folder, self._settings)
        if front is not None and decided >= front.first:
            front = None
        if is_anew or (first and first <= self._reached.last):
            newest = self._newest_front() if self._is_complete and not is_anew else None
            self._judge = self._go_back(_FIRST if is_anew else first)
            front = self._keep_front(newest) or front
        self._digests, self._before = digests, self._decided
        if self._judge is not None:
            self._is_complete = False
            self._keep_version()  # before it is forgotten what has changed
        for name in self._seen.note(changes, shelves):
            self._bands(name).remove()
        self._left = self._count_left()
        if self._is_complete and not self._left:
            if is_new:
                self._keep_version()
            return True
        front = front or self._new_front()
        if front is None:
            return self.judge_rest(is_over)
        self._is_complete = False
        self._judge_front(front, is_over)
        return False

    def judge_rest(self, is_over: Callable[[], bool]) -> bool:
        """Judge the runs that are left in their order; return whether these were all; parameter as before."""
        judge = self._judge = self._judge or self._resume()
        # It stops at the first shelf that is not done.
        left = self._seen.after(self._shelves, self._reached.last)
        is_done = all(self._judge_shelf(judge, shelf, runs, is_over) for shelf, runs in left)
        self._states.keep(judge, self._reached, is_newest=True)
        self._is_complete, self._left = is_done, self._count_left()
        if is_done:
            self._shown = [*((group, event) for _, group, event in self._events), *judge.open_events()]
            remove_front(self._folder)
        self._keep_version()
        return is_done

    def _newest_front(self) -> Front | None:
        """Return the front that goes on from the newest run, where judging has come to it."""
        newest = self._states.newest(self._settings)
        runs = self._seen.newest(self._shelves, self._window)
        if newest is None or newest[1] != self._reached or not runs:
            return None
        return Front(newest[0], runs[0], runs, [(group, event) for _, group, event in self._events])

    def _keep_front(self, front: Front | None) -> Front | None:
        """Keep a front if that is worth it: few runs are judged again as fast."""
        if front is None or self._count_left() <= _FEW:
            return None
        front.keep(self._folder)
        return front

    def _new_front(self) -> Front | None:
        """Return a front that begins with the newest runs; None if no long history is left."""
        if self._left <= self._window:
            return None
        first = self._seen.newest(self._shelves, self._window)[0]
        return Front(Judge(self._settings), first, (), [one for one in self._shown if one[1].run < first])

    def _judge_front(self, front: Front, is_over: Callable[[], bool]) -> None:
        """Judge the newest runs, and show what they show."""
        is_new = False
        for shelf, seen in self._seen.after(self._shelves, shelf_of(front.first)):
            if runs := front.left(seen):
                is_new = True
                if self._judge_by(front, shelf, runs, is_over):
                    break
        if is_new:
            front.keep(self._folder)
            self._shown = front.events
            self._keep_version()

    def _judge_by(self, front: Front, shelf: Shelf, runs: Sequence[str], is_over: Callable[[], bool]) -> bool:
        """Judge runs of a shelf by a front; return whether to stop."""
        found, lines = self._history.read(shelf, runs), list[str]()
        for run in runs:
            if run in found:
                lines.append(front.take(found[run], self._decided))
                self.units |= found[run].units
            else:
                front.skip(run)
            if stops := is_over():
                break
        self._bands(shelf.name).put(lines)
        return stops

    def _first_decided(self, shelves: Sequence[Shelf]) -> str:
        """Return the first run about which people have decided otherwise than when it was judged; empty: none."""
        numbers, times = self._decided.changes(self._before)
        firsts = [f"{number:06d}" for number in numbers]
        firsts += [run for since in times[:1] if (run := self._first_since(shelves, since))]
        return min(firsts, default="")

    def _first_lost(self, shelves: Sequence[Shelf]) -> str:
        """Return the first run without a file of verdicts: it was deleted if the run is judged; empty: none."""
        there = set(names_in(self._paths.bands(self.analysis, self.version, "any").parent))
        lost = [shelf.name for shelf in shelves if f"{shelf.name}.json" not in there]
        return min(self._seen.runs(lost[0]), default="") if lost else ""

    def _first_since(self, shelves: Sequence[Shelf], since: str) -> str | None:
        """Return the first judged run that began at a time or later."""
        found = None
        for shelf in reversed(shelves):
            starts = self._bands(shelf.name).starts()
            later = [run for run, start in starts if start >= since]
            if starts and not later:
                return found
            found = later[0] if later else found
        return found

    def _go_back(self, first: str) -> Judge:
        """Return the judge as it was some runs before a run, and go back to there."""
        found = self._states.before(first, self._settings)
        judge, self._reached = found or (Judge(self._settings, self._seeding.seeds()), Reached())
        self._states.forget_after(self._reached)
        self._events = [one for one in self._events if one[0] <= self._reached.last]
        return judge

    def _resume(self) -> Judge:
        """Return the judge in its newest kept state."""
        newest = self._states.newest(self._settings)
        if newest is not None and newest[1] == self._reached:
            self._states.forget_after(self._reached)
            return newest[0]
        return self._go_back(self._reached.last and self._reached.last + _END)

    def _judge_shelf(self, judge: Judge, shelf: Shelf, runs: Sequence[str], is_over: Callable[[], bool]) -> bool:
        """Judge the runs of a shelf after the last one; return whether these were all."""
        file = self._bands(shelf.name)
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

    def _count_left(self) -> int:
        return sum(len(runs) for _, runs in self._seen.after(self._shelves, self._reached.last))

    @property
    def _window(self) -> int:
        """Of how many runs a front begins."""
        return _TIMES * self._settings.minimum

    def _bands(self, shelf: str) -> BandsFile:
        return BandsFile(self._paths.bands(self.analysis, self.version, shelf))

    def _keep_version(self) -> None:
        content = {
            "form": _FORM,
            "seen": self._seen.fingerprints,
            "reached": self._reached,
            "digests": self._digests,
            "events": self._events,
            "shown": self._shown,
            "decided": self._before.to_json(),
            "complete": self._is_complete,
            "left": self._left,
            "units": self.units,
        }
        write_kept(self.kept_in, json.dumps(content, separators=(",", ":")))


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


def _first_run(changes: Mapping[str, Change]) -> str:
    return min((min(one.runs) for one in changes.values() if one.runs), default="")


def _checked(content: Any) -> Mapping[str, Any]:
    if content["form"] != _FORM or _EMPTY.keys() - content.keys():
        raise ValueError("another form")
    return dict(content)


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
