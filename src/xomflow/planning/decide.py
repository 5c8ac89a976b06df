"""The state of one (analysis, version, run): a pure function of the evidence about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from xomflow.config.model import Retries
from xomflow.core import times
from xomflow.core.reason import Reason
from xomflow.core.state import State
from xomflow.decisions.effects import Grant
from xomflow.outcomes.files import Failure
from xomflow.outcomes.retries import next_try


@dataclass(frozen=True, slots=True)
class Decided:
    """What people decided about one key, each with a phrase by whom, and why.

    Parameters
    ----------
    vetoed
        Why it has no results that count; None if it may have some.
    held
        Why no tick takes it now; None if a tick may.
    redo
        Why its outcome is made again.
    grants
        The attempts that are allowed beyond those of the configuration.
    """

    vetoed: Reason | None = None
    held: Reason | None = None
    redo: Reason | None = None
    grants: tuple[Grant, ...] = ()


NOTHING_DECIDED = Decided()


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
    decided
        What people decided about it.
    """

    failures: Sequence[Failure]
    working: Reason | None
    missing: Reason | None
    ended: datetime
    redo: int = 0
    suspended: Reason | None = None
    decided: Decided = NOTHING_DECIDED


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
    is_held
        Whether no tick takes it now, by decision, although it is ready.
    is_ordered
        Whether a person wants the next attempt.
    """

    name: State
    reason: str
    attempt: int = 1
    next_try: datetime | None = None
    is_held: bool = False
    is_ordered: bool = False

    @property
    def due(self) -> bool:
        """Whether a tick may take this key now."""
        return self.name is State.READY and not self.is_held

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
    failures, missing, decided = evidence.failures, evidence.missing, evidence.decided
    attempt = max((failure.attempt for failure in failures), default=evidence.redo) + 1
    if evidence.working:
        return KeyState(State.RUNNING, evidence.working, attempt)
    if decided.vetoed:
        return KeyState(State.VETOED, decided.vetoed, attempt)
    if failures and (imposed := _after_failures(evidence, retries, attempt, now)) is not None:
        return imposed
    if missing:
        age = (now - evidence.ended).total_seconds()
        since = f"since the run ended {times.span(max(0.0, age))} ago"
        return KeyState(waiting_state(evidence.ended, stale_after, now), f"{missing} ({since})", attempt)
    order = next((one.words for one in decided.grants if failures and one.covers(attempt)), None)
    held = f"; {decided.held}" if decided.held else ""
    if evidence.suspended and not (order or evidence.redo):  # a person's order is an attempt by itself
        cause = f"the last runs of its analysis all failed in the same way, {evidence.suspended}"
        suspended = f"{cause}; each tick tries one run until one succeeds{held}"
        return KeyState(State.SUSPENDED, suspended, attempt, is_held=bool(held))
    reason = _why_ready(evidence, order, attempt)
    return KeyState(State.READY, reason + held, attempt, is_held=bool(held), is_ordered=order is not None)


def waiting_state(ended: datetime, stale_after: float, now: datetime) -> State:
    """Return the state of a run that lacks something; parameters as of `Evidence` and `decide`."""
    return State.STALE if (now - ended).total_seconds() > stale_after else State.WAITING


def _why_ready(evidence: Evidence, order: Reason | None, attempt: int) -> str:
    """Return why the next attempt is due."""
    if order:
        return f"attempt {attempt} was ordered by {order}"
    if evidence.failures:
        return f"attempt {attempt} is due after: {evidence.failures[-1].kind}"
    if evidence.redo:
        return f"its outcome is made again, ordered by {evidence.decided.redo}"
    return "all needed data can be read"


def as_tried(state: KeyState) -> KeyState:
    """Return the state of the one run with which a tick tries whether a suspended analysis succeeds again."""
    return replace(state, name=State.READY, reason="its analysis is suspended, and this run is the one to be tried")


def _after_failures(evidence: Evidence, retries: Retries, attempt: int, now: datetime) -> KeyState | None:
    """Return the state that failures impose; None once the next attempt is due."""
    due = next_try(evidence.failures, retries, evidence.decided.grants)
    last = evidence.failures[-1]
    if due is None:
        return KeyState(State.GAVE_UP, f"{last.kind} at attempt {last.attempt}, which was the last", attempt)
    if now < due:
        return KeyState(State.FAILED, f"{last.kind} at attempt {last.attempt}", attempt, due)
    return None
