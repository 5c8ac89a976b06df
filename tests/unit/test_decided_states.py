"""What decisions do to the state of a key, and that no order of decisions, ticks and kills matters for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import factory
from xomflow.config.model import Retries
from xomflow.core import times
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.core.reason import Reason
from xomflow.core.state import State
from xomflow.decisions.effects import Backfill, Grant
from xomflow.decisions.files import write_decision
from xomflow.decisions.model import Decision, Subject, Verb, standing, to_redo
from xomflow.jobs.ends.last_words import LastWords
from xomflow.outcomes.files import Failure, digest_of, failure_path
from xomflow.outcomes.retries import next_try
from xomflow.planning.choose import describe_left
from xomflow.planning.decide import Decided, Evidence, KeyState, as_tried, decide
from xomflow.planning.items import Item, few_lost, with_tried_runs
from xomflow.planning.progress.have_ended import have_ended
from xomflow.planning.queue.share import Queue
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
    assert (wanted.is_ordered, wanted.reason) == (True, "attempt 2 was ordered by kim: a valve")
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


SUSPENDED = (
    "the last runs of its analysis all failed in the same way, raised KeyError; "
    "each tick tries one run until one succeeds"
)
RAISED = failed("raised")
FIRST_GRANT, RETRY_GRANT, OTHER_GRANT = Grant(0, 1, WORDS), Grant(1, 1, WORDS), Grant(7, 1, WORDS)
AGAIN = Retries.model_validate({"attempts": 2, "first_wait": "0 s"})
READ = "all needed data can be read"
WANTED, DUE = "attempt 2 was ordered by kim: a valve", "attempt 2 is due after: raised"


@pytest.mark.parametrize(
    ("failures", "redo", "decided", "ready", "suspended"),
    [
        ([], 0, {}, KeyState(State.READY, READ), KeyState(State.SUSPENDED, SUSPENDED)),
        (
            *([], 0, {"held": Reason("drained")}),
            KeyState(State.READY, f"{READ}; drained", is_held=True),
            KeyState(State.SUSPENDED, f"{SUSPENDED}; drained", is_held=True),
        ),
        (RAISED, 0, {}, KeyState(State.READY, DUE, 2), KeyState(State.SUSPENDED, SUSPENDED, 2)),
        (RAISED, 0, {"grants": (OTHER_GRANT,)}, KeyState(State.READY, DUE, 2), KeyState(State.SUSPENDED, SUSPENDED, 2)),
        (RAISED, 0, {"grants": (OTHER_GRANT, RETRY_GRANT)}, KeyState(State.READY, WANTED, 2, is_ordered=True), None),
        (
            *(RAISED, 0, {"grants": (RETRY_GRANT,), "held": Reason("drained")}),
            KeyState(State.READY, f"{WANTED}; drained", 2, is_held=True, is_ordered=True),
            None,
        ),
        ([], 0, {"grants": (FIRST_GRANT,)}, KeyState(State.READY, READ), KeyState(State.SUSPENDED, SUSPENDED)),
        (
            *([], 3, {"redo": WORDS}),
            KeyState(State.READY, "its outcome is made again, ordered by kim: a valve", 4),
            None,
        ),
        (
            [replace(RAISED[0], attempt=5)],
            4,
            {"redo": WORDS},
            KeyState(State.READY, "attempt 6 is due after: raised", 6),
            None,
        ),
    ],
)
def test_of_a_suspended_analysis_only_what_a_person_ordered_is_ready(
    failures: list[Failure], redo: int, decided: dict[str, Any], ready: KeyState, suspended: KeyState | None
) -> None:
    evidence = Evidence(failures, None, None, NOW, redo, decided=Decided(**decided))
    cause = Reason("raised KeyError")
    assert decide(evidence, AGAIN, 0.0, NOW) == ready
    assert decide(replace(evidence, suspended=cause), AGAIN, 0.0, NOW) == (suspended or ready)


def test_missing_data_are_stale_from_the_moment_after_the_configured_time() -> None:
    evidence = Evidence([], None, Reason("waiting for x"), NOW, decided=Decided(held=WORDS))
    found = [decide(evidence, ONCE, 7200.0, NOW + timedelta(seconds=after)) for after in (-5, 7200, 7201)]
    assert found == [
        KeyState(State.WAITING, "waiting for x (since the run ended 0 s ago)"),
        KeyState(State.WAITING, "waiting for x (since the run ended 2.0 h ago)"),
        KeyState(State.STALE, "waiting for x (since the run ended 2.0 h ago)"),
    ]
    assert [one.sentence for one in found[1:]] == [found[1].reason, f"stale: {found[2].reason}"]


# --- items ------------------------------------------------------------------------------------------------------------
def item(number: int, state: KeyState, *kinds: str, analysis: str = "kr", **more: Any) -> Item:
    return Item(Key(analysis, "v1", f"{number:06}"), factory.run(number), state, tuple(failed(*kinds)), **more)


READY_NOW, HELD = KeyState(State.READY, ""), KeyState(State.SUSPENDED, "", is_held=True)
STOPPED, RUNNING = KeyState(State.SUSPENDED, ""), KeyState(State.RUNNING, "")


def test_few_lost_runs_are_taken_in_order_together_with_those_of_other_analyses() -> None:
    items = [
        item(number, READY_NOW, *(["raised", "lost"] if number % 2 else ["lost", "raised"])) for number in range(16)
    ]
    others = [item(n, READY_NOW, "lost", analysis="rate") for n in range(3)]
    taken = [one.run.number for one in few_lost(items, [*others, item(50, READY_NOW)])]
    assert taken == [0, 1, 2, 3, 4, 6, 8, 10, 12, 14]
    assert [one.run.number for one in few_lost(items, others * 3)] == list(range(0, 16, 2))
    ordered = item(7, KeyState(State.READY, "", is_ordered=True), "lost")
    assert (ordered.is_lost, item(7, READY_NOW).is_lost, few_lost([ordered], others * 3)) == (False, False, [ordered])


def test_of_suspended_runs_the_newest_is_tried_new_ones_and_others_by_themselves() -> None:
    old = {"is_old": True}
    filled = {"backfill": Backfill("one", 5, 0, WORDS)}

    def tried(*items: Item) -> list[int]:
        found = with_tried_runs(list(items))
        assert [one.key for one in found] == [one.key for one in items]
        changed = [one for one, before in zip(found, items, strict=True) if one != before]
        assert all(one.state == as_tried(STOPPED) and one.state.due for one in changed)
        return [one.run.number for one in changed]

    several = [item(9, READY_NOW), item(8, HELD), *(item(n, STOPPED) for n in (7, 6))]
    assert tried(*several, *(item(n, STOPPED, **old) for n in (5, 4)), item(3, STOPPED, **filled)) == [7, 5]
    assert tried(*several, item(5, STOPPED, **filled), item(4, STOPPED, **old)) == [7, 5]
    assert tried(item(9, RUNNING), *several, item(5, STOPPED, **old)) == [5]
    assert tried(*several, item(5, STOPPED, **filled), item(1, RUNNING, **old)) == [7]


def test_a_sentence_about_what_is_left_names_the_bound_and_the_oldest_run() -> None:
    ready = [item(number, READY_NOW) for number in (52003, 52001, 52002)]
    config: Any = SimpleNamespace(max_running=40)

    def left(taken: int, limit: int, most: int | None = None, running: int = 0, counted: int = 0) -> str:
        return describe_left("kr", config, Queue(ready, limit, running=running, most=most), ready[:taken], counted)

    end = "ready runs are left to later ticks, the oldest, "
    first, second = (f"{number:06}, ended at {end_of(number)}" for number in (52001, 52002))
    assert left(3, 3) == ""
    assert left(2, 2) == f"analyses.kr: max_jobs_per_tick, which is 2, does not keep up: 1 {end}{second}"
    assert left(1, 5, most=4, running=3) == f"analyses.kr: max_running, which is 4, is reached: 2 {end}{first}"
    assert left(0, 5, counted=7) == f"max_running, which is 40, leaves no more to analyses.kr: 10 {end}{first}"
    assert left(0, 5, most=4, running=3) == f"max_running, which is 40, leaves no more to analyses.kr: 3 {end}{first}"


def end_of(number: int) -> str:
    made = factory.run(number)
    assert made.end is not None
    return times.text(made.end)


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


# --- which decisions still hold ---------------------------------------------------------------------------------------
def decision(verb: Verb, *runs: str, attempts: tuple[int, ...] = (), **more: Any) -> Decision:
    subject = Subject("kr", "v1", runs, attempts=attempts, most=2)
    return Decision(verb, subject, "kim", NOW, "a valve", **more)


def test_a_sentence_about_a_decision_is_told_while_it_has_an_effect() -> None:
    after_one = KeyState(State.READY, "", 2)
    there = [
        item(52001, after_one),
        item(52002, KeyState(State.RUNNING, "", 2)),
        item(52003, KeyState(State.READY, "", 3)),
    ]

    def told(one: Decision, redo: dict[Key, int] | None = None, tried: frozenset[Key] = frozenset()) -> bool:
        stand = Standing((one,), redo or {}, tried)
        assert (
            stand.holds(one, {each.key: each for each in there}) == bool(stand.lines(there)) or one.what is Verb.ACCEPT
        )
        return bool(stand.lines(there))

    key = there[0].key
    assert told(decision(Verb.RETRY, "052001", attempts=(1,)))
    assert not told(decision(Verb.RETRY, "052001", attempts=(1,)), tried=frozenset([key]))
    assert not told(decision(Verb.RETRY, "052001", attempts=(2,)))
    assert not told(decision(Verb.RETRY, "052002", attempts=(1,)))  # it runs
    assert not told(decision(Verb.RETRY, "052003", attempts=(1,)))  # it has failed again
    assert told(decision(Verb.RETRY, "052002", "052003", attempts=(1, 2)))
    assert not told(decision(Verb.RETRY, "052009", attempts=(1,)))
    assert told(decision(Verb.REDO, "052001"), {key: 1})
    assert not told(decision(Verb.REDO, "052001"), {key: 2})
    assert not told(decision(Verb.REDO, "052001"))
    assert told(decision(Verb.BACKFILL, "052009", "052003")) and not told(decision(Verb.BACKFILL, "052009"))
    assert told(decision(Verb.VETO, "052009")) and told(decision(Verb.PAUSE))
    assert not told(decision(Verb.ACCEPT, "052001"))


def test_decisions_are_told_the_newest_first_and_of_a_run_those_about_it_or_about_all() -> None:
    made = (
        decision(Verb.PAUSE, until=NOW + HOUR),
        decision(Verb.VETO, "052001"),
        decision(Verb.VETO, "052002"),
        decision(Verb.BACKFILL, "052801-0bea"),
        decision(Verb.ACCEPT, "052002"),
    )
    campaign = factory.run(52801)._replace(members=(52001, 52801))
    there = [Item(Key("kr", "v1", "052801-0bea"), campaign, READY_NOW, ())]
    end = "kim: a valve (2026-11-28T12:00:00Z"
    told = [
        f"backfill kr v1 run 052801-0bea: {end})",
        f"veto kr v1 run 052002: {end})",
        f"veto kr v1 run 052001: {end})",
        f"pause kr v1: {end} until 2026-11-28T13:00:00Z)",
    ]
    stand = Standing(made)
    assert stand.lines(there) == told
    assert stand.about(52001, there) == [told[3], told[2], told[0]]
    assert stand.about(52002, there) == [told[3], told[1]]
    assert stand.about(52001, []) == [told[3], told[2]]


def test_what_people_decided_is_known_by_analysis_version_and_run() -> None:
    made = (decision(Verb.VETO, "052001"), decision(Verb.BACKFILL, "052002"), decision(Verb.PAUSE))
    stand = Standing(made, {Key("rate", "v1", "052007"): 1})
    assert (stand.vetoed("kr"), stand.vetoed("rate")) == ({52001: Reason("vetoed by kim: a valve")}, {})
    assert (stand.apart("kr"), stand.apart("rate")) == ({"052001", "052007"}, {"052007"})
    assert [stand.backfilled(*one) for one in (("kr", "v1"), ("kr", "v2"), ("rate", "v1"))] == [
        {"052002"},
        set(),
        set(),
    ]
    filled = stand.backfill_of(Key("kr", "v1", "052002"))
    assert filled is not None and filled.at_once == 2 and stand.backfill_of(GOOD) is None
    held = Reason("kr is paused by kim: a valve")
    assert stand.decided(GOOD, factory.run(52001)) == Decided(Reason("vetoed by kim: a valve"), held)
    assert stand.decided(Key("rate", "v1", "052001"), factory.run(52001)) == Decided()


def test_a_retry_of_a_vetoed_run_with_an_outcome_is_over(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    retry = decision(Verb.RETRY, "052001", "052002", "052003", attempts=(1, 1, 1))
    factory.keep(paths, *(factory.outcome(Key("kr", "v1", run)) for run in ("052001", "052003", "052004")))
    for one in (retry, decision(Verb.REDO, "052004"), decision(Verb.VETO, "052001", "052002", "052004")):
        write_decision(paths, one)
    assert Standing.read(paths, NOW, {}).tried == {GOOD}
    assert Standing.read(paths, NOW - HOUR, {GOOD: 4}) == Standing((), {GOOD: 4})


# --- a second look ----------------------------------------------------------------------------------------------------
def test_a_key_has_ended_if_it_has_an_outcome_or_a_failure_that_is_not_known(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    first, second = failed("raised", "lost")
    factory.keep(paths, factory.outcome(GOOD))
    for one in (first, second):
        factory.keep_failure(failure_path(paths, BAD, one), factory.failed(BAD, one.kind, attempt=one.attempt))
    assert have_ended(paths, {VETOED: (), GOOD: ()})
    assert have_ended(paths, {BAD: [first]}) and have_ended(paths, {BAD: []})
    assert not have_ended(paths, {BAD: [first, second], VETOED: ()}) and not have_ended(paths, {})


def test_a_key_whose_outcome_is_to_be_made_again_has_not_ended(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    factory.keep(paths, factory.outcome(GOOD))
    factory.keep_failure(failure_path(paths, GOOD, failed("lost")[0]), factory.failed(GOOD, "lost"))
    subject = Subject("kr", "v1", ("052001",), (digest_of(paths.outcome(GOOD)),))
    made = Decision(Verb.REDO, subject, "kim", datetime(2020, 1, 1, tzinfo=UTC), "a valve")
    write_decision(paths, made)
    assert set(LastWords(paths).to_redo()) == {GOOD}
    assert not have_ended(paths, {GOOD: ()})
