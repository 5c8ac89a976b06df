"""Renew the parts of the page whose outcomes changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from xomflow import page
from xomflow.core.files.stamps import stamp_of
from xomflow.core.paths import Paths
from xomflow.core.verdicts import read_alarms, read_bands
from xomflow.outcomes.cache import OutcomeCache, Shelf
from xomflow.outcomes.campaigns.groups import CurrentResults, Method
from xomflow.outcomes.model import Outcome
from xomflow.outcomes.past.makers import Makers, MakersOfShelves, by_method
from xomflow.outcomes.seen_fingerprints import SeenFingerprints


class Refreshed(NamedTuple):
    """The result of renewing the page.

    Parameters
    ----------
    problems
        Sentences about outcomes that could not be read.
    by_shelf
        What made the outcomes, by shelf.
    """

    problems: list[str]
    by_shelf: dict[Shelf, Makers]

    @property
    def makers(self) -> dict[Method, Makers]:
        """What made the outcomes, by analysis and version."""
        return by_method(self.by_shelf)


class PageRefresh:
    """Writes the chunks of the page whose outcomes changed, and finds out what made the outcomes.

    Both need the outcomes of a shelf, and reading them is most of the work. Publishing has them in memory: it calls
    `look`, and afterwards `all` looks at what is left.

    Parameters
    ----------
    paths
        Where outcomes and page are.
    look_at
        Shelves that are looked at even if they seem unchanged.
    """

    def __init__(self, paths: Paths, look_at: Collection[Shelf] = ()) -> None:
        self._paths, self._page, self._bands = paths, paths.page, paths.all_bands
        self._cache, self._current = OutcomeCache(paths), CurrentResults(paths)
        self._makers = MakersOfShelves(paths.makers)
        self._fingerprints = SeenFingerprints(paths.page_stamps, look_at)
        self._looks = SeenFingerprints(paths.page_looks)

    def look(self, shelf: Shelf, outcomes: Mapping[str, Outcome]) -> None:
        """Renew a shelf whose outcomes are all in memory; what fails is tried again, and reported, by `all`."""
        try:
            self._fingerprints.note(shelf, self._renew(shelf, lambda: outcomes))
        except (OSError, ValueError):
            self._fingerprints.forget(shelf)

    def all(self) -> Refreshed:
        """Renew whatever is left, and the page's own files."""
        page.write_frame(self._page)
        shown, problems = [], []
        for shelf in self._cache.shelves():
            try:
                fingerprint = self._renew_files(shelf)
            except (OSError, ValueError) as error:
                problems.append(f"the page lacks {shelf}: {error}")
                continue
            if not self._cache.unknown_in(shelf, ()):
                self._fingerprints.note(shelf, fingerprint)
            shown.append(_name(shelf))
        page.write_index(self._page, shown)
        page.write_alarms(self._page, read_alarms(self._paths))
        self._fingerprints.keep()
        self._looks.keep()
        self._makers.keep()
        return Refreshed([*self._cache.problems, *problems], self._makers.found)

    def _renew_files(self, shelf: Shelf) -> str | int:
        """Renew both files of a shelf as far as it has changed; return what it looks like now."""
        # A copy of the whole folder has other inodes.
        source = " ".join(stamp_of(f"{self._bands}/{shelf}.json").split(" ")[:2])
        before = f"{page.look_of(self._page, *_name(shelf))} {source}"
        is_good = self._looks.seen(shelf, before)
        fingerprint = self._renew(shelf, partial(self._cache.outcomes, shelf), is_good)
        if not is_good or not self._fingerprints.seen(shelf, fingerprint):
            _renew_bands(self._paths, *_name(shelf), source)
            self._looks.note(shelf, f"{page.look_of(self._page, *_name(shelf))} {source}")
        return fingerprint

    def _renew(self, shelf: Shelf, read: Callable[[], Mapping[str, Outcome]], has_chunk: bool = False) -> str | int:
        """Renew a shelf if it has changed, or its chunk is not known to be there; return what it looks like now."""
        changed, current = self._cache.fingerprint(shelf), list[Outcome]()
        fingerprint = f"{changed} {self._current.fingerprint(shelf)}" if changed else 0

        def outcomes() -> Iterable[Outcome]:
            if not current:
                current.extend(self._current.of(shelf, read()).values())
            return current

        is_current = self._fingerprints.seen(shelf, fingerprint)
        if not (is_current and (has_chunk or page.has_chunk(self._page, *_name(shelf)))):
            page.write_chunk(self._page, *_name(shelf), outcomes(), self._current.marks(shelf))
        self._makers.look_at(shelf, fingerprint, outcomes)
        return fingerprint


def refresh_page(paths: Paths, look_at: Collection[Shelf] = ()) -> Refreshed:
    """Write the chunks of the page whose outcomes changed; parameters as of `PageRefresh`."""
    return PageRefresh(paths, look_at).all()


def _renew_bands(paths: Paths, analysis: str, version: str, shelf: str, source: str) -> None:
    """Write what was expected of the results of a shelf, if the verdicts have changed."""
    if source != page.bands_source(paths.page, analysis, version, shelf):
        page.write_bands(paths.page, analysis, version, shelf, read_bands(paths, analysis, version, shelf), source)


def _name(shelf: Shelf) -> tuple[str, str, str]:
    return shelf.analysis, shelf.version, shelf.name
