"""How often alarms are false, and how soon a change is found: the table of docs/normal.md.

    python benchmarks/normal.py --seeds 1 2 3            # all of it; about eight minutes a seed on one core
    python benchmarks/normal.py --seeds 7 --only gauss step3 --months 2

All series are made by the seeds given, and judged by the code of the product. A null is 100 variables in one analysis,
24 runs a day, with nothing to find: every message is false, but those about planted bad runs. A change is planted in a
variable of its own after 1,000 runs. Standard library only, so that any interpreter with `src` on its path runs it.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from multiprocessing import Pool
from typing import NamedTuple

from xomflow.core import times
from xomflow.core.key import run_id
from xomflow.core.verdicts import Alarm, Kind, Mark
from xomflow.expected.alarms import Facts, Origin, alarms_of
from xomflow.expected.bank import RunResults
from xomflow.expected.judge import Judge
from xomflow.expected.method.settings import Settings

VARIABLES, MONTH, YEAR = 100, 730, 8766  # variables of a null; runs in a month and in a year
HISTORY, AFTER, LATER = 1000, 200, 600  # runs before a change, in which it may be found, and in which messages count
CHANGED = 200  # series of each change and seed
GOAL = 0.6
_HOUR, _START = 3600.0, datetime(2026, 1, 1, tzinfo=UTC).timestamp()
_ORIGIN = Origin("simulated", "v1", "all")

Value = tuple[float, float]
Values = dict[str, Value]


class Run(NamedTuple):
    """One simulated run: hours since the first one, values by variable, whether it is a planted bad run."""

    hours: float
    values: Values
    is_bad: bool = False


# --- nulls: each makes the runs of one analysis
Null = Callable[[random.Random, int], Iterator[Run]]
NAMES = [f"v{i:03d}" for i in range(VARIABLES)]


def _hourly(make: Callable[[random.Random, int, int], Value]) -> Null:
    """Return the null whose values follow from the number of the run and of the variable."""

    def runs(rng: random.Random, number: int) -> Iterator[Run]:
        for t in range(number):
            yield Run(t, {name: make(rng, t, v) for v, name in enumerate(NAMES)})

    return runs


def _error(rng: random.Random, spread: float) -> float:
    return math.exp(spread * rng.gauss(0, 1))


def _unequal(rng: random.Random, _t: int, _v: int) -> Value:
    error = _error(rng, 0.5)
    return error * rng.gauss(0, 1), error


def _extra(rng: random.Random, _t: int, _v: int) -> Value:
    error = _error(rng, 0.3)
    return error * rng.gauss(0, 1) + 1.5 * rng.gauss(0, 1), error


def _poisson(mean: float) -> Null:
    limit = math.exp(-mean)

    def make(rng: random.Random, _t: int, _v: int) -> Value:
        count, product = 0, rng.random()
        while product > limit:
            count, product = count + 1, product * rng.random()
        return float(count), math.sqrt(count)

    return _hourly(make)


def _student(rng: random.Random, _t: int, _v: int) -> Value:
    chi2 = sum(rng.gauss(0, 1) ** 2 for _ in range(4))
    return rng.gauss(0, 1) / math.sqrt(chi2 / 4) / math.sqrt(2), 1.0


def _walk(size: float) -> Null:
    def runs(rng: random.Random, number: int) -> Iterator[Run]:
        levels = [0.0] * VARIABLES
        for t in range(number):
            levels = [one + size * rng.gauss(0, 1) for one in levels]
            yield Run(t, {name: (one + rng.gauss(0, 1), 1.0) for name, one in zip(NAMES, levels, strict=True)})

    return runs


def _autocorrelated(rng: random.Random, number: int) -> Iterator[Run]:
    slow = [0.0] * VARIABLES
    for t in range(number):
        slow = [0.5 * one + math.sqrt(0.75) * rng.gauss(0, 1) for one in slow]
        both = ((one + rng.gauss(0, 1)) * math.sqrt(0.5) for one in slow)
        yield Run(t, {name: (one, 1.0) for name, one in zip(NAMES, both, strict=True)})


def _bad_runs(rng: random.Random, number: int) -> Iterator[Run]:
    for t in range(number):
        width = 10.0 if rng.random() < 0.01 else 0.0
        values = {name: (rng.gauss(0, 1) + width * rng.gauss(0, 1), 1.0) for name in NAMES}
        yield Run(t, values, is_bad=width > 0)


def _bad_alone(rng: random.Random, _t: int, _v: int) -> Value:
    return rng.gauss(0, 1) + (10 * rng.gauss(0, 1) if rng.random() < 0.01 else 0.0), 1.0


def _absent(chance: float, again: float) -> Null:
    """Return the null in which each variable misses runs, in bursts if ``again`` is larger than ``chance``."""

    def runs(rng: random.Random, number: int) -> Iterator[Run]:
        away = [False] * VARIABLES
        for t in range(number):
            away = [rng.random() < (again if one else chance) for one in away]
            yield Run(t, {name: (rng.gauss(0, 1), 1.0) for name, gone in zip(NAMES, away, strict=True) if not gone})

    return runs


def _jumps(every: int, days: float, draw: Callable[[random.Random], float]) -> Null:
    """Return the null of campaigns of so many runs, between which there are days and the level of each jumps."""

    def runs(rng: random.Random, number: int) -> Iterator[Run]:
        levels, hours = [0.0] * VARIABLES, 0.0
        for t in range(number):
            if t % every == 0:
                levels = [one + draw(rng) for one in levels]
                hours += 24 * days * (1 + rng.random())
            hours += 1
            yield Run(hours, {name: (one + rng.gauss(0, 1), 1.0) for name, one in zip(NAMES, levels, strict=True)})

    return runs


NULLS: dict[str, tuple[str, Null]] = {
    "gauss": ("Gauss", _hourly(lambda rng, t, v: (rng.gauss(0, 1), 1.0))),
    "unequal": ("unequal errors", _hourly(_unequal)),
    "extra": ("extra scatter 1.5 sigma", _hourly(_extra)),
    "small_errors": ("errors half as large as they are", _hourly(lambda rng, t, v: (rng.gauss(0, 1), 0.5))),
    "walk": ("random walk 0.02 sigma a run", _walk(0.02)),
    "poisson5": ("Poisson, mean 5", _poisson(5.0)),
    "poisson1": ("Poisson, mean 1", _poisson(1.0)),
    "poisson.1": ("Poisson, mean 0.1", _poisson(0.1)),
    "bad_runs": ("common bad runs 1 %", _bad_runs),
    "bad_alone": ("bad values of single variables 1 %", _hourly(_bad_alone)),
    "autocorrelated": ("autocorrelation", _autocorrelated),
    "day": (
        "day wave 0.5 sigma",
        _hourly(lambda rng, t, v: (0.5 * math.sin(2 * math.pi * (t + v) / 24) + rng.gauss(0, 1), 1.0)),
    ),
    "ramp.003": ("ramp 0.003 sigma a run", _hourly(lambda rng, t, v: (0.003 * t + rng.gauss(0, 1), 1.0))),
    "ramp.01": ("ramp 0.01 sigma a run", _hourly(lambda rng, t, v: (0.01 * t + rng.gauss(0, 1), 1.0))),
    "student": ("Student t 4, first year", _hourly(_student)),
    "absent": ("absent in 2 % of the runs", _absent(0.02, 0.02)),
    "bursts": ("absent in bursts (1 %, then 70 %)", _absent(0.01, 0.7)),
    "jumps20": ("jumps of 1 sigma (Gauss), each 20 runs", _jumps(20, 3, lambda rng: rng.gauss(0, 1))),
    "jumps20.3": ("jumps of 0.3 sigma (Gauss), each 20 runs", _jumps(20, 3, lambda rng: rng.gauss(0, 0.3))),
    "jumps200": ("jumps of +-1 sigma, each 200 runs", _jumps(200, 3, lambda rng: rng.choice((-1.0, 1.0)))),
    "jumps50": ("jumps of up to 1 sigma, each 50 runs", _jumps(50, 10, lambda rng: rng.uniform(-1, 1))),
}


# --- changes: each makes the values of one variable
class Planted(NamedTuple):
    """A change: the value of a run from normal noise and its number after the change, None where it is gone."""

    title: str
    value: Callable[[float, int], float | None]
    absent: float = 0.0
    goal: tuple[int, int] | None = None


CHANGES = {
    "step1": Planted("step of 1 sigma", lambda noise, after: noise + (after >= 0)),
    "step2": Planted("step of 2 sigma", lambda noise, after: noise + 2 * (after >= 0), goal=(9, 15)),
    "step3": Planted("step of 3 sigma", lambda noise, after: noise + 3 * (after >= 0), goal=(5, 8)),
    "step5": Planted("step of 5 sigma", lambda noise, after: noise + 5 * (after >= 0)),
    "step10": Planted("step of 10 sigma", lambda noise, after: noise + 10 * (after >= 0)),
    "twenty": Planted("3 sigma for 20 runs", lambda noise, after: noise + 3 * (0 <= after < 20)),
    "drift": Planted("drift 0.1 sigma a run", lambda noise, after: noise + 0.1 * max(after + 1, 0), goal=(23, 27)),
    "scatter2": Planted("scatter doubled", lambda noise, after: noise * (2 if after >= 0 else 1), goal=(22, 40)),
    "missing": Planted("stops coming", lambda noise, after: noise if after < 0 else None, 0.0, (4, 4)),
    "missing2": Planted("stops coming (2 % absent)", lambda noise, after: noise if after < 0 else None, 0.02, (4, 4)),
    "outlier8": Planted("one result 8 sigma away", lambda noise, after: noise + 8 * (after == 0)),
}


def measure_null(task: tuple[str, int, int]) -> tuple[str, Counter[str], float]:
    """Return the false messages of one null by kind, and the CPU time of a result in microseconds."""
    name, seed, runs = task
    rng = random.Random(f"{name} {seed}")
    planted, used, results = set[str](), 0.0, 0

    def each() -> Iterator[RunResults]:
        nonlocal results
        for number, run in enumerate(NULLS[name][1](rng, runs)):
            if run.is_bad:
                planted.add(run_id(number))
            results += len(run.values)
            yield RunResults(run_id(number), _time(run.hours), run.values)

    judge = Judge(Settings())
    outliers = 0
    for one in each():
        began = time.process_time()
        outliers += sum(verdict.mark is Mark.OUTLIER for _, verdict in judge.take("all", one))
        used += time.process_time() - began
    found = _alarms(judge)
    false = [one for one in found if not (one.kind is Kind.BAD_RUN and one.first_run in planted)]
    counted = Counter(str(one.kind) for one in false)
    named = sum(one.kind is Kind.BAD_RUN and one.first_run in planted for one in found)
    counted.update(outliers=outliers, planted=len(planted), named=named)
    return name, counted, 1e6 * used / max(results, 1)


def measure_change(task: tuple[str, int, int]) -> tuple[str, list[int | None], list[int], int]:
    """Return, of one change in many variables, the delays in runs, the messages of each, and how many were marked."""
    name, seed, number = task
    delays, messages, marked = list[int | None](), list[int](), 0
    for i in range(number):
        rng = random.Random(f"{name} {seed} {i}")
        judge, change = Judge(Settings()), CHANGES[name]
        for t in range(HISTORY + LATER):
            value = change.value(rng.gauss(0, 1), t - HISTORY)
            gone = value is None or rng.random() < change.absent
            values = {} if gone or value is None else {"v": (value, 1.0)}
            verdicts = judge.take("all", RunResults(run_id(t), _time(t), values))
            marked += t == HISTORY and any(one.mark is Mark.OUTLIER for _, one in verdicts)
        found = [one for one in _alarms(judge) if int(one.noticed_run) >= HISTORY]
        first = min((int(one.noticed_run) - HISTORY + 1 for one in found), default=None)
        delays.append(first if first is not None and first <= AFTER else None)
        messages.append(len(found))
    return name, delays, messages, marked


def _alarms(judge: Judge) -> list[Alarm]:
    events = [event for _, event in [*judge.drain(), *judge.open_events()]]
    return alarms_of({_ORIGIN: events}, Facts(), ())


def _time(hours: float) -> str:
    return times.text(times.from_epoch(int(_START + hours * _HOUR)))


# --- the table
def null_row(name: str, counted: Counter[str], months: float) -> str:
    """Return the line of the table about one null."""
    false = sum(counted[kind] for kind in Kind)
    kinds = ", ".join(f"{counted[kind]} {kind}" for kind in Kind if counted[kind]) or "none"
    rate, error = false / months, math.sqrt(max(false, 1)) / months
    bad = f"; {counted['named']} of {counted['planted']} bad runs named" if counted["planted"] else ""
    verdict = "" if rate <= GOAL else f" **above {GOAL}**"
    marks = counted["outliers"] / months
    return f"| {NULLS[name][0]} | {rate:.2f} ± {error:.2f}{verdict} | {months:.0f} | {kinds}{bad} | {marks:.1f} |"


def change_row(name: str, delays: list[int | None], messages: list[int], marked: int) -> str:
    """Return the line of the table about one change."""
    change, n = CHANGES[name], len(delays)
    found = sum(one is not None for one in delays)
    middle, late = (_quantile(delays, part) for part in (0.5, 0.9))
    text = f"{middle or '-'} / {late or '-'}"
    if name.startswith("outlier"):
        return f"| {change.title} | marked: {100 * marked / n:.1f} % of {n} | - | - | {sum(messages) / n:.2f} |"
    goal = f"{change.goal[0]} / {change.goal[1]}" if change.goal else "-"
    return f"| {change.title} | {100 * found / n:.1f} % of {n} | {text} | {goal} | {sum(messages) / n:.2f} |"


def _quantile(delays: list[int | None], part: float) -> int | None:
    ordered = sorted(one if one is not None else math.inf for one in delays)
    value = ordered[min(math.ceil(part * len(ordered)) - 1, len(ordered) - 1)]
    return None if math.isinf(value) else int(value)


def main() -> None:
    """Measure, and print the tables."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seeds", type=int, nargs="+", default=[1], help="each makes other series")
    asked.add_argument("--only", nargs="+", choices=[*NULLS, *CHANGES], default=[*NULLS, *CHANGES], metavar="NAME")
    asked.add_argument("--months", type=float, default=YEAR / MONTH, help="length of each null")
    asked.add_argument("--series", type=int, default=CHANGED, help="series of each change")
    asked.add_argument("--processes", type=int, default=2)
    given = asked.parse_args()
    runs = int(given.months * MONTH)
    nulls = [(name, seed, runs) for name in given.only if name in NULLS for seed in given.seeds]
    changes = [(name, seed, given.series) for name in given.only if name in CHANGES for seed in given.seeds]
    print(f"seeds {' '.join(map(str, given.seeds))}\n")
    with Pool(given.processes) as pool:
        costs = _print_nulls(pool.imap(measure_null, nulls), runs / MONTH * len(given.seeds), len(given.seeds))
        _print_changes(pool.imap(measure_change, changes), len(given.seeds))
    if costs:
        print(f"\nOne result costs {sorted(costs)[len(costs) // 2]:.0f} us of CPU (median of the nulls).")


