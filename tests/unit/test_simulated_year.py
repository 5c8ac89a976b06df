"""What holds in any time of a site: the real decisions with a fake clock and a fake Slurm, see `support.simulated`."""

from __future__ import annotations

import pytest

from support.simulated.clock import DAY, MINUTE
from support.simulated.figures import SEEN, UNHINDERED, middle_and_most
from support.simulated.site import Site
from support.simulated.year import Scenario, live

WEEK = Scenario(
    days=9,
    old=150,
    analyses=6,
    backfills=(3.0, 6.0),
    cpus=4,
    max_running=200,
    most=20,
    fails_after=0.2 * DAY,
    maintenance_hours=1,
)


@pytest.fixture(scope="module", params=[{"seed": 1}, {"seed": 2, "killed": 0.2}, {"seed": 3, "most": 1}], ids=str)
def lived(request: pytest.FixtureRequest) -> Site:
    return live(Scenario(**{**vars_of(WEEK), **request.param}))


def vars_of(scenario: Scenario) -> dict[str, object]:
    return {name: getattr(scenario, name) for name in scenario.__dataclass_fields__}


def test_nothing_is_worked_on_twice_and_nothing_is_lost(lived: Site) -> None:
    assert lived.figures.failures["node_failed"] > 0  # it had its troubles
    assert lived.figures.doubled == 0
    assert lived.undone() == []
    assert {key.analysis for key in lived.figures.gave_up} <= {"broken"}
    assert len(lived.figures.waits["reprocessed", "published"]) > 150 * 6


def test_no_more_is_in_progress_than_the_bounds_allow(lived: Site) -> None:
    assert 100 < lived.figures.most_in_progress <= 200
    assert 10 < lived.figures.most_of_analysis["rates"] <= 20


def test_a_new_run_is_submitted_by_the_first_tick_that_sees_it_however_long_the_backfill_is(lived: Site) -> None:
    median, most, _ = middle_and_most(lived.figures.waits["new", SEEN])
    assert (median < 30, most < 45 * MINUTE) == (True, True), (median, most)
    _, most, longest = middle_and_most(lived.figures.waits["new", UNHINDERED])
    assert longest < 30, (most, longest)


def test_nothing_starves(lived: Site) -> None:
    for kind in ("new", "reprocessed"):
        assert middle_and_most(lived.figures.waits[kind, "submitted"])[2] < 2 * DAY, kind
