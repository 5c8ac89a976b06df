"""What a tick takes if it cannot take all: the newest, and some of the oldest."""

from __future__ import annotations

from xomflow.planning.share import share


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
