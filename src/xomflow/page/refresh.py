"""Renew the parts of the page whose outcomes changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xomflow import page
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import OutcomeCache, SeenFingerprints

if TYPE_CHECKING:
    pass


def refresh_page(paths: Paths) -> list[str]:
    """Write the chunks of the page whose outcomes changed; return sentences about outcomes that could not be read."""
    page.write_frame(paths.page)
    index = OutcomeCache(paths)
    stamps = SeenFingerprints(paths.page_stamps)
    shelves = index.shelves()
    for shelf in shelves:
        stamp = index.stamp(shelf)
        if stamps.seen(shelf, stamp):
            continue
        done = [entry.outcome for entry in index.entries(shelf).values()]
        page.write_chunk(paths.page, shelf.analysis, shelf.version, shelf.name, done)
        stamps.note(shelf, stamp)
    page.write_index(paths.page, [(shelf.analysis, shelf.version, shelf.name) for shelf in shelves])
    stamps.keep()
    return index.problems
