"""Which results of overlapping ones are current: a pure decision."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from xomflow.outcomes.campaigns.current import CurrentOutcomes, Groups, Revision, find_current

NAMES = "abcdefgh"


def results(*runs: tuple[int, ...]) -> dict[str, Revision]:
    """Results of these runs, from the oldest to the newest, called a, b, c ..."""
    return {
        name: Revision(one, ended=f"2026-11-0{age}") for age, (name, one) in enumerate(zip(NAMES, runs, strict=False))
    }


def groups(*members: tuple[int, ...], unknown: set[int] | None = None, single: bool = False) -> Groups:
    return Groups(members, frozenset(unknown or ()), single)


def current(derived: CurrentOutcomes) -> str:
    return "".join(sorted(derived.current))


# --- what happens to groups -------------------------------------------------------------------------------------------


def test_a_group_that_gained_a_run_keeps_its_result_until_there_is_one_of_all() -> None:
    grown = groups((1, 2, 3))
    before = find_current(results((1, 2)), grown)
    assert before.current == {"a": "it stays until there is a result with run 000003 too"}
    after = find_current(results((1, 2), (1, 2, 3)), grown)
    assert after.current == {"b": None}
    assert after.superseded == {"a": "these results have its runs: b"}


def test_a_run_that_could_not_be_read_is_not_waited_for() -> None:
    assert find_current({"a": Revision((1, 2), missing=(3,))}, groups((1, 2, 3))).current == {"a": None}


def test_a_group_that_lost_a_run_by_decision_has_no_result_at_once() -> None:
    assert find_current(results((1, 2, 3)), groups((1, 2))).superseded == {
        "a": "the analysis no longer takes run 000003"
    }


def test_two_groups_that_merge_keep_their_results_until_there_is_one_of_all() -> None:
    merged = groups((1, 2, 5, 6))
    assert current(find_current(results((1, 2), (5, 6)), merged)) == "ab"
    assert current(find_current(results((1, 2), (5, 6), (1, 2, 5, 6)), merged)) == "c"


def test_a_group_that_splits_keeps_its_result_until_each_part_has_one() -> None:
    parts = groups((1, 2), (5, 6))
    half = find_current(results((1, 2, 5, 6), (1, 2)), parts)
    assert half.current == {"a": "it stays until its runs have other results: they belong to 2 groups now"}
    assert current(find_current(results((1, 2, 5, 6), (1, 2), (5, 6)), parts)) == "bc"


def test_the_results_that_have_its_runs_are_named_and_no_others() -> None:
    made = results((5, 6), (1, 2), (4, 5), (6, 7), (8, 9))
    assert find_current(made, groups((1, 2), (4, 5), (6, 7), (8, 9))).superseded == {
        "a": "these results have its runs: c, d"
    }


def test_where_single_runs_are_taken_only_the_result_of_a_group_goes_with_a_run() -> None:
    found = find_current(results((1, 2), (3,)), groups((1,), single=True))
    assert found.superseded == {"a": "the analysis no longer takes run 000002"}
    assert current(found) == "b"


def test_a_group_that_dissolves_leaves_no_result() -> None:
    assert current(find_current(results((1, 2), (3,)), groups())) == ""


def test_a_result_with_fewer_runs_that_comes_late_takes_no_place() -> None:
    assert current(find_current(results((1, 2, 3), (1, 2)), groups((1, 2, 3)))) == "a"


def test_a_run_that_is_not_seen_now_keeps_its_result() -> None:
    derived = find_current(results((1, 2, 3), (1, 2)), groups((1, 2), unknown={3}))
    assert derived.current == {"a": "it stays although nothing is known now about run 000003"}


def test_of_equally_many_runs_those_stay_that_cannot_be_seen_now() -> None:
    assert current(find_current(results((1, 2, 3), (1, 2, 4)), groups((1, 2, 4), unknown={3}))) == "a"


def test_a_run_that_was_tagged_by_mistake_gets_its_result_back() -> None:
    made = results((1, 2, 3), (1, 2))
    assert current(find_current(made, groups((1, 2)))) == "b"
    assert current(find_current(made, groups((1, 2, 3)))) == "a"


def test_groups_that_part_or_merge_again_get_their_older_results_back() -> None:
    assert current(find_current(results((1, 2), (5, 6), (1, 2, 5, 6)), groups((1, 2), (5, 6)))) == "ab"
    assert current(find_current(results((1, 2, 5, 6), (1, 2), (5, 6)), groups((1, 2, 5, 6)))) == "a"


def test_of_a_version_that_is_no_longer_configured_the_result_with_most_runs_counts() -> None:
    assert current(find_current(results((1, 2), (1, 2, 3), (5,)), None)) == "bc"


def test_single_runs_take_the_place_of_a_group_when_all_are_done() -> None:
    alone = groups((1,), (2,), single=True)
    assert current(find_current(results((1, 2), (1,), (7,)), alone)) == "ac"
    assert current(find_current(results((1, 2), (1,), (2,), (7,)), alone)) == "bcd"


def test_a_result_of_a_single_run_takes_the_place_of_a_group_of_this_run_and_the_reverse() -> None:
    made = {"052001": Revision((1,), alone=True), "052001-978d": Revision((1,), ended="2026-11-01")}
    assert find_current(made, groups((1,), single=True)).current == {"052001": None}
    assert find_current(made, groups((1,))).current == {"052001-978d": None}
    before = "it stays until it is made anew: its analysis took {} then"
    assert find_current({"052001": made["052001"]}, groups((1,))).current == {"052001": before.format("single runs")}
    group = {"052001-978d": made["052001-978d"]}
    assert find_current(group, groups((1,), single=True)).current == {"052001-978d": before.format("groups of runs")}
    assert find_current(group, None).current == {"052001-978d": None}


# --- for all results and groups ---------------------------------------------------------------------------------------
numbers = st.integers(1, 12)
some_runs = st.sets(numbers, min_size=1, max_size=5).map(lambda runs: tuple(sorted(runs)))


@st.composite
def partitions(draw: st.DrawFn) -> Groups:
    """Some runs in order, cut into groups; some of the others are unknown."""
    belonging = sorted(draw(st.sets(numbers)))
    cuts = sorted(draw(st.sets(st.integers(0, len(belonging)))) | {0, len(belonging)})
    members = [tuple(belonging[start:end]) for start, end in pairwise(cuts)]
    unknown = draw(st.sets(numbers)) - set(belonging)
    return groups(*filter(None, members), unknown=unknown)


@given(made=st.lists(some_runs, max_size=len(NAMES), unique=True), today=partitions())
def test_no_run_is_in_two_current_results_and_no_set_without_an_overlap_has_more(
    made: list[tuple[int, ...]], today: Groups
) -> None:
    revisions = results(*made)
    derived = find_current(revisions, today)
    assert derived.current.keys() | derived.superseded.keys() == revisions.keys()
    assert not derived.current.keys() & derived.superseded.keys()
    shown = [run for name in derived.current for run in revisions[name].runs]
    known = {run for members in today.members for run in members} | today.unknown
    assert len(shown) == len(set(shown))
    assert set(shown) <= known
    good = [set(range(one.runs[0], one.runs[-1] + 1)) for one in revisions.values() if set(one.runs) <= known]
    sizes = [len(one.runs) for one in revisions.values() if set(one.runs) <= known]
    for some in (some for count in range(len(good) + 1) for some in combinations(range(len(good)), count)):
        hulls = [good[place] for place in some]
        if sum(map(len, hulls)) == len(set().union(*hulls)):
            assert sum(sizes[place] for place in some) <= len(shown)


@given(made=st.lists(some_runs, min_size=1, max_size=len(NAMES), unique=True), today=partitions())
def test_another_result_never_makes_fewer_runs_current(made: list[tuple[int, ...]], today: Groups) -> None:
    def shown(revisions: dict[str, Revision]) -> int:
        return sum(len(revisions[name].runs) for name in find_current(revisions, today).current)

    assert shown(results(*made)) >= shown(results(*made[:-1]))
