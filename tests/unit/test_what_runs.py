"""What runs at a site: living ticks, processes with a run lock, jobs in the batch system, and what may run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.in_process import FastSite
from xomflow.config.load import check_configuration
from xomflow.core.key import Key
from xomflow.core.paths import TickPaths
from xomflow.jobs.run_lock import hold_run, write_owner
from xomflow.planning.progress.claims import Claim, hold_tick, write_claims
from xomflow.workflow.upkeep.what_runs import what_runs

KEY = Key("good", "v1", "052001")


@pytest.fixture
def asked(site: FastSite, monkeypatch: pytest.MonkeyPatch) -> FastSite:
    site.runs([52001])
    site.analysis("good", "pass")
    monkeypatch.chdir(site.folder)
    return site


def found(site: FastSite) -> list[str]:
    return what_runs(check_configuration(site.tree, "config.yaml"))


@contextmanager
def living_tick(site: FastSite, name: str) -> Iterator[TickPaths]:
    tick = TickPaths(site.paths.tick(name))
    with hold_tick(tick):
        yield tick


def test_nothing_runs_at_a_new_site_and_after_a_tick(asked: FastSite) -> None:
    assert found(asked) == []
    asked.tick()
    assert found(asked) == []


def test_a_living_tick_runs_with_what_it_claimed(asked: FastSite) -> None:
    with living_tick(asked, "20261120T120000-host-1") as tick:
        assert found(asked) == ["1 ticks run: 20261120T120000-host-1"]
        write_claims(tick, [Claim(KEY, 1)])
        claimed = "1 runs are in progress: good v1 run 052001: claimed by tick 20261120T120000-host-1"
        assert found(asked) == ["1 ticks run: 20261120T120000-host-1", claimed]
    assert found(asked) == []


def test_a_process_that_outlives_its_tick_runs(asked: FastSite) -> None:
    with hold_run(asked.paths, KEY) as lock:
        write_owner(lock, KEY, 1, "some tick")
        (sentence,) = found(asked)
        assert sentence.startswith("1 runs are in progress: good v1 run 052001: attempt 1 runs at ")
    assert found(asked) == []


def test_what_may_run_counts(asked: FastSite) -> None:
    asked.paths.submission(KEY).parent.mkdir(parents=True)
    asked.paths.submission(KEY).write_text("{")
    (sentence,) = found(asked)
    assert sentence.startswith(f"{asked.paths.submission(KEY).relative_to(asked.folder)} cannot be read")
