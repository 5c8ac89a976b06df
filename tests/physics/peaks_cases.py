"""What photo_ionization and peak_rate do with awkward data, as JSON; needs the analysis environment."""

import sys
from typing import Any

import cases
import numpy as np
import renewal
import simulation as sim
import study
from fake_run import DataCorrupted, attempt, run_main

from xomphysics.reading.live_time import Vetoes

sys.modules.setdefault("study", study)
photo = study.scenarios("photo_ionization") and sys.modules["truths_photo_ionization"]
peak = study.scenarios("peak_rate") and sys.modules["truths_peak_rate"]
Tables = tuple[np.ndarray, np.ndarray]
NONE = np.zeros(0, renewal.ROWS)


def delayed(s2s: float = 1000.0, seed: int = 3, **truth: Any) -> Tables:
    """Return events and peaks of a run."""
    return photo.simulated(np.random.default_rng(seed), photo.Truth(s2s, **truth))


def photo_run(
    tables: Tables, seconds: float = 200.0, pieces: int = 3, vetoes: np.ndarray | None = None, **settings: Any
) -> dict[str, Any]:
    """Return what photo_ionization's main says."""
    events, peaks = tables
    data = {
        "event_basics": sim.as_chunks(events, seconds, pieces),
        "peak_basics": sim.as_chunks(peaks, seconds, 2 * pieces),
        "veto_intervals": sim.as_chunks(NONE if vetoes is None else vetoes, seconds, pieces),
    }
    return run_main(photo.script, data, **settings)


def peaks_of(rate: float = 10.0, seconds: float = 60.0, seed: int = 4) -> np.ndarray:
    """Return the peaks of a run."""
    return peak.simulated(np.random.default_rng(seed), rate, seconds)


def peak_run(
    peaks: np.ndarray, seconds: float = 60.0, pieces: int = 3, vetoes: np.ndarray = NONE, **settings: Any
) -> dict[str, Any]:
    """Return what peak_rate's main says."""
    data = {
        "peak_basics": sim.as_chunks(peaks, seconds, pieces),
        "veto_intervals": sim.as_chunks(vetoes, seconds, pieces),
    }
    return run_main(peak.script, data, **settings)


def case_photo() -> Any:
    return photo_run(delayed())


def case_photo_pieces() -> Any:
    return [photo_run(delayed(), pieces=pieces)["results"] for pieces in (1, 17)]


def case_photo_zero() -> Any:
    return photo_run((np.zeros(0, photo.EVENT), np.zeros(0, photo.PEAK)))


def case_photo_one() -> Any:
    events, peaks = delayed()
    return photo_run((events[500:501], peaks))


def case_photo_no_s2() -> Any:
    events, peaks = delayed()
    events["s2_area"] = np.nan
    return photo_run((events, peaks))


def case_photo_no_electrons() -> Any:
    return photo_run(delayed(ratio=0.0, background=0.0))


def case_photo_all_equal() -> Any:
    events, peaks = delayed()
    return photo_run((events, np.zeros(len(peaks), photo.PEAK)))


def case_photo_nan() -> Any:
    events, peaks = delayed()
    peaks["area"][::3] = np.nan
    events["s2_area"][::10] = np.nan
    return photo_run((events, peaks))


def case_photo_ramping() -> Any:
    events, peaks = delayed()
    progress = peaks["time"] / 2e11  # the extraction of electrons grows, and so does the S2's amplification
    events["s2_area"] *= 0.5 + events["time"] / 2e11
    return photo_run((events, peaks[np.random.default_rng(1).random(len(peaks)) < 0.1 + 0.9 * progress]))


def case_photo_crowded() -> Any:
    return photo_run(delayed(rate=400.0), seconds=2.5)


def case_photo_merged() -> Any:
    events, peaks = delayed()
    events["alt_s2_area"] = np.where(np.arange(len(events)) % 2, 5000.0, 30.0)
    return photo_run((events, peaks))


def case_photo_broken() -> Any:
    events, peaks = delayed()
    whole = {"event_basics": sim.as_chunks(events, 200.0), "peak_basics": sim.as_chunks(peaks, 200.0)}
    whole["veto_intervals"] = sim.as_chunks(NONE, 200.0)
    torn = DataCorrupted("chunk 1 is not there")
    return {name: run_main(photo.script, {**whole, name: [whole[name][0], torn]}) for name in whole}


def case_photo_settings() -> Any:
    wrong = {"signal_ns": [5, 2], "side_band_ns": [1e6, 3e6], "quality": {"steady_p_value": [2, 1]}, "windows": 1}
    return {name: photo_run(delayed(20), **{name: value})["raised"] for name, value in wrong.items()}


def case_photo_strong() -> Any:
    return photo_run(delayed(ratio=0.06))


def case_photo_quality() -> Any:
    limits = {"background_per_primary": [None, 0.1]}
    return photo_run(delayed(background=300.0), quality=limits)


def case_peak() -> Any:
    return peak_run(peaks_of())


def case_peak_pieces() -> Any:
    return [peak_run(peaks_of(), pieces=pieces)["results"] for pieces in (1, 13)]


def case_peak_zero() -> Any:
    return peak_run(np.zeros(0, peak.PEAK))


