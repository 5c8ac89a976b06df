"""The state of a (analysis, version, run): a pure function of what is known about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from xomflow.core import times
from xomflow.outcomes.files import Failure

if TYPE_CHECKING:  # the runner needs no model of the configuration
    from xomflow.config.model import Retries

from xomflow.core.state import StateName
from xomflow.outcomes.retries import next_try


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides about one key.

    Parameters
    ----------
    done
        Whether the outcome is there.
    failures
        Failed attempts, in order.
    working
        Who works on it now, in words; empty if nobody does.
    missing
        What data are missing, in words; empty if everything can be read.
    ended
        End of the run, UTC.
    """

    done: bool
    failures: Sequence[Failure]
    working: str
    missing: str
    ended: datetime


@dataclass(frozen=True, slots=True)
class State:
    """A state, the reason in words, and since or until when it holds where that is known."""

    name: StateName
    reason: str
    attempt: int = 1
    next_try: datetime | None = None

    @property
    def due(self) -> bool:
        """Whether a tick may take this key now."""
        return self.name == "ready"

    @property
    def words(self) -> str:
        """State and reason in one sentence."""
        return self.reason if self.reason.startswith(self.name) else f"{self.name}: {self.reason}"


def decide(facts: Facts, retries: Retries, stale_after: float, now: datetime) -> State:
    """Return the state that follows from the facts.

    Parameters
    ----------
    facts
        What is known.
    retries
        How failures are tried again.
    stale_after
        Seconds after the end of a run when missing data make it stale.
    now
        The present.
    """
    attempt = max((failure.attempt for failure in facts.failures), default=0) + 1
    if facts.done:
        return State("done", "the outcome is there", attempt)
    if facts.working:
        return State("running", facts.working, attempt)
    if facts.failures:
        state = _after_failures(facts.failures, retries, attempt, now)
        if state is not None:
            return state
    if facts.missing:
        late = (now - facts.ended).total_seconds() > stale_after
        since = f"since the run ended {times.span(max(0.0, (now - facts.ended).total_seconds()))} ago"
        return State("stale" if late else "waiting", f"{facts.missing} ({since})", attempt)
    if facts.failures:
        return State("ready", f"attempt {attempt} is due after: {facts.failures[-1].kind}", attempt)
    return State("ready", "all needed data can be read", attempt)


def _after_failures(failures: Sequence[Failure], retries: Retries, attempt: int, now: datetime) -> State | None:
    """Return the state that failures impose, None once the next attempt is due."""
    due = next_try(failures, retries)
    last = failures[-1]
    if due is None:
        return State("gave up", f"{last.kind} at attempt {last.attempt}, which was the last", attempt)
    if now < due:
        return State("failed", f"{last.kind} at attempt {last.attempt}", attempt, due)
    return None
