"""Live time: what vetoes leave, and where an event has room between them."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xomlib import DataBroken
from xomphysics.reading import live_time
from xomphysics.reading.live_time import LiveTime, Vetoes

END = 60
ROW = np.dtype([("time", "i8"), ("endtime", "i8"), ("veto_type", "U30")])
TIMES = st.integers(0, END)
ROWS = st.lists(st.tuples(TIMES, TIMES).map(sorted), max_size=6)


def vetoes_of(rows: list, end: int = END, kind: str = "busy") -> Vetoes:
    found = np.array([(low, high, kind) for low, high in rows], ROW)
    return Vetoes.of([SimpleNamespace(start=0, end=end, data=found)], live_time.DEFAULTS)


@given(ROWS, st.integers(0, 20))
def test_exposure_is_the_length_of_all_places_at_which_an_event_touches_no_veto(rows: list, duration: int) -> None:
    places = np.arange(0, END - duration, 0.125) + 0.0625  # the middles of cells that have no edge inside
    room = np.ones(len(places), dtype=bool)
    for low, high in rows:
        room &= (low == high) | (places > high) | (places + duration < low)
    found = vetoes_of(rows).live_time(0, END).exposure([duration])
    assert found == pytest.approx([room.sum() * 0.125e-9])


@given(ROWS, st.lists(st.tuples(TIMES, TIMES).map(sorted), max_size=6))
def test_a_window_is_avoided_by_the_vetoes_if_none_touches_it(rows: list, windows: list) -> None:
    found = vetoes_of(rows).avoided([low for low, _ in windows], [high for _, high in windows])
    assert list(found) == [
        not any(low <= last and high >= first for low, high in rows if high > low) for first, last in windows
    ]


@given(ROWS, st.lists(st.tuples(TIMES, TIMES).map(sorted), max_size=6))
def test_hidden_time_is_the_vetoed_part_of_a_window(rows: list, windows: list) -> None:
    vetoed = np.zeros(END, dtype=bool)
    for low, high in rows:
        vetoed[low:high] = True
    found = vetoes_of(rows).live_time(0, END).hidden([low for low, _ in windows], [high for _, high in windows])
    assert list(found) == [vetoed[low:high].sum() for low, high in windows]


def test_without_vetoes_all_time_is_live_and_every_event_has_room() -> None:
    live = Vetoes().live_time(0, END)
    assert live.seconds == live.span == END / 1e9
    assert live.exposure([10]) == pytest.approx([50e-9])
    assert Vetoes().avoided([0, 5], [3, 9]).tolist() == [True, True]
    assert live.hidden([0], [9]).tolist() == [0]
    assert "dead_fraction" not in live.data()


def test_parts_of_the_live_time_add_up() -> None:
    live = vetoes_of([[10, 20], [15, 30]]).live_time(0, END)
    assert live.parts(np.array([0, 12, 40, 60]) / 1e9) == pytest.approx([10e-9, 10e-9, 20e-9])
    assert live.data()["dead_fraction"] == pytest.approx(1 / 3)


def test_vetoes_of_a_part_of_the_data_are_broken_data() -> None:
    with pytest.raises(DataBroken, match=r"veto_intervals lack 2\.0 s of the 5\.0 s of data"):
        vetoes_of([], end=3 * 10**9).live_time(0, 5 * 10**9)


def test_a_type_that_is_neither_veto_nor_mark_is_a_warning_with_its_rows() -> None:
    assert vetoes_of([[1, 2]], kind="hev_tag").live_time(0, END).warning == ""
    live = vetoes_of([[1, 2], [3, 4]], kind="gate").live_time(0, END)
    assert live.seconds == live.span
    assert live.warning.endswith("neither in settings.vetoes nor in settings.marks: 2 of type gate")
    assert LiveTime(0, END).warning == ""
