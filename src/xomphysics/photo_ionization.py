"""Small S2s after large ones: primaries and peaks are read side by side, and sums are kept."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xomphysics.reading.live_time import LiveTime, Vetoes
from xomphysics.reading.peak_types import Types, UnknownTypes, is_one

Floats = NDArray[np.float64]
BLOCK = 100  # primaries; sums of so many are kept for tests of steadiness
PROFILE_BINS = 92
AREA_BINS = 60


@dataclass(frozen=True)
class Windows:
    """Windows in time and area; times in ns after the centre of the primary, areas in PE.

    Attributes
    ----------
    signal, side
        Time windows: of the electrons of the primary, and of background only.
    primary_area
        Area of an S2 that is used as a primary.
    small_area
        Area of a delayed S2, such as one electron.
    disturbing_area
        No other S2 of at least this area may lie within the windows, nor within their reach before the primary.
    """

    signal: tuple[float, float]
    side: tuple[float, float]
    primary_area: tuple[float, float]
    small_area: tuple[float, float]
    disturbing_area: float

    @property
    def scale(self) -> float:
        """Length of the signal window over that of the side band."""
        return (self.signal[1] - self.signal[0]) / (self.side[1] - self.side[0])

    @property
    def reach(self) -> int:
        """How far from other S2s a primary has to be (ns)."""
        return int(max(self.signal[1], self.side[1]))


def windows(settings: Mapping[str, Any]) -> Windows:
    """Return the windows of the settings.

    Raises
    ------
    ValueError
        If a window is not two rising numbers, or the side band begins before the end of the signal window.
    """
    for name in ("signal_ns", "side_band_ns", "primary_area_pe", "electron_area_pe"):
        pair = settings[name]
        if len(pair) != 2 or not 0 <= pair[0] < pair[1]:
            raise ValueError(f"settings.{name} is {pair}, a lower and an upper limit are needed")
    if settings["side_band_ns"][0] < settings["signal_ns"][1]:
        raise ValueError(f"settings.side_band_ns is {settings['side_band_ns']}, it begins within signal_ns")
    signal, side, primary, small = (
        (float(low), float(high))
        for low, high in (
            settings["signal_ns"],
            settings["side_band_ns"],
            settings["primary_area_pe"],
            settings["electron_area_pe"],
        )
    )
    return Windows(signal, side, primary, small, float(settings["disturbing_area_pe"]))


@dataclass
class Sums:
    """Sums of one pass over a run; ``net`` is signal window minus scaled side band, per primary.

    Attributes
    ----------
    unknown
        Peaks whose type is none of the settings'.
    live
        Live time of the peaks.
    primaries, seen
        Primaries with full windows and neither a veto nor anything large in them; all S2s of the area of a primary.
    blocks
        Sums over `BLOCK` primaries each: number, primary area, net area, net number.
    moments
        Sums over the primaries of: primary area, net area, net number, and the products that their errors need
        (area * area, net area * net area, area * net area, net number * net number).
    side_number
        Small S2s in the side bands.
    profile
        Small S2s by time after the primary, `PROFILE_BINS` equal bins from 0 to the reach.
    spectra
        Small S2s by area in signal window and side band, shape (2, AREA_BINS), 0 to twice the largest small area.
    areas
        Areas of all S2s below that in both windows, one array for each chunk and window; None: not kept.
    """

    unknown: UnknownTypes
    live: LiveTime = field(default_factory=lambda: LiveTime(0, 0))
    primaries: int = 0
    seen: int = 0
    blocks: list[tuple[int, float, float, float]] = field(default_factory=list)
    moments: Floats = field(default_factory=lambda: np.zeros(7))
    side_number: int = 0
    profile: Floats = field(default_factory=lambda: np.zeros(PROFILE_BINS))
    spectra: Floats = field(default_factory=lambda: np.zeros((2, AREA_BINS)))
    areas: list[Floats] | None = None
    _open: list[Floats] = field(default_factory=list)

    def add(self, area: Floats, net_area: Floats, net_number: Floats) -> None:
        """Add primaries, in the order of time."""
        self.primaries += len(area)
        products = (area, net_area, net_number, area**2, net_area**2, area * net_area, net_number**2)
        self.moments += np.array([values.sum() for values in products])
        self._open.append(np.array([area, net_area, net_number]).T)
        rows = np.concatenate(self._open)
        while len(rows) >= BLOCK:
            sum_area, sum_net_area, sum_number = (float(total) for total in rows[:BLOCK].sum(axis=0))
            self.blocks.append((BLOCK, sum_area, sum_net_area, sum_number))
            rows = rows[BLOCK:]
        self._open = [rows]


@dataclass
class _Waiting:
    """Primaries whose windows are still open: times, areas and the small S2s found after them so far."""

    time: NDArray[np.int64]
    area: Floats
    found: Floats  # (primaries, 4): area and number in the signal window, area and number in the side band

    @classmethod
    def of(cls, time: NDArray[np.int64], area: Floats) -> "_Waiting":
        return cls(time, area, np.zeros((len(time), 4)))

    def joined(self, other: "_Waiting") -> "_Waiting":
        time = np.concatenate([self.time, other.time])
        return _Waiting(time, np.concatenate([self.area, other.area]), np.concatenate([self.found, other.found]))

    def part(self, mask: NDArray[np.bool_]) -> "_Waiting":
        return _Waiting(self.time[mask], self.area[mask], self.found[mask])


def add_up(
    events: Iterable[Any], peaks: Iterable[Any], windows: Windows, types: Types, vetoes: Vetoes, keep: bool = False
) -> Sums:
    """Read primaries and peaks of a run side by side.

    Memory is that of one chunk of each, and of the primaries within one chunk of peaks.

    Parameters
    ----------
    events
        Chunks with ``end`` (ns) and ``data``: ``s2_center_time``, ``s2_area``, ``alt_s2_area`` (``event_basics``).
    peaks
        Chunks with ``start``, ``end`` and ``data``: ``center_time``, ``area``, ``type`` (``peak_basics``).
    windows
        Windows in time and area.
    types
        Numbers of the types of peaks, that of ``s2`` among them.
    vetoes
        Of the run. Inside them neither electrons nor other large S2s are seen, so none may touch the windows of a
        primary, nor their reach before it.
    keep
        Whether the areas of the small S2s are kept, 8 bytes each.

    Raises
    ------
    xomlib.DataBroken
        If the vetoes cover only a part of the run.
    """
    sums = Sums(UnknownTypes(types), areas=[] if keep else None)
    source = _Primaries(iter(events), windows, vetoes, sums)
    waiting = _Waiting.of(np.zeros(0, np.int64), np.zeros(0))
    end = 0
    for i, chunk in enumerate(peaks):
        if i == 0:
            source.begin = int(chunk.start)
        end = int(chunk.end)
        waiting = waiting.joined(source.until(end))
        sums.unknown.add(chunk.data["type"])
        _assign(waiting, chunk.data, windows, types["s2"], sums)
        over = waiting.time + windows.reach <= chunk.end
        _close(waiting.part(over), windows, sums)
        waiting = waiting.part(~over)
    for _ in source.events:  # read to the end, so that a missing chunk is found
        pass
    sums.live = vetoes.live_time(source.begin, end)
    return sums


class _Primaries:
    """Returns primaries up to a time; reads on to the next S2, since a primary must be alone."""

    def __init__(self, events: Iterator[Any], windows: Windows, vetoes: Vetoes, sums: Sums) -> None:
        self.events, self.windows, self.vetoes, self.sums = events, windows, vetoes, sums
        self.begin, self.known = 0, -1  # ns: start of the data; end of the S2s read so far
        self.time, self.area = np.zeros(0, np.int64), np.zeros(0)
        self.alone = np.zeros(0, bool)
        self.last, self.done = -(2**62), -1  # last large S2 before the kept ones; end of the primaries returned so far

    def until(self, end: int) -> _Waiting:
        """Return the primaries up to ``end`` (ns) that were not returned yet."""
        while self.known < end + self.windows.reach and (chunk := next(self.events, None)) is not None:
            self._take(chunk)
        reach = self.windows.reach
        before = np.diff(self.time, prepend=self.last) > reach
        after = np.diff(self.time, append=2**62) > reach
        low, high = self.windows.primary_area
        right = (self.area >= low) & (self.area < high) & (self.time < end)
        seen = self.vetoes.avoided(self.time - reach, self.time + reach)
        chosen = right & before & after & seen & self.alone & (self.time - self.begin > reach)
        self.sums.seen += int(np.count_nonzero(right))
        given = _Waiting.of(self.time[chosen], self.area[chosen])
        old = self.time < end
        if old.any():
            self.last = int(self.time[old][-1])
        self.time, self.area, self.alone = self.time[~old], self.area[~old], self.alone[~old]
        return given

    def _take(self, chunk: Any) -> None:
        data = chunk.data
        large = data["s2_area"] >= self.windows.disturbing_area
        time = data["s2_center_time"][large].astype(np.int64)
        area = data["s2_area"][large].astype(np.float64)
        alone = ~(data["alt_s2_area"][large] >= self.windows.disturbing_area)
        order = np.argsort(np.append(self.time, time), kind="stable")
        self.time, self.area, self.alone = (
            np.append(one, other)[order] for one, other in ((self.time, time), (self.area, area), (self.alone, alone))
        )
        self.known = int(chunk.end)


def _assign(waiting: _Waiting, data: Any, windows: Windows, s2: Sequence[int], sums: Sums) -> None:
    """Add the small S2s of a chunk to the primaries before them."""
    if not len(waiting.time):
        return
    low, high = windows.small_area
    area = data["area"]
    candidates = is_one(data["type"], s2) & (area < 2 * high)
    time, area = data["center_time"][candidates], area[candidates].astype(np.float64)
    owner = np.searchsorted(waiting.time, time, side="right") - 1
    later = time - waiting.time[np.maximum(owner, 0)]
    mine = (owner >= 0) & (later < windows.reach)
    owner, later, area = owner[mine], later[mine], area[mine]
    small = (area >= low) & (area < high)
    sums.profile += np.histogram(later[small], PROFILE_BINS, (0, windows.reach))[0]
    for i, (first, last) in enumerate((windows.signal, windows.side)):
        inside = (later >= first) & (later < last)
        sums.spectra[i] += np.histogram(area[inside], AREA_BINS, (0, 2 * high))[0]
        if sums.areas is not None:
            sums.areas.append(area[inside])
        chosen = inside & small
        waiting.found[:, 2 * i] += np.bincount(owner[chosen], area[chosen], len(waiting.time))
        waiting.found[:, 2 * i + 1] += np.bincount(owner[chosen], minlength=len(waiting.time))


def _close(over: _Waiting, windows: Windows, sums: Sums) -> None:
    net = over.found[:, :2] - windows.scale * over.found[:, 2:]
    sums.side_number += int(over.found[:, 3].sum())
    sums.add(over.area, net[:, 0], net[:, 1])
