"""What a script passes as a number, a count or an item of ``data``, as plain Python values; all else is refused.

numpy and pandas are known by how their values look, since neither may be imported here.
"""

import datetime
import math
from typing import Any, Optional

from xomlib.errors import BadResult
from xomlib.printing import shortened, shown

LONGEST_TEXT = 60_000  # characters of a text in data; InfluxDB refuses a megabyte

# By the kind of a numpy dtype: what the value is, and what to pass instead.
_NO_NUMBERS = {
    "m": "a time span, a number in the unit is needed: value / numpy.timedelta64(1, 's') gives seconds",
    "M": "a date, a number is needed: subtract a reference and divide by numpy.timedelta64(1, 's')",
    "O": "of dtype object, a number is needed: value.astype(float)",
    "c": "complex, a real number is needed: value.real",
    "V": "a row of a table, one of its columns is needed: value['name']",
}
_SPAN = "a time span, a number in the unit is needed: value.total_seconds() gives seconds"
_DATE = "a date, a number is needed: value.timestamp() gives seconds since 1970"
_TIMES = (
    (datetime.timedelta, _SPAN),
    ((datetime.date, datetime.time), _DATE),
)


class NotFinite(BadResult):
    """A number that is NaN or infinite."""


def number(value: Any, place: str) -> Optional[float]:
    """Return a number as a float; None as it is.

    Parameters
    ----------
    value
        A number of Python or numpy, or a numpy array of one number.
    place
        What it is, for the message.

    Raises
    ------
    BadResult
        If it is no single finite number.
    """
    value = _bare(value, place)
    if value is None:
        return None
    if isinstance(value, (bool, str, bytes, bytearray, memoryview)):  # float reads texts
        raise BadResult(f"{place} is {shown(value)}, a number is needed")
    try:
        found = float(value)
    except OverflowError:
        raise BadResult(f"{place} is larger than a 64-bit float can hold") from None
    except Exception:  # a value of a package with units raises its own
        raise BadResult(f"{place} is {type(value).__name__}, a single number is needed") from None
    if not math.isfinite(found):
        raise NotFinite(f"{place} is {found}, a finite number is needed")
    return found


def errors(value: Any, place: str) -> tuple:
    """Return an error as three numbers: the larger of its two sides, and both sides if they differ, else None.

    Parameters
    ----------
    value
        A number, or two: how far the value may be too high and too low, ``(down, up)``, both not negative.
    place
        What it is, for the message.

    Raises
    ------
    BadResult
        If it is none of these.
    """
    is_pair = getattr(value, "shape", None) == (2,) or (isinstance(value, (tuple, list)) and len(value) == 2)
    found = [number(side, place) for side in (value if is_pair else [value])]
    if is_pair and None in found:
        raise BadResult(f"{place} is {shown(value)}, two numbers, (down, up), are needed")
    if any(side is not None and side < 0 for side in found):
        raise BadResult(f"{place} is {value if is_pair else found[0]}, it cannot be negative")
    down, up = found[0], found[-1]
    return (down, None, None) if down == up else (max(down, up), down, up)  # type: ignore[type-var]


def count(value: Any, place: str) -> Optional[int]:
    """Return a number of events; None as it is, `BadResult` if it is no whole number from 0."""
    found = number(value, place)
    if found is None:
        return None
    if found < 0 or found != int(found) or found >= 2**53:
        raise BadResult(f"{place} is {found}, a count is needed")
    return int(found)


def item(value: Any, place: str) -> Any:
    """Return an item of ``data``: a number, text or truth value; `BadResult` if it is none."""
    value = _bare(value, place)
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise BadResult(f"{place} is a text of {len(value)} characters, at most {LONGEST_TEXT} are kept")
    if isinstance(value, (bool, str)):
        return value
    found = number(value, place)
    if found is None:
        raise BadResult(f"{place} is None, a number, text or truth value is needed")
    return value if isinstance(value, int) else found


def text(value: Any, place: str) -> Optional[str]:
    """Return a sentence that is not blank, None for None and for blanks; `BadResult` if it is no text."""
    if value is not None and not isinstance(value, str):
        raise BadResult(f"{place} is {shown(value)}, a text is needed")
    return shortened(value) if value and value.strip() else None


def _bare(value: Any, place: str) -> Any:
    """Return the Python value of a numpy scalar or of an array of one number; other values as they are."""
    refusal = _refusal(value)
    if refusal is not None:
        raise BadResult(f"{place} is {refusal}")
    if not hasattr(value, "item") or getattr(value, "size", 1) != 1:
        return value
    try:
        bare = value.item()
    except Exception:  # it is something else that has such a method
        return value
    refusal = "None in an array, a number is needed" if bare is None else _refusal(bare) if bare is not value else None
    if refusal is not None:
        raise BadResult(f"{place} is {refusal}")
    return bare


def _refusal(value: Any) -> Optional[str]:
    """Return why a value is no number though it may look or convert like one; None if nothing is known against it."""
    kind = type(value)
    if kind.__name__ == "NaTType":
        return "NaT, a finite number is needed"
    if kind.__module__.partition(".")[0] == "pandas" and hasattr(value, "iloc"):
        return f"a pandas {kind.__name__}, a single number is needed: {_single(value)}"
    for times, words in _TIMES:
        if isinstance(value, times):
            return words
    size = getattr(value, "size", 1)
    if size == 1 and getattr(value, "mask", False):  # a masked value would give a zero
        return "masked, a number is needed, or insufficient='why there is none'"
    return _NO_NUMBERS.get(getattr(getattr(value, "dtype", None), "kind", ""))


def _single(table: Any) -> str:
    return "save .item()" if getattr(table, "ndim", 1) == 1 and len(table) == 1 else "save one of its values"
