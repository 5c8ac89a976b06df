"""The parser of run documents, as the DAQ and people of many years have written them."""

import re
import sys
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple, Optional

from xomlib.printing import shown

# What is read of a run document: a server is asked for no more.
FIELDS = ("number", "mode", "source", "status", "detectors", "tags", "start", "end", "rate", "comments")
RUN_DIGITS = 6
_NEEDED = ("mode", "detectors")  # what no run document of the DAQ goes without
_LARGEST = sys.float_info.max  # NaN and infinity are not below it
_NUMBER = re.compile(r"([0-9]{1,6})(?:\.0*)?")  # a whole number, also one that was stored as a double
_WRAPPERS = ("$numberInt", "$numberLong", "$numberDouble", "$numberDecimal")
_LAST_YEAR = 2200
_TIMES = f"a time from 1970 to {_LAST_YEAR} is needed"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# What people and programs leave around a name without a meaning: white space, line ends, marks of no width.
_BLANKS = (
    " \t\n\r\x00\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u200b\u200c\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
_LONGEST_COMMENT = 2000  # characters that results carry along; the run database has the whole


class BadDocument(ValueError):
    """A run document that cannot be understood.

    Parameters
    ----------
    sentence
        Its number and the reason, with the value.
    kind
        The reason without number and value, which documents with the same error share.
    number
        Its run number; None if that cannot be understood.
    """

    def __init__(self, sentence: str, kind: str, number: Optional[int] = None) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.number = number


class RunDocument(NamedTuple):
    """What XOM uses of a run document; a tuple because a tick makes 60,000 of them.

    Parameters
    ----------
    number
        Run number.
    mode
        Run mode, see `bare_name`.
    source
        Calibration source as the DAQ wrote it; empty where the document has no text.
    status
        State of the data management, such as ``transferred``; empty where the document has none.
    detectors, tags
        Names, see `bare_name`.
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
        If it has no usable run number, or a field that selection needs is missing or of the wrong type. What decides
        nothing (source, comments, rates) is left out where it cannot be understood.
    """
    number = number_of(document)
    try:
        for name in _NEEDED:
            if document.get(name) is None:
                raise _missing(name)
        start, end = _time(document.get("start"), "start"), _time(document.get("end"), "end")
        if start is None:
            raise _missing("start")
        if end and end < start:
            reason = f"ends at {_written(end)}, before its start at {_written(start)}"
            raise BadDocument(reason, "ends before its start")
        rate, source = document.get("rate"), document.get("source")
        return RunDocument(
            number,
            bare_name(_text(document.get("mode"), "mode")),
            source if isinstance(source, str) else "",
            _text(document.get("status"), "status").strip(_BLANKS),
            frozenset([name.strip(_BLANKS) for name in _texts(document.get("detectors"), "detectors")]),
            frozenset(filter(None, map(bare_name, _tags(document.get("tags"))))),
            start,
            end,
            _rates(rate, "avg"),
            _rates(rate, "max"),
            tuple([text[:_LONGEST_COMMENT] for text in _comments(document.get("comments"))]),
        )
    except BadDocument as error:
        raise BadDocument(f"run document {number}: {error}", error.kind, number) from None


def bare_name(name: str) -> str:
    """Return a tag or mode without what counts for nothing: blanks, line ends, and the underscores before it.

    A leading underscore protects a tag in the run database.
    """
    return name.lstrip(_BLANKS + "_").rstrip(_BLANKS)


def number_of(document: Any) -> int:
    """Return the number of a run document; `BadDocument` if it has no usable one."""
    if not isinstance(document, dict):
        raise BadDocument(f"a run document is {str(document)[:60]!r}, fields are needed", "no document")
    value = document.get("number")
    if type(value) is int and 0 <= value < 10**RUN_DIGITS:
        return value
    found = _NUMBER.fullmatch(str(_plain(value)))
    if found is None and (name := _superrun(document)):
        raise BadDocument(f"the document of superrun {shown(name)} is left out: it has no run number", "superrun")
    if found is None:
        raise BadDocument(f"a run document has the number {shown(value)}; at most six digits are needed", "number")
    return int(found[1])


# --- values in extended JSON ------------------------------------------------------------------------------------------
def _plain(value: Any) -> Any:
    """Return the number in a wrapper of extended JSON, relaxed or canonical, or of bson; other values as they are."""
    try:
        if type(value) is dict:
            ((name, inside),) = value.items()
            return float(inside) if name in _WRAPPERS and not isinstance(inside, bool) else value
        return float(value.to_decimal()) if hasattr(value, "to_decimal") else value
    except (TypeError, ValueError, OverflowError):
        return value


def _superrun(document: dict) -> str:
    """Return the name of the superrun that a document is about; empty if it is about a run."""
    name = document.get("name")
    return name if isinstance(name, str) and name.startswith("_") else ""


def span_of(document: Any) -> tuple[Optional[datetime], Optional[datetime]]:
    """Return start and end of a run document as far as they can be understood, whatever else is wrong in it.

    A superrun has none: its times are those of runs that have documents of their own.
    """
    is_run = isinstance(document, dict) and not _superrun(document)
    found = []
    for name in ("start", "end"):
        try:
            found.append(_time(document.get(name), name) if is_run else None)
        except BadDocument:
            found.append(None)
    return found[0], found[1]


# --- times ------------------------------------------------------------------------------------------------------------
def _time(value: Any, place: str) -> Optional[datetime]:
    if value is None:
        return None
    try:
        moment = _moment(value["$date"]) if isinstance(value, dict) else value
    except (KeyError, TypeError, ValueError):
        raise _wrong(place, value, "a time is needed") from None
    except OverflowError:
        raise _wrong(place, value, _TIMES) from None
    if not isinstance(moment, datetime):
        raise _wrong(place, value, "a time is needed")
    try:
        utc = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    except OverflowError:
        utc = None
    if utc is None or not 1970 <= utc.year <= _LAST_YEAR:
        raise _wrong(place, value, _TIMES)
    return utc


def _moment(date: Any) -> datetime:
    """Return the time in a ``$date``: a text of ISO 8601, or milliseconds since 1970 in any form of a number."""
    if isinstance(date, str):
        return read_iso_time(date)
    milliseconds = _plain(date)
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)):
        raise TypeError(f"{shown(date)} is no time")
    return _EPOCH + timedelta(milliseconds=milliseconds)


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
def _wrong(place: str, value: Any, needed: str) -> BadDocument:
    return BadDocument(f"{place} is {shown(value)}, {needed}", f"{place}: {needed}")


def _missing(place: str) -> BadDocument:
    return BadDocument(f"{place} is missing", f"{place} is missing")


def _text(value: Any, place: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong(place, value, "a text is needed")
    return value


def _texts(value: Any, place: str) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):  # documents of the first years name their one detector without a list
        return [value]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(place, value, "a list of texts is needed")
    return value


def _tags(value: Any) -> list[str]:
    """Return the names of the tags. Selection depends on them, so a tag that cannot be read is an error."""
    if value is None or value == []:
        return []
    if not isinstance(value, list):
        raise _wrong("tags", value, "a list is needed")
    names = [item.get("name") if isinstance(item, dict) else item for item in value]
    good = [name for name in names if isinstance(name, str)]
    if len(good) < len(names):
        raise _wrong("tags", value, "each needs a text as name")
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
    rates = [(str(name), _plain(one.get(kind))) for name, one in value.items() if isinstance(one, dict)]
    return tuple(
        [(name, float(rate)) for name, rate in rates if isinstance(rate, (int, float)) and abs(rate) <= _LARGEST]
    )
