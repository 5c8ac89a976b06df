"""What a decision is, and which decisions stand: pure functions of the set of all, in whatever order they were made."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import compress
from typing import Any

from xomflow.core.key import ID, Key
from xomflow.core.messages import some_of
from xomflow.core.reason import Reason
from xomflow.core.verdicts import renamed

_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


class Verb(StrEnum):
    """What a person decides."""

    ACCEPT = "accept"  # a mass change, or runs that the run database no longer has
    REDO = "redo"  # an outcome is replaced by a new one
    RETRY = "retry"  # more attempts, the first one now
    VETO = "veto"  # runs have no results that count, and none are made
    PAUSE = "pause"  # no run of an analysis is taken
    BACKFILL = "backfill"  # runs are taken last, few at a time, also those outside the range of their analysis
    PROMOTE = "promote"  # the trial of an analysis is its published version
    DRAIN = "drain"  # no run is taken
    ACKNOWLEDGE = "acknowledge"  # an alarm is known, and why
    EXPECT = "expect"  # variables have a new level from a run on, which was intended
    MUTE = "mute"  # alarms of an analysis or variable are of no interest for a time
    BAD_RUN = "bad-run"  # a run whose results mean nothing: nothing is expected from them
    WITHDRAW = "withdraw"  # other decisions count no more


@dataclass(frozen=True, slots=True)
class Subject:
    """What a decision is about.

    Parameters
    ----------
    analysis, version
        Of these results; empty: of no single analysis.
    runs
        Ids of runs or campaigns. Of a withdrawal: only these of what the decisions are about; empty: all of it.
    digests
        Of an acceptance: one, of exactly what was shown. Of a redo: of the outcome of each run, in their order.
    decisions
        Names of the decisions that are withdrawn.
    attempts
        Of a retry: number of the last attempt at each run, in their order.
    most
        Of a retry: how many attempts it allows. Of a backfill: how many of its runs are in progress at a time.
    nice
        Of a backfill: ``--nice`` of its jobs; 0: that of old runs.
    variable
        Of what is expected, or muted: only this variable; empty: all of the analysis.
    alarms
        Ids of the alarms that are acknowledged.
    """

    analysis: str = ""
    version: str = ""
    runs: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    attempts: tuple[int, ...] = ()
    most: int = 0
    nice: int = 0
    variable: str = ""
    alarms: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Subject:
        """Return the subject in a JSON object; `ValueError` or `TypeError` for another form."""
        if not isinstance(content, dict):
            raise TypeError("its subject is not a JSON object")
        if unknown := content.keys() - set(cls.__slots__):
            raise ValueError(f"its subject has the unknown entry {min(unknown)!r}")
        return cls(**{one.name: _entry(one.name, content[one.name]) for one in fields(cls) if one.name in content})

    def renamed(self, old: str, new: str) -> Subject:
        """Return the subject after an analysis was given another name; an alarm has the name of its analysis too."""
        analysis = new if self.analysis == old else self.analysis
        return replace(self, analysis=analysis, alarms=tuple(renamed(one, old, new) for one in self.alarms))

    def without(self, runs: Collection[str]) -> Subject:
        """Return the subject without some of its runs."""
        stay = [run not in runs for run in self.runs]
        digests = tuple(compress(self.digests, stay)) if len(self.digests) == len(stay) else self.digests
        return replace(
            self,
            runs=tuple(compress(self.runs, stay)),
            digests=digests,
            attempts=tuple(compress(self.attempts, stay)),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided.

    Parameters
    ----------
    what, subject
        The verb and what it is about.
    who
        Name of the account.
    when
        When it was made.
    why
        The reason; never empty.
    until
        When it ends by itself; None: never.
    name
        Name of its file, which identifies it; empty before it is written.
    """

    what: Verb
    subject: Subject
    who: str
    when: datetime
    why: str
    until: datetime | None = None
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.why.strip():
            raise ValueError("it has no reason")

    def to_json(self) -> dict[str, Any]:
        """Return the content of its file."""
        return {
            "what": str(self.what),
            "subject": {name: entry for name, entry in asdict(self.subject).items() if entry},
            "who": self.who,
            "when": _text(self.when),
            "why": self.why,
            **({"until": _text(self.until)} if self.until else {}),
        }

    @property
    def title(self) -> str:
        """What was decided about what, in a few words."""
        subject = self.subject
        runs = f"run {some_of(subject.runs)}" if subject.runs else ""
        about = [subject.analysis, subject.version, subject.variable, *subject.alarms, runs]
        return " ".join(filter(None, [str(self.what), *about, *subject.decisions]))

    @property
    def words(self) -> Reason:
        """Who decided, and why, as a phrase."""
        return Reason(f"{self.who}: {self.why}")

    def without(self, runs: Collection[str]) -> Decision | None:
        """Return the decision about its other runs; None if it has none."""
        rest = self.subject.without(runs)
        return replace(self, subject=rest) if rest.runs or not self.subject.runs else None

    @classmethod
    def from_json(cls, content: Any, name: str) -> Decision:
        """Return the decision in a file; `ValueError`, `TypeError` or `LookupError` for another form."""
        if not isinstance(content, dict):
            raise TypeError("it is not a JSON object")
        if content.get("what") not in set(Verb):
            raise ValueError(f"it decides {content.get('what')!r}, which this version of XOM lacks")
        if not all(isinstance(content[entry], str) for entry in ("who", "when", "why")):
            raise TypeError("who, when and why must be texts")
        subject, until = Subject.from_json(content["subject"]), content.get("until")
        ends = None if until is None else _moment(until)
        return cls(Verb(content["what"]), subject, content["who"], _moment(content["when"]), content["why"], ends, name)


