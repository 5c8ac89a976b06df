"""The time in which a detector records events, and which events lie in it as a whole."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xomlib import DataBroken
from xomphysics.reading.chunks import chunks
from xomphysics.reading.intervals import COLUMNS, Intervals, is_named, merge, rows_by_type

# straxen from version 2 on: VetoProximity.veto_names. Version 1 put "_veto" behind each name.
_NAMES = ("busy", "busy_he", "hev", "straxen_deadtime", "fractional_lifetime", "anti_veto")
VETOES = (*_NAMES, *(f"{name}_veto" for name in _NAMES))
"""Types of ``veto_intervals`` inside which no event is recorded."""
MARKS = ("hev_tag", "neutron_generator", "LED_trg", "empty")
"""Types that mark a time in which events are recorded (straxen's `AqMonChannelOccupancy`)."""
DEFAULTS: dict[str, Any] = {
    "vetoes": list(VETOES),  # no event is recorded inside; none: no correction, and veto_intervals is not read
    "marks": list(MARKS),
    "edge_ns": 10,  # sample of the digitizer: the uncertainty of start and stop of an interval
}
"""Settings of the analyses that use this module."""
QUALITY: dict[str, list[float | None]] = {"dead_fraction": [None, 0.5]}
"""Their limits of a good result."""
_UNCOVERED = 10**9  # ns of the run without veto_intervals that are accepted


@dataclass(frozen=True)
class LiveTime:
    """Live time of a run.

    Attributes
    ----------
    start, end
        Of the data (ns since 1970).
    vetoed
        Intervals in which no event is recorded; None if the live time is not corrected.
    edge_ns
        Uncertainty of their starts and stops (ns).
    unknown
        Rows of each type of ``veto_intervals`` that is neither a veto nor a mark.
    """

    start: int
    end: int
    vetoed: Intervals | None = None
    edge_ns: float = 0.0
    unknown: Mapping[str, int] = field(default_factory=dict)

    @property
    def span(self) -> float:
        """Seconds from the start to the end of the data."""
        return (self.end - self.start) / 1e9

    @property
    def seconds(self) -> float:
        """Seconds outside the vetoes."""
        return self.span - (self.vetoed.total / 1e9 if self.vetoed else 0.0)

    @property
    def error(self) -> float:
        """Seconds: every start and stop is anywhere within one sample, which has the deviation 1 / sqrt(12)."""
        edges = 2 * len(self.vetoed.starts) if self.vetoed else 0
        return float(np.sqrt(edges / 12) * self.edge_ns / 1e9)

    @property
    def warning(self) -> str:
        """Why the live time may be wrong, or empty."""
        return unknown_warning(self.unknown)

    def data(self) -> dict[str, Any]:
        """Return what every result has in its data."""
        dead = {"dead_fraction": self.vetoed.fraction} if self.vetoed is not None and self.span > 0 else {}
        return {"live_time_s": self.seconds, **dead}

    def parts(self, edges: ArrayLike) -> NDArray[np.float64]:
        """Return the live time (s) between edges (s since the start)."""
        points = np.asarray(edges, dtype=np.float64)
        if self.vetoed is None:
            return np.diff(points)
        return np.diff(points - self.vetoed.before(self.start + (points * 1e9).astype(np.int64)) / 1e9)

    def exposure(self, durations: ArrayLike) -> NDArray[np.float64]:
        """Return for each duration (ns) the time (s) in which such an event can begin and touch no veto.

        The sum of 1 / exposure over the events that touch none is an unbiased rate (D. G. Horvitz and
        D. J. Thompson, JASA 47 (1952) 663), whatever the events' durations are.
        """
        lengths = np.sort(self._free())
        longer = np.append(np.cumsum(lengths[::-1])[::-1], 0)
        wanted = np.asarray(durations, dtype=np.int64)
        i = np.searchsorted(lengths, wanted, side="right")
        return np.asarray((longer[i] - wanted * (len(lengths) - i)) / 1e9)

    def hidden(self, starts: ArrayLike, ends: ArrayLike) -> NDArray[np.int64]:
        """Return the vetoed time (ns) in each window from ``starts`` to ``ends`` (ns since 1970)."""
        if self.vetoed is None:
            return np.zeros(np.shape(starts), dtype=np.int64)
        return self.vetoed.before(ends) - self.vetoed.before(starts)

    def _free(self) -> NDArray[np.int64]:
        if self.vetoed is None:
            return np.array([self.end - self.start], dtype=np.int64)
        return np.append(self.vetoed.starts, self.end) - np.append(self.start, self.vetoed.ends)


@dataclass(frozen=True)
class Vetoes:
    """The vetoes of a run, as ``veto_intervals`` has them.

    Attributes
    ----------
    intervals
        Intervals in which no event is recorded; None: the settings have no vetoes, so nothing is corrected.
    edge_ns, unknown
        See `LiveTime`.
    """

    intervals: Intervals | None = None
    edge_ns: float = 0.0
    unknown: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, st: Any, run_id: str, settings: Mapping[str, Any]) -> "Vetoes":
        """Read the vetoes of a run; without vetoes in the settings nothing is read.

        Parameters
        ----------
        st
            strax context.
        run_id
            Six-digit run id.
        settings
            With the keys of `DEFAULTS`.

        Raises
        ------
        DataBroken
            If the data cannot be read.
        """
        if not settings["vetoes"]:
            return cls()
        return cls.of(chunks(st, run_id, "veto_intervals", COLUMNS), settings)

    @classmethod
    def of(cls, data: Iterable[Any], settings: Mapping[str, Any]) -> "Vetoes":
        """Return the vetoes in chunks of ``veto_intervals`` (``start``, ``end``, ``data``; ns since 1970).

        Only times are gathered: the names of the types of all chunks together need much more memory.
        """
        low, high = 0, 0
        starts, ends = ([np.zeros(0, dtype=np.int64)] for _ in range(2))
        unknown: Counter[str] = Counter()
        for i, chunk in enumerate(data):
            low, high = int(chunk.start) if i == 0 else low, int(chunk.end)
            for name, rows in rows_by_type(chunk.data["veto_type"]):
                if is_named(name, settings["vetoes"])[0]:
                    starts.append(chunk.data["time"][rows])
                    ends.append(chunk.data["endtime"][rows])
                elif not is_named(name, settings["marks"])[0]:
                    unknown[str(name[0])] += len(rows)
        vetoed = merge(np.concatenate(starts), np.concatenate(ends), low, high)
        return cls(vetoed, float(settings["edge_ns"]), dict(unknown))

    def avoided(self, starts: ArrayLike, ends: ArrayLike) -> NDArray[np.bool_]:
        """Return which windows from ``starts`` to ``ends`` (ns since 1970) touch no veto."""
        if self.intervals is None:
            return np.ones(np.shape(starts), dtype=bool)
        return self.intervals.avoided(starts, ends)

    def live_time(self, start: int, end: int) -> LiveTime:
        """Return the live time of data from ``start`` to ``end`` (ns since 1970).

        Raises
        ------
        DataBroken
            If the veto intervals cover only a part of the data.
        """
        if self.intervals is None:
            return LiveTime(start, end)
        missing = max(self.intervals.low - start, 0) + max(end - self.intervals.high, 0)
        if missing > _UNCOVERED:
            raise DataBroken(f"veto_intervals lack {missing / 1e9:.1f} s of the {(end - start) / 1e9:.1f} s of data")
        within = merge(self.intervals.starts, self.intervals.ends, start, end)
        return LiveTime(start, end, within, self.edge_ns, self.unknown)


def unknown_warning(unknown: Mapping[str, int]) -> str:
    """Return a sentence about rows of unknown types, or an empty text without any."""
    if not unknown:
        return ""
    names = ", ".join(f"{n} of type {name}" for name, n in sorted(unknown.items()))
    return f"veto_intervals has rows that are neither in settings.vetoes nor in settings.marks: {names}"
