"""The brake: a tick that would change much of what is known stops before it acts, and waits for a person."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from xomflow.core.errors import PersonNeededError
from xomflow.decisions.model import Decision, accepted
from xomflow.outcomes.campaigns.groups import Method

_LEAST_KNOWN = 5
_FEW = 20
_SMALL_PART = 0.01


class Fate(StrEnum):
    """What becomes of a known result, as a phrase after a number."""

    GONE = "gone from {outcomes}"
    DAMAGED = "damaged, and would be set aside"
    SUPERSEDED = "of groups that lost a run, and would be superseded"
    REGROUPED = "of groups that changed, and would be made anew"


@dataclass(frozen=True, slots=True)
class MassChange:
    """A change of many results of one version of an analysis.

    Parameters
    ----------
    method
        Analysis and version.
    known
        Number of results so far.
    fates
        What becomes of those that change, by run id.
    outcomes
        The folder of all outcomes.
    """

    method: Method
    known: int
    fates: Mapping[str, Fate]
    outcomes: Path

    @property
    def digest(self) -> str:
        """Digest of exactly what is shown."""
        shown = [*self.method, str(self.known), *(f"{run} {self.fates[run].name}" for run in sorted(self.fates))]
        return hashlib.sha256("\n".join(shown).encode()).hexdigest()[:16]

    @property
    def sentence(self) -> str:
        """How many results change, how, with an example of each kind."""
        analysis, version = self.method
        return (
            f"{analysis} {version}: {len(self.fates)} of {self.known} results are no longer what they were: "
            f"{', '.join(self.kinds())}; nothing was done; find the reason, or if it is right, type: "
            'xom accept --why "..."'
        )

    def kinds(self) -> Iterator[str]:
        """Yield for each kind of change how many results it concerns, with an example."""
        for fate in Fate:
            runs = sorted(run for run, one in self.fates.items() if one is fate)
            if runs:
                yield f"{len(runs)} {fate.format(outcomes=self.outcomes)} (such as {runs[-1]})"


class BrakeError(PersonNeededError):
    """The tick has stopped before a mass change, and waits for a person."""

    def __init__(self, changes: Iterable[MassChange]) -> None:
        super().__init__("\n".join(change.sentence for change in changes))


def brake(
    before: Mapping[Method, Mapping[str, datetime]],
    after: Mapping[Method, Mapping[str, Fate]],
    decisions: Iterable[Decision],
    outcomes: Path,
) -> tuple[MassChange, ...]:
    """Return the changes before which a tick stops.

    Parameters
    ----------
    before
        The known results, by run id, with the time when they were noted. A new analysis, a raised version and a first
        start have none.
    after
        What becomes of those that would not stay as they are.
    decisions
        Those that stand. What is accepted does not count, unless the result was noted later.
    outcomes
        The folder of all outcomes, for the sentences.
    """
    decided, found = tuple(decisions), []
    for method in sorted(after):
        noted, agreed = before.get(method, {}), accepted(decided, *method)
        changed = {run: fate for run, fate in after[method].items() if run in noted}
        expected = {run for run in changed if run in agreed and agreed[run] >= noted[run]}
        known, unexpected = len(noted) - len(expected), {run: changed[run] for run in changed if run not in expected}
        if is_much(len(unexpected), known):
            found.append(MassChange(method, known, unexpected, outcomes))
    return tuple(found)


def is_much(changed: int, known: int) -> bool:
    """Return whether so many of the known results are too many to change in one tick."""
    return known >= _LEAST_KNOWN and (changed > max(_FEW, _SMALL_PART * known) or 2 * changed > known)
