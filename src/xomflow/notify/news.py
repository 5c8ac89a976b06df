"""What is news for one recipient: a pure decision from what was reported before and what holds now.

Each matter is reported when it begins and when it ends. It counts as reported only when the recipient's server has
accepted the message, so it is reported at least once, whatever is killed and whichever server is away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from xomflow.core import times
from xomflow.core.verdicts import is_same
from xomflow.notify.matter import Kind, Matter, Repeats

# What changed longer ago, as the runs of a backfill did, is no news.
OLD = timedelta(days=2)
_AGAIN_AFTER = timedelta(days=1)
# Time after which the entry of a matter that was not looked at is removed.
_FORGOTTEN = timedelta(days=90)
# An alarm that is missing for so long was a false one, as when data came late.
_GONE_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What was reported to a recipient about a matter.

    Parameters
    ----------
    kind, sentence
        Of the matter, as it was or will be reported.
    seen
        How often it was seen before it was reported.
    told
        When it was reported last; None: not yet.
    over
        Whether its end was reported.
    gone
        Since when there is no such alarm, though its end was not reported; None: there is.
    """

    kind: Kind
    sentence: str
    seen: int = 1
    told: datetime | None = None
    over: bool = False
    gone: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the form in files."""
        moments = {"told": self.told, "gone": self.gone}
        known = {name: times.text(moment) for name, moment in moments.items() if moment}
        return {"kind": str(self.kind), "sentence": self.sentence, "seen": self.seen, "over": self.over, **known}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Known:
        """Return what `to_json` wrote."""
        told, gone = (times.moment(content[name]) if name in content else None for name in ("told", "gone"))
        kind, sentence = Kind(content["kind"]), str(content["sentence"])
        return cls(kind, sentence, int(content["seen"]), told, bool(content["over"]), gone)


class _Part(Enum):
    """The parts of a message."""

    NEW = 1
    STILL = 2
    OVER = 3
    NOTHING = 4


KnownMatters = Mapping[str, Known]


@dataclass(frozen=True, slots=True)
class News:
    """What is to be reported to one recipient.

    Parameters
    ----------
    begun, lasting
        Matters that are new, and those that are reported again.
    ended
        Sentences about what ended.
    seen, told
        What counts as reported if the message does not arrive, and if it does.
    """

    begun: Sequence[Matter] = ()
    lasting: Sequence[Matter] = ()
    ended: Sequence[str] = ()
    seen: KnownMatters = field(default_factory=dict)
    told: KnownMatters = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is anything to report."""
        return bool(self.begun or self.lasting or self.ended)


def news_for(known: KnownMatters, matters: Collection[Matter], looked_at: Collection[Kind], now: datetime) -> News:
    """Return what is news for a recipient.

    Parameters
    ----------
    known
        What was reported, by the names of the matters.
    matters
        What holds, and what ended of late.
    looked_at
        The kinds of matters that were looked at; the others stay as they are.
    now
        The present.
    """
    said: dict[_Part, list[Matter]] = {part: [] for part in _Part}
    seen, told = dict[str, Known](), dict[str, Known]()
    present = _by_name(matters, known)
    for name, one in present.items():
        known_now = _known_now(one, known.get(name), now)
        if known_now is None:
            continue
        part = _part_of(one, known_now, now)
        said[part].append(one)
        seen[name] = told[name] = known_now
        if part is not _Part.NOTHING:
            told[name] = replace(known_now, sentence=one.sentence, told=now, over=one.ended is not None)
    over = [one.sentence for one in said[_Part.OVER]]
    for name in known.keys() - present.keys():
        left, sentence = _left(known[name], looked_at, now)
        if left:
            seen[name] = left
        if sentence:
            over.append(sentence)
        elif left:
            told[name] = left
    return News(said[_Part.NEW], said[_Part.STILL], over, seen, told)


def _known_now(one: Matter, before: Known | None, now: datetime) -> Known | None:
    """Return the entry of a matter before it is reported; None if it is of no interest."""
    if one.is_muted:
        return before and replace(before, gone=None)
    if before is None:
        return None if _is_old(one.ended or one.since, now) else Known(one.kind, one.sentence)
    if before.over:
        if one.ended is None:
            return Known(one.kind, one.sentence)  # it goes on after all
        return None if _is_old(one.ended, now) else before  # removed: it cannot begin again
    if before.told:
        return replace(before, gone=None)
    return replace(before, sentence=one.sentence, seen=before.seen + 1)


def _part_of(one: Matter, known: Known, now: datetime) -> _Part:
    """Return in which part of a message a matter stands."""
    if one.is_muted or known.over:
        return _Part.NOTHING
    if one.ended is not None and not one.is_moment:
        return _Part.OVER
    if known.told is None:
        return _Part.NOTHING if one.settles and known.seen < 2 else _Part.NEW
    return _Part.STILL if _is_due(one, known.sentence, now - known.told) else _Part.NOTHING


def _by_name(matters: Collection[Matter], known: KnownMatters) -> dict[str, Matter]:
    """Return matters by their names; an alarm whose first run has moved keeps the name by which it is known."""
    names = {_name(one) for one in matters}
    found: dict[str, Matter] = {}
    for one in matters:
        name = _name(one)
        if one.kind is Kind.ALARM and name not in known:
            name = next((other for other in known if other not in names | found.keys() and is_same(other, name)), name)
        found[name] = one
    return found


def _left(before: Known, looked_at: Collection[Kind], now: datetime) -> tuple[Known | None, str]:
    """Return what is kept of a matter that is not there, and the sentence that it is over; empty: there is none."""
    if before.kind not in looked_at:
        is_fresh = before.told is None or now - before.told < _FORGOTTEN
        return (before if is_fresh else None), ""
    if before.told is None or before.over or before.kind is Kind.RUNS:
        return None, ""
    if before.kind is not Kind.ALARM:
        return before, before.sentence
    # While deleted files are made again, alarms come back one after the other.
    if before.gone is None:
        return replace(before, gone=now), ""
    if now - before.gone < _GONE_AFTER:
        return before, ""
    return before, f"no alarm any more by what is known now: {before.sentence}"


def _name(matter: Matter) -> str:
    return f"{matter.kind} {matter.name}"


def _is_old(moment: datetime, now: datetime) -> bool:
    return now - moment > OLD


def _is_due(one: Matter, sentence: str, age: timedelta) -> bool:
    """Return whether a matter that was reported with a sentence some time ago is reported again."""
    if one.repeats is Repeats.NEVER or timedelta() <= age < _AGAIN_AFTER:
        return False
    return one.repeats is Repeats.DAILY or one.sentence != sentence
