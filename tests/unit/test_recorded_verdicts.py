"""The same results have the same verdicts for ever, unless `METHOD` is raised: what users see does not change silently.

``python tests/unit/test_recorded_verdicts.py`` records the verdicts of a new method.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from xomflow.core import times
from xomflow.core.key import run_id
from xomflow.expected.bank import RunResults
from xomflow.expected.judge import Judge
from xomflow.expected.method.settings import METHOD, Settings, Size

RECORDED = Path(__file__).parents[1] / f"data/verdicts/method_{METHOD}.json"
BEGAN, HOUR, DAY = 1_780_000_000, 3600, 24
_OFTEN = 20  # of so many verdicts one is recorded
_KEPT = 19  # after so many runs the state goes through its file; once within bad runs in a row


@dataclass
class Source:
    """Random values that every version of Python makes in the same way."""

    rng: random.Random

    def normal(self) -> float:
        """Return a value of a nearly normal distribution."""
        return round(sum(self.rng.random() for _ in range(12)) - 6, 3)

    def count(self, mean: float, most: int = 30) -> tuple[float, float]:
        """Return a number of events with its error."""
        n = sum(self.rng.random() < mean / most for _ in range(most))
        return float(n), n**0.5


@dataclass(frozen=True)
class History:
    """Results of one group of runs, with the settings for them."""

    runs: list[RunResults]
    settings: Settings = field(default_factory=Settings)


def result(number: int, hours: float, values: Mapping[str, Any], **more: Any) -> RunResults:
    pairs = {name: one if isinstance(one, tuple) else (one, 1.0) for name, one in values.items() if one is not None}
    start = times.from_epoch(int(BEGAN + HOUR * hours))
    return RunResults(run_id(number), times.text(start), pairs, **more)


def changes(source: Source) -> Iterator[RunResults]:
    """Steps that return and that stay, more scatter, heavy tails, levels that move, values without errors."""
    slow = fast = 0.0
    for i in range(520):
        slow, fast = slow + 0.03 * source.normal(), fast + 0.12 * source.normal()
        step = 3.0 if 100 <= i < 130 else -3.5 if i >= 190 else 0.0
        tail = 8 if source.rng.random() < 0.02 else 1
        rough = 100 + 0.1 * (i % 7 == 0) + 0.9 * (i > 250)
        yield result(
            i,
            2 * i,
            {
                "step": 10 + step + source.normal(),
                "scatter": (2.3 if i >= 220 else 0.8) * source.normal(),
                "tail": {3: -20.0, 8: 15.0}.get(i, tail * source.normal()),
                "slow": slow + source.normal(),
                "fast": fast + source.normal(),
                "plain": (50 + 0.4 * source.normal(), 0.0),
                "rough": (rough, 0.0),
                "vague": (source.normal(), 0.5 + source.rng.random()),
            },
        )


def counts(source: Source) -> Iterator[RunResults]:
    """Few counts and none, rates of counts, and counts beyond those that are recognized; each changes once."""
    for i in range(330):
        few = source.count(3 if i < 150 else 9)
        rate = source.count(12 if i < 220 or i > 240 else 22)
        clump = source.count(2 if i < 120 else 0.25)[0] * (1 if i < 120 else 9)
        hours = 8 + i % 3
        many = 2000 + 45 * source.normal()
        yield result(
            i,
            3 * i,
            {
                "few": few,
                "rate": (rate[0] / hours, rate[1] / hours),
                "short": 1.0 if i % 70 == 0 else None,
                "none": source.count(0.0 if i < 60 else 0.15),
                "many": (many, many**0.5),
                "clumps": (float(clump), clump**0.5),
                "uneven": (few[0] * 1.1, 1.3),
            },
        )


def gaps(source: Source) -> Iterator[RunResults]:
    """Campaigns with gaps of days to weeks, at which levels jump; one of them while a step is open."""
    level, hours = 0.0, 0.0
    for i in range(300):
        if (i and i % 25 == 0) or i in (102, 155, 158):
            hours += DAY * (1, 4, 10, 40)[i // 25 % 4]
            level += source.rng.choice((-1.5, 1.5))
        hours += 1 + source.rng.random()
        late = 4.0 if 195 <= i < 235 else 0.0
        yield result(i, hours, {"jumps": level + source.normal(), "stays": late + source.normal()})


def drifts(source: Source) -> Iterator[RunResults]:
    """Levels that drift, beyond and within what is tolerated, in months; one comes back."""
    for i in range(420):
        there = min(i, 300, max(0, 560 - i))
        yield result(
            i,
            6 * i,
            {
                "back": (100 + 0.12 * there + 0.5 * source.normal(), 0.5),
                "stays": (-20 - 0.03 * min(i, 220) + 0.2 * source.normal(), 0.2),
                "allowed": 0.01 * i + source.normal(),
            },
        )


def absences(source: Source) -> Iterator[RunResults]:
    """A variable that stops and comes again, one that misses runs in bursts, one that comes late, an expected end."""
    away = False
    for i in range(330):
        away = source.rng.random() < (0.6 if away else 0.04)
        yield result(
            i,
            i,
            {
                "stops": None if 120 <= i < 126 or 200 <= i < 240 or i >= 290 else source.normal(),
                "bursts": None if away else source.normal(),
                "late": source.normal() if i > 70 else None,
                "expected": source.normal() if i < 250 else None,
                "always": source.normal(),
            },
            renewed=frozenset(["expected"] if i == 280 else []),
        )


def bad_runs(source: Source) -> Iterator[RunResults]:
    """Bad runs alone, in a row and by decision; what is expected or muted by a person; a step of many variables."""
    for i in range(260):
        far = 12.0 if i in (80, 81, 120) or i >= 150 else 0.0
        values = {f"v{v}": source.normal() + (far if v < 4 else 0.0) for v in range(9)}
        values["v8"] += 7.0 * (i >= 220)
        values["v7"] += 9.0 * (i in (100, 101, 205))
        if i in (90, 91):
            values = dict.fromkeys(values, 3.0)
        more = {"is_bad": i in (5, 60, 90, 121), "muted": frozenset({101: ["v7"], 205: [""]}.get(i, ()))}
        renewed = {170: ["v0"], 220: ["v8"], 240: [""]}.get(i, ())
        yield result(i, i, values, renewed=frozenset(renewed), **more)


def histories() -> dict[str, History]:
    """Return all histories by name."""
    sizes = {"back": Size(0.05, True), "stays": Size(1.0), "allowed": Size(50.0)}
    matters = {"plain": Size(0.01, True), "vague": Size(0.9)}
    chosen = {
        "changes": Settings(matters=matters),
        "counts": Settings(minimum=20, accept=40),
        "gaps": Settings(minimum=12, accept=60),
        "drifts": Settings(tolerance=sizes),
        "absences": Settings(),
        "bad_runs": Settings(minimum=25, accept=36),
    }
    makers = (changes, counts, gaps, drifts, absences, bad_runs)
    return {
        one.__name__: History(list(one(Source(random.Random(one.__name__)))), chosen[one.__name__]) for one in makers
    }


def judged(history: History) -> dict[str, Any]:
    """Return all events, some verdicts and a digest of the final state, as JSON."""
    judge, verdicts, events = Judge(history.settings), [], []
    for number, results in enumerate(history.runs):
        if number % _KEPT == 0:
            events += judge.drain()
            judge = Judge(history.settings).read(json.loads(json.dumps(judge.to_json())))
        for variable, verdict in judge.take("all", results):
            if verdict.mark or number % _OFTEN == 0:
                verdicts.append(f"{variable} {' '.join(map(str, verdict))}")
    events += [*judge.drain(), *judge.open_events()]
    state = {name: _short(one) for name, one in judge.to_json()["all"].items() if name not in ("runs", "open", "held")}
    return json.loads(json.dumps({"events": [event for _, event in events], "verdicts": verdicts, "state": state}))


def _short(content: Any) -> Any:
    """Return a state with the sum of each long list of numbers, each with the weight of its place."""
    if isinstance(content, Mapping):
        return {name: _short(one) for name, one in content.items()}
    if not isinstance(content, list | tuple):
        return content
    short = [_short(one) for one in content]
    if len(short) < 10:
        return short
    rows = [one if isinstance(one, list) else [one] for one in short]
    return [sum(place * row[at] for place, row in enumerate(rows, 1)) for at in range(len(rows[0]))]


def about(value: Any) -> Any:
    """Return what equals a value, numbers of a state to a millionth of their own."""
    match value:
        case dict():
            return {name: about(one) for name, one in value.items()}
        case list():
            return [about(one) for one in value]
        case float():
            return pytest.approx(value, rel=1e-6, abs=1e-12)
    return value


@pytest.mark.parametrize("name", ["changes", "counts", "gaps", "drifts", "absences", "bad_runs"])
def test_a_history_has_the_verdicts_that_it_had_when_the_method_got_its_number(name: str) -> None:
    assert RECORDED.exists(), f"METHOD is {METHOD}: record its verdicts by python {Path(__file__).name}"
    assert judged(histories()[name]) == about(json.loads(RECORDED.read_text())[name])


if __name__ == "__main__":
    content = {name: judged(one) for name, one in histories().items()}
    RECORDED.parent.mkdir(exist_ok=True)
    RECORDED.write_text(json.dumps(content, indent=1) + "\n")
