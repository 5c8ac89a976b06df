"""What decisions do to the state of a key, and that no order of decisions, ticks and kills matters for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from support import factory
from xomflow.config.model import Retries
from xomflow.core.key import Key
from xomflow.core.reason import Reason
from xomflow.core.state import State
from xomflow.decisions.effects import Grant
from xomflow.decisions.model import Decision, Subject, Verb, standing, to_redo
from xomflow.outcomes.files import Failure
from xomflow.outcomes.retries import next_try
from xomflow.planning.decide import Decided, Evidence, KeyState, decide
from xomflow.planning.items import Item, few_lost
from xomflow.planning.standing import Standing

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONCE = Retries.model_validate({"attempts": 1, "first_wait": "1 h", "factor": 2, "lost_attempts": 3})
WORDS = Reason("kim: a valve")


def failed(*kinds: str) -> list[Failure]:
    """One failure after the other, the last of them now."""
    return [Failure(n, kind, NOW - (len(kinds) - n) * HOUR) for n, kind in enumerate(kinds, 1)]


def state_of(failures: list[Failure], now: datetime = NOW, retries: Retries = ONCE, **decided: object) -> KeyState:
    evidence = Evidence(failures, None, None, NOW, decided=Decided(**decided))  # type: ignore[arg-type]
    return decide(evidence, retries, 86400.0, now)


def test_a_veto_comes_before_all_but_what_works_on_the_run() -> None:
    vetoed = Decided(vetoed=Reason("vetoed by kim: a valve"), grants=(Grant(1, 1, WORDS),))
    for failures, missing in (([], None), (failed("raised"), None), ([], Reason("no data"))):
        evidence = Evidence(failures, None, missing, NOW, decided=vetoed)
        assert decide(evidence, ONCE, 0.0, NOW).sentence == "vetoed by kim: a valve"
    works = Evidence([], Reason("claimed"), None, NOW, decided=vetoed)
    assert decide(works, ONCE, 0.0, NOW).name is State.RUNNING


def test_a_ready_run_that_is_held_back_is_not_due_and_tells_why() -> None:
    state = state_of([], held=Reason("kr is paused by kim: a valve"))
    assert (state.name, state.due) == (State.READY, False)
    assert state.reason == "all needed data can be read; kr is paused by kim: a valve"


def test_an_attempt_after_those_that_a_person_wanted_is_an_ordinary_one() -> None:
    twice = Retries.model_validate({"attempts": 3, "first_wait": "1 h", "factor": 2})
    wanted, later = (
        state_of(failed(*["raised"] * n), NOW + 9 * HOUR, twice, grants=(Grant(1, 1, WORDS),)) for n in (1, 2)
    )
    assert (wanted.is_ordered, wanted.reason) == (True, "attempt 2 is wanted by kim: a valve")
    assert (later.is_ordered, later.reason) == (False, "attempt 3 is due after: raised")


def test_a_retry_is_due_at_once_and_the_limits_hold_after_it() -> None:
    one, three = Grant(1, 1, WORDS), Grant(1, 3, WORDS)
    assert state_of(failed("raised")).name is State.GAVE_UP
    assert (state_of(failed("raised"), grants=(one,)).due, state_of(failed("raised"), grants=(one,)).attempt) == (
        True,
        2,
    )
    assert state_of(failed("raised", "raised"), grants=(one,)).name is State.GAVE_UP
    assert state_of(failed("raised", "raised"), grants=(three,)).next_try == NOW + 2 * HOUR
    assert next_try(failed("raised", "raised", "raised"), ONCE, (three,)) == NOW + 4 * HOUR
    assert next_try(failed("raised", "raised", "raised", "raised"), ONCE, (three,)) is None


def test_runs_that_were_lost_are_all_taken_if_a_person_wants_it() -> None:
    def item(number: int, grants: tuple[Grant, ...]) -> Item:
        state = state_of(failed("lost"), now=NOW + HOUR, grants=grants)
        return Item(Key("kr", "v1", f"{number:06}"), factory.run(number), state, tuple(failed("lost")))

    many = [item(number, ()) for number in range(20)]
    wanted = [item(number, (Grant(1, 1, WORDS),)) for number in range(20)]
    assert (len(few_lost(many, [])), len(few_lost(wanted, []))) == (5, 20)


# --- in any order -----------------------------------------------------------------------------------------------------
GOOD, BAD, VETOED = (Key("kr", "v1", run) for run in ("052001", "052002", "052003"))
MADE = {
    "veto": (Verb.VETO, Subject(runs=("052003", "052001"))),
    "not 052001": (Verb.WITHDRAW, Subject(runs=("052001",), decisions=("veto",))),
    "retry": (Verb.RETRY, Subject("kr", "v1", ("052002",), attempts=(1,), most=2)),
    "redo": (Verb.REDO, Subject("kr", "v1", ("052001",), ("first",))),
    "drain": (Verb.DRAIN, Subject()),
    "undrain": (Verb.WITHDRAW, Subject(decisions=("drain",))),
}


@dataclass
class World:
    """Three keys, of which one always fails, and ticks that take what is due; a day passes at each of them."""

    now: datetime = NOW
    decisions: list[Decision] = field(default_factory=list)
    failures: dict[Key, list[Failure]] = field(default_factory=lambda: {BAD: [Failure(1, "raised", NOW)]})
    outcomes: dict[Key, tuple[str, int]] = field(default_factory=lambda: {GOOD: ("first", 1), VETOED: ("first", 1)})

    def decide(self, name: str) -> None:
        what, subject = MADE[name]
        self.decisions.append(Decision(what, subject, "kim", NOW, "a valve", name=name))

    def states(self) -> dict[Key, KeyState]:
        made = standing(self.decisions, self.now)
        redo = to_redo(made)
        known = {key: (digest, attempt) for key, (digest, attempt) in self.outcomes.items()}
        again = {key: known[key][1] for key, digests in redo.items() if key in known and known[key][0] in digests}
        stand = Standing(made, again)
        found = {}
        for key in (GOOD, BAD, VETOED):
            decided = stand.decided(key, factory.run(int(key.run)))
            if key in self.outcomes and key not in again and not decided.vetoed:
                found[key] = KeyState(State.DONE, "")
                continue
            since = again.get(key, 0)
            failures = [one for one in self.failures.get(key, []) if one.attempt > since]
            found[key] = decide(Evidence(failures, None, None, NOW, since, decided=decided), ONCE, 0.0, self.now)
        return found

    def tick(self, is_killed: bool = False) -> None:
        for key, state in self.states().items():
            if state.due and (is_killed or key == BAD):
                failure = Failure(state.attempt, "lost" if is_killed else "raised", self.now)
                self.failures.setdefault(key, []).append(failure)
            elif state.due:
                self.outcomes[key] = ("again", state.attempt)
        self.now += timedelta(days=1)


def names_after(steps: Iterable[str]) -> dict[Key, State]:
    world = World()
    for step in steps:
        world.decide(step) if step in MADE else world.tick(step == "kill")
    for _ in range(5):
        world.tick()
    assert world.outcomes[GOOD][0] == "again" and len(world.failures[BAD]) == 3
    return {key: state.name for key, state in world.states().items()}


@given(st.permutations([*MADE, "tick", "kill", "tick", "tick"]))
def test_any_order_of_decisions_ticks_and_kills_gives_the_same_states(steps: list[str]) -> None:
    assert names_after(steps) == {GOOD: State.DONE, BAD: State.GAVE_UP, VETOED: State.VETOED}


def test_a_backfill_is_told_until_its_runs_are_done() -> None:
    made = Decision(Verb.BACKFILL, Subject("kr", "v1", ("052001",), most=5), "kim", NOW, "a valve")
    left = Item(GOOD, factory.run(52001), state_of([]), ())
    assert Standing((made,)).lines([left]) == ["backfill kr v1 run 052001: kim: a valve (2026-11-28T12:00:00Z)"]
    assert Standing((made,)).lines([]) == []
