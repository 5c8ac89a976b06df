"""What is kept about judged results: whatever happens in between, the end is the same as judging all at once."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.effort import tries
from support.judging import judge
from xomflow.core import times
from xomflow.core.key import run_id
from xomflow.core.paths import Paths
from xomflow.core.verdicts import Kind, SeriesId, Verdict, read_bands
from xomflow.expected.bank import RunResults
from xomflow.expected.event import Event
from xomflow.expected.judge import Judge
from xomflow.expected.method.settings import Settings
from xomflow.expected.versions.bands_file import BandsFile
from xomflow.expected.versions.decided import Decided
from xomflow.expected.versions.history import Judgeable
from xomflow.expected.versions.judged import JudgedVersion
from xomflow.expected.versions.states import Reached, States
from xomflow.outcomes.cache import Shelf

FIRST, HOUR = 52_900, 3600
SETTINGS = Settings(minimum=10, accept=12)


class Results:
    """A history in memory: results by run, in two shelves."""

    def __init__(self) -> None:
        self.of: dict[str, RunResults] = {}
        self.unusable: set[str] = set()
        self.reads = self.looks = self.touched = 0
        self.just_changed = False

    def shelves(self, analysis: str) -> dict[str, list[Shelf]]:
        names = sorted({run[:3] for run in self.of})
        return {"v1": [Shelf(analysis, "v1", name) for name in names]}

    def fingerprint(self, shelf: Shelf) -> str:
        return "" if self.just_changed else f"{crc32(repr(self._stamps(shelf)).encode())} {self.touched}"

    def stamps(self, shelf: Shelf) -> dict[str, int]:
        self.looks += 1
        return self._stamps(shelf)

    def _stamps(self, shelf: Shelf) -> dict[str, int]:
        return {run: crc32(repr(one).encode()) for run, one in sorted(self.of.items()) if run.startswith(shelf.name)}

    def read(self, shelf: Shelf, runs: Collection[str]) -> dict[str, Judgeable]:
        self.reads += len(runs)
        return {
            run: Judgeable("all", self.of[run], {"x": "keV"}) for run in runs if run in self.of.keys() - self.unusable
        }


def results(number: int, seed: int) -> RunResults:
    """Return the results of a run; a step and bad runs are planted."""
    rng, start = random.Random(f"{seed} {number}"), times.from_epoch(1_780_000_000 + HOUR * number)
    values = {f"v{i}": (rng.gauss(0, 1) + 9 * (number >= 150) + 20 * (number % 67 == 50), 1.0) for i in range(4)}
    if number % 31 == 0:
        del values["v3"]
    return RunResults(run_id(FIRST + number), times.text(start), values)


def version(paths: Paths, history: Results, decided: Decided, settings: Settings = SETTINGS) -> JudgedVersion:
    return JudgedVersion(paths, history, "kr83m", "v1", settings, decided)  # type: ignore[arg-type]


def go_on(one: JudgedVersion, is_over: Callable[[], bool]) -> bool:
    """Judge what has to be judged, as a tick does; return whether all is."""
    return one.judge_new(is_over) or one.judge_rest(is_over)


def bands(paths: Paths) -> dict[SeriesId, list[Verdict]]:
    found: dict[SeriesId, list[Verdict]] = {}
    for shelf in ("052", "053"):
        for series, verdicts in read_bands(paths, "kr83m", "v1", shelf).items():
            found.setdefault(series, []).extend(verdicts)
    return found


def replayed(
    history: Results, decided: Decided, settings: Settings = SETTINGS
) -> tuple[dict[SeriesId, list[Verdict]], list[Event]]:
    """Return what judging everything at once gives."""
    runs, before = [], -1
    for run in sorted(history.of):
        runs.append(("all", decided.on(history.of[run], before)))
        before = int(run)
    judged = judge(runs, settings)
    return judged.of("kr83m", "v1"), judged.events.get("all", [])


class KilledError(Exception):
    """The tick was killed."""


@settings(max_examples=tries(6), deadline=None)
@given(st.integers(0, 10**6))
def test_any_order_of_arrival_slices_and_kills_end_as_a_replay(seed: int) -> None:
    rng = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="xom-test-judged-"))
    paths, history, decided = Paths(folder), Results(), Decided()
    try:
        numbers = list(range(200))
        if rng.random() < 0.5:
            rng.shuffle(numbers)
        while numbers:
            for number in [numbers.pop(0) for _ in range(min(rng.randint(1, 60), len(numbers)))]:
                history.of[run_id(FIRST + number)] = results(number, seed)
            if rng.random() < 0.3:
                history.of.pop(rng.choice(sorted(history.of)))  # a veto
            if rng.random() < 0.3:
                changed = rng.choice(sorted(history.of))
                history.of[changed] = results(int(changed) - FIRST, seed + 1)
            if rng.random() < 0.3:
                muted = Decided(muted=(("v1", results(rng.choice((20, 120, 300)), seed).start, ""),))
                others = Decided(bad=(FIRST + 30,)), Decided(renewed=((FIRST + 150, ""),))
                decided = rng.choice((Decided(), muted, *others))
            left = rng.randint(1, 100)

            def is_over(end: int = left, counted: list[int] = [], kills: bool = rng.random() < 0.3) -> bool:  # noqa: B006
                counted.append(1)
                if kills and len(counted) >= end:
                    raise KilledError
                return len(counted) % max(end, 1) == 0

            try:
                go_on(version(paths, history, decided), is_over)
            except KilledError:
                continue
        while not go_on(last := version(paths, history, decided), lambda: False):
            pass
        expected, events = replayed(history, decided)
        assert bands(paths) == expected
        assert sorted(map(repr, version(paths, history, decided).events.get("all", []))) == sorted(map(repr, events))
        assert last.events == version(paths, history, decided).events
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_one_more_run_costs_reading_that_run(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(180)}
    assert go_on(version(paths, history, Decided()), lambda: False)
    history.reads = 0
    assert version(paths, history, Decided()).judge_new(lambda: False) and history.reads == 0
    history.of[run_id(FIRST + 180)] = results(180, 1)
    assert go_on(version(paths, history, Decided()), lambda: False) and history.reads == 1


def test_results_are_judged_though_their_folder_changed_just_now(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.just_changed = True
    for number in range(20):
        history.of[run_id(FIRST + number)] = results(number, 1)
        assert go_on(version(paths, history, Decided()), lambda: False)
    assert bands(paths) == replayed(history, Decided())[0]


def test_of_older_states_one_in_a_thousand_runs_is_kept(tmp_path: Path) -> None:
    states, judge = States(tmp_path), Judge(SETTINGS)
    for runs in range(50, 2251, 50):
        states.keep(judge, Reached(run_id(runs), runs), is_newest=False)
    assert {int(one.stem) for one in tmp_path.iterdir()} == {1000, 2000, 2100, 2150, 2200, 2250}
    before = states.before(run_id(1999), SETTINGS)
    assert before is not None and before[1] == Reached(run_id(1000), 1000)


def test_a_late_run_is_judged_from_the_state_before_it(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(180) if number != 130}
    go_on(version(paths, history, Decided()), lambda: False)
    history.reads, history.of[run_id(FIRST + 130)] = 0, results(130, 1)
    go_on(version(paths, history, Decided()), lambda: False)
    assert history.reads == 80
    assert bands(paths) == replayed(history, Decided())[0]


def test_a_tick_that_is_killed_at_once_forgets_no_late_run(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(90) if number != 30}
    go_on(version(paths, history, Decided()), lambda: False)
    history.of[run_id(FIRST + 30)] = results(30, 1)

    def kill() -> bool:
        raise KilledError

    with pytest.raises(KilledError):
        go_on(version(paths, history, Decided()), kill)
    go_on_until_done(paths, history)
    assert bands(paths) == replayed(history, Decided())[0]


def test_after_runs_have_gone_no_state_from_before_counts(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(155)}
    go_on(version(paths, history, Decided()), lambda: False)
    for number in range(20, 30):  # what is left has fewer runs than the last kept state
        del history.of[run_id(FIRST + number)]
    go_on_until_done(paths, history)
    history.of[run_id(FIRST + 152)] = results(152, 2)
    go_on_until_done(paths, history)
    expected, events = replayed(history, Decided())
    assert bands(paths) == expected
    assert sorted(map(repr, version(paths, history, Decided()).events["all"])) == sorted(map(repr, events))


@pytest.mark.parametrize("lacks", [{"form": 0}, {"units": None}], ids=str)
def test_what_was_kept_in_another_form_is_judged_anew(tmp_path: Path, lacks: dict[str, int | None]) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(30)}
    go_on(version(paths, history, Decided()), lambda: False)
    kept = version(paths, history, Decided()).kept_in
    content = json.loads(kept.read_text()) | lacks
    kept.write_text(json.dumps({name: one for name, one in content.items() if one is not None}))
    history.reads = 0
    assert go_on(version(paths, history, Decided()), lambda: False)
    assert (history.reads, bands(paths)) == (30, replayed(history, Decided())[0])


@pytest.mark.parametrize(("number", "reads"), [(70, 50 + 30), (100, 1)])  # 30: the newest, by a front
def test_without_its_newest_state_judging_goes_on_from_an_older_one(tmp_path: Path, number: int, reads: int) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(100)}
    go_on(version(paths, history, Decided()), lambda: False)
    (newest,) = tmp_path.rglob("newest.json")
    newest.unlink()
    history.reads, history.of[run_id(FIRST + number)] = 0, results(number, 2)
    go_on(version(paths, history, Decided()), lambda: False)
    assert (bands(paths), history.reads) == (replayed(history, Decided())[0], reads)


@pytest.mark.parametrize(
    "decided", [Decided(bad=(FIRST + 30,)), Decided(renewed=((FIRST + 60, "v1"),)), Decided(renewed=((FIRST, ""),))]
)
def test_what_is_decided_about_judged_runs_counts_as_if_it_had_been_known(tmp_path: Path, decided: Decided) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(90)}
    go_on(version(paths, history, Decided()), lambda: False)
    assert go_on(version(paths, history, decided), lambda: False)
    assert bands(paths) == replayed(history, decided)[0]


def test_what_is_muted_is_judged_again_from_the_first_run_in_that_time_on(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(180)}
    go_on(version(paths, history, Decided()), lambda: False)
    for number, reads in ((149, 80), (90, 130), (500, 130)):  # the one before counts no more
        history.reads, decided = 0, Decided(muted=(("v0", results(number, 1).start, ""),))
        go_on(version(paths, history, decided), lambda: False)
        assert (number, history.reads) == (number, reads)
        assert bands(paths) == replayed(history, decided)[0]


def test_what_is_muted_is_judged_again_though_nothing_was_judged_of_the_newest_shelf(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(110)}
    history.unusable = {run for run in history.of if run.startswith("053")}
    assert go_on(version(paths, history, Decided()), lambda: False)
    history.reads, decided = 0, Decided(muted=(("v0", results(95, 1).start, ""),))
    assert go_on(version(paths, history, Decided()), lambda: False) and history.reads == 0
    go_on(version(paths, history, decided), lambda: False)
    assert history.reads == 60


def test_deleted_verdicts_are_found_anew(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(180)}
    go_on(version(paths, history, Decided()), lambda: False)
    paths.bands("kr83m", "v1", "053").unlink()
    history.reads = 0
    assert go_on(version(paths, history, Decided()), lambda: False)
    assert (bands(paths), history.reads) == (replayed(history, Decided())[0], 80)
    assert go_on(version(paths, history, Decided()), lambda: False)
    assert history.reads == 80


def test_the_verdicts_of_the_last_runs_go_with_their_results(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(55)}
    go_on(version(paths, history, Decided()), lambda: False)
    for number in range(50, 55):
        del history.of[run_id(FIRST + number)]
    assert go_on(version(paths, history, Decided()), lambda: False)
    assert bands(paths) == replayed(history, Decided())[0]
    del history.of[run_id(FIRST + 49)]
    history.of[run_id(FIRST + 48)] = results(48, 2)
    assert go_on(version(paths, history, Decided()), lambda: False)
    assert bands(paths) == replayed(history, Decided())[0]


def test_where_all_results_of_a_shelf_are_gone_so_are_their_verdicts(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(110)}
    go_on(version(paths, history, Decided()), lambda: False)
    history.of = {run: one for run, one in history.of.items() if run.startswith("052")}
    assert go_on(version(paths, history, Decided()), lambda: False)
    assert not list(tmp_path.rglob("*053*"))
    assert set(json.loads(version(paths, history, Decided()).kept_in.read_text())["seen"]) == {"052"}
    assert bands(paths) == replayed(history, Decided())[0]
    history.of.clear()
    assert go_on(version(paths, history, Decided()), lambda: False)
    assert (bands(paths), version(paths, history, Decided()).events) == ({}, {})


def test_with_other_settings_all_is_judged_anew(tmp_path: Path) -> None:
    paths, history, other = Paths(tmp_path), Results(), Settings(minimum=14, accept=12)
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(140) if number != 70}
    go_on(version(paths, history, Decided()), lambda: False)
    history.of[run_id(FIRST + 70)] = results(70, 1)
    assert not go_on(version(paths, history, Decided()), after(1))  # the newest runs are judged by a front
    history.of[run_id(FIRST + 100)] = results(100, 2)
    while not go_on(version(paths, history, Decided(), other), after(50)):
        pass
    assert bands(paths) == replayed(history, Decided(), other)[0]


@pytest.mark.parametrize("comes_late", [False, True])
def test_other_settings_hold_for_the_newest_runs_at_once(tmp_path: Path, comes_late: bool) -> None:
    paths, history, other = Paths(tmp_path), Results(), Settings(minimum=40, accept=12)
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(140)}
    go_on(version(paths, history, Decided()), lambda: False)
    if comes_late:  # the history is being judged again
        history.of[run_id(FIRST - 1)] = results(-1, 1)
        assert not go_on(version(paths, history, Decided()), after(1))
    assert is_judged(paths, 25)
    assert not go_on(version(paths, history, Decided(), other), after(10))
    assert not is_judged(paths, 25), "it is too early for a verdict"
    assert not go_on(version(paths, history, Decided(), other), after(130))
    found = [(one.kind, one.variable, one.run) for one in version(paths, history, Decided(), other).events["all"]]
    assert found and len(found) == len(set(found)), "no change is shown as it was found before and as it is found now"
    go_on_until_done(paths, history, other)
    assert bands(paths) == replayed(history, Decided(), other)[0]


def test_the_last_result_is_judged_again_if_it_changes(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(60)}
    go_on(version(paths, history, Decided()), lambda: False)
    history.of[run_id(FIRST + 59)] = results(59, 2)
    assert version(paths, history, Decided()).judge_new(lambda: False), "of few runs all are judged at once"
    assert bands(paths) == replayed(history, Decided())[0]


def test_what_changes_no_verdict_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, history, decided = Paths(tmp_path), Results(), Decided(muted=(("", "2100-01-01T00:00:00Z", ""),))
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(20)}
    go_on(version(paths, history, Decided()), lambda: False)
    history.touched = 1
    assert version(paths, history, Decided()).judge_new(lambda: False)
    history.looks = 0
    assert version(paths, history, decided).judge_new(lambda: False)
    monkeypatch.setattr(BandsFile, "starts", lambda _: pytest.fail("the time of the decision is looked for again"))
    assert version(paths, history, decided).judge_new(lambda: False)
    assert history.looks == 0


def is_judged(paths: Paths, number: int) -> bool:
    """Return whether a run has a verdict that tells how far its result is away."""
    found = bands(paths).get(SeriesId("kr83m", "v1", "all", "v0"), [])
    return any(one.run == run_id(FIRST + number) and one.deviation is not None for one in found)


def after(runs: int) -> Callable[[], bool]:
    """Return what stops judging after so many runs."""
    asked = itertools.count(1)
    return lambda: next(asked) >= runs


def go_on_until_done(paths: Paths, history: Results, settings: Settings = SETTINGS) -> None:
    while not go_on(version(paths, history, Decided(), settings), after(1000)):
        pass


def test_new_runs_are_judged_at_once_while_an_older_history_is_judged_again(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(1, 180)}
    go_on(version(paths, history, Decided()), lambda: False)
    history.of[run_id(FIRST)] = results(0, 1)  # all has to be judged again
    for number in (180, 183, 182, 184):  # one of them comes late
        history.of[run_id(FIRST + number)] = results(number, 1)
        assert not go_on(version(paths, history, Decided()), after(1))
        assert is_judged(paths, number)
    assert list(tmp_path.rglob("front.json"))
    go_on_until_done(paths, history)
    assert bands(paths) == replayed(history, Decided())[0]
    assert not list(tmp_path.rglob("front.json"))


def test_a_change_of_new_runs_is_an_event_while_the_history_is_judged_again(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(1, 140)}
    go_on(version(paths, history, Decided()), lambda: False)
    before = version(paths, history, Decided()).events["all"]
    history.of[run_id(FIRST)] = results(0, 1)
    for number in range(140, 160):  # there is a step with run 150
        history.of[run_id(FIRST + number)] = results(number, 1)
        assert not go_on(version(paths, history, Decided()), after(1))
    events = version(paths, history, Decided()).events["all"]
    assert all(one in events for one in before)
    assert {one.variable for one in events if one.kind is Kind.STEP} == {"v0", "v1", "v2", "v3"}


@pytest.mark.parametrize(("runs", "is_long"), [(20, False), (21, False), (30, False), (31, True)])
def test_only_of_a_long_history_the_newest_runs_are_judged_first(tmp_path: Path, runs: int, is_long: bool) -> None:
    history = Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(runs)}
    one = version(Paths(tmp_path), history, Decided())
    assert one.judge_new(after(runs)) == (not is_long)
    assert (one.learned is not None) == is_long
    assert one.units == {"x": "keV"}


def test_of_many_new_runs_each_slice_goes_on_where_the_one_before_ended(tmp_path: Path) -> None:
    """There may be no time for anything but the newest runs."""
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(60)}
    go_on(version(paths, history, Decided()), lambda: False)
    before = version(paths, history, Decided()).events["all"]
    history.of |= {run_id(FIRST + number): results(number, 1) for number in range(60, 140)}
    for late in (20, 21, 22):
        assert not version(paths, history, Decided()).judge_new(after(SETTINGS.minimum))
        history.of[run_id(FIRST + late)] = results(late, 2)
    assert is_judged(paths, 139)
    assert before and all(one in version(paths, history, Decided()).events["all"] for one in before)
    go_on_until_done(paths, history)
    assert bands(paths) == replayed(history, Decided())[0]


def test_of_a_long_first_history_the_newest_runs_are_judged_first(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(140)}
    assert not go_on(version(paths, history, Decided()), after(3 * SETTINGS.minimum))
    assert is_judged(paths, 139) and not is_judged(paths, 20)
    assert version(paths, history, Decided()).learned == (1, 140)
    go_on_until_done(paths, history)
    assert version(paths, history, Decided()).learned is None
    assert bands(paths) == replayed(history, Decided())[0]


@pytest.mark.parametrize("number", [110, 130])  # the first one of the newest runs, and one of the others
def test_what_a_person_decides_about_the_newest_runs_counts_at_once_while_a_history_is_judged(
    tmp_path: Path, number: int
) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(140)}
    slices = after(3 * SETTINGS.minimum), after(3 * SETTINGS.minimum + 1)

    def marks() -> list[str]:
        verdicts = bands(paths)[SeriesId("kr83m", "v1", "all", "v0")]
        return [one.mark for one in verdicts if one.run == run_id(FIRST + number)]

    assert not go_on(version(paths, history, Decided()), slices[0])
    assert marks() == [""]
    decided = Decided(bad=(FIRST + number,))
    assert not go_on(version(paths, history, decided), slices[1])
    assert marks() == ["bad_run"]
    assert Kind.BAD_RUN in {one.kind for one in version(paths, history, decided).events["all"]}
    while not go_on(version(paths, history, decided), after(1000)):
        pass
    assert bands(paths) == replayed(history, decided)[0]


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6))
def test_once_the_newest_runs_are_judged_each_new_one_is_in_the_slice_in_which_it_comes(seed: int) -> None:
    rng = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="xom-test-front-"))
    paths, history = Paths(folder), Results()
    try:
        history.of = {run_id(FIRST + number): results(number, seed) for number in range(rng.randint(70, 140))}
        older = [number for number in range(60) if rng.random() < 0.5]
        for number in older:
            del history.of[run_id(FIRST + number)]
        go_on(version(paths, history, Decided()), after(3 * SETTINGS.minimum))
        for number in range(145, 170):
            history.of[run_id(FIRST + number)] = results(number, seed)
            if older and rng.random() < 0.5:  # a backfill, the newest first
                late = older.pop()
                history.of[run_id(FIRST + late)] = results(late, seed)
            go_on(version(paths, history, Decided()), after(rng.randint(25, 40)))
            assert is_judged(paths, number)
        go_on_until_done(paths, history)
        assert bands(paths) == replayed(history, Decided())[0]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_run_of_which_nothing_can_be_judged_is_looked_at_once(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(140)}
    history.unusable = {run_id(FIRST + 135)}
    assert not version(paths, history, Decided()).judge_new(lambda: False)
    history.reads = 0
    assert not version(paths, history, Decided()).judge_new(lambda: False)
    assert (history.reads, is_judged(paths, 134), is_judged(paths, 135)) == (0, True, False)


def test_a_new_level_is_expected_once_by_a_front(tmp_path: Path) -> None:
    paths, history, decided = Paths(tmp_path), Results(), Decided(renewed=((FIRST + 50, ""),))
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(140)}
    assert not version(paths, history, decided).judge_new(lambda: False)
    last = bands(paths)[SeriesId("kr83m", "v1", "all", "v0")][-1]
    assert last.high is not None and last.low is not None and last.high - last.low < 20


def test_old_verdicts_stay_until_their_runs_are_judged_again(tmp_path: Path) -> None:
    paths, history = Paths(tmp_path), Results()
    history.of = {run_id(FIRST + number): results(number, 1) for number in range(1, 180)}
    go_on(version(paths, history, Decided()), lambda: False)
    before, events = bands(paths), version(paths, history, Decided()).events
    history.of[run_id(FIRST)] = results(0, 1)
    again = version(paths, history, Decided())
    assert not go_on(again, lambda: True)
    assert again.events == events
    series = SeriesId("kr83m", "v1", "all", "v0")
    assert bands(paths)[series][1:] == before[series]
    history.of[run_id(FIRST + 180)] = results(180, 1)
    assert not version(paths, history, Decided()).judge_new(lambda: True)
    assert is_judged(paths, 180), "judging goes on from them meanwhile"
