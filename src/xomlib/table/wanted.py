"""Which versions and runs are asked for. Pure."""

import re
from collections.abc import Iterable
from typing import Any

from xomlib.errors import ResultsError

_CAMPAIGN = re.compile(r"\d{6}-[0-9a-f]{4}", re.ASCII)
_RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?", re.ASCII)


def newest(versions: Iterable[str]) -> str:
    """Return the newest of some versions: ``v10`` is newer than ``v9``, as on the page; what was taken over is old."""
    return max(versions, key=_order)


def _order(version: str) -> tuple:
    """Return what sorts versions: texts and numbers take turns in it, and numbers count as numbers."""
    words = [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", version)]
    return (not version.startswith("history."), words)


class Wanted:
    """The runs that are asked for.

    Parameters
    ----------
    runs
        None: all. Else a run number, a text (``"52894"``, ``"52801-52899"``, or ``"052801-0bea"``, which is the id of a
        campaign), or several of these. A campaign is also asked for by each of its runs.

    Raises
    ------
    ResultsError
        If it is none of these.
    """

    def __init__(self, runs: Any = None) -> None:
        self.all = runs is None
        self._numbers: set = set()
        self._ranges: list = []
        self._ids: set = set()
        several = not isinstance(runs, str) and isinstance(runs, Iterable)
        for one in () if runs is None else runs if several else [runs]:
            self._add(one)

    def _add(self, one: Any) -> None:
        found = _RANGE.fullmatch(one) if isinstance(one, str) else None
        if isinstance(one, str) and _CAMPAIGN.fullmatch(one):
            self._ids.add(one)
        elif found and int(found[2] or found[1]) >= int(found[1]):
            self._ranges.append((int(found[1]), int(found[2] or found[1])))
        elif not isinstance(one, (str, bool)) and hasattr(one, "__index__"):
            self._numbers.add(int(one))
        else:
            raise ResultsError(
                f"runs: {one!r} is neither a run (52894), a range (52801-52899) nor a campaign (052801-0bea)"
            )

    def has(self, run_id: str, members: Iterable[int]) -> bool:
        """Return whether a run, or a campaign by one of its members, is asked for."""
        return self.all or run_id in self._ids or any(map(self._has_number, members))

    def _has_number(self, number: int) -> bool:
        return number in self._numbers or any(first <= number <= last for first, last in self._ranges)
