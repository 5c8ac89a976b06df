"""A run document's facts, for a script that is tried by hand: in a tick the workflow reads the documents."""

import sys
from datetime import datetime, timezone
from typing import Any, Optional

from xomlib.errors import JobError
from xomlib.files import parse_json

_LARGEST = sys.float_info.max  # NaN and infinity are not below it
_LONGEST_COMMENT = 2000  # as outcomes have it


def facts_of(path: str, number: int) -> dict[str, Any]:
    """Find the document of run ``number`` in a file as ``mongoexport`` writes it, one a line, and return its facts.

    Raises
    ------
    JobError
        If the file cannot be read, has no such document, or the document cannot be understood.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            documents = [_parsed(line) for line in file if str(number) in line]
    except OSError as error:
        raise JobError(f"{path} cannot be read: {error.strerror}") from None
    found = [one for one in documents if isinstance(one, dict) and str(one.get("number")) == str(number)]
    if len(found) != 1:
        raise JobError(f"{path} has {len(found) or 'no'} documents of run {number}")
    try:
        return facts(found[0])
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise JobError(f"the document of run {number} in {path} cannot be understood: {error}") from None


def facts(document: dict[str, Any]) -> dict[str, Any]:
    """Return what `xomlib.run` gives for a well-formed document; another raises `TypeError`, `ValueError` or such."""
    names = [item["name"] if isinstance(item, dict) else item for item in document.get("tags") or []]
    detectors = document["detectors"]
    return {
        "number": int(document["number"]),
        "mode": document["mode"],
        "source": document.get("source") or "",
        "start": _time(document["start"]),
        "end": _time(document.get("end")),
        "detectors": sorted({detectors} if isinstance(detectors, str) else set(detectors)),
        "tags": sorted({name.lstrip("_") for name in names}),
        "comments": [text[:_LONGEST_COMMENT] for text in _comments(document.get("comments"))],
        "rate": _rates(document.get("rate"), "avg"),
        "rate_max": _rates(document.get("rate"), "max"),
    }


def _parsed(line: str) -> Any:
    try:
        return parse_json(line)
    except ValueError:
        return None


def _time(value: Any) -> Optional[str]:
    if value is None:
        return None
    moment = datetime.fromisoformat(value["$date"].replace("Z", "+00:00"))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _comments(value: Any) -> list[str]:
    entries = value if isinstance(value, list) else [value] if value else []
    texts = [item.get("comment") or item.get("text") if isinstance(item, dict) else item for item in entries]
    return [text for text in texts if isinstance(text, str)]


def _rates(value: Any, kind: str) -> dict[str, float]:
    rates = [(name, one.get(kind)) for name, one in (value or {}).items() if isinstance(one, dict)]
    return {name: float(rate) for name, rate in rates if isinstance(rate, (int, float)) and abs(rate) <= _LARGEST}
