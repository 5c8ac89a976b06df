"""Decisions, ticks and kills in any order give the same states."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from support.in_process import FastSite
from support.patience import PATIENCE
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.decisions.files import write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.outcomes.files import digest_of

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"


def decisions(paths: Paths) -> list[Decision]:
    """Decisions with everything that they are about, some of which take others back."""
    redone = digest_of(paths.outcome(Key("good", "v1", "052003")))
    made = [
        (Verb.VETO, Subject(runs=("052001", "052002"))),
        (Verb.VETO, Subject("groups", runs=("052004",))),
        (Verb.RETRY, Subject("bad", "v1", ("052001", "052003"), attempts=(1, 1), most=2)),
        (Verb.REDO, Subject("good", "v1", ("052003",), (redone,))),
        (Verb.PAUSE, Subject("late")),
        (Verb.DRAIN, Subject()),
        (Verb.WITHDRAW, Subject(runs=("052002",), decisions=("20200101T000000Z-veto-kim.json",))),
        (Verb.WITHDRAW, Subject(decisions=("20200101T000004Z-pause-kim.json", "20200101T000005Z-drain-kim.json"))),
    ]
    return [
        Decision(what, subject, "kim", datetime(2020, 1, 1, 0, 0, second, tzinfo=UTC), "a valve")
        for second, (what, subject) in enumerate(made)
    ]


def made_site(folder: Path) -> FastSite:
    site = FastSite(folder)
    site.tree["retries"] = {"attempts": 1, "first_wait": "0 s", "lost_attempts": 100}
    site.runs([52001, 52002, 52003, 52004, 52005])
    site.analysis("good", GOOD)
    site.analysis("bad", "raise ValueError('broken')")
    site.analysis("groups", GOOD, period={"gap": "4 h"})
    site.tick()
    site.analysis("late", GOOD)
    return site


def states(site: FastSite) -> dict[str, list[str]]:
    """What `xom why` prints about each run, up to the reason, and whether it has points."""
    lines = {run: site.xom("why", str(run)).stdout.splitlines() for run in range(52001, 52006)}
    stored = "".join(path.read_text() for path in site.paths.store.rglob("*.lp"))
    told = {run: [line for line in found if not _is_past(line)] for run, found in lines.items()}
    points = {run: stored.count(f'run_id="0{run}') for run in lines}
    return {
        str(run): [*(":".join(line.split(":")[:2]) for line in found), f"points {points[run]}"]
        for run, found in told.items()
    }


def _is_past(line: str) -> bool:
    """Whether a line is about what was once: orders that have begun, results of groups as they were in between."""
    return line.startswith("decided:") or ": superseded:" in line


def settle(site: FastSite) -> None:
    """Tick until nothing changes any more; jobs that outlived a killed tick end first."""
    before: object = None
    for _ in range(10):
        deadline = time.monotonic() + PATIENCE
        while site.processes() and time.monotonic() < deadline:
            time.sleep(0.02)
        site.tick_in_another_second()
        now = states(site)
        if now == before:
            return
        before = now
    raise AssertionError(f"the states do not settle: {before}")


def states_after(steps: list[str | int]) -> dict[str, list[str]]:
    """The states after steps at a new site: a number writes this decision, ``kill n`` kills a tick."""
    with tempfile.TemporaryDirectory() as folder:
        site = made_site(Path(folder))
        made = decisions(site.paths)
        for step in steps:
            if isinstance(step, int):
                assert write_decision(site.paths, made[step])
            elif step == "tick":
                site.tick()
            else:
                site.killed_tick(int(step.removeprefix("kill ")))
        settle(site)
        return states(site)


NUMBERS = list(range(8))
moves = st.lists(st.one_of(st.just("tick"), st.integers(1, 120).map("kill {}".format)), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def expected() -> dict[str, list[str]]:
    found = states_after(NUMBERS)
    assert found["52001"][:2] == ["good v1 run 052001: vetoed by kim", "bad v1 run 052001: vetoed by kim"]
    assert found["52002"][:2] == ["good v1 run 052002: done", "bad v1 run 052002: gave up"]
    assert found["52003"][-1] != found["52001"][-1] == "points 0"
    return found


@pytest.mark.nightly
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(order=st.permutations(NUMBERS), between=moves, places=st.lists(st.integers(0, 8), min_size=3, max_size=3))
def test_any_order_of_decisions_ticks_and_kills_gives_the_same_states(
    expected: dict[str, list[str]], order: list[int], between: list[str], places: list[int]
) -> None:
    steps: list[str | int] = list(order)
    for place, move in sorted(zip(places, between, strict=False), reverse=True):
        steps.insert(place, move)
    assert states_after(steps) == expected, steps
