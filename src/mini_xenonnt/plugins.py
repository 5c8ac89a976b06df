"""strax plugins that replace everything below peaks and hitlets; all plugins above them are straxen's own."""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import strax
import straxen
from immutabledict import immutabledict

from mini_xenonnt import detector
from mini_xenonnt.simulation import alphas, background, departures, electrons, krypton, signals, vetoes

PEAKS_PER_CHUNK = 15_000
WAVEFORMS = ("data", "saturated_channel")
PEAK_FIELDS = [
    *strax.peak_dtype(n_channels=detector.N_PMTS, store_data_top=False, store_data_start=False),
    (("Peak is merged from peaklets", "merged"), bool),
]
POSITION_FIELDS = [
    *strax.time_fields,
    (("Reconstructed CNF S2 X position (cm), uncorrected", "x_cnf"), np.float32),
    (("Reconstructed CNF S2 Y position (cm), uncorrected", "y_cnf"), np.float32),
]


class TruthSource(strax.Plugin):
    """A source plugin that simulates a run chunk by chunk from the run's truth file."""

    depends_on = ()
    parallel = False
    rechunk_on_save = True

    # No straxen.URLConfig: that takes a path that contains "cmt" or "xedocs" for the name of a correction.
    mini_truth_folder = strax.Config(
        default=None, track=False, infer_type=False, help="Folder with one <run_id>.json per run, needed to make data"
    )

    def setup(self) -> None:
        """Read the truth of the run.

        Raises
        ------
        strax.DataNotAvailable
            If the context has no truth folder, or the run no truth in it.
        """
        if self.mini_truth_folder is None:
            raise strax.DataNotAvailable(
                f"{self.provides[0]} of run {self.run_id} cannot be simulated: this mini-XENONnT context only reads "
                "(give truth_folder= to make data)"
            )
        path = Path(self.mini_truth_folder) / f"{self.run_id}.json"
        if not path.is_file():
            raise strax.DataNotAvailable(f"run {self.run_id} has no truth file {path}")
        self.truth: dict[str, Any] = json.loads(path.read_text())
        start, end = self.truth["start_ns"], self.truth["end_ns"]
        n = max(1, int(np.ceil(self.expected_rate() * (end - start) / 1e9 / PEAKS_PER_CHUNK)))
        self.edges = np.linspace(0, end - start, n + 1).astype(np.int64) + start

    def expected_rate(self) -> float:
        """Return the approximate number of rows per second; it determines the number of chunks."""
        return 0.0

    def source_finished(self) -> bool:
        """Return True: no more data will follow."""
        return True

    def is_ready(self, chunk_i: int) -> bool:
        """Return whether the chunk of this number exists."""
        return chunk_i < len(self.edges) - 1

    def window(self, chunk_i: int) -> tuple[int, int]:
        """Return start and end of a chunk in ns since the epoch."""
        return int(self.edges[chunk_i]), int(self.edges[chunk_i + 1])

    def rng(self, chunk_i: int) -> np.random.Generator:
        """Return the random generator of one chunk of this source: seed, run, source and chunk decide everything."""
        name = zlib.crc32(type(self).__name__.encode())
        return np.random.default_rng([self.truth["seed"], int(self.run_id), name, chunk_i])


class MiniPeaks(TruthSource):
    """Peaks and their positions in the TPC."""

    __version__ = "2.0.0"
    provides = ("peaks", "peak_positions_cnf")
    data_kind = immutabledict(peaks="peaks", peak_positions_cnf="peaks")
    save_when = immutabledict(peaks=strax.SaveWhen.EXPLICIT, peak_positions_cnf=strax.SaveWhen.EXPLICIT)
    compressor = "zstd"

    def infer_dtype(self) -> dict[str, np.dtype]:
        """Return the dtypes of strax's peaks (without waveforms) and of straxen's CNF positions."""
        peaks = [field for field in PEAK_FIELDS if field[0][1] not in WAVEFORMS]
        return {"peaks": np.dtype(peaks), "peak_positions_cnf": np.dtype(POSITION_FIELDS)}

    def expected_rate(self) -> float:
        """Return the rate of peaks in Hz."""
        t = self.truth
        per_event = 3 + 1e4 * t["photo_ionization_ratio"] / t["single_electron_gain"]
        lone = t["lone_electron_rate"] + t["lone_s1_rate"] + t["noise_rate"]
        return per_event * (t["kr_rate"] + t["event_rate"] + t["rn222_rate"] + t["po218_rate"]) + lone

    def compute(self, chunk_i: int) -> dict[str, strax.Chunk]:
        """Simulate one chunk."""
        rng, (start, end) = self.rng(chunk_i), self.window(chunk_i)
        events = np.concatenate(
            [part(rng, self.truth, start, end) for part in (krypton.decays, background.single_sites, alphas.decays)]
        )
        small = [electrons.delayed(rng, self.truth, events), electrons.lone(rng, self.truth, start, end)]
        small.append(electrons.afterpulses(rng, self.truth, events))
        small.append(departures.accidentals(rng, self.truth, events))
        found = signals.piled_up(np.concatenate([events, *small]))
        found = found[(found["start"] >= start) & (found["end"] <= end)]
        found = found[~vetoes.hidden(self.truth, found["center"])]
        found["area"] *= departures.gain(self.truth, found["center"])
        found = signals.with_map_types(rng, found, self.truth.get("map_types", 0.0))
        peaks = to_peaks(found, signals.light_pattern(rng, found), self.dtype["peaks"])
        rows = to_positions(found, peaks, self.dtype["peak_positions_cnf"])
        return {
            "peaks": self.chunk(start=start, end=end, data=peaks, data_type="peaks"),
            "peak_positions_cnf": self.chunk(start=start, end=end, data=rows, data_type="peak_positions_cnf"),
        }


