"""By which scripts and settings the results of each version were made, and what these read.

Kept by shelf beside a fingerprint, so that the question costs a look at the folders. The file can be deleted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import OutcomeCache
from xomflow.outcomes.groups import CurrentResults, Method
from xomflow.outcomes.model import Outcome


@dataclass(slots=True)
class Makers:
    """What made the current outcomes of one version; those whose script is not known are left out.

    Parameters
    ----------
    scripts, settings
        Digest to the number of outcomes.
    read
        Types that any of them read.
    """

    scripts: Counter[str] = field(default_factory=Counter)
    settings: Counter[str] = field(default_factory=Counter)
    read: set[str] = field(default_factory=set)

    @property
    def number(self) -> int:
        """Number of outcomes."""
        return self.scripts.total()

    def add(self, other: Makers) -> None:
        """Add those of another shelf."""
        self.scripts += other.scripts
        self.settings += other.settings
        self.read |= other.read

    def to_json(self) -> dict[str, Any]:
        """Return the form in the file."""
        return {"scripts": self.scripts, "settings": self.settings, "read": sorted(self.read)}

    @classmethod
    def from_json(cls, content: Any) -> Makers:
        """Return what `to_json` wrote."""
        scripts, settings = ({str(one): int(n) for one, n in content[name].items()} for name in ("scripts", "settings"))
        return cls(Counter(scripts), Counter(settings), set(map(str, content["read"])))


def makers_of(paths: Paths, may_write: bool) -> dict[Method, Makers]:
    """Return what made the current outcomes, by analysis and version.

    Parameters
    ----------
    paths
        Where they are.
    may_write
        Whether what was found out is kept.
    """
    cache, current = OutcomeCache(paths, may_write), CurrentResults(paths)
    kept = read_kept(paths.makers, _parsed) or {}
    fresh: dict[str, tuple[str, Makers]] = {}
    found: dict[Method, Makers] = {}
    for shelf in cache.shelves():
        changed = cache.fingerprint(shelf)
        fingerprint = f"{changed} {current.fingerprint(shelf)}"
        before = kept.get(str(shelf))
        if changed and before and before[0] == fingerprint:
            makers = before[1]
        else:
            makers = _makers_in(current.of(shelf, cache.outcomes(shelf)).values())
        if changed:
            fresh[str(shelf)] = (fingerprint, makers)
        found.setdefault((shelf.analysis, shelf.version), Makers()).add(makers)
    if may_write and fresh != kept:
        content = {shelf: [stamp, makers.to_json()] for shelf, (stamp, makers) in fresh.items()}
        write_kept(paths.makers, json.dumps(content))
    return found


def _makers_in(outcomes: Iterable[Outcome]) -> Makers:
    made = Makers()
    for outcome in outcomes:
        origin = outcome.provenance
        if origin.script is not None and origin.settings is not None:
            made.scripts[origin.script] += 1
            made.settings[origin.settings] += 1
            made.read |= origin.lineage.keys()
    return made


def _parsed(content: Any) -> dict[str, tuple[str, Makers]]:
    return {shelf: (str(stamp), Makers.from_json(makers)) for shelf, (stamp, makers) in content.items()}
