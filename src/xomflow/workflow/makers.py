"""Sentences about analyses whose results are not all made alike, or read other data than their configuration has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from xomflow.config.model import Config
from xomflow.core.paths import Paths
from xomflow.outcomes.past.makers import Makers, by_method, look_at_makers

# Of more shelves that changed since the last tick the outcomes are not read.
_MOST_SHELVES = 20


def maker_lines(config: Config) -> list[str]:
    """Return sentences about the present versions of the configured analyses; reads only."""
    look = look_at_makers(Paths(config.work), _MOST_SHELVES)
    found, lines = by_method(look.found), list[str]()
    for analysis, block in config.analyses.items():
        makers = found.get((analysis, block.version), Makers())
        lines += _differences(f"{analysis} {block.version}", makers)
        lines += _never_read(analysis, block.alternatives, makers)
    if look.unknown:
        lines.append(f"which scripts made the results of {look.unknown} shelves is found out by the next tick")
    return lines


def _differences(name: str, makers: Makers) -> Iterable[str]:
    found: list[tuple[str, Counter[str]]] = [("scripts", makers.scripts), ("settings", makers.settings)]
    for what, digests in found:
        if len(digests) > 1:
            numbers = " and ".join(f"{number:,}" for _, number in digests.most_common())
            made = f"its results were made with {len(digests)} different {what} ({numbers} results)"
            yield f"{name}: {made}; raise the version if they cannot be compared"


def _never_read(analysis: str, alternatives: tuple[tuple[str, ...], ...], makers: Makers) -> Iterable[str]:
    """Yield a sentence if no set of needed types was read as a whole; of several sets the nearest one counts."""
    lacking = [sorted(set(one) - makers.read) for one in alternatives]
    if makers.number and lacking and all(lacking):
        _, nearest = min((len(one), one) for one in lacking)
        read = f"which none of its {makers.number:,} results read"
        yield f"analyses.{analysis}.needs has {', '.join(nearest)}, {read}: runs wait for it in vain"
