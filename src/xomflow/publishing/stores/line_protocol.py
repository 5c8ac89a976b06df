"""Points as lines of InfluxDB's line protocol.

They are not made with InfluxDB's client, because its import takes half a second and because it leaves out silently what
it cannot write. Here that is an error.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable
from typing import Any

from xomflow.publishing.point import Point

# What the server would change in a measurement, a tag or a field's name, or could not take.
_ALTERED = re.compile(r"[\x00-\x1f\\]")
_LONGEST_NAME = 60_000  # bytes; the server refuses more than 65,535 for a whole series
_MEASUREMENT = str.maketrans({",": r"\,", " ": r"\ "})
_NAME = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\="})
_TEXT = str.maketrans({"\\": r"\\", '"': r"\""})


class BadPointError(ValueError):
    """A point that the server would not keep as it is."""


def text(points: Iterable[Point]) -> str:
    """Return the lines of points, one after the other.

    Parameters
    ----------
    points
        The points.

    Raises
    ------
    BadPointError
        If a number is not finite, a text is empty, a field is of another kind, there is no field, or a name would not
        stay as it is.
    """
    return "".join(f"{_line(point)}\n" for point in points)


def _line(point: Point) -> str:
    if not point.fields:
        raise BadPointError(f"a point of {point.measurement} has no field")
    tags = "".join([f",{_name(name)}={_name(value)}" for name, value in sorted(point.tags.items())])
    fields = ",".join([f"{_name(name)}={_value(name, value)}" for name, value in sorted(point.fields.items())])
    return f"{_measurement(point.measurement)}{tags} {fields} {point.time}"


# The same few names come in every point.
@functools.lru_cache(maxsize=4096)
def _name(name: str) -> str:
    _check(name)
    return name.translate(_NAME)


@functools.lru_cache(maxsize=4096)
def _measurement(name: str) -> str:
    _check(name)
    if name.startswith("#"):
        raise BadPointError(f"{name[:60]!r} cannot be a measurement: the server takes its lines for comments")
    return name.translate(_MEASUREMENT)


def _check(name: str) -> None:
    if not name or _ALTERED.search(name) or len(name.encode()) > _LONGEST_NAME:
        raise BadPointError(f"{name[:60]!r} cannot be a name in a time series")


def _value(name: str, value: Any) -> str:
    if isinstance(value, str) and value:
        return f'"{value.translate(_TEXT)}"' if '"' in value or "\\" in value else f'"{value}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    raise BadPointError(f"the field {name} is {value!r}, a finite number, some text or a truth value is needed")
