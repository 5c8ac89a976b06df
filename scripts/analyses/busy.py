"""Share of a run inside busy intervals or high-energy vetoes, and the number of these intervals.

One pass over ``veto_intervals``; starts and ends of its rows are kept, by type. See docs/analyses/busy.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import xomlib
from xomphysics import figures, quality
from xomphysics.fits.goodness import pearson_of_points
from xomphysics.reading import live_time
from xomphysics.reading.chunks import chunks
from xomphysics.reading.intervals import COLUMNS, Intervals, Occupancy, is_named, occupancy, rows_by_type
from xomphysics.reading.intervals import merge as merge_intervals
from xomphysics.settings import merge

DEFAULTS: dict[str, Any] = {
    # Names of straxen's VetoIntervals: firmware 9 of the V1495 busy, busy_he, hev; firmware 10 busy, hev; in the first
    # years with "_veto" at the end. hev_tag, which vetoes nothing, matches none of them.
    "kinds": {"busy": ["busy*"], "hev": ["hev", "hev_veto"]},
    "vetoes": live_time.DEFAULTS["vetoes"],  # these and the marks are known; rows of another type are a warning
    "marks": live_time.DEFAULTS["marks"],
    "typical_ms": {"busy": 2.0, "hev": 10.0},  # straxen's VetoIntervals: busy at least 1 ms (ours: twice), hev fixed
    "quality": {"drift": [None, 0.2], "effective_intervals": [10, None]},  # limits of a good result
}
BINS = 60
PARTS = 20  # of the run, that are compared
FEWEST = 5  # intervals in each, on average, for a test of constancy
UNLIKE, VARYING = 1.5, 1.1  # times the variance of intervals alike, from which on they count as fewer; of their lengths

Times = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """The rows of ``veto_intervals`` of one run.

    Attributes
    ----------
    times
        Starts and ends of the rows of each type (ns since 1970), in the order of the types' names.
    low, high
        Start of the first and end of the last chunk (ns since 1970).
    """

    times: Mapping[str, tuple[Times, Times]]
    low: int
    high: int

    def of(self, patterns: Sequence[str]) -> Intervals:
        """Return the merged intervals whose type matches one of ``patterns``."""
        none = np.zeros(0, dtype=np.int64)
        named = [(none, none), *(pair for name, pair in self.times.items() if is_named(np.array([name]), patterns)[0])]
        starts, ends = (np.concatenate(parts) for parts in zip(*named, strict=True))
        return merge_intervals(starts, ends, self.low, self.high)

    def types(self) -> dict[str, int]:
        """Return the number of rows of each type."""
        return {name: len(starts) for name, (starts, _) in self.times.items()}


def check(settings: dict[str, Any]) -> None:
    """Check that each kind has patterns and a length.

    Raises
    ------
    ValueError
        If a kind lacks patterns or a length, or a limit of the quality is no pair.
    """
    quality.check(settings["quality"])
    for kind, patterns in settings["kinds"].items():
        if not str(kind).isidentifier():
            raise ValueError(f"settings.kinds has {kind!r}; a name has only letters, digits and underscore")
        if not isinstance(patterns, list) or not patterns:
            raise ValueError(f"settings.kinds.{kind} is {patterns!r}, a list of veto types is needed")
        if not float(settings["typical_ms"].get(kind, 0)) > 0:
            raise ValueError(f"settings.typical_ms has no length above zero for {kind}")


def collect(data: Iterable[Any]) -> Rows:
    """Gather the rows of a run, from its chunks (``start``, ``end``, ``data``)."""
    low, high = 0, 0
    parts: dict[str, list[tuple[Times, Times]]] = {}
    for i, chunk in enumerate(data):
        low, high = int(chunk.start) if i == 0 else low, int(chunk.end)
        for name, rows in rows_by_type(chunk.data["veto_type"]):
            parts.setdefault(str(name[0]), []).append((chunk.data["time"][rows], chunk.data["endtime"][rows]))
    joined = {name: tuple(map(np.concatenate, zip(*pairs, strict=True))) for name, pairs in sorted(parts.items())}
    return Rows({name: (starts, ends) for name, (starts, ends) in joined.items()}, low, high)


def results(veto: Rows, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results as keywords of `xomlib.Xomresult`: fraction and number of the intervals of each kind."""
    out: list[dict[str, Any]] = []
    for kind, patterns in settings["kinds"].items():
        fraction: dict[str, Any] = {"variable_name": f"{kind}_fraction", "unit": ""}
        number: dict[str, Any] = {"variable_name": f"{kind}_intervals", "unit": "intervals"}
        if veto.high <= veto.low:
            out += [one | {"insufficient": "the data span no time"} for one in (fraction, number)]
            continue
        found = veto.of(patterns)
        seen = occupancy(found, settings["typical_ms"][kind] * 1e6)
        data = {"span_s": (veto.high - veto.low) / 1e9, "gap_dispersion": seen.gap_dispersion, **_lengths(found)}
        data |= _drift(found, seen)
        of_parts = _errors_of_parts(found)
        fraction |= _number(seen.fraction, max(seen.fraction_error, of_parts[0]), seen.number, data, _alike(found))
        number |= _number(seen.number, max(seen.number_error, of_parts[1]), seen.number, data)
        fraction["data"]["inside_s"] = found.total / 1e9
        out += [fraction, number]
    out[0].setdefault("data", {}).update({f"rows_{name}": n for name, n in veto.types().items()})
    return quality.judged(out, settings["quality"], live_time.unknown_warning(_unknown(veto, settings)))


