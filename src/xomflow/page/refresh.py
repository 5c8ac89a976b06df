"""Renew the parts of the page whose outcomes changed."""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import NamedTuple

from xomflow import page
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import OutcomeCache, SeenFingerprints, Shelf
from xomflow.outcomes.groups import CurrentResults, Method
from xomflow.outcomes.makers import Makers, MakersOfShelves, by_method
from xomflow.outcomes.model import Outcome


class Refreshed(NamedTuple):
    """What came out.

    Parameters
    ----------
    problems
        Sentences about outcomes that could not be read.
    makers
        What made the outcomes, by analysis and version.
    """

    problems: list[str]
    makers: dict[Method, Makers]


def refresh_page(paths: Paths, look_at: Collection[Shelf] = ()) -> Refreshed:
    """Write the chunks of the page whose outcomes changed.

    What made the outcomes is found out on the way, while they are in memory.

    Parameters
    ----------
    paths
        Where outcomes and page are.
    look_at
        Shelves that are looked at even if they seem unchanged.
    """
    page.write_frame(paths.page)
    cache, current, makers = OutcomeCache(paths), CurrentResults(paths), MakersOfShelves(paths.makers)
    fingerprints = SeenFingerprints(paths.page_stamps, look_at)
    shown, problems = [], []
    for shelf in cache.shelves():
        changed = cache.fingerprint(shelf)
        fingerprint = f"{changed} {current.fingerprint(shelf)}" if changed else 0
        name = (shelf.analysis, shelf.version, shelf.name)

        @functools.cache
        def outcomes(shelf: Shelf = shelf) -> list[Outcome]:
            return list(current.of(shelf, cache.outcomes(shelf)).values())

        try:
            if not (fingerprints.seen(shelf, fingerprint) and page.has_chunk(paths.page, *name)):
                page.write_chunk(paths.page, *name, outcomes(), current.marks(shelf))
            makers.look_at(shelf, fingerprint, outcomes)
        except (OSError, ValueError) as error:
            problems.append(f"the page lacks {shelf}: {error}")
            continue
        if not cache.unknown_in(shelf, ()):
            fingerprints.note(shelf, fingerprint)
        shown.append(name)
    page.write_index(paths.page, shown)
    fingerprints.keep()
    makers.keep()
    return Refreshed([*cache.problems, *problems], by_method(makers.found))
