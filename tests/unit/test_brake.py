"""The brake stops before much of what is known changes, and goes on when that is accepted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factory import keep, key_of, outcome
from xomflow.core.key import Key, group_id, run_id
from xomflow.core.paths import Paths
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.outcomes.cache import OutcomeCache, Shelf
from xomflow.outcomes.campaigns.current import Groups
from xomflow.outcomes.campaigns.groups import KnownGroups, write_groups
from xomflow.planning.brake import BrakeError, Fate, MassChange, brake, is_much
from xomflow.publishing.open_store import StoreConfig
from xomflow.workflow.mass_changes import mass_changes, stop_before

NOTED = datetime(2026, 11, 28, 12, tzinfo=UTC)
METHOD = ("kr83m", "v1")
PLACE = Path("work/outcomes")


def known(number: int) -> dict[str, datetime]:
    return {run_id(52000 + n): NOTED for n in range(number)}


def gone(number: int, fate: Fate = Fate.GONE) -> dict[str, Fate]:
    return dict.fromkeys(known(number), fate)


def stops(before: int, lost: int, decisions: tuple[Decision, ...] = ()) -> tuple[MassChange, ...]:
    return brake({METHOD: known(before)}, {METHOD: gone(lost)}, decisions, PLACE)


def acceptance(change: MassChange, after: float = 1) -> Decision:
    subject = Subject(*change.method, runs=tuple(change.fates), digests=(change.digest,))
    return Decision(Verb.ACCEPT, subject, "kim", NOTED + timedelta(seconds=after), "meant")


def test_more_than_half_or_more_than_twenty_or_a_hundredth_is_much() -> None:
    much = {(3, 5), (6, 10), (21, 100), (21, 2000), (51, 5000), (10, 10), (601, 60000)}
    little = {(4, 4), (2, 5), (5, 10), (20, 100), (20, 2000), (50, 5000), (600, 60000), (0, 5)}
    assert {case for case in much | little if is_much(*case)} == much


def test_a_first_start_a_new_analysis_and_a_raised_version_have_nothing_to_lose() -> None:
    assert brake({}, {METHOD: gone(30)}, (), PLACE) == ()
    assert brake({("kr83m", "v0"): known(30)}, {METHOD: gone(30)}, (), PLACE) == ()
    assert brake({METHOD: known(30)}, {}, (), PLACE) == ()


def test_it_shows_how_many_of_how_many_of_what_kind_with_an_example() -> None:
    fates = gone(6) | {run_id(52006): Fate.DAMAGED}
    [change] = brake({METHOD: known(10)}, {METHOD: fates}, (), PLACE)
    assert str(BrakeError([change])) == (
        "kr83m v1: 7 of 10 results are no longer what they were: 6 gone from work/outcomes (such as 052005), "
        "1 damaged, and would be set aside (such as 052006); nothing was done; find the reason, or if it is right, "
        'type: xom accept --why "..."'
    )


def test_what_is_accepted_goes_on_while_it_lasts() -> None:
    """A store that is away lets a part of an accepted change wait for later ticks."""
    [change] = stops(10, 10)
    decided = (acceptance(change),)
    assert [stops(10, lost, decided) for lost in (10, 7, 1)] == [(), (), ()]


def test_another_mass_change_stops_again() -> None:
    [change] = stops(30, 20)
    [other] = brake({METHOD: known(30)}, {METHOD: gone(30)}, (acceptance(change),), PLACE)
    assert (other.known, sorted(other.fates)) == (10, [run_id(52000 + n) for n in range(20, 30)])
    assert other.digest != change.digest


def test_results_that_were_made_again_after_an_acceptance_are_not_accepted() -> None:
    [change] = stops(10, 10)
    [again] = stops(10, 10, (acceptance(change, after=-1),))
    assert again == change


def test_an_acceptance_is_for_one_version_of_one_analysis() -> None:
    [change] = stops(10, 10)
    for method in (("kr83m", "v2"), ("rate", "v1"), ("", "")):
        assert stops(10, 10, (acceptance(replace(change, method=method)),))


@given(st.integers(0, 200), st.integers(0, 200))
def test_an_acceptance_of_all_that_is_shown_always_lets_it_go_on(before: int, lost: int) -> None:
    found = stops(before, min(before, lost))
    assert stops(before, min(before, lost), tuple(map(acceptance, found))) == ()


# --- what is ahead ----------------------------------------------------------------------------------------------------
@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Eleven results of runs, on two shelves, and five of groups, which a tick has seen."""
    made = Paths(tmp_path / "work")
    keep(made, *(outcome(key_of(number)) for number in (*range(52001, 52006), *range(53001, 53007))))
    for numbers in GROUPS:
        runs = [run_id(number) for number in numbers]
        keep(made, outcome(Key("camp", "v1", group_id(numbers)), run={"runs": runs, "runs_missing": []}))
    for shelf in (Shelf(*METHOD, "052"), Shelf(*METHOD, "053"), Shelf("camp", "v1", "052")):
        OutcomeCache(made).outcomes(shelf)
    return made


