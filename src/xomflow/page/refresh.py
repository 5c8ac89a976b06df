"""Renew the parts of the page whose outcomes changed."""

from __future__ import annotations

from collections.abc import Collection

from xomflow import page
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import OutcomeCache, SeenFingerprints, Shelf
from xomflow.outcomes.groups import CurrentResults


def refresh_page(paths: Paths, look_at: Collection[Shelf] = ()) -> list[str]:
    """Write the chunks of the page whose outcomes changed; return sentences about outcomes that could not be read.

    Parameters
    ----------
    paths
        Where outcomes and page are.
    look_at
        Shelves that are looked at even if they seem unchanged.
    """
    page.write_frame(paths.page)
    cache, current = OutcomeCache(paths), CurrentResults(paths)
    fingerprints = SeenFingerprints(paths.page_stamps, look_at)
    shown, problems = [], []
    for shelf in cache.shelves():
        changed = cache.fingerprint(shelf)
        fingerprint = f"{changed} {current.fingerprint(shelf)}" if changed else 0
        name = (shelf.analysis, shelf.version, shelf.name)
        try:
            if not (fingerprints.seen(shelf, fingerprint) and page.has_chunk(paths.page, *name)):
                outcomes = current.of(shelf, cache.outcomes(shelf)).values()
                page.write_chunk(paths.page, *name, outcomes, current.marks(shelf))
        except (OSError, ValueError) as error:
            problems.append(f"the page lacks {shelf}: {error}")
            continue
        if not cache.unknown_in(shelf, ()):
            fingerprints.note(shelf, fingerprint)
        shown.append(name)
    page.write_index(paths.page, shown)
    fingerprints.keep()
    return [*cache.problems, *problems]
