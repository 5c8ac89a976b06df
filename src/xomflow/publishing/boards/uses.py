"""Which software made the results of each version of an analysis, and since when."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from xomflow.core.files.kept_json import dict_of, read_kept, write_kept
from xomflow.outcomes.cache import Shelf
from xomflow.publishing.stores.store import Points

_PACKAGE = "version_"


class Use(NamedTuple):
    """The first result of a version that was made with a software.

    Parameters
    ----------
    since
        When it was made, UTC.
    software
        Name of the configured software.
    packages
        Versions of its packages, by name.
    """

    since: str
    software: str
    packages: dict[str, str]


class Uses:
    """The uses of all shelves, in a file that can be deleted together with the ledger of the store.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = read_kept(path, _parsed)
        self._by_shelf = dict(self._kept or {})

    def __contains__(self, shelf: Shelf) -> bool:
        """Return whether the uses of a shelf are known."""
        return str(shelf) in self._by_shelf

    def note(self, shelf: Shelf, points: Points) -> None:
        """Note the uses that the points of a shelf show; those of a mirror have none."""
        first = (of_run[0].fields for of_run in points.values() if of_run)
        self._by_shelf[str(shelf)] = earliest(_use(fields) for fields in first if "ended" in fields)

    def keep(self, shelves: Iterable[Shelf]) -> None:
        """Write the file if something has changed, without shelves that are not there any more."""
        there = {str(shelf) for shelf in shelves}
        self._by_shelf = {name: uses for name, uses in self._by_shelf.items() if name in there}
        if self._by_shelf != self._kept:
            write_kept(self._path, json.dumps(self._by_shelf))

    def by_version(self) -> dict[tuple[str, str], list[Use]]:
        """Return the uses of each version of each analysis, the first one first."""
        found: dict[tuple[str, str], list[Use]] = {}
        for name, uses in self._by_shelf.items():
            analysis, version, _ = name.split("/")
            found.setdefault((analysis, version), []).extend(uses)
        return {method: earliest(uses) for method, uses in sorted(found.items())}


def earliest(uses: Iterable[Use]) -> list[Use]:
    """Return the first use of each software, in the order of time."""
    found: dict[Any, Use] = {}
    for use in uses:
        what = (use.software, tuple(sorted(use.packages.items())))
        if what not in found or use.since < found[what].since:
            found[what] = use
    return [use for what, use in sorted(found.items(), key=lambda one: (one[1].since, one[0]))]


def _use(fields: Mapping[str, Any]) -> Use:
    packages = {name.removeprefix(_PACKAGE): text for name, text in fields.items() if name.startswith(_PACKAGE)}
    return Use(fields["ended"], fields["software"], packages)


def _parsed(content: Any) -> dict[str, list[Use]]:
    kept = dict_of(list)(content)
    if any(name.count("/") != 2 for name in kept):
        raise ValueError("names of shelves are needed")
    return {
        name: [Use(str(since), str(software), dict_of(str)(packages)) for since, software, packages in uses]
        for name, uses in kept.items()
    }
