"""The alarms: events of one cause together, with what people decided about them. A pure function of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from xomflow.core.key import first_run
from xomflow.core.verdicts import Alarm, AlarmState, HowEnded, Kind, SeriesId, is_same
from xomflow.decisions.model import Decision, Verb
from xomflow.expected.event import Event
from xomflow.expected.words import Told, relative_change, sentence

# Runs between the beginnings of two changes that still have one cause.
_NEAR = 4
# The same for two changes of one variable: a larger scatter can look like a step at first.
_NEAR_ITSELF = 32
# Runs after the end of an alarm in which a change of the variable in the same direction belongs to that alarm.
_GOES_ON = 96
# Number of earlier causes to which an event is compared.
_LOOK_BACK = 50
_WEIGHT = {Kind.STEP: 0, Kind.MISSING: 1, Kind.DRIFT: 2, Kind.SCATTER: 3, Kind.BAD_RUN: 4}


class Origin(NamedTuple):
    """Whose results show an event: analysis, version and group of run modes."""

    analysis: str
    version: str
    group: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What alarms show beside their events.

    Parameters
    ----------
    units
        Unit by analysis, version and variable.
    contacts
        Person to ask, by analysis.
    """

    units: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    contacts: Mapping[str, str] = field(default_factory=dict)


class _Seen(NamedTuple):
    origin: Origin
    event: Event


def alarms_of(events: Mapping[Origin, Iterable[Event]], facts: Facts, decisions: Sequence[Decision]) -> list[Alarm]:
    """Return the alarms, the newest first.

    Parameters
    ----------
    events
        The events by origin.
    facts
        What alarms show beside them.
    decisions
        Those that stand.
    """
    seen = [_Seen(origin, event) for origin, some in events.items() for event in some]
    seen.sort(key=lambda one: (one.event.noticed_at, one.event.noticed, one.origin, -abs(one.event.sigma)))
    causes: list[list[_Seen]] = []
    for one in seen:
        for cause in reversed(causes[-_LOOK_BACK:]):
            if _has_cause(one, cause):
                cause.append(one)
                break
        else:
            causes.append([one])
    alarms = [_with_decisions(_alarm(cause, facts), decisions) for cause in causes]
    return sorted(alarms, key=lambda one: (one.began, one.id), reverse=True)


def _has_cause(one: _Seen, cause: Sequence[_Seen]) -> bool:
    """Return whether an event has the cause of others: it began with them, before they were over, or goes on."""
    first, event = cause[0], one.event
    if all(other.event.ended is not None and other.event.ended < event.noticed_at for other in cause):
        return any(_goes_on(one, other) for other in cause)
    if any(_is_alike(one, other) and abs(event.number - other.event.number) <= _NEAR_ITSELF for other in cause):
        return True
    if one.origin == first.origin:
        return abs(event.number - first.event.number) <= _NEAR
    return abs(first_run(event.run) - first_run(first.event.run)) <= _NEAR


def _is_alike(one: _Seen, other: _Seen) -> bool:
    """Return whether two events are of one variable; a bad run is of none."""
    there = (one.origin, one.event.variable) == (other.origin, other.event.variable)
    return there and Kind.BAD_RUN not in (one.event.kind, other.event.kind)


def _goes_on(one: _Seen, before: _Seen) -> bool:
    """Return whether an event continues one that had ended by itself."""
    event, other = one.event, before.event
    return (
        _is_alike(one, before)
        and event.kind == other.kind
        and other.how in (HowEnded.UNEXPLAINED, HowEnded.RETURNED)
        and (event.after > event.before) == (other.after > other.before)
        and event.number - (other.ended_number or 0) <= _GOES_ON
    )


def _alarm(cause: Sequence[_Seen], facts: Facts) -> Alarm:
    """Return the alarm about events of one cause."""
    main = min(cause, key=lambda one: (_WEIGHT[one.event.kind], -abs(one.event.sigma)))
    origin, event, first = main.origin, main.event, cause[0]
    ordered = sorted(cause, key=lambda one: (one is not main, one.origin != origin, -abs(one.event.sigma)))
    series = tuple(dict.fromkeys(SeriesId(*one.origin, one.event.variable) for one in ordered))
    ends = [one.event.ended for one in cause if one.event.ended is not None]
    ended = max(ends) if len(ends) == len(cause) else None
    told = Told(
        series=series,
        unit=facts.units.get((origin.analysis, origin.version, event.variable), ""),
        ended=ended,
        how=event.how if ended else HowEnded.GOES_ON,
        contact=facts.contacts.get(origin.analysis, ""),
    )
    return Alarm(
        id=f"{first.origin.analysis}-{first.origin.version}-{first_run(first.event.run):06d}",
        kind=event.kind,
        series=series,
        first_run=event.run,
        began=event.start,
        noticed_run=first.event.noticed,
        sentence=sentence(event, told),
        ended=ended,
        how_ended=told.how,
        before=None if event.kind is Kind.MISSING else event.before,
        after=None if event.kind is Kind.MISSING else event.after,
        unit=told.unit,
        sigma=event.sigma,
        relative=relative_change(event),
        contact=told.contact,
        state=AlarmState.ENDED if ended else AlarmState.OPEN,
    )


def _with_decisions(alarm: Alarm, decisions: Sequence[Decision]) -> Alarm:
    """Return an alarm with the newest decision about it."""
    for one in reversed(decisions):
        state = _state_by(one, alarm)
        if state is not None:
            return replace(alarm, state=AlarmState.ENDED if alarm.ended else state, reason=str(one.words))
    return alarm


def _state_by(decision: Decision, alarm: Alarm) -> AlarmState | None:
    """Return how an alarm stands by a decision; None if it is about another one."""
    subject = decision.subject
    match decision.what:
        case Verb.ACKNOWLEDGE if any(is_same(one, alarm.id) for one in subject.alarms):
            return AlarmState.ACKNOWLEDGED
        case Verb.MUTE if all(_is_about(decision, one) for one in alarm.series):
            return AlarmState.MUTED
        case Verb.EXPECT if alarm.how_ended is HowEnded.EXPECTED and any(
            _is_about(decision, one) for one in alarm.series
        ):
            return AlarmState.ENDED
        case Verb.BAD_RUN if alarm.kind is Kind.BAD_RUN and alarm.first_run in subject.runs:
            return AlarmState.ENDED
    return None


def _is_about(decision: Decision, series: SeriesId) -> bool:
    """Return whether a decision is about a variable."""
    subject = decision.subject
    return subject.analysis == series.analysis and subject.variable in ("", series.variable)
