"""Which versions of analyses each store shows: trials are published under ``test_`` until they are promoted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from xomflow.outcomes.cache import Shelf
from xomflow.outcomes.campaigns.groups import Method
from xomflow.publishing.open_store import StoreConfig

_NONE: frozenset[Method] = frozenset()
_TRIAL_PREFIX = "test_"


@dataclass(frozen=True, slots=True)
class Scope:
    """What one store shows.

    Parameters
    ----------
    hidden
        Versions that it does not show; points that it has of them are removed.
    only
        The versions that it is about: it keeps its points of all others; None: all versions.
    """

    hidden: frozenset[Method] = _NONE
    only: frozenset[Method] | None = None

    def shows(self, shelf: Shelf) -> bool:
        """Return whether the store shows the results of a shelf."""
        return self.concerns(shelf) and (shelf.analysis, shelf.version) not in self.hidden

    def concerns(self, shelf: Shelf) -> bool:
        """Return whether the store is about a shelf at all."""
        return self.only is None or (shelf.analysis, shelf.version) in self.only


EVERYTHING = Scope()


def scopes(
    config: StoreConfig, trials: frozenset[Method], promoted: frozenset[Method]
) -> Iterator[tuple[StoreConfig, Scope]]:
    """Yield each store with what it shows: the configured one, and that of the trials, each with its mirror.

    Parameters
    ----------
    config
        The configured store. If its prefix is that of trials, it shows everything.
    trials, promoted
        Versions that are trials, and those that were until they were promoted.
    """
    if config.prefix == _TRIAL_PREFIX:
        found = [(config, EVERYTHING)]
    else:
        found = [(config, Scope(hidden=trials))]
        if trials | promoted:
            found.append((replace(config, prefix=_TRIAL_PREFIX), Scope(promoted - trials, trials | promoted)))
    for store, scope in found:
        yield from ((one, scope) for one in store.with_mirror())
