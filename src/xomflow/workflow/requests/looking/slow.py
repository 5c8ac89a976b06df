"""Which analyses and which of their runs take longest, against what is expected of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from xomflow.config.model import Config
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.jobs.run_lock import lock_owners
from xomflow.outcomes.past.expected_times import expected_seconds
from xomflow.outcomes.past.makers import Makers, by_method, look_at_makers


@dataclass(frozen=True, slots=True)
class SlowAnalysis:
    """What the results of one analysis took.

    Parameters
    ----------
    analysis, version
        Which analysis.
    runs
        Number of results.
    expected_s
        Median of the wall times of the newest results; None if there is none.
    mean_s, wall_s, cpu_s
        Seconds of wall time on average, and of all results together; processor time.
    """

    analysis: str
    version: str
    runs: int
    expected_s: float | None
    mean_s: float
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class SlowRun:
    """A run that took long, or that an attempt works on now.

    Parameters
    ----------
    key
        Which run and analysis.
    wall_s
        Seconds of wall time, until now if it is not done.
    expected_s
        What is expected of the analysis; None if nothing is known.
    """

    key: Key
    wall_s: float
    expected_s: float | None

    @property
    def ratio(self) -> float | None:
        """By how much it is longer than expected."""
        return self.wall_s / self.expected_s if self.expected_s else None


@dataclass(frozen=True, slots=True)
class Slow:
    """The answer of ``xom slow``.

    Parameters
    ----------
    analyses
        All analyses, those first that took most of the time.
    done
        The results that took longest.
    running
        The attempts that work now, the longest first.
    """

    analyses: list[SlowAnalysis]
    done: list[SlowRun]
    running: list[SlowRun]


def slow_now(config: Config, now: datetime, most: int) -> Slow:
    """Return what takes longest of the configured versions and of trials; reads only.

    Parameters
    ----------
    config
        The configuration.
    now
        The present.
    most
        How many results are listed.
    """
    paths = Paths(config.work)
    methods = [(analysis, block.version) for analysis, block in config.blocks.values()]
    expected = {method: expected_seconds(paths, *method) for method in methods}
    found = by_method(look_at_makers(paths).found)
    of = {method: found.get(method, Makers()) for method in methods}
    analyses = [_analysis(*method, of[method], expected[method]) for method in methods]
    done = [
        SlowRun(Key(*method, run), seconds, expected[method])
        for method, makers in of.items()
        for seconds, run in makers.longest
    ]
    running = [
        SlowRun(key, max(0.0, (now - one.began).total_seconds()), expected.get((key.analysis, key.version)))
        for key, one in lock_owners(paths).items()
        if one.held
    ]
    by_time = sorted(analyses, key=lambda one: -one.wall_s)
    return Slow(by_time, _longest(done)[:most], _longest(running))


def _analysis(name: str, version: str, makers: Makers, expected: float | None) -> SlowAnalysis:
    mean = makers.wall_s / makers.total if makers.total else 0.0
    return SlowAnalysis(name, version, makers.total, expected, mean, makers.wall_s, makers.cpu_s)


def _longest(runs: list[SlowRun]) -> list[SlowRun]:
    return sorted(runs, key=lambda one: (-one.wall_s, one.key))
