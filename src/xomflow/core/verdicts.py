"""What is known about whether a result is normal: the verdict on each result, and the alarms.

`xomflow.expected` makes them; publishing, page and messages read them from the files that a tick keeps.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from xomflow.core.files.kept_json import read_kept
from xomflow.core.paths import Paths
from xomlib.files import read_text

# The group of all runs of an analysis whose results do not depend on the run mode, and of runs without one.
ALL_MODES = "all"
# Runs by which a late run may move the beginning of a change.
_SAME = 8


class Mark(StrEnum):
    """What is remarkable about one result."""

    NONE = ""
    OUTLIER = "outlier"
    BAD_RUN = "bad_run"
    MUTED = "muted"


class Kind(StrEnum):
    """What an alarm is about."""

    STEP = "step"
    DRIFT = "drift"
    SCATTER = "scatter"
    MISSING = "missing"
    BAD_RUN = "bad_run"


class AlarmState(StrEnum):
    """How an alarm stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    ENDED = "ended"


class HowEnded(StrEnum):
    """Why an alarm is over."""

    GOES_ON = ""
    RETURNED = "returned"  # values are again what was expected before
    EXPECTED = "expected"  # a person decided that the change was intended
    UNEXPLAINED = "accepted unexplained"  # the new level counts as normal, and no person gave a reason
    ONE_RUN = "one run"  # it was a single bad run


class SeriesId(NamedTuple):
    """One series of results, which is judged by its own history.

    Parameters
    ----------
    analysis, version, variable
        Of the results.
    group
        Name of the group of run modes; ``all`` if the analysis has a single one.
    """

    analysis: str
    version: str
    group: str
    variable: str


class Verdict(NamedTuple):
    """The verdict on one result.

    Parameters
    ----------
    run
        Id of the run or campaign.
    start
        Its start, UTC.
    value
        The value.
    expected, low, high
        The expected value and the band around it, three widths to each side; None: not enough history.
    deviation
        Distance of the value from the expected one, in standard deviations of a normal distribution, rounded to 0.05;
        None: not enough history.
    mark
        What is remarkable.
    learned
        Whether later expected values follow from this one too.
    """

    run: str
    start: str
    value: float
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    deviation: float | None = None
    mark: Mark = Mark.NONE
    learned: bool = True

    def to_json(self) -> list[Any]:
        """Return the verdict as an array: there are millions."""
        return list(self)

    @classmethod
    def from_json(cls, content: list[Any]) -> Verdict:
        """Return the verdict in an array; `ValueError` or `TypeError` for another form."""
        run, start, value, expected, low, high, deviation, mark, learned = content
        return cls(run, start, value, expected, low, high, deviation, Mark(mark), learned)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A change of one series, or of several that changed together.

    Parameters
    ----------
    id
        Stays the same as long as the alarm exists, and is the name that people type.
    kind
        What it is about.
    series
        The series that changed, the most significant first.
    first_run, began
        Id of the run with which the change began, and its start, UTC.
    noticed_run
        Id of the run with which it was found.
    ended
        Start of the run with which it ended, UTC; None: it goes on.
    how_ended
        Why it is over.
    before, after
        Expected value before, and level after; None where there is none, as for a missing variable.
    unit
        Of both.
    sigma
        Significance; in standard deviations of a normal distribution.
    relative
        Relative change; None if it has no meaning.
    sentence
        What a shifter reads.
    contact
        Person to ask; may be empty.
    state
        How it stands.
    reason
        Of the decision about it: who, and why; empty: there is none.
    """

    id: str
    kind: Kind
    series: tuple[SeriesId, ...]
    first_run: str
    began: str
    noticed_run: str
    sentence: str
    ended: str | None = None
    how_ended: HowEnded = HowEnded.GOES_ON
    before: float | None = None
    after: float | None = None
    unit: str = ""
    sigma: float = 0.0
    relative: float | None = None
    contact: str = ""
    state: AlarmState = AlarmState.OPEN
    reason: str = ""

    @property
    def main(self) -> SeriesId:
        """The most significant series."""
        return self.series[0]

    @property
    def needs_reason(self) -> bool:
        """Whether it stays listed until a person gives a reason."""
        goes_on = self.state is AlarmState.OPEN
        return goes_on or (self.how_ended is HowEnded.UNEXPLAINED and not self.reason)

    def to_json(self) -> dict[str, Any]:
        """Return the alarm as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Alarm:
        """Return the alarm in a JSON object; `LookupError`, `TypeError` or `ValueError` for another form."""
        given = {one.name: content[one.name] for one in fields(cls)}
        given["series"] = tuple(SeriesId(*one) for one in content["series"])
        for name, kind in (("kind", Kind), ("how_ended", HowEnded), ("state", AlarmState)):
            given[name] = kind(content[name])
        return cls(**given)