def to_peaks(found: np.ndarray, pattern: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return strax peaks.

    Parameters
    ----------
    found : numpy.ndarray
        Disjoint signals of dtype `signals.SIGNAL`, shape (n,).
    pattern : numpy.ndarray
        Area per PMT, shape (n, 494).
    dtype : numpy.dtype
        The dtype of the peaks.
    """
    peaks = np.zeros(len(found), dtype)
    duration = found["end"] - found["start"]
    peaks["time"], peaks["center_time"] = found["start"], found["center"]
    peaks["dt"] = signals.SAMPLE * np.ceil(duration / (200 * signals.SAMPLE))
    peaks["length"] = np.maximum(duration // peaks["dt"], 1)
    peaks["median_time"] = found["center"] - found["start"]
    peaks["area"], peaks["type"], peaks["area_per_channel"] = found["area"], found["kind"], pattern
    peaks["area_fraction_top"] = pattern[:, : detector.N_TOP_PMTS].sum(axis=1) / found["area"]
    peaks["n_hits"] = np.maximum(np.rint(found["area"]), 2)
    peaks["tight_coincidence"] = np.minimum(peaks["n_hits"], detector.N_PMTS)
    peaks["width"][:, 5], peaks["width"][:, 9] = found["width"], 2.44 * found["width"]
    peaks["area_decile_from_midpoint"][:, 1] = -0.95 * found["width"]
    return peaks


def to_positions(found: np.ndarray, peaks: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the reconstructed positions that belong to `peaks`, NaN where there are none."""
    rows = np.zeros(len(found), dtype)
    rows["time"], rows["endtime"] = peaks["time"], strax.endtime(peaks)
    rows["x_cnf"], rows["y_cnf"] = found["x"], found["y"]
    return rows


class _MiniHitlets(TruthSource):
    """Common base of the plugins of the veto detectors."""

    __version__ = "2.0.0"
    dtype = strax.hitlet_dtype()
    save_when = strax.SaveWhen.EXPLICIT
    detector: vetoes.Detector

    def expected_rate(self) -> float:
        """Return a tenth of the rate of hitlets, since a hitlet is that much smaller than a peak."""
        rate, dark_rate = (self.detector.of(self.truth, name) for name in ("rate", "dark_rate"))
        return (rate * (vetoes.MIN_HITS + vetoes.MEAN_FURTHER_HITS) + dark_rate) / 10

    def compute(self, chunk_i: int) -> strax.Chunk:
        """Simulate one chunk."""
        start, end = self.window(chunk_i)
        found = vetoes.hitlets(self.rng(chunk_i), self.truth, self.detector, start, end)
        hitlets = np.zeros(len(found), self.dtype)
        for name in ("time", "channel", "area"):
            hitlets[name] = found[name]
        hitlets["dt"], hitlets["length"], hitlets["time_amplitude"] = 2, 10, 4
        hitlets["amplitude"] = found["area"] / 5
        return self.chunk(start=start, end=end, data=strax.sort_by_time(hitlets))


def _hitlets(ending: str) -> type[_MiniHitlets]:
    """Return the plugin of one of `vetoes.DETECTORS`."""
    name = f"hitlets_{ending}"
    own = {"provides": name, "data_kind": name, "detector": vetoes.DETECTORS[ending], "__module__": __name__}
    return type(f"MiniHitlets{ending.upper()}", (_MiniHitlets,), own)


MiniHitletsNV, MiniHitletsMV = _hitlets("nv"), _hitlets("mv")


class MiniAqmonHits(TruthSource):
    """Start and stop signals of the busy veto and of the high-energy veto, on their acquisition monitor channels."""

    __version__ = "2.0.0"
    provides = "aqmon_hits"
    data_kind = "aqmon_hits"
    dtype = strax.hit_dtype
    save_when = strax.SaveWhen.EXPLICIT

    def compute(self, chunk_i: int) -> strax.Chunk:
        """Simulate the run: always one chunk, so that no interval is cut."""
        start, end = self.window(chunk_i)
        hits = []
        for kind in vetoes.INTERVALS:
            for times, edge in zip(vetoes.intervals_of(self.truth, kind), ("START", "STOP"), strict=True):
                times = times[times < end]  # the signal of a veto that ends after the run is in no data
                hit = np.zeros(len(times), self.dtype)
                hit["time"], hit["dt"], hit["length"] = times, 10, 1
                hit["channel"] = straxen.AqmonChannels[f"{kind}_{edge}".upper()]
                hits.append(hit)
        return self.chunk(start=start, end=end, data=strax.sort_by_time(np.concatenate(hits)))
