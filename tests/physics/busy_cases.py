"""What busy does with awkward veto intervals, as JSON; needs the analysis environment."""

from typing import Any

import analysis_scripts
import cases
import numpy as np
import renewal
from fake_run import DataCorrupted, attempt, chunk, run_main
from simulation import as_chunks

from xomphysics.reading import intervals

busy = analysis_scripts.load("busy")
MS = 1_000_000


def rows(*entries: tuple[str, float, float]) -> np.ndarray:
    """Return rows of (type, start in ms, end in ms)."""
    found = np.zeros(len(entries), renewal.ROWS)
    for row, (name, start, end) in zip(found, entries, strict=True):
        row["veto_type"], row["time"], row["endtime"] = name, round(start * MS), round(end * MS)
    return found


def said(found: np.ndarray, seconds: float = 1.0, pieces: int = 1, **settings: Any) -> dict[str, Any]:
    """Return the results of busy by variable; draws the figure as well."""
    merged = busy.merge(busy.DEFAULTS, settings)
    veto = busy.collect(as_chunks(found, seconds, pieces))
    busy.draw(veto, merged, "052894").canvas.draw()
    return {result["variable_name"]: result for result in busy.results(veto, merged)}


def case_none() -> Any:
    return said(rows())


def case_one() -> Any:
    return said(rows(("busy", 100, 101)))


def case_all_equal() -> Any:
    return said(rows(*[("busy", 10.0 * i, 10.0 * i + 1) for i in range(100)]))


def case_no_time() -> Any:
    return said(rows(), seconds=0.0)


def case_merged() -> Any:
    return said(
        rows(("busy", 100, 200), ("busy_he", 150, 250), ("busy", 250, 300), ("busy", 110, 120), ("busy", 400, 500))
    )


def case_names() -> Any:
    firmwares = {
        "first_years": ("busy_veto", "busy_he_veto", "hev_veto", "straxen_deadtime_veto"),
        "9": ("busy", "busy_he", "hev", "straxen_deadtime"),
        "10": ("busy", "neutron_generator", "hev", "straxen_deadtime"),
        "another": ("busy", "muon_gate"),
        "10 with a tag": ("busy", "LED_trg", "hev_tag", "fractional_lifetime"),
    }
    return {
        name: said(rows(*[(kind, 100.0 * i, 100.0 * i + 10) for i, kind in enumerate(kinds)]))
        for name, kinds in firmwares.items()
    }


def case_outside() -> Any:
    return said(rows(("busy", 900, 1500)))


def case_whole_run() -> Any:
    return said(rows(("hev", 0, 1000)))


def case_zero_length() -> Any:
    return said(rows(("busy", 100, 100)))


def spread(rng: np.random.Generator, rates: np.ndarray) -> np.ndarray:
    """Return rows of busy intervals of 1 ms, at a rate (Hz) for each 10 s of ten minutes."""
    counts = rng.poisson(10 * rates)
    starts = np.sort(1e4 * (np.repeat(np.arange(60), counts) + rng.random(counts.sum())))
    return rows(*[("busy", start, start + 1) for start in starts])


def case_changing() -> Any:
    """Ten runs at a constant rate, ten at one that differs by half from 10 s to 10 s, one without the last third."""
    rng = np.random.default_rng(7)
    return {
        "constant": [said(spread(rng, np.full(60, 0.5)), 600.0) for _ in range(10)],
        "changing": [said(spread(rng, 0.5 * rng.gamma(4, 1 / 4, 60)), 600.0) for _ in range(10)],
        "silent": said(spread(rng, np.where(np.arange(60) < 40, 0.5, 0.0)), 600.0),
    }


def case_few_unlike() -> Any:
    """Twenty alike, and the same beside one of half a second; six groups of ten."""
    alike = [("busy", 1500.0 * i, 1500.0 * i + 1) for i in range(20)]
    groups = [("busy", 90.0 * i + 2 * j, 90.0 * i + 2 * j + 1) for i in (0, 3, 4, 7, 8, 10) for j in range(10)]
    return [said(rows(*alike), 30.0), said(rows(*alike, ("busy", 450, 950)), 30.0), said(rows(*groups))]


def case_pieces() -> Any:
    found = renewal.rows(np.random.default_rng(3), renewal.Renewal(2.0, 0.05), 60.0, "busy")
    return [said(found, 60.0, pieces) for pieces in (1, 7)]


def case_backwards() -> Any:
    return attempt(lambda: said(rows(("busy", 200, 100))))


def case_settings() -> Any:
    wrong = {
        "unknown": {"kind": {}},
        "name": {"kinds": {"a b": ["busy"]}},
        "patterns": {"kinds": {"busy": "busy"}},
        "length": {"kinds": {"deadtime": ["straxen_deadtime*"]}},
    }
    return {
        name: attempt(lambda settings=settings: busy.check(busy.merge(busy.DEFAULTS, settings)))
        for name, settings in wrong.items()
    }


def case_main() -> Any:
    return run_main(busy, {"veto_intervals": as_chunks(rows(("busy", 1, 2), ("hev", 5, 15)), 1.0, 2)})


def case_main_broken() -> Any:
    first = chunk(rows(("busy", 1, 2)), 0, 500 * MS)
    return run_main(busy, {"veto_intervals": [first, DataCorrupted("chunk 1 is not there")]})


def case_before() -> Any:
    """Time inside intervals, against counting every nanosecond."""
    rng = np.random.default_rng(5)
    start = rng.integers(0, 900, 30)
    found = intervals.merge(start, start + rng.integers(0, 40, 30), 0, 900)
    inside = np.zeros(900, dtype=bool)
    for low, high in zip(found.starts, found.ends, strict=True):
        inside[low:high] = True
    expected = np.concatenate([[0], np.cumsum(inside)])
    empty = intervals.merge([], [], 0, 900)
    return {
        "same": bool(np.array_equal(found.before(np.arange(901)), expected)),
        "empty": empty.before([0, 900]).tolist(),
        "disjoint": bool(np.all(found.gaps > 0)),
    }


if __name__ == "__main__":
    cases.print_all(globals())