def _number(value: float, error: float, n: int, data: Mapping[str, Any], alike: float | None = None) -> dict[str, Any]:
    """Return a number with its error; its data say how many intervals alike would scatter as much, if these are fewer.

    ``alike`` is that number as far as it follows from the lengths.
    """
    effective = (value / error) ** 2 * (n + 1) / max(n, 1) if error > 0 else np.inf
    fewer = [] if effective >= n / UNLIKE else [effective]
    fewer += [] if alike is None or alike >= n / VARYING else [alike]
    few = {"effective_intervals": min(fewer)} if fewer else {}
    return {"variable_value": value, "error": error, "n": n, "data": {**data, **few}}


def _alike(found: Intervals) -> float:
    """Return how many intervals of one length have a total that is as uncertain as that of these."""
    lengths = found.lengths.astype(float)
    return float(lengths.sum() ** 2 / (lengths**2).sum()) if len(lengths) else 0.0


def _errors_of_parts(found: Intervals) -> tuple[float, float]:
    """Return the errors of fraction and number that follow from how much these differ between equal parts of the run.

    They contain what a renewal process does not have: groups of intervals, and rates that change.
    """
    counts, shares = _parts(found, PARTS)
    n = len(found.starts)
    more = (n + 1) / max(n, 1)  # one interval more than seen, as in `occupancy`
    return float(np.sqrt(more * shares.var(ddof=1) / PARTS)), float(np.sqrt(more * counts.var(ddof=1) * PARTS))


def _parts(found: Intervals, parts: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many intervals begin in each of equal parts of the run, and its share of time inside them."""
    edges = np.linspace(found.low, found.high, parts + 1).astype(np.int64)
    counts = np.histogram(found.starts, edges)[0].astype(float)
    return counts, np.diff(found.before(edges)) / np.maximum(np.diff(edges), 1)


def _drift(found: Intervals, seen: Occupancy) -> dict[str, float]:
    """Return the root mean square change of the rate of intervals within the run, beyond chance; few have none."""
    if (parts := min(PARTS // 2, seen.number // FEWEST)) < 2:
        return {}
    counts, _ = _parts(found, parts)
    mean, error = seen.number / parts, seen.number_error / parts**0.5
    test = pearson_of_points(counts, np.full(parts, mean), np.full(parts, error), 1)
    return {"drift": test.variation(error) / mean}


def _unknown(veto: Rows, settings: dict[str, Any]) -> dict[str, int]:
    own = [pattern for patterns in settings["kinds"].values() for pattern in patterns]
    known = [*own, *settings["vetoes"], *settings["marks"]]
    return {name: n for name, n in veto.types().items() if not is_named(np.array([name]), known)[0]}


def _lengths(found: Intervals) -> dict[str, float]:
    if not len(found.starts):
        return {}
    lengths = found.lengths / 1e6
    return {"mean_length_ms": float(lengths.mean()), "longest_ms": float(lengths.max())}


def draw(veto: Rows, settings: dict[str, Any], run_id: str) -> Figure:
    """Draw the share of the time over the run, and the lengths of the intervals."""
    figure = figures.new_figure(f"Run {run_id}: veto intervals", 9.0, 6.4)
    over_time, lengths = figure.subplots(2, 1)
    figure.subplots_adjust(left=0.09, right=0.98, top=0.89, bottom=0.08, hspace=0.36)
    figures.style(over_time, "time since the start of the run [s]", "share of the time", f"{_rows(veto):,} rows")
    figures.style(lengths, "length [ms]", "intervals per bin", "Lengths after merging")
    if veto.high <= veto.low:
        figures.say_empty(over_time, "the data span no time")
        return figure
    found = {kind: veto.of(patterns) for kind, patterns in settings["kinds"].items()}
    edges = np.linspace(veto.low, veto.high, BINS + 1).astype(np.int64)
    every = np.concatenate([one.lengths for one in found.values()]) / 1e6
    bins = np.geomspace(max(every.min() / 2, 1e-6), every.max() * 2, 61) if len(every) else np.geomspace(0.1, 100, 61)
    for colour, (kind, one) in zip(figures.BANDS, found.items(), strict=False):
        share = np.diff(one.before(edges)) / np.diff(edges)
        label = f"{kind}: {one.fraction:.3%} of the time, {len(one.starts):,} intervals"
        over_time.stairs(share, (edges - veto.low) / 1e9, color=colour, lw=1.2, label=label)
        lengths.stairs(np.histogram(one.lengths / 1e6, bins)[0], bins, color=colour, lw=1.2, label=kind)
    over_time.set_ylim(bottom=0)
    over_time.legend(fontsize=8, frameon=False, loc="upper right")
    lengths.set_xscale("log")
    if not len(every):
        figures.say_empty(lengths, "no interval")
    return figure


def _rows(veto: Rows) -> int:
    return sum(veto.types().values())


def main(run_id: str) -> None:
    """Analyse one run."""
    settings = merge(DEFAULTS, xomlib.settings())
    check(settings)
    veto = collect(chunks(xomlib.context(), run_id, "veto_intervals", COLUMNS))
    for result in results(veto, settings):
        xomlib.Xomresult(**result).save()
    xomlib.figure("overview", draw(veto, settings, run_id))
    xomlib.xom_message(success=True, text=f"{_rows(veto)} rows in {(veto.high - veto.low) / 1e9:.1f} s")


if __name__ == "__main__":
    xomlib.cli(main)
