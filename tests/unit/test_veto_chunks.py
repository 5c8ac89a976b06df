"""Gathering vetoes chunk by chunk gives what gathering all rows first gives."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xomphysics.reading import live_time
from xomphysics.reading.intervals import collect
from xomphysics.reading.live_time import Vetoes
from xomphysics.reading.veto_chunks import gather, read_vetoes, rows_by_type

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
    expected = Vetoes.of(collect(as_chunks(rows)), live_time.DEFAULTS)
    found = gather(as_chunks(rows), live_time.DEFAULTS)
    assert found.intervals is not None and expected.intervals is not None
    assert found.intervals.starts.tolist() == expected.intervals.starts.tolist()
    assert found.intervals.ends.tolist() == expected.intervals.ends.tolist()
    assert (found.intervals.low, found.intervals.high) == (expected.intervals.low, expected.intervals.high)
    assert (found.edge_ns, found.unknown) == (expected.edge_ns, expected.unknown)


@given(st.lists(KINDS))
def test_each_row_is_in_the_group_of_its_type(kinds: list[str]) -> None:
    found = {str(name[0]): rows.tolist() for name, rows in rows_by_type(np.array(kinds, "U12"))}
    assert found == {kind: [i for i, one in enumerate(kinds) if one == kind] for kind in kinds}


def test_without_vetoes_in_the_settings_nothing_is_read() -> None:
    assert read_vetoes(None, "052894", {**live_time.DEFAULTS, "vetoes": []}) == Vetoes()
