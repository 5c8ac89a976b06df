"""Small S2s after large ones: the pass over chunks counts what a comparison of everything with everything counts."""

import itertools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xomphysics.photo_ionization import Sums, Windows, add_up
from xomphysics.reading import live_time
from xomphysics.reading.live_time import Vetoes
from xomphysics.reading.peak_types import UnknownTypes

WINDOWS = Windows((10, 110), (120, 170), (1000, 9000), (15, 53), 300)
END = 2000
EVENT = np.dtype([("s2_center_time", "i8"), ("s2_area", "f4"), ("alt_s2_area", "f4")])
PEAK = np.dtype([("center_time", "i8"), ("area", "f4"), ("type", "i1")])
TIMES = st.integers(0, END - 1)
S2S = st.lists(
    st.tuples(TIMES, st.sampled_from([100.0, 500.0, 2000.0, 5000.0, np.nan]), st.sampled_from([np.nan, 30.0, 800.0])),
    max_size=12,
)
PEAK_AREAS = st.sampled_from([10.0, 30.0, 40.0, 60.0, np.nan])
PEAKS = st.lists(st.tuples(TIMES, PEAK_AREAS, st.sampled_from([1, 2])), max_size=60)
CUTS = st.lists(TIMES, max_size=6)
TYPES = {"s1": [1], "s2": [2]}
ROW = np.dtype([("time", "i8"), ("endtime", "i8"), ("veto_type", "U30")])
HIDDEN = st.lists(st.tuples(TIMES, st.integers(0, 300)), max_size=2)


def table(rows: list[Any], kind: np.dtype) -> np.ndarray:
    out = np.array(rows, kind)
    return np.sort(out, order=kind.names[0], kind="stable")  # type: ignore[index]


def chunked(data: np.ndarray, time: str, cuts: list[int]) -> list[Any]:
    edges = [0, *sorted(cuts), END]
    return [
        SimpleNamespace(start=a, end=b, data=data[(data[time] >= a) & (data[time] < b)])
        for a, b in itertools.pairwise(edges)
    ]


def vetoes_of(hidden: list[tuple[int, int]]) -> Vetoes:
    rows = np.array([(begin, begin + length, "busy") for begin, length in hidden], ROW)
    return Vetoes.of([SimpleNamespace(start=0, end=END, data=rows)], live_time.DEFAULTS)


def by_brute_force(
    events: np.ndarray, peaks: np.ndarray, hidden: list[tuple[int, int]]
) -> list[tuple[float, float, float]]:
    """(area, net area, net number) of each S2 that may be used."""
    large = events[events["s2_area"] >= WINDOWS.disturbing_area]
    rows = []
    for i, event in enumerate(large):
        time = int(event["s2_center_time"])
        others = np.delete(large["s2_center_time"], i)
        fits = 1000 <= event["s2_area"] < 9000 and not event["alt_s2_area"] >= WINDOWS.disturbing_area
        alone = len(others) == 0 or np.abs(others - time).min() > WINDOWS.reach
        window = range(time - WINDOWS.reach, time + WINDOWS.reach + 1)
        if any(length and begin in window for begin, length in hidden):
            continue
        if any(length and begin < time - WINDOWS.reach <= min(begin + length, END) for begin, length in hidden):
            continue
        if not (fits and alone and time > WINDOWS.reach and time + WINDOWS.reach <= END):
            continue
        small = peaks[(peaks["type"] == 2) & (peaks["area"] >= 15) & (peaks["area"] < 53)]
        later = small["center_time"] - time
        signal = small["area"][(later >= 10) & (later < 110)]
        side = small["area"][(later >= 120) & (later < 170)]
        rows.append((float(event["s2_area"]), float(signal.sum() - 2 * side.sum()), float(len(signal) - 2 * len(side))))
    return rows


def moments(rows: list[tuple[float, float, float]]) -> np.ndarray:
    area, net_area, number = np.array(rows).reshape(-1, 3).T
    products = (area, net_area, number, area**2, net_area**2, area * net_area, number**2)
    return np.array([values.sum() for values in products])


@settings(deadline=None)
@given(S2S, PEAKS, CUTS, CUTS, HIDDEN)
def test_chunks_give_what_everything_at_once_gives(
    s2s: list, peaks: list, cuts: list[int], others: list[int], hidden: list
) -> None:
    events, small = table(s2s, EVENT), table(peaks, PEAK)
    data = chunked(events, "s2_center_time", cuts), chunked(small, "center_time", others)
    found = add_up(*data, WINDOWS, TYPES, vetoes_of(hidden))
    expected = by_brute_force(events, small, hidden)
    assert found.primaries == len(expected)
    assert found.moments == pytest.approx(moments(expected))


def test_every_hundred_s2s_make_a_block() -> None:
    sums = Sums(UnknownTypes(TYPES))
    for n in (30, 250, 45):
        sums.add(np.ones(n), np.full(n, 2.0), np.full(n, 3.0))
    assert sums.primaries == 325
    assert sums.blocks == [(100, 100.0, 200.0, 300.0)] * 3


def test_memory_is_not_kept_for_what_is_over() -> None:
    sums = Sums(UnknownTypes(TYPES))
    for _ in range(500):
        sums.add(np.ones(7), np.ones(7), np.ones(7))
    assert sum(len(part) for part in sums._open) < 100


@pytest.mark.parametrize("cut", [1000, 1030, 1060])
def test_s2s_close_to_each_other_disturb_across_the_chunks(cut: int) -> None:
    events = table([(1000, 2000.0, np.nan), (1050, 2000.0, np.nan)], EVENT)
    empty = np.zeros(0, PEAK)
    peaks = chunked(empty, "center_time", [cut])
    both, one = (
        add_up(chunked(some, "s2_center_time", [cut]), peaks, WINDOWS, TYPES, Vetoes()) for some in (events, events[:1])
    )
    assert (both.primaries, both.seen, one.primaries) == (0, 2, 1)


def test_of_events_no_more_is_read_ahead_than_the_windows_of_a_chunk_of_peaks_reach() -> None:
    taken: list[int] = []
    chunks = [
        SimpleNamespace(start=begin, end=begin + 100, data=table([(begin + 50, 2000.0, np.nan)], EVENT))
        for begin in range(0, END, 100)
    ]

    def events() -> Iterator[Any]:
        for chunk in chunks:
            taken.append(chunk.end)
            yield chunk

    def peaks() -> Iterator[Any]:
        empty = np.zeros(0, PEAK)
        yield SimpleNamespace(start=0, end=200, data=empty)
        assert max(taken) <= 200 + WINDOWS.reach + 100
        yield SimpleNamespace(start=200, end=END, data=empty)

    add_up(events(), peaks(), WINDOWS, TYPES, Vetoes())
    assert taken == [chunk.end for chunk in chunks]
