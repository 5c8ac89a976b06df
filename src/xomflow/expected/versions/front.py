"""The newest runs, judged at once while the history before them is judged behind, in slices.

Either judging had come to the newest run, and has to go back: then the front goes on from there. Or there is a long
history of which nothing is judged: then it begins with a window of the newest runs. Late runs are taken in the order of
their arrival. All this is provisional: verdicts and events of the full history replace those of the front.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.core.key import first_run
from xomflow.core.verdicts import bands_line
from xomflow.expected.event import Event
from xomflow.expected.judge import Judge
from xomflow.expected.method.settings import Settings
from xomflow.expected.versions.decided import Decided
from xomflow.expected.versions.history import Judgeable

Events = list[tuple[str, Event]]


class Front:
    """The judge of the newest runs, while the history before them is judged.

    Parameters
    ----------
    judge
        What judges them.
    first
        Id of the first run that belongs to them.
    taken
        The runs that are judged.
    ended
        The events that ended, with their groups, those of the history before included.

    Attributes
    ----------
    first
        As the parameter.
    """

    def __init__(self, judge: Judge, first: str, taken: Iterable[str] = (), ended: Sequence[tuple[str, Event]] = ()):
        self._judge, self.first = judge, first
        self._taken, self._ended = list(taken), list(ended)

    @property
    def events(self) -> Events:
        """All events, with their groups."""
        return [*self._ended, *self._judge.open_events()]

    def left(self, runs: Collection[str]) -> list[str]:
        """Return which of some runs are to be judged, in order."""
        taken = set(self._taken)
        return sorted(run for run in runs if run >= self.first and run not in taken)

    def take(self, one: Judgeable, decided: Decided) -> str:
        """Judge the results of a run; return the line with its verdicts."""
        results = decided.on(one.results, first_run(self._taken[-1]) if self._taken else -1)
        verdicts = self._judge.take(one.group, results)
        self._ended += self._judge.drain()
        self._taken.append(results.run)
        return bands_line(one.group, results.run, results.start, verdicts)

    def skip(self, run: str) -> None:
        """Note a run that has nothing to judge."""
        self._taken.append(run)

    def keep(self, folder: Path) -> None:
        """Keep it; has to be done before the next run is judged."""
        content = [self.first, self._taken, self._ended, self._judge.to_json()]
        write_kept(_file(folder), json.dumps(content, separators=(",", ":")))


def read_front(folder: Path, settings: Settings) -> Front | None:
    """Return the front that was kept; None if there is none, or a damaged one."""

    def parse(content: Any) -> Front:
        first, taken, ended, state = content
        events = [(str(group), Event.from_json(event)) for group, event in ended]
        return Front(Judge(settings).read(state), str(first), map(str, taken), events)

    return read_kept(_file(folder), parse)


def remove_front(folder: Path) -> None:
    """Remove the front: all is judged."""
    _file(folder).unlink(missing_ok=True)


def _file(folder: Path) -> Path:
    return folder / "front.json"
