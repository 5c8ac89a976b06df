"""Renew the parts of the page whose outcomes changed."""

from __future__ import annotations

from xomflow import page
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import OutcomeCache, SeenFingerprints
from xomflow.outcomes.groups import CurrentResults


def refresh_page(paths: Paths) -> list[str]:
    """Write the chunks of the page whose outcomes changed; return sentences about outcomes that could not be read."""
    page.write_frame(paths.page)
    cache, current, fingerprints = OutcomeCache(paths), CurrentResults(paths), SeenFingerprints(paths.page_stamps)
    shelves = cache.shelves()
    for shelf in shelves:
        changed = cache.fingerprint(shelf)
        fingerprint = f"{changed} {current.fingerprint(shelf)}" if changed else 0
        if fingerprints.seen(shelf, fingerprint):
            continue
        done = current.of(shelf, cache.outcomes(shelf)).values()
        page.write_chunk(paths.page, shelf.analysis, shelf.version, shelf.name, done)
        fingerprints.note(shelf, fingerprint)
    page.write_index(paths.page, [(shelf.analysis, shelf.version, shelf.name) for shelf in shelves])
    fingerprints.keep()
    return cache.problems
