"""What is expected of variables, and which changes are alarms: each on series made for it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.judging import Judged, judge
from xomflow.core import times
from xomflow.core.key import run_id
from xomflow.core.verdicts import HowEnded, Kind, Mark, Verdict
from xomflow.expected.bank import RunResults
from xomflow.expected.event import Event
from xomflow.expected.judge import Judge
from xomflow.expected.method.drift import Drift
from xomflow.expected.method.jumps import Gaps
from xomflow.expected.method.settings import Settings, Size
from xomflow.expected.method.windows import Base, Windows
from xomflow.expected.seed import Seed, seed_of

HOUR = 3600
BEGAN = 1_780_000_000


def run(number: int, hours: float | None = None, **values: float | tuple[float, float]) -> RunResults:
    """Return the results of a run; a value without an error has the error 1."""
    pairs = {name: one if isinstance(one, tuple) else (one, 1.0) for name, one in values.items()}
    start = times.from_epoch(int(BEGAN + HOUR * (number if hours is None else hours)))
    return RunResults(run_id(number), times.text(start), pairs)


def noise(seed: object, number: int) -> list[float]:
    rng = random.Random(str(seed))
    return [rng.gauss(0, 1) for _ in range(number)]


def series(values: Iterable[float | None], **chosen: object) -> Judged:
    """Judge one variable, None where it is missing, beside one that goes on."""
    steady = noise("steady", 4000)
    runs = (run(i, steady=steady[i], **({} if one is None else {"x": one})) for i, one in enumerate(values))
    return judge((("all", one) for one in runs), Settings(**chosen))  # type: ignore[arg-type]


def events(judged: Judged, kind: Kind) -> list[Event]:
    return [one for one in judged.events.get("all", []) if one.kind is kind and one.variable in ("", "x")]


def verdicts(judged: Judged) -> list[Verdict]:
    return judged.verdicts["all", "x"]


def test_there_is_no_verdict_before_the_minimum_of_results() -> None:
    judged = verdicts(series(noise(1, 25), minimum=20))
    assert [one.deviation is None for one in judged] == [True] * 20 + [False] * 5
    assert (judged[0].expected, judged[0].low, judged[0].high) == (None, None, None)


def test_the_band_is_three_widths_to_each_side_of_what_is_expected() -> None:
    last = verdicts(series([10 + one for one in noise(2, 600)]))[-1]
    assert last.expected == pytest.approx(10, abs=0.3)
    assert last.high is not None and last.low is not None and last.expected is not None
    assert last.high - last.expected == pytest.approx(3, abs=0.4)
    assert last.expected - last.low == pytest.approx(last.high - last.expected)


def test_scatter_beyond_the_errors_is_learned() -> None:
    last = verdicts(series([3 * one for one in noise(3, 600)]))[-1]
    assert last.high is not None and last.expected is not None
    assert last.high - last.expected == pytest.approx(9, abs=1.2)


def test_a_value_without_an_error_has_the_usual_one() -> None:
    values = [run(i, x=(one, 1.0 if i % 2 else 0.0)) for i, one in enumerate(noise(4, 300))]
    last = judge((("all", one) for one in values), Settings()).verdicts["all", "x"][-2]
    assert last.high is not None and last.expected is not None
    assert last.high - last.expected == pytest.approx(3, abs=0.5)


def test_a_large_error_makes_a_value_less_remarkable() -> None:
    values = noise(4, 300)
    runs = [run(i, x=one) for i, one in enumerate(values)] + [run(300, x=(9.0, 1.0)), run(301, x=(9.0, 8.0))]
    sharp, vague = judge((("all", one) for one in runs), Settings()).verdicts["all", "x"][-2:]
    assert sharp.mark is Mark.OUTLIER and vague.mark is Mark.NONE


def test_a_step_is_one_alarm_that_ends_when_the_level_returns() -> None:
    values = [one + (3 if 300 <= i < 330 else 0) for i, one in enumerate(noise(5, 500))]
    (step,) = events(series(values), Kind.STEP)
    assert abs(step.number - 301) <= 1 and step.run in ("000299", "000300", "000301")
    assert int(step.noticed) <= 310
    assert step.after - step.before == pytest.approx(3, abs=1.2)
    assert step.how is HowEnded.RETURNED and step.ended_number is not None and 331 <= step.ended_number <= 350


@pytest.mark.parametrize("size", [1.5, 3.0])
def test_a_step_down_is_found_as_the_same_step_up(size: float) -> None:
    values = [one + (size if i >= 300 else 0) for i, one in enumerate(noise(15, 500))]
    (up,), (down,) = (events(series(sign * one for one in values), Kind.STEP) for sign in (1, -1))
    mirrored = down._replace(before=-down.before, after=-down.after, sigma=-down.sigma)
    assert [mirrored.number, mirrored.noticed, mirrored.n] == [up.number, up.noticed, up.n]
    assert mirrored[-8:-3] == pytest.approx(up[-8:-3])


def test_a_new_level_counts_as_normal_after_as_many_results_as_configured() -> None:
    values = [one + 3 * (i >= 300) for i, one in enumerate(noise(6, 500))]
    judged = series(values, accept=40)
    (step,) = events(judged, Kind.STEP)
    assert step.how is HowEnded.UNEXPLAINED
    assert step.ended_number is not None and 338 <= step.ended_number <= 346
    assert verdicts(judged)[-1].expected == pytest.approx(3, abs=0.5)


def test_while_a_step_is_open_nothing_is_learned() -> None:
    judged = verdicts(series([one + 5 * (i >= 300) for i, one in enumerate(noise(7, 330))]))
    assert judged[-1].expected == pytest.approx(0, abs=0.4) and not judged[-1].learned


def test_doubled_scatter_is_an_alarm() -> None:
    values = [one * (2 if i >= 500 else 1) for i, one in enumerate(noise(8, 700))]
    (scatter,) = events(series(values), Kind.SCATTER)
    assert 500 <= int(scatter.noticed) <= 560
    assert scatter.after / scatter.before == pytest.approx(2, abs=0.7)


def test_heavy_tails_make_a_change_of_scatter_less_significant() -> None:
    rng = random.Random("tails")
    tails = [one * (3 if rng.random() < 0.1 else 1) for one in noise("tails", 3000)]
    base = Base(0.0, 0.0, 0.0, 0.0, 640.0)

    def significance(before: list[float]) -> float:
        windows = Windows()
        for one in [*before, *(3 * one for one in noise("larger", 24))]:
            windows.add(one, 1.0, 0.0, 0, base)
            windows.learn([])
        found, _ = windows.look()
        return found.sigma if found is not None and found.kind == "scatter" else 0.0

    assert significance(tails) < 0.9 * significance(noise("normal", 3000))


@pytest.mark.parametrize(
    ("offs", "n", "first"),
    [
        ([2.0] * 16, 16, 16),
        ([-2.0] * 16, 16, 16),
        ([0.0] * 8 + [2.5] * 8, 8, 8),
        ([1.3] * 8 + [2.9] * 8, 8, 16),
        ([0.0] * 20 + [2.2] * 12, 8, 12),
        ([-1.0] * 6 + [3.0] * 5 + [-0.1] * 3, 0, 0),
        ([1.0] * 15, 0, 0),
    ],
)
def test_a_step_is_where_results_together_are_most_significant(offs: list[float], n: int, first: int) -> None:
    windows, base = Windows(), Base(10.0, 0.0, 0.0, 0.0, 640.0)
    for one in [*[0.0] * 60, *offs]:
        windows.add(10 + one, 1.0, 0.0, 0, base)
    windows.since, windows.number = len(offs), 64
    found, missed = windows.look()
    assert (found.n, found.first, found.kind) == (n, first, "step") if n else found is None
    assert [i for i, _ in missed] == [i for i, length in enumerate((4, 8, 16, 32, 64)) if length <= len(offs)]


def test_a_gap_is_three_days_at_least_and_four_times_the_usual_time() -> None:
    gaps, day = Gaps(), 24.0
    starts = [0.0]
    for waited in (1, 71, 73, 5 * day, 7 * day, 8 * day, 40 * day, 1, 1, 3 * day - 0.1, 4 * day):
        starts.append(starts[-1] + waited)
    found = [gaps.before(1e9 + 3600 * one) for one in starts]
    assert [round(one, 3) for one in found] == [0, 0, 0, 0.5, 0.714, 1, 1.143, 4, 0, 0, 0, 0.571]
    assert gaps.before(1e9) == 0.0 and gaps.last == 1e9 + 3600 * starts[-1]


def test_a_lone_outlier_is_a_mark_and_no_event_and_moves_nothing() -> None:
    values = noise(9, 400)
    with_one = [*values[:300], values[300] + 50, *values[301:]]
    plain, odd = series(values), series(with_one)
    assert verdicts(odd)[300].mark is Mark.OUTLIER and not odd.events
    before, after = verdicts(plain)[310].expected, verdicts(odd)[310].expected
    assert before is not None and after is not None and abs(after - before) < 0.25


def test_a_variable_with_bad_values_of_its_own_still_has_its_outliers_marked() -> None:
    rng = random.Random(10)
    values = [rng.gauss(0, 1) + (10 * rng.gauss(0, 1) if rng.random() < 0.01 else 0) for _ in range(1500)]
    values[1450] = 9.0
    assert verdicts(series(values))[1450].mark is Mark.OUTLIER


def test_counts_have_the_error_of_the_expected_number() -> None:
    rng = random.Random(11)
    counts = [sum(rng.random() < 0.05 for _ in range(20)) for _ in range(400)]  # mean 1
    runs = [run(i, x=(float(one), one**0.5)) for i, one in enumerate(counts)] + [run(400, x=(0.0, 0.0))]
    last = judge((("all", one) for one in runs), Settings()).verdicts["all", "x"][-1]
    assert last.deviation is not None and -1.5 < last.deviation < 0  # with the error of a count of 0 it were infinite


def test_quantised_values_have_an_error_of_half_a_percent() -> None:
    values = [100.0 + 0.1 * (i % 7 == 0) for i in range(200)]
    runs = [run(i, x=(one, 0.0)) for i, one in enumerate([*values, 100.3, 104.0])]
    small, large = judge((("all", one) for one in runs), Settings()).verdicts["all", "x"][-2:]
    assert small.mark is Mark.NONE and large.mark is Mark.OUTLIER


def test_differences_below_what_matters_are_no_alarm() -> None:
    values = [1000 + 0.01 * one + 0.1 * (i >= 300) for i, one in enumerate(noise(12, 400))]
    runs = [run(i, x=(one, 0.01)) for i, one in enumerate(values)]
    for matters, many in (({}, 1), ({"x": Size(0.005, True)}, 0), ({"x": Size(1.0)}, 0)):
        judged = judge((("all", one) for one in runs), Settings(matters=matters))
        assert len(judged.events.get("all", [])) == many


def test_a_drift_is_an_alarm_only_beyond_its_tolerance() -> None:
    values = [0.004 * i + one for i, one in enumerate(noise(13, 2000))]  # 2.9 in 30 days
    assert not events(series(values), Kind.DRIFT)
    assert not events(series(values, tolerance={"x": Size(5.0)}), Kind.DRIFT)
    (drift,) = events(series(values, tolerance={"x": Size(1.0)}), Kind.DRIFT)
    assert drift.after > drift.before


def test_a_drift_is_told_from_the_level_of_thirty_days_before_until_it_is_back_or_stays() -> None:
    day, drift = 86400.0, Drift()

    def learn(days: float, level: float) -> tuple[float, float] | None:
        return drift.learn(1e9 + days * day, level, 0.02, tolerance=1.0)

    assert [learn(days, 0.0) for days in (0, 0.99, 1, 2, 29.99)] == [None] * 5
    assert [(one - 1e9) / day for one in drift.times] == pytest.approx([0, 1, 2, 29.99])
    assert learn(30.99, 1.8) is None  # 0.8 more than is tolerated is four standard deviations
    assert learn(31.99, -2.0) == (0.0, pytest.approx(-5.0))
    assert (drift.times[0] - 1e9) / day == pytest.approx(1.0)
    assert (drift.is_open, drift.before, learn(33, -9.0), drift.ended(1.0)) == (True, 0.0, None, None)
    assert learn(35, 1.0) is None and drift.ended(1.0) is None
    assert learn(36, 0.99) is None and drift.ended(1.0) is True
    for days in range(37, 80):
        learn(days, -2.5)
    assert drift.ended(1.0) is False
    drift.forget()
    assert (drift.to_json(), drift.ended(1.0)) == ([0.0, False, [], [], []], None)
    assert [learn(days, level) for days, level in ((100, 0.0), (130, 5.0))] == [None, (0.0, pytest.approx(20.0))]


def test_a_variable_that_stops_coming_is_an_alarm_that_ends_when_it_comes() -> None:
    values: list[float | None] = [*noise(14, 300), *[None] * 20, *noise(15, 20)]
    (missing,) = events(series(values), Kind.MISSING)
    assert (missing.run, missing.how) == ("000300", HowEnded.RETURNED)
    assert int(missing.noticed) <= 303


def test_absences_that_come_in_bursts_are_usual_after_a_while() -> None:
    rng, away = random.Random(16), False
    values = list[float | None]()
    for one in noise(17, 1500):
        away = rng.random() < (0.7 if away else 0.02)
        values.append(None if away else one)
    assert not [one for one in events(series(values), Kind.MISSING) if one.number > 500]


def many(number: int, seed: int, change: Callable[[int, int, float], float]) -> list[RunResults]:
    """Return runs of ten variables; ``change`` makes a value of run, variable and noise."""
    rng = random.Random(seed)
    return [run(i, **{f"v{v}": change(i, v, rng.gauss(0, 1)) for v in range(10)}) for i in range(number)]


def test_a_bad_run_is_one_event_and_leaves_nothing_behind() -> None:
    runs = many(400, 18, lambda i, v, one: one + (30 if i in (300, 301) and v < 6 else 0))
    judged = judge((("all", one) for one in runs), Settings())
    (bad,) = judged.events["all"]
    assert (bad.kind, bad.run, bad.how, bad.agree) == (Kind.BAD_RUN, "000300", HowEnded.ONE_RUN, 6)
    assert [judged.verdicts["all", "v0"][i].mark for i in (299, 300, 301, 302)] == ["", "bad_run", "bad_run", ""]
    clean = judge((("all", one) for one in [*runs[:300], *runs[302:]]), Settings())
    assert clean.verdicts["all", "v0"][-1] == judged.verdicts["all", "v0"][-1]


def test_bad_runs_that_go_on_are_steps() -> None:
    runs = many(330, 19, lambda i, v, one: one + (8 if i >= 300 and v < 6 else 0))
    found = judge((("all", one) for one in runs), Settings()).events["all"]
    steps = [one for one in found if one.kind is Kind.STEP]
    assert {one.variable for one in steps} == {f"v{v}" for v in range(6)}
    assert {one.run for one in steps} <= {"000299", "000300"} and max(int(one.noticed) for one in steps) <= 304


def test_a_run_that_a_person_calls_bad_is_not_learned() -> None:
    runs = [run(i, x=one) for i, one in enumerate(noise(20, 100))]
    runs[50] = run(50, x=7.0)._replace(is_bad=True)
    judged = judge((("all", one) for one in runs), Settings())
    assert judged.verdicts["all", "x"][50].mark is Mark.BAD_RUN and not judged.verdicts["all", "x"][50].learned
    (event,) = judged.events["all"]
    assert (event.kind, event.how) == (Kind.BAD_RUN, HowEnded.EXPECTED)


def test_an_expected_change_ends_its_alarm_and_makes_no_other() -> None:
    values = [one + 6 * (i >= 300) for i, one in enumerate(noise(21, 400))]
    plain = [run(i, x=one) for i, one in enumerate(values)]
    late = [one._replace(renewed=frozenset(["x"])) if i == 310 else one for i, one in enumerate(plain)]
    known = [one._replace(renewed=frozenset(["x"])) if i == 300 else one for i, one in enumerate(plain)]
    (ended,) = judge((("all", one) for one in late), Settings()).events["all"]
    assert ended.how is HowEnded.EXPECTED
    judged = judge((("all", one) for one in known), Settings())
    assert not judged.events and judged.verdicts["all", "x"][-1].expected == pytest.approx(6, abs=0.5)


def campaigns(jump: float, seed: int, days: float, length: int = 20) -> list[RunResults]:
    """Return campaigns of runs, so many days apart, between which the level jumps by plus or minus ``jump``."""
    rng, level, runs = random.Random(seed), 0.0, []
    for i in range(600):
        level += rng.choice((-jump, jump)) if i % length == 0 else 0
        runs.append(run(i, hours=i + 24 * days * (i // length), x=level + rng.gauss(0, 1)))
    return runs


def test_jumps_of_the_level_between_campaigns_are_learned() -> None:
    for length in (20, 60):
        false = [judge((("all", one) for one in campaigns(1.0, seed, 10, length)), Settings()) for seed in range(4)]
        assert not any(one.events for one in false)


def test_the_same_jump_is_an_alarm_only_where_runs_go_on() -> None:
    values = [one + 2.5 * (i >= 300) for i, one in enumerate(noise(24, 400))]
    for days, many in ((0, 1), (10, 0)):
        runs = [run(i, hours=i + 24 * days * (i >= 300), x=one) for i, one in enumerate(values)]
        assert len(judge((("all", one) for one in runs), Settings()).events.get("all", [])) == many


def test_a_band_is_wider_after_a_gap_if_the_level_jumps_at_gaps() -> None:
    judged = judge((("all", one) for one in campaigns(1.0, 5, 10)), Settings()).verdicts["all", "x"]
    before, after = judged[-21], judged[-20]
    assert before.high and after.high and before.expected is not None and after.expected is not None
    assert after.high - after.expected > 1.2 * (before.high - before.expected)


def test_a_new_version_begins_with_the_history_of_the_one_before() -> None:
    values = noise(22, 400)
    old = [run(i, x=one) for i, one in enumerate(values)]
    new = [run(i, x=one + 5) for i, one in enumerate(values) if i >= 380]
    seed = seed_of(old, new)
    alone, seeded = (
        judge((("all", one) for one in new), Settings(), seeds).verdicts["all", "x"] for seeds in (None, {"all": seed})
    )
    assert alone[-1].expected is None
    assert seeded[0].expected == pytest.approx(5, abs=0.5) and seeded[0].run == "000380"


def test_a_new_version_expects_the_less_precisely_the_less_is_known_of_the_difference() -> None:
    old = [run(i, x=one) for i, one in enumerate(noise(22, 100))]
    known, unknown = (Judge(Settings(), {"all": Seed(old, {"x": variance})}) for variance in (0.0, 9.0))
    bands = []
    for one in (known, unknown):
        ((_, verdict),) = one.take("all", run(100, x=0.0))
        assert verdict.high is not None and verdict.expected is not None
        bands.append(verdict.high - verdict.expected)
    assert bands[1] > 2 * bands[0]


def test_less_than_ten_common_runs_seed_nothing() -> None:
    values = noise(23, 400)
    old = [run(i, x=one) for i, one in enumerate(values)]
    assert not seed_of(old, [run(i, x=values[i]) for i in range(391, 400)]).results
    assert seed_of(old, [run(i, x=values[i]) for i in range(390, 400)]).results


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 299), st.integers(0, 299))
def test_a_kept_state_and_the_rest_are_a_full_replay(seed: int, kept: int, change: int) -> None:
    rng = random.Random(seed)
    runs = [
        run(
            i,
            hours=i + 200 * (i // 70),
            **{
                f"v{v}": (rng.gauss(3 * (i >= change and v < 2), 1), rng.choice((0.0, 0.5, 1.0)))
                for v in range(5)
                if rng.random() > 0.1
            },
        )
        for i in range(300)
    ]
    whole, before = Judge(Settings()), Judge(Settings())
    expected = [whole.take("all", one) for one in runs][kept:]
    for one in runs[:kept]:
        before.take("all", one)
    after = Judge(Settings()).read(json.loads(json.dumps(before.to_json())))
    assert [after.take("all", one) for one in runs[kept:]] == expected
    assert json.dumps(after.to_json()) == json.dumps(whole.to_json())
    assert after.open_events() == whole.open_events()
    assert [*before.drain(), *after.drain()] == whole.drain()
