"""What a tick takes if it cannot take all: the newest, and some of the oldest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xomflow.planning.queue.share import Queue, count_older, in_order, share, take

QUEUES = st.dictionaries(
    st.sampled_from("abcd"),
    st.builds(
        Queue,
        ready=st.integers(0, 40).map(lambda n: list(range(1000, 1000 - n, -1))),
        limit=st.integers(1, 30),
        new=st.integers(0, 40),
        running=st.integers(0, 30),
        older=st.integers(0, 3),
        most=st.none() | st.integers(1, 40),
    ),
)


def test_a_tenth_are_the_oldest_and_one_at_least_where_there_is_room() -> None:
    ready = list(range(1000, 0, -1))
    assert share(ready, 1) == [1000]
    assert share(ready, 2) == [1000, 1]
    assert share(ready, 19) == [*range(1000, 982, -1), 1]
    assert share(ready, 100) == [*range(1000, 910, -1), *range(10, 0, -1)]
    assert share(ready, 1000) == share(ready, 2000) == ready
    assert share([], 5) == []


def test_with_as_many_new_runs_as_a_tick_takes_each_old_one_has_its_turn() -> None:
    ready, number = list(range(50, 0, -1)), 50
    for _ in range(50):
        taken = share(ready, 10)
        newer = range(number + 10, number, -1)
        number, ready = number + 10, [*newer, *(one for one in ready if one not in taken)]
    assert min(ready) > 50


@given(QUEUES, st.integers(1, 100), st.integers(0, 30))
def test_no_bound_is_exceeded_and_no_place_that_a_new_run_may_have_is_left_empty(
    queues: dict[str, Queue[int]], most: int, others: int
) -> None:
    running = others + sum(one.running for one in queues.values())
    taken = take(queues, most, running)
    number = {name: len(many) for name, many in taken.items()}
    assert running + sum(number.values()) <= max(most, running)
    for name, queue in queues.items():
        assert number[name] <= queue.limit
        assert queue.most is None or number[name] <= max(0, queue.most - queue.running)
        assert len(set(taken[name])) == number[name] <= len(queue.ready)
    new = sum(min(one.room, one.new) for one in queues.values())
    assert sum(number.values()) >= min(new, max(0, most - running))


def test_the_next_place_is_that_of_the_analysis_with_the_fewest_runs_in_progress() -> None:
    ready = list(range(100, 0, -1))
    queues = {"long": Queue(ready, 100, running=20), "short": Queue(ready, 100), "new": Queue(ready, 100)}
    assert {name: len(many) for name, many in take(queues, 100, 20).items()} == {"long": 10, "short": 30, "new": 30}


def test_old_runs_leave_a_tenth_to_new_ones_however_many_wait() -> None:
    backfill = Queue(list(range(9000, 0, -1)), 9000, running=890)
    taken = take({"backfill": backfill}, 1000, 890)
    assert len(taken["backfill"]) == 10
    assert take({"backfill": backfill, "live": Queue([9999], 100, new=1)}, 1000, 900)["live"] == [9999]


def test_a_tenth_of_what_is_in_progress_is_older_than_all_that_waits_if_places_come_one_by_one() -> None:
    ready, running = list(range(1000, 0, -1)), list[int]()
    for _ in range(400):
        older = count_older(running, ready)
        taken = share(ready, 1, len(running), older)
        ready = [one for one in ready if one not in taken]
        running = [*running, *taken][-50:]
    assert 1 <= sum(number <= 100 for number in running) <= 10
    assert min(ready) > 30


def test_a_new_run_goes_before_an_old_one_if_there_is_one_place() -> None:
    assert share([5, 4, 3], 1, running=30, older=0, new=1) == [5]
    assert share([5, 4, 3], 1, running=30, older=0, new=0) == [3]


def test_new_runs_begin_first_and_then_the_analyses_in_turn() -> None:
    taken = {"a": ["a9", "a8", "a1"], "b": ["b9", "b8"], "c": ["c3"]}
    assert in_order(taken, lambda one: one[1] != "9") == ["a9", "b9", "c3", "a8", "b8", "a1"]
