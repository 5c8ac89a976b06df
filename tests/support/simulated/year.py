"""A whole time of a simulated site: data taking, backfills, an analysis that breaks, maintenance, killed ticks."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from support.simulated.clock import DAY, MINUTE, Clock
from support.simulated.cluster import Cluster, days_of_maintenance
from support.simulated.runs import Run, kinds, new_runs, old_runs
from support.simulated.site import Site
from xomflow.config.model import Config


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens.

    Parameters
    ----------
    days, per_day, old
        How long, with how many runs a day, and how many runs there were before.
    analyses
        How many analyses.
    backfills
        On which days a new version of all analyses begins.
    cpus
        Jobs that Slurm runs at a time.
    max_running, max_jobs_per_tick, most
        As configured; runs of a batch at most.
    interval
        Seconds between ticks.
    killed
        Which part of the ticks is killed.
    fails_after
        Mean seconds of work after which a node fails.
    maintenance_hours
        How long Slurm is away every 60 days, first in the first backfill.
    seed
        Of chance.
    """

    days: float = 365.0
    per_day: int = 24
    old: int = 60_000
    analyses: int = 10
    backfills: Sequence[float] = (100.0, 230.0)
    cpus: int = 100
    max_running: int = 10_000
    max_jobs_per_tick: int = 500
    most: int = 500
    interval: float = 10 * MINUTE
    killed: float = 0.01
    fails_after: float = 5 * DAY
    maintenance_hours: float = 12.0
    seed: int = 1


def live(scenario: Scenario) -> Site:
    """Live through a scenario and return the site at its end."""
    clock, chance = Clock(), random.Random(scenario.seed)
    until = scenario.days * DAY
    made = kinds(scenario.analyses, scenario.days)
    repaired = made["broken"].broken[1]
    maintenance = days_of_maintenance(
        (scenario.backfills[0] + 0.015) * DAY, 60 * DAY, until, scenario.maintenance_hours
    )
    cluster = Cluster(
        clock, chance, scenario.cpus, maintenance, scenario.fails_after, lambda one, limit: site.work_on(one, limit)
    )
    site = Site(_config(scenario), made, clock, chance, scenario.interval, scenario.killed, cluster)
    for run in old_runs(scenario.old):
        site.know(run)
    for run in new_runs(chance, scenario.days, scenario.per_day):
        clock.at(run.ended, partial(site.add, run))
    for day in scenario.backfills:
        clock.at(day * DAY, lambda: site.raise_version(made))
    clock.at(repaired + DAY, lambda: site.raise_version(["broken"]))
    until += 8 * DAY  # what comes late, and what is tried again, gets done
    clock.at(0.0, lambda: site.start(until))
    clock.run(until)
    return site


def _config(scenario: Scenario) -> Config:
    names = kinds(scenario.analyses, scenario.days)
    return Config.model_validate(
        {
            "rundb": {"kind": "file", "file": "runs.jsonl"},
            "context": {"function": "nobody:asks"},
            "software": [{"interpreter": sys.executable}],
            "max_running": scenario.max_running,
            "max_jobs_per_tick": scenario.max_jobs_per_tick,
            "slurm": {"tick_limit": "9 min", "batch": {"most": scenario.most}},
            "analyses": {
                name: {"version": "v1", "max_running": max(1, scenario.max_running // 10) if name == "rates" else None}
                for name in names
            },
        }
    )


__all__ = ["Run", "Scenario", "live"]