def standing(decisions: Iterable[Decision], now: datetime) -> tuple[Decision, ...]:
    """Return the decisions that count now: begun, neither ended nor withdrawn; in the order of their time.

    One that was withdrawn for some of its runs is about the others.
    """
    made = sorted((one for one in decisions if one.when <= now), key=lambda one: (one.when, one.name))
    withdrawn, runs = set[str](), dict[str, set[str]]()
    for one in made:
        for name in one.subject.decisions:
            runs.setdefault(name, set()).update(one.subject.runs)
            withdrawn |= set() if one.subject.runs else {name}
    ended = {one.name for one in made if one.until is not None and one.until <= now}
    there = (one for one in made if one.name not in withdrawn | ended and one.what is not Verb.WITHDRAW)
    rest = (one.without(runs[one.name]) if one.name in runs else one for one in there)
    return tuple(one for one in rest if one is not None)


def accepted(decisions: Iterable[Decision], analysis: str = "", version: str = "") -> dict[str, datetime]:
    """Return for each accepted run when its change was accepted last.

    Parameters
    ----------
    decisions
        Those that stand.
    analysis, version
        Of these results; empty: of no single analysis, as runs that the run database no longer has.
    """
    found: dict[str, datetime] = {}
    for one in decisions:
        if one.what is Verb.ACCEPT and (one.subject.analysis, one.subject.version) == (analysis, version):
            found |= {run: max(one.when, found.get(run, one.when)) for run in one.subject.runs}
    return found


def to_redo(decisions: Iterable[Decision]) -> dict[Key, frozenset[str]]:
    """Return for each key that is to be done again the digests of the outcomes that may be replaced."""
    found: dict[Key, frozenset[str]] = {}
    for one in decisions:
        subject = one.subject
        for run, digest in zip(subject.runs, subject.digests, strict=False) if one.what is Verb.REDO else ():
            key = Key(subject.analysis, subject.version, run)
            found[key] = found.get(key, frozenset()) | {digest}
    return found


def _entry(name: str, value: Any) -> Any:
    """Return an entry of a subject; `TypeError` for a value of another type."""
    if name in ("analysis", "version", "variable"):
        if not isinstance(value, str):
            raise TypeError("an entry of its subject is not a text")
    elif name in ("most", "nice"):
        if not _is_number(value):
            raise TypeError(f"{name} of its subject is not a number")
    elif not isinstance(value, list):
        raise TypeError("an entry of its subject is not a list")
    elif name == "attempts" and not all(map(_is_number, value)):
        raise TypeError(f"{name} of its subject are not numbers")
    elif name != "attempts" and not all(isinstance(one, str) for one in value):
        raise TypeError("an entry of its subject is not a text")
    elif name == "runs" and (odd := [one for one in value if not re.fullmatch(ID, one)]):
        raise ValueError(f"{odd[0]!r} in its subject is not the id of a run or campaign, such as '052894'")
    return tuple(value) if isinstance(value, list) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(moment: datetime) -> str:
    """Return a time with microseconds: what is accepted is what was known just before."""
    return moment.astimezone(UTC).strftime(_FORM)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _FORM).replace(tzinfo=UTC)