def case_peak_one() -> Any:
    return peak_run(peaks_of()[:1])


def case_peak_short() -> Any:
    return peak_run(peaks_of(seconds=5.0), seconds=5.0)


def case_peak_nan() -> Any:
    peaks = peaks_of()
    peaks["area"][::4] = np.nan
    return peak_run(peaks)


def case_peak_all_equal() -> Any:
    return peak_run(np.repeat(peaks_of()[5:6], 5000))


def case_peak_step() -> Any:
    peaks = peaks_of()
    return peak_run(peaks[(peaks["time"] < 30e9) | (np.arange(len(peaks)) % 3 > 0)])


def case_peak_gap() -> Any:
    """A minute without the peaks of two seconds."""
    peaks = peaks_of()
    return peak_run(peaks[(peaks["time"] < 20e9) | (peaks["time"] > 22e9)])


def case_peak_fired() -> Any:
    """A busy behind half of the bursts of electrons."""
    results = peak.fired(10.0, 300.0, 0.5)(np.random.default_rng(5))[0]
    return {result["variable_name"]: result for result in results}


def case_peak_broken() -> Any:
    chunks = sim.as_chunks(peaks_of())
    torn = [chunks[0], DataCorrupted("chunk 1 is not there")]
    return run_main(peak.script, {"peak_basics": torn, "veto_intervals": sim.as_chunks(NONE)})


def case_peak_edges() -> Any:
    peaks = np.zeros(4, peak.PEAK)
    peaks["time"], peaks["type"], peaks["area"] = [1, 2, 3, 4], [1, 1, 2, 2], [10, 20, 10, 20]
    types = peak.script.DEFAULTS["types"]
    bands = {"a": {"type": "s1", "area": [10, 20]}, "b": {"type": "s2", "area": [20, None]}}
    parsed = peak.script.parse_bands(bands, types)
    return peak.script.count(sim.as_chunks(peaks, 60.0, 1), parsed, types, Vetoes()).counts


def case_peak_bands() -> Any:
    area = [1, 2]
    wrong = {
        "inverted": {"low": {"type": "s1", "area": [2, 1]}},
        "three": {"low": {"type": "s1", "area": [1, 2, 3]}},
        "type": {"low": {"type": "s3", "area": area}},
        "no type": {"low": {"area": area}},
        "name": {"a b": {"type": "s1", "area": area}},
    }
    types = peak.script.DEFAULTS["types"]
    return {name: attempt(lambda bands=bands: peak.script.parse_bands(bands, types)) for name, bands in wrong.items()}


def hidden(rng: np.random.Generator, share: float, seconds: float) -> tuple[np.ndarray, Any]:
    """Return busy intervals of 1 ms, and a function that leaves those of a table's rows that lie outside."""
    busy = renewal.rows(rng, renewal.Renewal(share * 1000, 0.001), seconds, "busy")
    return busy, lambda table, column="time": table[sim.outside(table[column], busy)]


def case_photo_dead() -> Any:
    """3 % and 15 % of the time hidden: true ratio beside what is said."""
    said = {}
    for share in (0.03, 0.15, 0.6):
        truth = photo.Truth(10_000.0)
        events, peaks = photo.simulated(np.random.default_rng(8), truth)
        busy, seen = hidden(np.random.default_rng(9), share, truth.seconds)
        result = photo_run((seen(events, "s2_center_time"), seen(peaks)), truth.seconds, vetoes=busy)
        said[str(share)] = {"truth": photo.truths(truth)["area_ratio"], **result["results"]["area_ratio"]}
    return said


def case_peak_dead() -> Any:
    """60 % of the time hidden; 10 Hz of each kind."""
    busy, seen = hidden(np.random.default_rng(9), 0.6, 300.0)
    return peak_run(seen(peaks_of(seconds=300.0)), 300.0, vetoes=busy)


def with_types(peaks: np.ndarray, **numbers: int) -> np.ndarray:
    """Return peaks of which every second S2 and S1 has another number."""
    changed = peaks.copy()
    for old, new in ((1, numbers["s1"]), (2, numbers["s2"])):
        changed["type"][np.flatnonzero(peaks["type"] == old)[::2]] = new
    return changed


def case_photo_types() -> Any:
    events, peaks = delayed()
    return [photo_run((events, with_types(peaks, s1=3, s2=number))) for number in (2, 20, 22, 7)]


def case_peak_types() -> Any:
    return {number: peak_run(with_types(peaks_of(), s1=3, s2=number)) for number in (2, 20, 22, 7)}


def case_types_settings() -> Any:
    wrong = {"empty": {}, "text": {"s1": ["1"]}, "twice": {"s1": [1], "s2": [1, 2]}, "no s2": {"s1": [1]}}
    return {name: photo_run(delayed(20), types=types)["raised"] for name, types in wrong.items()}


def case_unknown_veto() -> Any:
    gate = np.zeros(1, renewal.ROWS)
    gate["endtime"], gate["veto_type"] = 10**9, "gate"
    return {"photo": photo_run(delayed(), vetoes=gate)["results"], "peak": peak_run(peaks_of(), vetoes=gate)["results"]}


if __name__ == "__main__":
    cases.print_all(globals())
