"""Gathering vetoes chunk by chunk gives what gathering all rows first gives."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xomphysics.reading import live_time
from xomphysics.reading.intervals import collect, rows_by_type
from xomphysics.reading.live_time import Vetoes

LENGTH = 40
ROW = np.dtype([("time", "i8"), ("endtime", "i8"), ("veto_type", "U12")])
KINDS = st.sampled_from(["busy", "hev_veto", "LED_trg", "odd", "odder"])  # vetoes, a mark, and unknown ones
TIMES = st.lists(st.integers(0, LENGTH), min_size=2, max_size=2).map(sorted)
CHUNKS = st.lists(st.lists(st.tuples(TIMES, KINDS), max_size=8), max_size=4)


def as_chunks(rows: list) -> list:
    """Return chunks of equal length, one after the other; within each the times count from its start."""
    found = []
    for i, chunk in enumerate(rows):
        begin = i * LENGTH
        data = np.array([(begin + low, begin + high, kind) for (low, high), kind in chunk], ROW)
        found.append(SimpleNamespace(start=begin, end=begin + LENGTH, data=data))
    return found


@given(CHUNKS)
def test_the_vetoes_are_those_of_all_rows_together(rows: list) -> None:
    every = collect(as_chunks(rows))
    found, expected = Vetoes.of(as_chunks(rows), live_time.DEFAULTS), every.of(live_time.DEFAULTS["vetoes"])
    assert found.intervals is not None
    assert found.intervals.starts.tolist() == expected.starts.tolist()
    assert found.intervals.ends.tolist() == expected.ends.tolist()
    assert (found.intervals.low, found.intervals.high) == (expected.low, expected.high)
    assert found.edge_ns == live_time.DEFAULTS["edge_ns"]
    assert found.unknown == {kind: n for kind, n in every.types().items() if kind in ("odd", "odder")}


@given(st.lists(KINDS))
def test_each_row_is_in_the_group_of_its_type(kinds: list[str]) -> None:
    found = {str(name[0]): rows.tolist() for name, rows in rows_by_type(np.array(kinds, "U12"))}
    assert found == {kind: [i for i, one in enumerate(kinds) if one == kind] for kind in kinds}


def test_without_vetoes_in_the_settings_nothing_is_read() -> None:
    assert Vetoes.read(None, "052894", {**live_time.DEFAULTS, "vetoes": []}) == Vetoes()
