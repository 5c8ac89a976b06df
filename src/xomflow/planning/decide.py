"""The state of one (analysis, version, run): a pure function of the evidence about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from xomflow.config.model import Retries
from xomflow.core import times
from xomflow.core.reason import Reason
from xomflow.core.state import State
from xomflow.outcomes.files import Failure
from xomflow.outcomes.retries import next_try


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that decides about one key that is not done; a key with an outcome gets here only if it is to be redone.

    Parameters
    ----------
    failures
        Failed attempts, in order.
    working
        A phrase about the process or job that works on it; None if none does.
    missing
        A phrase about the data that are missing; None if everything can be read.
    ended
        End of the run, UTC.
    redo
        Number of the attempt that made the outcome which a person wants to be made again; 0 if there is none. The
        failures are those since then.
    suspended
        What failures of other runs have in common, for which its analysis is suspended; None if it is not.
    """

    failures: Sequence[Failure]
    working: Reason | None
    missing: Reason | None
    ended: datetime
    redo: int = 0
    suspended: Reason | None = None


@dataclass(frozen=True, slots=True)
class KeyState:
    """The state of a key with its reason.

    Parameters
    ----------
    name
        The state.
    reason
        A phrase for people.
    attempt
        Number of the next attempt, or of the one that runs.
    next_try
        When the next attempt is due; None unless the state is `State.FAILED`.
    """

    name: State
    reason: str
    attempt: int = 1
    next_try: datetime | None = None

    @property
    def due(self) -> bool:
        """Whether a tick may take this key now."""
        return self.name is State.READY

    @property
    def sentence(self) -> str:
        """State and reason in one sentence."""
        return self.reason if self.reason.startswith(self.name) else f"{self.name}: {self.reason}"


def decide(evidence: Evidence, retries: Retries, stale_after: float, now: datetime) -> KeyState:
    """Return the state that follows from the evidence.

    Parameters
    ----------
    evidence
        All that is known about the key.
    retries
        How failures are tried again.
    stale_after
        Seconds after the end of a run from which on missing data make it stale.
    now
        The present.
    """
    failures, missing = evidence.failures, evidence.missing
    attempt = max((failure.attempt for failure in failures), default=evidence.redo) + 1
    if evidence.working:
        return KeyState(State.RUNNING, evidence.working, attempt)
    if failures and (imposed := _after_failures(failures, retries, attempt, now)) is not None:
        return imposed
    if missing:
        age = (now - evidence.ended).total_seconds()
        since = f"since the run ended {times.span(max(0.0, age))} ago"
        return KeyState(State.STALE if age > stale_after else State.WAITING, f"{missing} ({since})", attempt)
    if evidence.suspended and not evidence.redo:  # a person's order is an attempt by itself
        alike = f"the last runs of its analysis all failed alike, {evidence.suspended}"
        return KeyState(State.SUSPENDED, f"{alike}; one run a tick is tried until one succeeds", attempt)
    if failures:
        return KeyState(State.READY, f"attempt {attempt} is due after: {failures[-1].kind}", attempt)
    if evidence.redo:
        return KeyState(State.READY, "a decision wants its outcome to be made again", attempt)
    return KeyState(State.READY, "all needed data can be read", attempt)


def as_probe(state: KeyState) -> KeyState:
    """Return the state of the run by which a tick tries whether a suspended analysis succeeds again."""
    return replace(state, name=State.READY, reason="its analysis is suspended, and this run is the one to be tried")


def _after_failures(failures: Sequence[Failure], retries: Retries, attempt: int, now: datetime) -> KeyState | None:
    """Return the state that failures impose; None once the next attempt is due."""
    due = next_try(failures, retries)
    last = failures[-1]
    if due is None:
        return KeyState(State.GAVE_UP, f"{last.kind} at attempt {last.attempt}, which was the last", attempt)
    if now < due:
        return KeyState(State.FAILED, f"{last.kind} at attempt {last.attempt}", attempt, due)
    return None
