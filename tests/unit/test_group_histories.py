"""Whatever happens to groups of runs, in any order: each run is in one current result, and none is lost by accident.

The runs, their documents and jobs are played; planning, outcomes on disk and publishing are those of a tick.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from support import factory
from support.effort import tries
from support.factory import NOW, keep, outcome, result, settings
from support.memory_store import MemoryStore
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.core.reason import Reason
from xomflow.outcomes.campaigns.groups import read_groups, write_groups
from xomflow.outcomes.files import list_outcomes
from xomflow.planning.pending.find import find_pending
from xomflow.planning.runs.campaigns import Campaign, campaign_as_run
from xomflow.publishing.publish import publish, verify
from xomflow.rundb.complaints import Complaint
from xomflow.rundb.query import RunQuery
from xomflow.rundb.run import Run
from xomflow.rundb.shelves import AnsweredShelves
from xomlib.files import read_json

# Hour of the start and mode of each run. Run 45 joins two groups, run 25 parts one, run 5 comes before the first.
HOURS = {5: 1, 10: 2, 20: 4, 30: 6, 40: 8, 45: 18, 50: 28, 60: 30, 70: 60}
WALL = 25
RUNS = (*HOURS, WALL)
PERIOD = {"gap": "12 h", "wait": "0 s"}


class Site:
    """A site with one analysis over a period, and what became of its runs."""

    def __init__(self, folder: Path) -> None:
        block = {"version": "v1", "period": PERIOD, "run_modes": ["tpc_kr83m"], "excluded_tags": ["bad"]}
        self.config = settings(folder, analyses={"kr83m": block})
        self.paths, self.store = Paths(folder), MemoryStore()
        self.come: set[int] = set()
        self.bad: set[int] = set()
        self.hidden: set[int] = set()
        self.unclear: set[int] = set()
        self.unreadable: set[int] = set()
        self.jobs: dict[str, Run] = {}
        self.judged_bad: set[int] = set()
        self.finished = 0

    # --- what happens ---------------------------------------------------------------------------------------------
    def do(self, action: str, number: int) -> None:
        sets = {
            "come": self.come, "tag": self.bad, "hide": self.hidden, "garble": self.unclear, "lose": self.unreadable
        }  # fmt: skip
        if action in sets:
            sets[action] ^= {number} if action != "come" else {number} - self.come
        elif action == "finish":
            self.finish(number)
        elif action == "publish":
            self.publish()
        else:
            self.tick()

    def tick(self) -> None:
        """Survey, claim, and publish what there is; jobs finish later, in any order."""
        answer = self.answer()
        self.judged_bad -= answer.runs.keys()
        self.judged_bad |= {run.number for run in answer.runs.values() if run.tags}
        played = SimpleNamespace(shelves=lambda *_: AnsweredShelves(answer), fingerprint=lambda *_: "", place="played")
        pending = find_pending(self.config, played, may_write=True)  # type: ignore[arg-type]
        write_groups(self.paths, pending.known_groups(self.config))
        runs = pending.analyses["kr83m"]
        unready = {f"{number:06d}": Reason("no data") for number in self.unreadable}
        period = self.config.analyses["kr83m"].period
        assert period is not None
        for campaign in runs.campaigns:
            run, waits = campaign_as_run(campaign, unready, period, NOW + timedelta(days=10))
            if waits is None and not runs.is_done(run) and not runs.describe_collision(run):
                self.check_claim(campaign, run)
                self.jobs.setdefault(run.id, run)
        self.publish()
        assert not {number for runs in self.shown() for number in runs} & self.judged_bad

    def answer(self) -> RunQuery:
        answer = RunQuery()
        for number in sorted(self.come - self.hidden):
            run = self.run(number)
            if number in self.unclear:
                answer.complaints.append(Complaint("wrong", "wrong", number, run.start, run.end))
            else:
                answer.runs[number] = run
        return answer

    def run(self, number: int) -> Run:
        mode = "tpc_bkg" if number == WALL else "tpc_kr83m"
        tags = [{"name": "bad"}] if number in self.bad else []
        start = NOW + timedelta(hours=HOURS.get(number, 5))
        return factory.run(number, mode=mode, tags=tags)._replace(start=start, end=start + timedelta(hours=1))

    def finish(self, which: int) -> None:
        """A job ends well."""
        if not self.jobs:
            return
        run = self.jobs.pop(sorted(self.jobs)[which % len(self.jobs)])
        self.finished += 1
        ended = f"2026-11-22T14:{self.finished // 60:02d}:{self.finished % 60:02d}Z"
        document = outcome(Key("kr83m", "v1", run.id), [result(value=1.0)], run=run.as_dict(), ended=ended)
        if not self.paths.outcome(Key("kr83m", "v1", run.id)).exists():
            keep(self.paths, document)

    def publish(self) -> None:
        before = [runs for runs in self.shown() if not set(runs) & self.judged_bad]
        receipt = publish(self.paths, self.store, "test_")
        assert receipt.problems == []
        self.check(before)

    # --- what must hold -------------------------------------------------------------------------------------------
    def shown(self) -> list[tuple[int, ...]]:
        """The runs of each result in the store."""
        names = {point.fields["run_id"] for point in self.store.points.values()}
        return [self.runs_of(name) for name in sorted(names)]

    def runs_of(self, name: str) -> tuple[int, ...]:
        path = self.paths.outcome(Key("kr83m", "v1", name))
        place = path if path.exists() else path.with_name(f"{name}.superseded.json")
        return tuple(int(one) for one in read_json(place)["run"]["runs"])

    def check(self, before: Sequence[tuple[int, ...]]) -> None:
        shown = self.shown()
        numbers = [number for runs in shown for number in runs]
        assert len(numbers) == len(set(numbers)), "a run in two results"
        assert len(numbers) >= sum(map(len, before)), "fewer runs by accident"
        assert list(verify(self.paths, self.store, "test_")) == []
        called_current = list_outcomes(self.paths, "kr83m", "v1").done
        assert called_current == {point.fields["run_id"] for point in self.store.points.values()}

    def check_claim(self, campaign: Campaign, run: Run) -> None:
        """A job must not make less than there is."""
        group = {member.number for member in campaign.members}
        for runs in self.shown():
            if group & set(runs) and not set(runs) & self.judged_bad:
                assert not set(runs) & (self.hidden | self.unclear)
                assert set(runs) & group <= set(run.members)

    def settle(self) -> None:
        """All runs can be seen and read again, and all jobs finish."""
        for kept in (self.hidden, self.unclear, self.unreadable):
            kept.clear()
        for _ in range(2):
            self.tick()
            while self.jobs:
                self.finish(0)
        self.tick()
        assert self.jobs == {}
        groups = read_groups(self.paths)
        assert groups is not None
        assert sorted(self.shown()) == sorted(groups["kr83m", "v1"].groups.members)
        assert {run for runs in self.shown() for run in runs} == self.come - self.bad - {WALL}


actions = st.one_of(
    st.tuples(st.just("come"), st.sampled_from(RUNS)),
    st.tuples(st.sampled_from(["tag", "hide", "garble", "lose"]), st.sampled_from(RUNS)),
    st.tuples(st.sampled_from(["tick", "finish", "finish", "publish"]), st.integers(0, 3)),
)


def play(history: Sequence[tuple[str, int]]) -> Site:
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder) / "work")
        for action in history:
            site.do(*action)
        site.settle()
        return site


@given(st.sets(st.sampled_from(RUNS), min_size=3), st.lists(actions, max_size=25))
@effort(max_examples=tries(12), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_in_any_order_of_events_each_run_is_in_one_result_and_none_is_lost_by_accident(
    first: set[int], history: list[tuple[str, int]]
) -> None:
    play([*(("come", number) for number in sorted(first)), *history])


FINISH: list[tuple[str, int]] = [("tick", 0), ("finish", 0), ("finish", 0), ("tick", 0)]


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([("come", 5)], id="first run late"),
        pytest.param([("tag", 10)], id="first run tagged away"),
        pytest.param([("come", 45)], id="two groups merge"),
        pytest.param([("come", 45), *FINISH, ("tag", 45)], id="and part again"),
        pytest.param([("come", 25)], id="one splits"),
        pytest.param([("tag", 10), ("tag", 20), ("tag", 30), ("tag", 40)], id="one dissolves"),
        pytest.param([("come", 5), ("tick", 0), ("tag", 5), ("finish", 0)], id="tagged while its job runs"),
        pytest.param([("come", 5), ("hide", 30)], id="joined while one is unseen"),
        pytest.param([("come", 5), ("lose", 30)], id="joined while one is unreadable"),
        pytest.param([("tag", 30), *FINISH, ("hide", 30)], id="hidden after it was tagged"),
        pytest.param([("tag", 30), *FINISH, ("garble", 30)], id="garbled after it was tagged"),
        pytest.param([("come", 25), *FINISH, ("hide", 25)], id="what parted a group is hidden"),
    ],
)
def test_after_each_change_the_results_are_those_of_the_groups(history: list[tuple[str, int]]) -> None:
    start: list[Any] = [("come", number) for number in (10, 20, 30, 40, 50, 60)]
    play([*start, *FINISH, *history, ("tick", 0), ("finish", 0), ("publish", 0)])
