"""With which runs of another version a new version begins."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from xomflow.core.key import run_id
from xomflow.expected.bank import RunResults
from xomflow.expected.seed import FEWEST, Seed, seed_of
from xomflow.expected.versions.history import Judgeable
from xomflow.expected.versions.seeding import Seeding
from xomflow.outcomes.cache import Shelf

GROUPS = {True: "night", False: "day"}


class Results:
    """Results in memory; those of v2 are 1 higher, and every second run is of another group."""

    def __init__(self) -> None:
        self.of = dict[str, dict[str, int]]()

    def put(self, version: str, first: int, last: int, stamp: int = 0) -> None:
        self.of.setdefault(version, {}).update({run_id(run): stamp for run in range(first, last + 1)})

    def seeding(self, version: str = "v2") -> Seeding:
        versions = {
            name: [Shelf("kr83m", name, shelf) for shelf in sorted({run[:3] for run in runs})]
            for name, runs in self.of.items()
        }
        return Seeding(self, version, versions)  # type: ignore[arg-type]

    def stamps(self, shelf: Shelf) -> dict[str, int]:
        return {run: one for run, one in self.of[shelf.version].items() if run.startswith(shelf.name)}

    def read(self, shelf: Shelf, runs: Collection[str]) -> dict[str, Judgeable]:
        value = float(shelf.version == "v2")
        return {
            run: Judgeable(GROUPS[int(run) % 2 == 0], RunResults(run, "", {"x": (value, 0.1)}), {})
            for run in runs
            if run in self.stamps(shelf)
        }


@pytest.fixture
def history() -> Results:
    """The version v1 has 100 runs; the last 60 of them, on two shelves, were done with v2 too."""
    one = Results()
    one.put("v1", 52_940, 53_039)
    one.put("v2", 52_980, 53_045)
    return one


def test_each_group_begins_with_its_own_earlier_runs_moved_to_the_new_level(history: Results) -> None:
    seeds = history.seeding().seeds()
    assert set(seeds) == {"night", "day"}
    assert [int(one.run) for one in seeds["night"].results] == list(range(52_940, 52_980, 2))
    assert [int(one.run) for one in seeds["day"].results] == list(range(52_941, 52_980, 2))
    assert {one.values["x"][0] for one in seeds["night"].results} == {1.0}


@pytest.mark.parametrize(("moved", "found"), [(0.01, 0.0), (0.5, 0.5), (-0.5, -0.5)])
def test_results_are_moved_only_by_a_significant_difference(moved: float, found: float) -> None:
    before = [RunResults(run_id(n), "", {"x": (1.0, 0.1), "y": (2.0, 0.1)}) for n in range(60)]
    here = [RunResults(run_id(n), "", {"x": (1.0 + moved + 0.1 * (-1) ** n, 0.1)}) for n in range(20, 60)]
    seed = seed_of(before, here)
    assert [one.run for one in seed.results] == [run_id(n) for n in range(20)]
    assert {name for one in seed.results for name in one.values} == {"x"}
    assert seed.results[0].values["x"] == (pytest.approx(1 + found), 0.1)
    assert seed.variances == {"x": pytest.approx(0.1**2 / 40, rel=0.2)}
    assert seed_of(before, []) == Seed() and not seed_of([], here).results


def test_it_begins_with_the_version_that_has_most_runs_in_common(history: Results) -> None:
    history.put("v0", 52_900, 52_990)
    assert int(history.seeding().seeds()["night"].results[0].run) == 52_940


@pytest.mark.parametrize(("first", "common"), [(52_970, FEWEST - 1), (52_980, FEWEST)])
def test_without_enough_common_runs_or_an_earlier_one_it_begins_with_nothing(first: int, common: int) -> None:
    history = Results()
    history.put("v1", first, 52_979 + common)
    history.put("v2", 52_980, 53_000)
    assert history.seeding().seeds() == {}
    assert history.seeding().digest(0, "before") == ""


def test_just_enough_common_runs_and_one_before_them_suffice() -> None:
    history = Results()
    history.put("v1", 52_979, 52_979 + FEWEST)
    history.put("v2", 52_980, 53_000)
    assert set(history.seeding().seeds()) == {"night", "day"} and history.seeding().digest(0, "")


def test_the_first_version_and_one_without_results_begin_with_nothing(history: Results) -> None:
    assert history.seeding("v3").seeds() == {}
    del history.of["v1"]
    history.stamps = None  # type: ignore[assignment, method-assign]
    assert history.seeding().seeds() == {}
    assert history.seeding().digest(0, "before") == ""


def test_it_begins_anew_only_if_a_run_that_is_used_changed(history: Results) -> None:
    before = history.seeding().digest(10, "")
    assert before
    history.put("v1", 53_030, 53_060, stamp=1)  # enough others are in common
    assert history.seeding().digest(10, "") == before
    history.put("v1", 52_990, 52_990, stamp=1)
    assert history.seeding().digest(10, "") != before


def test_a_version_that_has_judged_many_runs_keeps_what_it_began_with(history: Results) -> None:
    assert history.seeding().digest(201, "before") == "before"
    assert history.seeding().digest(200, "before") != "before"
