"""The batches that discovery plans, from the configuration, what it takes, and how long runs took."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from support import factory
from support.in_process import FastSite
from xomflow.config.model import Config
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.core.state import State
from xomflow.jobs.batches.plan import read_plan
from xomflow.outcomes.files import Failure
from xomflow.outcomes.past.expected_times import expected_seconds
from xomflow.planning.decide import KeyState
from xomflow.planning.items import Item
from xomflow.workflow.batches import batches_of
from xomflow.workflow.discover import limits_of


def item(number: int, analysis: str = "a", failures: tuple[Failure, ...] = (), run: str = "") -> Item:
    key = factory.key_of(number, analysis)
    state = KeyState(State.READY, "", len(failures) + 1)
    return Item(replace(key, run=run or key.run), factory.run(number), state, failures)


def config_of(folder: Path, batch: dict[str, Any] | None = None, **analyses: dict[str, Any]) -> Config:
    blocks = {name: {"version": "v1", "time_limit": "10 min", **block} for name, block in analyses.items()}
    return factory.settings(folder, analyses=blocks, slurm={"batch": {"alone": 0, "most": 500, **(batch or {})}})


def planned(config: Config, *items: Item) -> list[list[tuple[str, int]]]:
    batches = batches_of(config, items, [limits_of(config, one) for one in items])
    return [[(one.key.analysis, int(one.key.run[:6])) for one in batch] for batch in batches]


def test_where_nothing_is_done_a_run_is_expected_to_take_a_hundredth_of_its_limit(tmp_path: Path) -> None:
    config = config_of(tmp_path, a={})
    ((first, *_),) = batches_of(config, items := [item(1), item(2)], [limits_of(config, one) for one in items])
    assert first.seconds == 6.0


def test_expected_is_the_median_of_the_newest_outcomes(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert expected_seconds(paths, "a", "v1") is None
    for number, seconds in [(999, 1000.0), *((1000 + run, float(run)) for run in range(15))]:
        outcome = factory.outcome(factory.key_of(number, "a"))
        factory.keep(paths, {**outcome, "resources": {**outcome["resources"], "wall_s": seconds}})
    assert expected_seconds(paths, "a", "v1") == 7.0
    paths.outcome(factory.key_of(1014, "a")).write_text("damaged")
    assert expected_seconds(paths, "a", "v1") == 7.0  # without 14, with 1000
    paths.outcome(factory.key_of(1013, "a")).write_text("{}")
    assert expected_seconds(paths, "a", "v1") == 6.5


def test_only_runs_of_the_same_software_memory_and_options_share_a_job(tmp_path: Path) -> None:
    config = config_of(tmp_path, a={}, b={}, c={"memory_mb": 100}, d={"slurm": {"partition": "other"}})
    found = planned(config, *(item(number, name) for name in "abcd" for number in (2, 1)))
    assert found == [[("a", 2), ("b", 2), ("a", 1), ("b", 1)], [("c", 2), ("c", 1)], [("d", 2), ("d", 1)]]


def test_campaigns_and_attempts_with_more_memory_or_time_go_alone(tmp_path: Path) -> None:
    config = config_of(tmp_path, a={})
    ended = factory.NOW - timedelta(days=9)
    hungry, slow, lost = ((Failure(1, kind, ended),) for kind in ("out_of_memory", "timeout", "lost"))
    taken = [item(1, failures=hungry), item(2, failures=slow), item(3, failures=lost), item(4, run="000004-3f2a")]
    assert planned(config, *taken, item(5)) == [[("a", 3), ("a", 5)]]


def test_few_new_runs_go_alone_beside_many_old_ones(tmp_path: Path) -> None:
    config = config_of(tmp_path, batch={"alone": 2}, a={})
    old = [replace(item(number), is_old=True) for number in (4, 3, 2)]
    assert planned(config, item(6), item(5), *old) == [[("a", 4), ("a", 3), ("a", 2)]]
    assert planned(config, item(7), item(6), item(5), *old) == [
        [("a", 7), ("a", 6), ("a", 5)],
        [("a", 4), ("a", 3), ("a", 2)],
    ]


def test_a_tick_writes_its_plan_beside_its_claims(site: FastSite) -> None:
    site.runs(range(52001, 52004))
    site.analysis("good", "pass")
    site.tree["slurm"] = {"batch": {"alone": 2, "most": 500}}
    site.tick()
    (tick,) = site.ticks()
    (batch,) = read_plan(tick)
    assert [one.key for one in batch] == [Key("good", "v1", f"0520{number:02d}") for number in (3, 2, 1)]
