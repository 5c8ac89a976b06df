"""The sentence of an alarm, for a shifter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from xomflow.core.messages import some_of
from xomflow.core.verdicts import ALL_MODES, HowEnded, Kind, SeriesId
from xomflow.expected.event import Event

# The largest relative change that is given in per cent.
_LARGEST_RELATIVE = 10.0

_ENDS = {
    HowEnded.RETURNED: "back to what was expected with the run of {time}",
    HowEnded.UNEXPLAINED: "counts as normal since {time}, and no person gave a reason",
    HowEnded.EXPECTED: "a person expects it",
    HowEnded.ONE_RUN: "the run of {time} is as usual again",
}


class Told(NamedTuple):
    """What the sentence about an alarm needs beside its main event.

    Parameters
    ----------
    series
        The series that changed, the main one first.
    unit
        Of the main one.
    ended, how
        Start of the run with which all was over, and why; None: it goes on.
    contact
        Person to ask; may be empty.
    """

    series: Sequence[SeriesId]
    unit: str = ""
    ended: str | None = None
    how: HowEnded = HowEnded.GOES_ON
    contact: str = ""


def sentence(event: Event, told: Told) -> str:
    """Return the sentence about an alarm."""
    parts = [_what(event, told), *_others(told.series)]
    if told.how in _ENDS:
        parts.append(_ENDS[told.how].format(time=told.ended))
    return "; ".join([*parts, *([f"contact: {told.contact}"] if told.contact else [])])


def relative_change(event: Event) -> float | None:
    """Return by which part of the level a variable changed; None if that has no meaning."""
    change = event.after - event.before
    if event.kind not in (Kind.STEP, Kind.DRIFT) or not 0 < abs(change) < _LARGEST_RELATIVE * abs(event.before):
        return None
    return change / abs(event.before)


def _what(event: Event, told: Told) -> str:
    group, unit = told.series[0].group, f" {told.unit}" if told.unit else ""
    name = event.variable if group == ALL_MODES or not event.variable else f"{event.variable} ({group})"
    sigma = f"{abs(event.sigma):.1f} sigma"
    before, after = _two(event.before, event.after)
    relative = relative_change(event)
    size = sigma if relative is None else f"{sigma}, {100 * relative:+.1f} %"
    verb = "rose" if event.after > event.before else "fell"
    match event.kind:
        case Kind.STEP:
            runs = f"with run {event.run}; {event.agree} of the last {event.n} runs agree"
            return f"{name} {verb} from {before} to {after}{unit} ({size}) {runs}"
        case Kind.DRIFT:
            return f"{name} drifted from {before} to {after}{unit} in 30 days ({size}), as seen with run {event.run}"
        case Kind.SCATTER:
            times = f"{event.after / event.before:.1f} times as much as before" if event.before else "more than before"
            return f"{name} scatters {times} ({sigma}), {after} instead of {before}{unit}, since run {event.run}"
        case Kind.MISSING:
            usual = f"usually {100 * event.after:.0f} of 100 runs lack it"
            return f"{name} is missing since run {event.run}, in {event.n} runs in a row of its analysis; {usual}"
        case Kind.BAD_RUN:
            analysis = told.series[0].analysis
            if not name:
                return f"run {event.run} of {analysis} is a bad run"
            far = f"{event.agree} of {event.n} variables are far from what was expected"
            return f"run {event.run} of {analysis} is bad: {far}, most of all {name}, {after} instead of {before}{unit}"


def _others(series: Sequence[SeriesId]) -> list[str]:
    """Return the part of the sentence about the series beside the main one."""
    main, said = series[0], []
    here = [one for one in series[1:] if one.analysis == main.analysis]
    if here:
        many = f"{len(here)} other variables" if len(here) > 1 else f"{here[0].variable}"
        said.append(f"{many} of {main.analysis} moved too")
    if there := sorted({one.analysis for one in series if one.analysis != main.analysis}):
        said.append(f"so did variables of {some_of(there)}")
    return said


def _two(before: float, after: float) -> tuple[str, str]:
    """Return two values with so many digits that they differ, four at least."""
    for digits in range(4, 12):
        texts = f"{before:.{digits}g}", f"{after:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts
