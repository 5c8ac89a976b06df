"""What came of a simulated time: how long runs waited, what was submitted, and what must never happen."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from xomflow.core.key import Key

# From the first tick that sees a run to its submission: of all, and of those whose tick and Slurm lived so long.
SEEN, UNHINDERED = "seen to submitted", "seen to submitted, tick not killed, Slurm there"


@dataclass(slots=True)
class Figures:
    """Figures of a simulation.

    Attributes
    ----------
    doubled
        How often a key was worked on twice at a time, or done twice.
    failures
        Failed attempts by class.
    most_in_progress, most_of_analysis
        Most keys in progress at a time, of all analyses and of one.
    batches, batched
        Number of jobs of several runs, and of these runs.
    ticks, claims
        Number of ticks, and of keys that they claimed.
    waits
        Seconds from ready to submitted, done and published, and from the first tick that saw it to submitted, each for
        ``new`` runs and for those that are ``reprocessed``. The last again without those that were `hindered`.
    """

    doubled: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    most_in_progress: int = 0
    most_of_analysis: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    batched: int = 0
    ticks: int = 0
    claims: int = 0
    waits: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    _since: dict[Key, tuple[float, str]] = field(default_factory=dict)
    _not_submitted: dict[Key, float | None] = field(default_factory=dict)  # when a tick saw it first
    _hindered: set[Key] = field(default_factory=set)
    _open: set[Key] = field(default_factory=set)
    gave_up: set[Key] = field(default_factory=set)

    def wanted(self, key: Key, now: float, kind: str) -> None:
        """Note that a key is ready for the first time: its run is new, or is reprocessed."""
        self._since[key] = now, kind
        self._not_submitted[key] = None
        self._open.add(key)

    def looked(self, in_progress: Counter[str], chosen: int) -> None:
        """Note what is in progress after a tick has claimed its runs."""
        self.ticks += 1
        self.claims += chosen
        self.most_in_progress = max(self.most_in_progress, in_progress.total())
        self.most_of_analysis |= in_progress

    def submitted(self, keys: Collection[Key], now: float) -> None:
        """Note a job that was submitted; of each key the first time counts."""
        if len(keys) > 1:
            self.batches += 1
            self.batched += len(keys)
        for key in keys:
            if key in self._not_submitted:
                seen = self._not_submitted.pop(key)
                self._wait("submitted", key, now)
                if seen is not None:
                    for step in [SEEN] if key in self._hindered else [SEEN, UNHINDERED]:
                        self.waits.setdefault((self._since[key][1], step), []).append(now - seen)

    def hindered(self, keys: Iterable[Key]) -> None:
        """Note keys whose tick was killed before it had submitted them, or whose submission found no Slurm."""
        self._hindered.update(self._not_submitted.keys() & set(keys))

    def seen(self, key: Key, now: float) -> None:
        """Note that a tick sees that a key is ready."""
        if key in self._not_submitted and self._not_submitted[key] is None:
            self._not_submitted[key] = now

    def ended(self, key: Key, now: float) -> None:
        """Note an outcome."""
        self._open.discard(key)
        self._wait("done", key, now)

    def published(self, keys: Iterable[Key], now: float) -> None:
        """Note that outcomes are in the store."""
        for key in keys:
            self._wait("published", key, now)
            del self._since[key]

    def given_up(self, key: Key) -> None:
        """Note that a key has had its attempts."""
        self.gave_up.add(key)
        self._open.discard(key)

    def open(self) -> list[Key]:
        """Return the keys that were ready and are neither done nor given up."""
        return sorted(self._open)

    def _wait(self, what: str, key: Key, now: float) -> None:
        since, kind = self._since[key]
        self.waits.setdefault((kind, what), []).append(now - since)


def middle_and_most(waits: Sequence[float]) -> tuple[float, float, float]:
    """Return median, 99 % and longest."""
    if len(waits) < 2:
        return (*waits, *waits, *waits) if waits else (0.0, 0.0, 0.0)  # type: ignore[return-value]
    return statistics.median(waits), statistics.quantiles(waits, n=100)[98], max(waits)
