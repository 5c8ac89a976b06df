"""Selection of Kr-83m decays, and the columns that are kept of them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xomphysics.fits.place import densest
from xomphysics.kr83m.columns import chosen
from xomphysics.reading.chunks import chunks, side_by_side
from xomphysics.reading.selection import Cut, CutFlow, within

Floats = NDArray[np.float64]
Range = tuple[float, float]

DEFAULTS: dict[str, Any] = {
    # Corrected for the position, not for what drifts with time: that is what is watched. null: those of the installed
    # straxen (`columns.PRESETS`). An S2 may be "gain_corrected" too, in each of straxen's regions AB and CD.
    "s1_columns": None,
    "s2_column": None,
    "drift_time_ns": [0, 2.4e6],
    "radius_cm": [0, 60.73],
    "z_cm": [-134.24, -13.61],
    "top_fraction_below": [0.70, -2.3e-7],  # value at drift time 0, slope per ns; null: not cut
    "top_fraction_above": [0.40, -2.0e-7],
    "s2_area_pe": [1000, 20000],
    "delay_ns": [750, 2000],
    "distinct_channels": [3, None],
    # Ranges in which the lines are fitted. null: found in `search_pe`, these factors of the place of most decays.
    "s1_a_area_pe": None,
    "s1_b_area_pe": None,
    "merged_s1_area_pe": None,
    "search_pe": {"s1_a": [50, 1200], "s1_b": [15, 400], "merged_s1": [65, 1600]},
    "range_factors": {"s1_a": [0.33, 2.3], "s1_b": [0.3, 2.5], "merged_s1": [0.45, 1.8]},
    # With a second S1 of at least this area within this time (ns) of the first, one drift time, a decay is not merged:
    # it is krypton's, or that of another decay, and then the S2 may be another's too.
    "second_s1": {"area_pe": 20, "within_ns": 2.4e6},
    # Relative charge yield against drift time, pairs of ms and yield; the S2s are divided by it. null: constant.
    "charge_yield_map": None,
    "charge_yield_change": 0.05,  # without a map: change from the first to the last drift time that cannot be excluded
    "merged_line_sigma": 3.0,  # the S2s of merged decays are taken this far about the S1 line
    "minimum_events": 50,  # below, no light yield
    "minimum_events_s2": 100,  # below, no charge yield and no 1/tau
    "minimum_events_lifetime": 100,  # below, no tau
    "max_relative_width": 0.3,
    "unsteady_below": 1e-6,  # p-value of constancy below which a change may be too large; null: not tested
    "most_drift": 0.05,  # root mean square change within the data above which there is no number
    "quality": {  # limits of a good result, both inside
        "misfit": [None, 0.15],
        "drift": [None, 0.01],
        "medians_misfit": [None, 0.01],
        "background_fraction": [None, 0.15],
        "relative_width": [None, 0.2],
        "minos_asymmetry": [None, 0.25],
    },
}
NEEDED = (
    "s1_a_area",
    "s1_b_area",
    "s2_a_area",
    "ds_s1_dt",
    "s1_b_distinct_channels",
    "s1_a_area_fraction_top",
    "drift_time",
    "r",
    "z",
)


@dataclass(frozen=True)
class Double:
    """Decays with two S1s, in the order of time: one column each, shape (decays,); areas in PE, times in ns.

    ``raw_s2`` is the area before corrections, which is cut. ``ranges`` has that of the lines of ``s1_a`` and ``s1_b``.
    """

    s1_a: Floats
    s1_b: Floats
    s2: Floats
    raw_s2: Floats
    delay: Floats
    drift_time: Floats
    ranges: tuple[Range, Range]


@dataclass(frozen=True)
class Merged:
    """Decays with one S1, as `Double`."""

    s1: Floats
    s2: Floats
    raw_s2: Floats
    drift_time: Floats
    range: Range


def columns(settings: dict[str, Any]) -> tuple[str, ...]:
    """Return the columns of ``event_info_double`` that are read."""
    return tuple(dict.fromkeys((*NEEDED, *chosen(settings).s1, chosen(settings).s2)))


def read(st: Any, run_id: str, names: Iterable[str]) -> Iterator[Any]:
    """Read a run chunk by chunk, with the column names of ``event_info_double``.

    If that is not stored, ``event_info`` and ``distinct_channels`` are read: straxen's EventInfoDouble only renames
    their columns.
    """
    if st.is_stored(run_id, "event_info_double"):
        yield from chunks(st, run_id, "event_info_double", tuple(names))
        return
    original = {event_info_name(name): name for name in names}
    distinct = "alt_s1_distinct_channels"
    needed = {"event_info": [name for name in original if name != distinct], "distinct_channels": [distinct]}
    yield from side_by_side(st, run_id, needed, original)


def event_info_name(column: str) -> str:
    """Return the name that a column of ``event_info_double`` has in ``event_info``."""
    if column == "ds_s1_dt":
        return "alt_s1_delay"
    return re.sub(r"^(c?s[12])_b(?=_|$)", r"alt_\1", re.sub(r"^(c?s[12])_a(?=_|$)", r"\1", column))


def double_cuts(settings: dict[str, Any]) -> list[Cut]:
    """Return the selection of decays with two S1s, in its order.

    Raises
    ------
    ValueError
        If a range of the settings is none.
    """
    own = chosen(settings)
    first, second = own.s1
    return [
        Cut(
            "two_s1", "two S1s and an S2", lambda e: (e["s1_a_area"] > 0) & (e["s1_b_area"] > 0) & (e["s2_a_area"] > 0)
        ),
        _finite((*NEEDED, first, second, own.s2)),
        *_volume(settings),
        within("delay_ns", "ds_s1_dt", settings["delay_ns"], "S1 delay [ns]"),
        Cut("larger_first", "first S1 larger", lambda events: events["s1_a_area"] > events["s1_b_area"]),
        within("distinct_channels", "s1_b_distinct_channels", settings["distinct_channels"], "distinct PMTs"),
        *_top_fraction(settings),
        within("s2_area_pe", "s2_a_area", settings["s2_area_pe"], "S2 [PE]"),
        within("s1_a_area_pe", first, _searched("s1_a", settings), "first S1 [PE]"),
        within("s1_b_area_pe", second, _searched("s1_b", settings), "second S1 [PE]"),
    ]


def merged_cuts(settings: dict[str, Any]) -> list[Cut]:
    """Return the selection of decays with one S1, in its order.

    Raises
    ------
    ValueError
        If a range of the settings is none, or the second S1 is not defined.
    """
    area, second = chosen(settings), settings["second_s1"]
    first = area.s1[0]
    if not isinstance(second, Mapping) or set(second) != {"area_pe", "within_ns"}:
        raise ValueError(f"settings.second_s1 is {second!r}, area_pe and within_ns are needed")
    own = [name for name in NEEDED if not name.startswith("s1_b") and name != "ds_s1_dt"]
    return [
        Cut(
            "one_s1",
            "one S1 and an S2",
            lambda e: (e["s1_a_area"] > 0) & ~_has_second(e, second) & (e["s2_a_area"] > 0),
        ),
        _finite((*own, first, area.s2)),
        *_volume(settings),
        *_top_fraction(settings),
        within("s2_area_pe", "s2_a_area", settings["s2_area_pe"], "S2 [PE]"),
        within("merged_s1_area_pe", first, _searched("merged_s1", settings), "S1 [PE]"),
    ]


def _searched(name: str, settings: dict[str, Any]) -> Any:
    """Return the range of S1 areas that is selected before the range of the line is known."""
    return settings[f"{name}_area_pe"] or settings["search_pe"][name]


def _has_second(events: Any, second: Mapping[str, float]) -> Any:
    near = np.abs(events["ds_s1_dt"]) < second["within_ns"]
    return (events["s1_b_area"] >= second["area_pe"]) & near


def _finite(names: Sequence[str]) -> Cut:
    return Cut(
        "finite", "no NaN in a needed column", lambda e: np.all([np.isfinite(e[name]) for name in names], axis=0)
    )


def _volume(settings: dict[str, Any]) -> list[Cut]:
    return [
        within("drift_time_ns", "drift_time", settings["drift_time_ns"], "drift time [ns]"),
        within("radius_cm", "r", settings["radius_cm"], "r [cm]"),
        within("z_cm", "z", settings["z_cm"], "z [cm]"),
    ]


def _top_fraction(settings: dict[str, Any]) -> list[Cut]:
    made = []
    for side, sign, symbol in (("below", 1, "<"), ("above", -1, ">")):
        if (band := settings[f"top_fraction_{side}"]) is None:
            continue

        def passes(events: Any, sign: int = sign, band: Any = tuple(band)) -> Any:
            limit = band[0] + band[1] * events["drift_time"]
            return sign * events["s1_a_area_fraction_top"] < sign * limit

        text = f"S1 top fraction {symbol} {band[0]:g} − {-band[1] * 1e6:g}/ms · drift time"
        made.append(Cut(f"top_fraction_{side}", text, passes))
    return made


def collect(data: Iterable[Any], double: CutFlow, merged: CutFlow, settings: dict[str, Any]) -> tuple[Double, Merged]:
    """Select the decays in one pass.

    Parameters
    ----------
    data
        Chunks with ``data``: structured array with `columns`. They may be those of several runs, one after the other.
    double, merged
        Both selections; they count the events that pass.
    settings
        As `DEFAULTS`.
    """
    (s1_a, s1_b), s2_column = chosen(settings).s1, chosen(settings).s2
    s2 = (s2_column, "s2_a_area")
    of_double = (s1_a, s1_b, *s2, "ds_s1_dt", "drift_time")
    of_merged = (s1_a, *s2, "drift_time")
    kept: dict[CutFlow, list[list[Any]]] = {double: [[] for _ in of_double], merged: [[] for _ in of_merged]}
    for chunk in data:
        for flow, names in ((double, of_double), (merged, of_merged)):
            keep = flow.select(chunk.data)
            for column, name in zip(kept[flow], names, strict=True):
                column.append(chunk.data[name][keep])
    two, one = ([_joined(column) for column in kept[flow]] for flow in (double, merged))
    return _doubles(two, double, settings), _merged(one, merged, settings)


def _doubles(found: list[Floats], flow: CutFlow, settings: dict[str, Any]) -> Double:
    ranges = _range("s1_a", found[0], settings), _range("s1_b", found[1], settings)
    keep = _between(found[0], ranges[0]) & _between(found[1], ranges[1])
    text = f"S1s in {_words(ranges[0])} and {_words(ranges[1])} PE"
    flow.then(Cut("range_of_lines", text, np.isfinite), int(keep.sum()))
    s1_a, s1_b, s2, raw_s2, delay, drift_time = (one[keep] for one in found)
    return Double(s1_a, s1_b, s2, raw_s2, delay, drift_time, ranges)


def _merged(found: list[Floats], flow: CutFlow, settings: dict[str, Any]) -> Merged:
    own = _range("merged_s1", found[0], settings)
    keep = _between(found[0], own)
    flow.then(Cut("range_of_line", f"S1 in {_words(own)} PE", np.isfinite), int(keep.sum()))
    s1, s2, raw_s2, drift_time = (one[keep] for one in found)
    return Merged(s1, s2, raw_s2, drift_time, own)


def _range(name: str, areas: Floats, settings: dict[str, Any]) -> Range:
    """Return the range in which a line is fitted: that of the settings, or factors of where most of the areas are."""
    low, high = _searched(name, settings)
    if settings[f"{name}_area_pe"] or not len(areas):
        return _or_open(low, -1), _or_open(high, 1)
    place, (below, above) = densest(areas), settings["range_factors"][name]
    return max(float(low), below * place), min(float(high), above * place)


def _between(areas: Floats, limits: Range) -> NDArray[np.bool_]:
    return np.asarray((areas >= limits[0]) & (areas < limits[1]))


def _or_open(limit: float | None, sign: int) -> float:
    return sign * np.inf if limit is None else float(limit)


def _words(limits: Range) -> str:
    return f"{limits[0]:.0f} to {limits[1]:.0f}"


def _joined(parts: list[Any]) -> Floats:
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)
