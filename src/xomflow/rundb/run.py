"""Runs as XOM sees them: the few facts of a run document that selection and results need."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from xomflow.core import times
from xomflow.core.key import RUN_DIGITS, group_id, run_id

_NEEDED = ("mode", "detectors")  # what no run document of the DAQ goes without
_LARGEST = sys.float_info.max  # NaN and infinity are not below it
_NUMBER = re.compile(r"[0-9]{1,6}")
_LONGEST_COMMENT = 2000  # characters that results carry along; the run database has the whole


class BadDocument(ValueError):
    """A run document that cannot be understood; the message says which and why."""


class Run(NamedTuple):
    """The facts of one run; a tuple because 60,000 of them are made in every tick.

    Parameters
    ----------
    number
        Run number.
    mode, source
        Run mode and calibration source as the DAQ wrote them.
    status
        What data management says, such as ``transferred``; empty where it says nothing.
    detectors, tags
        Names; tags without the leading underscore that protects them.
    start, end
        UTC; ``end`` is None while the run is going on.
    rate, rate_max
        Mean and highest rate of each detector in the DAQ's unit; empty until they are known.
    comments
        Comments of the run, oldest first.
    members, missing
        Numbers of the runs that are analysed together, where this is a group of runs and not one; and of those that
        belong to them and are left out.
    """

    number: int
    mode: str
    source: str
    status: str
    detectors: frozenset[str]
    tags: frozenset[str]
    start: datetime
    end: datetime | None
    rate: tuple[tuple[str, float], ...]
    rate_max: tuple[tuple[str, float], ...]
    comments: tuple[str, ...]
    members: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """The six-digit id, or that of a group."""
        return group_id(self.members) if self.members else run_id(self.number)

    def as_dict(self) -> dict[str, Any]:
        """Return the facts as outcomes keep them."""
        together = {"runs": [run_id(number) for number in self.members]} if self.members else {}
        left_out = {"runs_missing": [run_id(number) for number in self.missing]} if self.members else {}
        return {
            **together,
            **left_out,
            "number": self.number,
            "mode": self.mode,
            "source": self.source,
            "start": times.text(self.start),
            "end": times.text(self.end) if self.end else None,
            "detectors": sorted(self.detectors),
            "tags": sorted(self.tags),
            "comments": list(self.comments),
            "rate": dict(self.rate),
            "rate_max": dict(self.rate_max),
        }

    def as_document(self) -> dict[str, Any]:
        """Return a run document that gives this run again."""
        mean, most = dict(self.rate), dict(self.rate_max)
        times = {
            name: {"$date": moment.isoformat()} for name, moment in (("start", self.start), ("end", self.end)) if moment
        }
        return {
            **self.as_dict(),
            **times,
            "status": self.status,
            "rate": {
                name: {key: rates[name] for key, rates in (("avg", mean), ("max", most)) if name in rates}
                for name in mean | most
            },
        }


def late_words(run: Run, entries: Iterable[str]) -> str:
    """Say which of the entries its document lacks yet; empty if it has them all."""
    late = [name for name in entries if not getattr(run, name)]
    return f"waiting for the {' and the '.join(late)} in the run document" if late else ""


def run_of(document: Mapping[str, Any]) -> Run:
    """Read one run document.

    Parameters
    ----------
    document
        A dictionary as MongoDB gives it (naive UTC times) or as ``mongoexport`` writes it (``{"$date": ...}``).

    Raises
    ------
    BadDocument
        If the run has no usable number, or a field that decides is missing or of the wrong kind.
    """
    number = _number(document.get("number"))
    try:
        for name in _NEEDED:
            if document.get(name) is None:
                raise BadDocument(f"{name} is missing")
        start, end = _time(document.get("start"), "start"), _time(document.get("end"), "end")
        if start is None:
            raise BadDocument("start is missing")
        if end and end < start:
            raise BadDocument(f"ends at {times.text(end)}, before its start at {times.text(start)}")
        return Run(
            number=number,
            mode=_text(document.get("mode"), "mode"),
            source=_text(document.get("source"), "source"),
            status=_text(document.get("status"), "status"),
            detectors=frozenset(_texts(document.get("detectors"), "detectors")),
            tags=frozenset(name.lstrip("_") for name in _tags(document.get("tags"))),
            start=start,
            end=end,
            rate=_rates(document.get("rate"), "avg"),
            rate_max=_rates(document.get("rate"), "max"),
            comments=tuple(text[:_LONGEST_COMMENT] for text in _comments(document.get("comments"))),
        )
    except BadDocument as error:
        raise BadDocument(f"run document {number}: {error}") from None


def number_of(document: Any) -> int:
    """Return the number of a run document; `BadDocument` if it has no usable one."""
    if not isinstance(document, Mapping):
        raise BadDocument(f"a run document is {str(document)[:60]!r}, fields are needed")
    return _number(document.get("number"))


def _number(value: Any) -> int:
    if type(value) is int and 0 <= value < 10**RUN_DIGITS:
        return value
    value = value.get("$numberLong", value) if isinstance(value, dict) else value
    if isinstance(value, bool) or not isinstance(value, int | str) or not _NUMBER.fullmatch(str(value)):
        raise BadDocument(f"a run document has the number {_shown(value)}; at most six digits are needed")
    return int(value)


def _time(value: Any, place: str) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, dict) and isinstance(value.get("$date"), str):
        try:
            value = datetime.fromisoformat(value["$date"])
        except ValueError:
            raise BadDocument(f"{place} is {_shown(value)}, a time is needed") from None
    if not isinstance(value, datetime):
        raise BadDocument(f"{place} is {_shown(value)}, a time is needed")
    try:
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        moment = None
    if moment is None or not 1970 <= moment.year <= 2200:
        raise BadDocument(f"{place} is {_shown(value)}, a time since 1970 is needed")
    return moment


def _text(value: Any, place: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadDocument(f"{place} is {_shown(value)}, a text is needed")
    return value


def _texts(value: Any, place: str) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):  # documents of the first years name their one detector without a list
        return [value]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadDocument(f"{place} is {_shown(value)}, a list of texts is needed")
    return value


def _tags(value: Any) -> list[str]:
    """Read the tags, which decide: nothing that cannot be read is passed over."""
    if value is None or value == []:
        return []
    if not isinstance(value, list):
        raise BadDocument(f"tags is {_shown(value)}, a list is needed")
    names = [item.get("name") if isinstance(item, dict) else item for item in value]
    good = [name for name in names if isinstance(name, str)]
    if len(good) < len(names):
        raise BadDocument(f"tags is {_shown(value)}, each needs a text as name")
    return good


def _comments(value: Any) -> list[str]:
    """Read the comments, which decide nothing: what cannot be read is passed over."""
    if not value:
        return []
    entries = value if isinstance(value, list) else [value]
    texts = [item.get("comment") or item.get("text") if isinstance(item, dict) else item for item in entries]
    return [text for text in texts if isinstance(text, str)]


def _rates(value: Any, kind: str) -> tuple[tuple[str, float], ...]:
    if not isinstance(value, dict):
        return ()
    rates = [(str(name), one.get(kind)) for name, one in value.items() if isinstance(one, dict)]
    return tuple(
        [(name, float(rate)) for name, rate in rates if isinstance(rate, int | float) and abs(rate) <= _LARGEST]
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