class Learning(NamedTuple):
    """A version of an analysis whose long history is being judged, while its newest runs are judged beside it.

    Parameters
    ----------
    analysis, version
        Which one.
    judged, runs
        How many runs of the history are judged, and how many there are.
    """

    analysis: str
    version: str
    judged: int
    runs: int

    @property
    def sentence(self) -> str:
        """How far the history is judged, for people."""
        return (
            f"{self.analysis} {self.version}: its history is being learned, {self.judged} of {self.runs} runs so far; "
            "new runs are compared with those shortly before them, and older changes may have no alarm yet; "
            "xom rebuild learns all at once"
        )


def is_same(one: str, other: str) -> bool:
    """Return whether two ids are of one alarm, whose first run may have moved by late runs."""
    name, _, run = one.rpartition("-")
    same_name, _, same_run = other.rpartition("-")
    return name == same_name and run.isdecimal() and same_run.isdecimal() and abs(int(run) - int(same_run)) <= _SAME


def renamed(alarm: str, old: str, new: str) -> str:
    """Return the id of an alarm after its analysis was given another name."""
    analysis, _, rest = alarm.partition("-")
    return f"{new}-{rest}" if analysis == old else alarm


def read_alarms(paths: Paths) -> list[Alarm]:
    """Return all alarms, the newest first; none before a tick has judged results."""
    return read_kept(paths.alarms, lambda content: [Alarm.from_json(one) for one in content]) or []


def read_learning(paths: Paths) -> list[Learning]:
    """Return the versions of analyses whose history is being learned."""
    return read_kept(paths.learning, lambda content: [Learning(*one) for one in content]) or []


def read_bands(paths: Paths, analysis: str, version: str, shelf: str) -> dict[SeriesId, list[Verdict]]:
    """Return the verdicts on the results of a shelf by series, in the order of runs; none before it is judged."""
    found: dict[SeriesId, list[Verdict]] = {}
    for line in _lines(paths.bands(analysis, version, shelf)):
        try:
            group, run, start, verdicts = json.loads(line)
            for variable, rest in verdicts.items():
                one = Verdict.from_json([run, start, *rest])
                found.setdefault(SeriesId(analysis, version, group, variable), []).append(one)
        except (ValueError, TypeError, AttributeError, RecursionError):
            pass  # a tick that was killed, or one that writes it at this moment
    return found


def bands_line(group: str, run: str, start: str, verdicts: Iterable[tuple[str, Verdict]]) -> str:
    """Return the line of a run in the file of its shelf, from the verdict on each variable."""
    content = [group, run, start, {variable: one.to_json()[2:] for variable, one in verdicts}]
    return json.dumps(content, separators=(",", ":")) + "\n"


def run_in(line: str) -> str:
    """Return the id of the run in a line of the file of a shelf."""
    return line.split('"', 4)[3]


def _lines(path: Path) -> list[str]:
    try:
        return read_text(path).splitlines()
    except (OSError, ValueError):
        return []
