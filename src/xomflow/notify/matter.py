"""Matters, of which people get messages: an alarm, a suspension, a run without results, a store that is away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.reason import form_of, subject_of
from xomflow.core.state import State
from xomflow.core.tick_summary import ListedKey
from xomflow.core.verdicts import Alarm, AlarmState, HowEnded

_CONTACT = re.compile(r"contact: [^;]*?([\w.+-]+@[\w-]+(?:\.[\w-]+)+)")
_ENDS = {
    ExitCode.UNFORESEEN: "in a way that XOM does not expect",
    ExitCode.SLURM: "since Slurm does not answer or refuses jobs",
}


class Kind(StrEnum):
    """What a matter is about; what was not looked at this time neither begins nor ends."""

    ALARM = "alarm"
    PERSON = "person"
    TROUBLE = "trouble"
    RUNS = "runs"


class Repeats(StrEnum):
    """When a matter that lasts is reported again: never, once a day, or once a day if its sentence changed."""

    NEVER = "never"
    DAILY = "daily"
    IF_CHANGED = "if changed"


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that holds now, or held until a moment.

    Parameters
    ----------
    kind, name
        What it is about; the same name is the same matter.
    sentence
        For people.
    since
        When it changed last; if that is long ago, it is not reported.
    ended
        When it ended; None: it lasts.
    is_moment
        Whether it has no duration, so that only its beginning is reported.
    repeats
        When it is reported again.
    settles
        Whether it is reported only when it is seen twice: it often passes by itself.
    contact
        Mail address of the person to ask about it; empty if there is none.
    is_muted
        Whether it is not reported now.
    """

    kind: Kind
    name: str
    sentence: str
    since: datetime
    ended: datetime | None = None
    is_moment: bool = False
    repeats: Repeats = Repeats.NEVER
    settles: bool = False
    contact: str = ""
    is_muted: bool = False


def contact_in(sentence: str) -> str:
    """Return the mail address of the contact that a sentence names; empty if there is none."""
    found = _CONTACT.search(sentence)
    return found[1] if found else ""


def of_alarms(alarms: Iterable[Alarm], noticed: Callable[[Alarm], datetime]) -> list[Matter]:
    """Return all alarms.

    Parameters
    ----------
    alarms
        All alarms.
    noticed
        Returns the start of the run with which an alarm was found: that of a rare kind may have begun weeks before.
    """
    return [_of_alarm(one, noticed(one)) for one in alarms]


def _of_alarm(one: Alarm, noticed: datetime) -> Matter:
    ended = times.moment_or_none(one.ended)
    reason = f" ({one.reason})" if one.reason else ""
    is_moment, contact = one.how_ended is HowEnded.ONE_RUN, contact_in(f"contact: {one.contact}")
    sentence = f"{one.sentence}{reason} [{one.id}]"
    is_muted = one.state is AlarmState.MUTED
    return Matter(Kind.ALARM, one.id, sentence, noticed, ended, is_moment, contact=contact, is_muted=is_muted)


def of_persons(sentences: Iterable[str], now: datetime) -> list[Matter]:
    """Return what waits for a person, as a tick found it."""
    return [
        Matter(Kind.PERSON, subject_of(one), one, now, repeats=Repeats.DAILY, contact=contact_in(one))
        for one in sentences
    ]


def of_troubles(sentences: Iterable[str], now: datetime) -> list[Matter]:
    """Return what keeps ticks from their work, such as a server that is away."""
    return [Matter(Kind.TROUBLE, form_of(one), one, now, repeats=Repeats.DAILY, settles=True) for one in sentences]


def of_end(code: int, sentences: Sequence[str], now: datetime) -> list[Matter]:
    """Return the trouble of a tick, from its exit code and its sentences about configuration, servers and files."""
    if not sentences and code in _ENDS:
        sentences = [f"ticks end with code {code}, {_ENDS[ExitCode(code)]}: see their last lines"]
    return of_troubles(sentences, now)


def of_given_up(listed: Iterable[ListedKey], contacts: dict[str, str], now: datetime) -> list[Matter]:
    """Return the runs that have no results and are not tried again: one matter for each analysis and kind of reason.

    Parameters
    ----------
    listed
        Keys that are not done.
    contacts
        The contact of each analysis.
    now
        Stands for the end of a run where that is unknown.
    """
    alike: dict[tuple[str, str], list[ListedKey]] = {}
    for one in listed:
        if one.state is State.GAVE_UP:
            alike.setdefault((one.key.analysis, form_of(one.reason)), []).append(one)
    return [_given_up(name, keys, contacts.get(name[0], ""), now) for name, keys in alike.items()]


def _given_up(name: tuple[str, str], keys: list[ListedKey], contact: str, now: datetime) -> Matter:
    newest = max(keys, key=lambda one: one.key.run)
    runs = f"run {newest.key.run}" if len(keys) == 1 else f"{len(keys)} runs, the newest is {newest.key.run}"
    asked = f"; contact: {contact}" if contact else ""
    return Matter(
        Kind.RUNS,
        " ".join(name),
        f"{name[0]} gave up on {runs}: {newest.reason}{asked}",
        max((one.since for one in keys if one.since), default=now),
        repeats=Repeats.IF_CHANGED,
        contact=contact_in(asked),
    )