def _print_nulls(measured: Iterable[tuple[str, Counter[str], float]], months: float, seeds: int) -> list[float]:
    """Print the table of nulls; return the costs of a result."""
    costs, whole, parts = list[float](), Counter[str](), 0
    for name, counted, cost in measured:
        if not costs:
            print("| nothing happens | false messages a month | months | of these | marks a month |")
            print("|---|---|---|---|---|")
        costs.append(cost)
        whole, parts = whole + counted, parts + 1
        if parts == seeds:
            print(null_row(name, whole, months), flush=True)
            whole, parts = Counter[str](), 0
    return costs


def _print_changes(measured: Iterable[tuple[str, list[int | None], list[int], int]], seeds: int) -> None:
    """Print the table of changes."""
    delays, messages, marked, parts, is_first = list[int | None](), list[int](), 0, 0, True
    for name, these, sent, far in measured:
        if is_first:
            print(f"\n| change | found within {AFTER} runs | median / 90 % delay in runs | goal | messages |")
            print("|---|---|---|---|---|")
        is_first = False
        delays, messages, marked, parts = delays + these, messages + sent, marked + far, parts + 1
        if parts == seeds:
            print(change_row(name, delays, messages, marked), flush=True)
            delays, messages, marked, parts = [], [], 0, 0


if __name__ == "__main__":
    main()
