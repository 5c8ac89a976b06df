"""Which of the runs that a tick takes share a job of the batch system: a pure decision."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from xomflow.config.model import Batches
from xomflow.core.key import Key


@dataclass(frozen=True, slots=True)
class Candidate:
    """One key that a tick takes.

    Parameters
    ----------
    key
        The key.
    seconds
        How long it is expected to take.
    needs
        What runs must have in common to share a job: software, memory, options; None if this one goes alone.
    """

    key: Key
    seconds: float
    needs: Hashable | None


def plan_batches(candidates: Sequence[Candidate], rule: Batches) -> list[list[Candidate]]:
    """Return the batches of a tick, each in the order in which its runs are begun; all others go alone.

    Few runs go alone, so that none waits for another one. Of many, those with equal needs share jobs of about equal
    length: `rule.target` at most as far as the lengths of runs are known.

    Parameters
    ----------
    candidates
        All that the tick takes, by priority.
    rule
        How large batches are.
    """
    if len(candidates) <= rule.alone:
        return []
    groups: dict[Hashable, list[Candidate]] = {}
    for one in _run_by_run(candidates):
        if one.needs is not None:
            groups.setdefault(one.needs, []).append(one)
    parts = (part for members in groups.values() for part in _parts(members, rule))
    return [part for part in parts if len(part) > 1]


def _run_by_run(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates so that all analyses of a run follow each other: they read the same data.

    A run has the place that the analysis gives it in which it comes first.
    """
    seen: Counter[str] = Counter()
    place: dict[str, int] = {}
    by_run: dict[str, list[Candidate]] = {}
    for one in candidates:
        run, number = one.key.run, seen[one.key.analysis]
        place[run] = min(place.get(run, number), number)
        seen[one.key.analysis] += 1
        by_run.setdefault(run, []).append(one)
    return [one for run in sorted(by_run, key=place.__getitem__) for one in by_run[run]]


def _parts(members: Sequence[Candidate], rule: Batches) -> list[list[Candidate]]:
    """Divide runs of equal needs, in their order, into as few jobs as allowed, of about equal length."""
    total = sum(one.seconds for one in members)
    number = max(math.ceil(total / (rule.target * rule.cpus)), math.ceil(len(members) / rule.most))
    parts: list[list[Candidate]] = [[]]
    used = 0.0
    for one in members:
        full = used * number >= total * (1 - 1e-9) or len(parts[-1]) >= rule.most
        if full:
            parts.append([])
            used = 0.0
        parts[-1].append(one)
        used += one.seconds
    return parts