GROUPS = tuple((number, number + 1) for number in range(52001, 52011, 2))
STORE = StoreConfig("local", "test_", Path("none"), 1000)


def ahead(
    paths: Paths, *decisions: Decision, store: StoreConfig = STORE, **known: Any
) -> list[tuple[tuple[str, str], int, dict[str, Fate]]]:
    found = mass_changes(paths, store, decisions, **known)
    return [(one.method, one.known, dict(one.fates)) for one in found]


def test_the_results_on_all_shelves_are_known_also_where_nothing_is_lost(paths: Paths) -> None:
    for number in range(52001, 52005):
        paths.outcome(key_of(number)).unlink()
    assert ahead(paths) == [], "four of five on their shelf, but of eleven in all"
    paths.outcome(key_of(53001)).unlink()
    paths.outcome(key_of(53002)).write_text("no JSON")
    fates = dict.fromkeys(("052001", "052002", "052003", "052004", "053001"), Fate.GONE) | {"053002": Fate.DAMAGED}
    assert ahead(paths) == [(METHOD, 11, fates)]
    with pytest.raises(BrakeError, match="6 of 11 results are no longer what they were: 5 gone from"):
        stop_before(mass_changes(paths, STORE, ()))


def test_groups_that_change_by_a_decision_stop_nothing(paths: Paths) -> None:
    names, runs = map(group_id, GROUPS), tuple(run_id(number) for group in GROUPS for number in group)
    none = {("camp", "v1"): KnownGroups(Groups(()))}
    stopped = [(("camp", "v1"), 5, dict.fromkeys(names, Fate.SUPERSEDED))]
    assert ahead(paths, groups=none) == stopped

    def veto(analysis: str) -> Decision:
        return Decision(Verb.VETO, Subject(analysis, runs=runs), "kim", NOTED, "flooded")

    assert ahead(paths, veto("kr83m"), groups=none) == stopped
    assert ahead(paths, veto(""), groups=none) == ahead(paths, veto("camp"), groups=none) == []
    assert ahead(paths, groups=none, given_up=frozenset(map(int, runs))) == []
    assert ahead(paths, veto("camp"), groups=none, given_up=frozenset({1})) == []


def test_groups_that_all_get_another_run_stop_a_tick(paths: Paths) -> None:
    today = {("camp", "v1"): KnownGroups(Groups(tuple((*group, 52100 + at) for at, group in enumerate(GROUPS))))}
    write_groups(paths, {("camp", "v1"): KnownGroups(Groups(GROUPS))})
    assert ahead(paths, groups=today) == [(("camp", "v1"), 5, dict.fromkeys(map(group_id, GROUPS), Fate.REGROUPED))]


def test_what_is_lost_is_seen_also_while_the_account_of_the_store_cannot_be_read(paths: Paths) -> None:
    away = StoreConfig("influx", "test_", paths.work / "no account", 1000)
    for number in range(52001, 52004):
        assert ahead(paths, store=away) == []
        paths.outcome(key_of(number)).unlink()
    for number in range(53001, 53004):
        paths.outcome(key_of(number)).unlink()
    assert [(method, known, len(fates)) for method, known, fates in ahead(paths, store=away)] == [(METHOD, 11, 6)]
