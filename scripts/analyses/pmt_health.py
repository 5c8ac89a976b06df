"""Silent and loud PMTs of the TPC, and the rate of dark counts of the others, from hits that belong to no peak.

One pass over ``veto_intervals`` and one over ``online_peak_monitor``, or over ``lone_hits`` where that is not stored.
See docs/analyses/pmt_health.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import xomlib
from xomphysics import figures, pmt_channels, quality
from xomphysics.poisson import poisson_error
from xomphysics.rate_per_second import clustering, silent_share
from xomphysics.reading import live_time
from xomphysics.reading.chunks import chunks
from xomphysics.reading.live_time import LiveTime, Vetoes
from xomphysics.settings import merge

CHANNELS = 494  # of the TPC in straxen's channel map: 0 to 493
MONITOR, COLUMN = "online_peak_monitor", "lone_hits_per_channel"
HITS, HIT_COLUMNS = "lone_hits", ("time", "length", "dt", "channel", "area")
DEFAULTS: dict[str, Any] = {
    **pmt_channels.DEFAULTS,
    # As straxen's OnlinePeakMonitor counts; used only where lone_hits are counted here.
    "hit_area": [50, 250],  # ADC counts times samples, both inside
    "hit_gap_ns": 15_000,  # to the hits before and behind in any channel
    **live_time.DEFAULTS,
    "quality": {**live_time.QUALITY, "silent_share": [None, 0.002]},
}


@dataclass(frozen=True)
class Tally:
    """Hits of a run.

    Attributes
    ----------
    pieces
        Counted hits of each channel in each chunk, shape (chunks, 494).
    edges
        Start of the first and end of each chunk (s since the start), shape (chunks + 1,).
    source
        Data type that they are from.
    live
        The live time.
    """

    pieces: NDArray[np.int64]
    edges: NDArray[np.float64]
    source: str
    live: LiveTime

    @property
    def hits(self) -> NDArray[np.int64]:
        """Counted hits of each channel, shape (494,)."""
        return np.asarray(self.pieces.sum(axis=0))


def check(settings: Mapping[str, Any]) -> None:
    """Check the settings.

    Raises
    ------
    ValueError
        If the areas are not two rising numbers, or others are out of their range.
    """
    quality.check(settings["quality"])
    pmt_channels.check(settings)
    pair = settings["hit_area"]
    if len(pair) != 2 or not pair[0] < pair[1]:
        raise ValueError(f"settings.hit_area is {pair}, a lower and an upper limit are needed")


def hits_of_monitor(chunk: NDArray[Any]) -> NDArray[np.int64]:
    """Return the hits of each channel in rows of ``online_peak_monitor``."""
    return np.asarray(chunk[COLUMN].sum(axis=0, dtype=np.int64))


def hits_of_hits(hits: NDArray[Any], settings: Mapping[str, Any]) -> NDArray[np.int64]:
    """Return the hits of each channel in a chunk of ``lone_hits``, as straxen's OnlinePeakMonitor counts them."""
    ends = hits["time"] + hits["length"].astype(np.int64) * hits["dt"]
    far = hits["time"][1:] - ends[:-1] > settings["hit_gap_ns"]
    low, high = settings["hit_area"]
    counted = (hits["area"] >= low) & (hits["area"] <= high)
    counted[1:] &= far
    counted[:-1] &= far
    channels = hits["channel"][counted]
    return np.bincount(channels[channels < CHANNELS], minlength=CHANNELS)


def count(data: Iterable[Any], source: str, vetoes: Vetoes, settings: Mapping[str, Any]) -> Tally:
    """Count the hits of a run, from chunks with ``start``, ``end`` (ns since 1970) and ``data``.

    Raises
    ------
    xomlib.DataBroken
        If the vetoes cover only a part of the run.
    """
    pieces: list[NDArray[np.int64]] = []
    edges = [0]
    for chunk in data:
        edges = [*edges, int(chunk.end)] if pieces else [int(chunk.start), int(chunk.end)]
        pieces.append(hits_of_monitor(chunk.data) if source == MONITOR else hits_of_hits(chunk.data, settings))
    seconds = (np.array(edges) - edges[0]) / 1e9
    return Tally(np.reshape(pieces, (-1, CHANNELS)), seconds, source, vetoes.live_time(edges[0], edges[-1]))


def results(tally: Tally, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`."""
    source = {"source": tally.source}
    odd = pmt_channels.results(tally.hits, 0, settings)
    out = [result | {"data": result["data"] | source} for result in odd]
    out.append({"variable_name": "hit_rate", "unit": "Hz"} | _rate(tally, settings, source))
    return quality.judged(out, settings["quality"], tally.live.warning)


def _rate(tally: Tally, settings: Mapping[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """Return the mean rate of the channels that are neither silent nor loud."""
    odd = pmt_channels.find(tally.hits, settings)
    ordinary = np.delete(tally.pieces, np.concatenate([odd.silent, odd.loud]), axis=1)
    n, channels = int(ordinary.sum()), ordinary.shape[1]
    exposure = tally.live.seconds * channels
    if not exposure > 0:
        return {"n": n, "insufficient": "there is no live time" if channels else "no channel is ordinary"}
    of_chunks, live = ordinary.sum(axis=1), tally.live.parts(tally.edges)
    spread = clustering(of_chunks, live)
    value = n / exposure
    error = float(np.hypot(spread**0.5 * poisson_error(n) / exposure, value * tally.live.error / tally.live.seconds))
    data = data | {"channels": channels, "dispersion": spread} | tally.live.data()
    data["silent_share"] = silent_share(of_chunks, live, spread)
    return {"variable_value": value, "error": error, "n": n, "data": data}


def draw(tally: Tally, settings: Mapping[str, Any], run_id: str) -> Figure:
    """Draw the hits of each channel and their distribution, relative to the median channel."""
    figure = figures.new_figure(f"Run {run_id}: PMTs of the TPC", 11.0, 4.4)
    by_channel, spread = figure.subplots(1, 2, width_ratios=(2.2, 1))
    figure.subplots_adjust(left=0.065, right=0.985, top=0.84, bottom=0.13, wspace=0.2)
    figures.style(by_channel, "channel", "hits", f"{tally.hits.sum():,} hits that belong to no peak")
    figures.style(spread, "hits over those of the median channel", "channels per bin", "Distribution")
    pmt_channels.draw(by_channel, tally.hits, 0, settings)
    median = float(np.median(tally.hits))
    if not median > 0:
        figures.say_empty(spread, "no hits in most channels")
        return figure
    bins = np.geomspace(0.01, 1000, 76)
    spread.stairs(np.histogram(np.clip(tally.hits / median, bins[0], bins[-1]), bins)[0], bins, color=figures.INK, lw=1)
    for limit in (settings["silent_below"], settings["loud_above"]):
        spread.axvline(limit, color=figures.ORANGE, lw=1, ls="--")
    spread.set_xscale("log")
    spread.set_yscale("log")
    spread.set_ylim(bottom=0.5)
    return figure


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    check(settings)
    st = xomlib.context()
    vetoes = Vetoes.read(st, run_id, settings)
    source, columns = (MONITOR, (COLUMN,)) if st.is_stored(run_id, MONITOR) else (HITS, HIT_COLUMNS)
    tally = count(chunks(st, run_id, source, columns), source, vetoes, settings)
    for result in results(tally, settings):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(tally, settings, run_id))
    xomlib.xom_message(success=True, text=f"{tally.hits.sum()} hits in {source}")


if __name__ == "__main__":
    xomlib.cli(main)
