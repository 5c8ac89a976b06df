"""Results of the first XOM among the outcomes: they have a version of their own, ``history.`` and the former one."""

from __future__ import annotations

_PREFIX = "history."


def as_history(version: str) -> str:
    """Return the version under which results of the first XOM stand."""
    return _PREFIX + version


def is_history(version: str) -> bool:
    """Return whether a version has results of the first XOM."""
    return version.startswith(_PREFIX)


def former_version(version: str) -> str:
    """Return the version that the results had in the first XOM; another version as it is."""
    return version.removeprefix(_PREFIX)
