"""The parser of run documents, as the DAQ and people of many years have written them."""

import re
import sys
from datetime import date, datetime, timezone
from typing import Any, NamedTuple, Optional

RUN_DIGITS = 6
_NEEDED = ("mode", "detectors")  # what no run document of the DAQ goes without
_LARGEST = sys.float_info.max  # NaN and infinity are not below it
_NUMBER = re.compile(r"[0-9]{1,6}")
_LONGEST_COMMENT = 2000  # characters that results carry along; the run database has the whole


class BadDocument(ValueError):
    """A run document that cannot be read; the message has its number and the reason."""


class RunDocument(NamedTuple):
    """What XOM uses of a run document; a tuple because a tick makes 60,000 of them.

    Parameters
    ----------
    number
        Run number.
    mode, source
        Run mode and calibration source as the DAQ wrote them.
    status
        State of the data management, such as ``transferred``; empty where the document has none.
    detectors, tags
        Names; tags without the leading underscore that protects them.
    start, end
        UTC; ``end`` is None while the run is going on.
    rate, rate_max
        Mean and highest rate of each detector in the DAQ's unit; empty until the document has them.
    comments
        Comments of the run, oldest first.
    """

    number: int
    mode: str
    source: str
    status: str
    detectors: frozenset[str]
    tags: frozenset[str]
    start: datetime
    end: Optional[datetime]
    rate: tuple[tuple[str, float], ...]
    rate_max: tuple[tuple[str, float], ...]
    comments: tuple[str, ...]


def read_run_document(document: Any) -> RunDocument:
    """Read one run document.

    Parameters
    ----------
    document
        A dictionary as MongoDB gives it (naive UTC times) or as ``mongoexport`` writes it (``{"$date": ...}``).

    Raises
    ------
    BadDocument
        If it has no usable run number, or a field that selection needs is missing or of the wrong type.
    """
    number = number_of(document)
    try:
        for name in _NEEDED:
            if document.get(name) is None:
                raise BadDocument(f"{name} is missing")
        start, end = _time(document.get("start"), "start"), _time(document.get("end"), "end")
        if start is None:
            raise BadDocument("start is missing")
        if end and end < start:
            raise BadDocument(f"ends at {_written(end)}, before its start at {_written(start)}")
        rate = document.get("rate")
        return RunDocument(
            number,
            _text(document.get("mode"), "mode"),
            _text(document.get("source"), "source"),
            _text(document.get("status"), "status"),
            frozenset(_texts(document.get("detectors"), "detectors")),
            frozenset([name.lstrip("_") for name in _tags(document.get("tags"))]),
            start,
            end,
            _rates(rate, "avg"),
            _rates(rate, "max"),
            tuple([text[:_LONGEST_COMMENT] for text in _comments(document.get("comments"))]),
        )
    except BadDocument as error:
        raise BadDocument(f"run document {number}: {error}") from None


def number_of(document: Any) -> int:
    """Return the number of a run document; `BadDocument` if it has no usable one."""
    if not isinstance(document, dict):
        raise BadDocument(f"a run document is {str(document)[:60]!r}, fields are needed")
    value = document.get("number")
    if type(value) is int and 0 <= value < 10**RUN_DIGITS:
        return value
    value = value.get("$numberLong", value) if isinstance(value, dict) else value
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not _NUMBER.fullmatch(str(value)):
        raise BadDocument(f"a run document has the number {_shown(value)}; at most six digits are needed")
    return int(value)


# --- times ------------------------------------------------------------------------------------------------------------
def _time(value: Any, place: str) -> Optional[datetime]:
    if value is None:
        return None
    if isinstance(value, dict) and isinstance(value.get("$date"), str):
        try:
            value = read_iso_time(value["$date"])
        except ValueError:
            raise BadDocument(f"{place} is {_shown(value)}, a time is needed") from None
    if not isinstance(value, datetime):
        raise BadDocument(f"{place} is {_shown(value)}, a time is needed")
    try:
        moment = value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
    except OverflowError:
        moment = None
    if moment is None or not 1970 <= moment.year <= 2200:
        raise BadDocument(f"{place} is {_shown(value)}, a time since 1970 is needed")
    return moment


_CLOCK = r"(\d\d)(?:(:?)(\d\d)(?:\{0}(\d\d)(?:[.,](\d+))?)?)?"  # the separator between hours and minutes comes again
_ISO = re.compile(
    r"(\d{4})(?:(-?)(\d\d)\2(\d\d)|(-?)W(\d\d)(?:\5(\d))?)"
    rf"(?:.{_CLOCK.format(9)}(?:Z|([+-]){_CLOCK.format(15)})?)?",
    re.ASCII | re.DOTALL,
)


def _read_iso_time_as_3_11(text: str) -> datetime:
    """Read the forms of ISO 8601 that `datetime.fromisoformat` reads since Python 3.11 and not before."""
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError(f"no time: {text!r}")
    year, _, month, day, _, week, weekday = found.groups()[:7]
    first = date.fromisocalendar(int(year), int(week), int(weekday or 1)) if week else None
    days = first or date(int(year), int(month), int(day))
    clock, sign, offset = found.groups()[7:12], found[13], found.groups()[13:]
    whole = f"{days.isoformat()}T{_clock(clock)}"
    whole += f"{sign}{_clock(offset)}" if sign else "+00:00" if text.endswith("Z") else ""
    return datetime.fromisoformat(whole)


def _clock(parts: Any) -> str:
    hours, _, minutes, seconds, fraction = parts
    return f"{hours or '00'}:{minutes or '00'}:{seconds or '00'}.{(fraction or '')[:6]:0<6}"


read_iso_time = datetime.fromisoformat if sys.version_info >= (3, 11) else _read_iso_time_as_3_11
"""Return the time in a text of ISO 8601, the same under every Python; `ValueError` if there is none."""


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- other fields -----------------------------------------------------------------------------------------------------
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
    """Return the names of the tags. Selection depends on them, so a tag that cannot be read is an error."""
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
    """Return the texts of the comments. Nothing depends on them, so a comment that cannot be read is left out."""
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
        [(name, float(rate)) for name, rate in rates if isinstance(rate, (int, float)) and abs(rate) <= _LARGEST]
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
