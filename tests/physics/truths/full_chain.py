"""Truths of the mini-XENONnT, through straxen's own plugins and the scripts themselves."""

import contextlib
import io
import json
import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import analysis_scripts
import numpy as np
from numpy.random import Generator
from study import Known, Results, Scenario

from xomlib.documents.job_description import ContextSpec, JobDescription, JobKey
from xomlib.job import begin
from xomphysics.reading.intervals import merge

ROOT = Path(__file__).resolve().parents[3]
RUN = "052894"
START = datetime(2026, 10, 1, tzinfo=UTC)
DECAYS = 8000
SPECS: dict[str, Any] = {"kr_rate": 8.0, "electron_lifetime": 13.0, "charge_yield": 155.0}
# What the analyses do not share: of each of these they give the same numbers, or flag them.
ODD: dict[str, Any] = {"train_rate": 1.0, "afterpulse_share": 0.2, "map_types": 0.5, "last_veto": 60.0}
TYPES = ("peak_basics", "event_basics", "event_info", "distinct_channels", "veto_intervals", "event_info_double")
IN_WINDOW = 0.983 * 0.995  # of the delayed electrons' area: from 50 µs on; one electron within 15 to 53 PE
CHARGE_MAP = 0.0446  # spread of the map of charge over the plane, which areas of single electrons are not corrected for
IN_VOLUME = (60.73 / 66.4) ** 2 * (134.24 - 13.61) / 148  # share of the alphas in the volume of `alpha`
LENGTH, HEIGHT, GATE = 1486.515, 1480.0, 1.7  # mm, the setting of `drift` and the detector's; us
ANALYSES = ("kr83m", "photo_ionization", "peak_rate", "single_electron", "event_rate", "alpha", "drift")
# By how much straxen's maps are wrong, and what else the analyses do not know: right, flagged, or no number.
DEPARTURES: dict[str, dict[str, float]] = {
    "field": {"field_distortion": 0.03},
    "charge yield": {"charge_yield_change": 0.04},
    "light map": {"wrong_light_map": 0.02},
    "charge map": {"wrong_charge_map": 0.05},
    "accidentals": {"accidental_share": 0.004},
    "gains": {"gain_drift": 0.02},
}


@cache
def place() -> tuple[Path, tempfile.TemporaryDirectory]:
    """Return a folder of this process, which ends with it."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / "work" / "cache" / "numba"))
    folder = tempfile.TemporaryDirectory(prefix="full-chain-")
    return Path(folder.name), folder


def made(rng: Generator, folder: Path, specs: dict[str, Any] = SPECS, decays: int = DECAYS) -> dict[str, Any]:
    """Make the data of one Kr83m run; return its truth."""
    from mini_xenonnt import truth
    from mini_xenonnt.context import mini_xenonnt

    end = START + timedelta(seconds=decays / specs["kr_rate"])
    document = truth.of_run(specs, RUN, "tpc_kr83m", START, end, START, int(rng.integers(2**31)))
    (folder / "truth").mkdir()
    (folder / "truth" / f"{RUN}.json").write_text(json.dumps(document))
    st = mini_xenonnt(folder / "data", folder / "truth", readonly=False)
    st.storage[0].take_only = TYPES
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for target in TYPES[-2:]:
            st.make(RUN, target, save=TYPES, processor="single_thread")
    return document


def analysed(analysis: str, folder: Path) -> Results:
    """Return the results of a script's ``main`` as keywords of `xomlib.Xomresult`."""
    context = ContextSpec("mini_xenonnt.context:mini_xenonnt", {"output_folder": str(folder / "data")})
    module = analysis_scripts.load(analysis)
    begun = begin(JobDescription(JobKey(analysis, "v1", RUN), str(module.__file__), context))
    with contextlib.redirect_stdout(io.StringIO()):
        module.main(RUN)
    names = {"variable": "variable_name", "value": "variable_value"}
    return [
        {names.get(key, key): value for key, value in result.items() if value is not None} for result in begun.results
    ]


def vetoed(document: dict[str, Any]) -> int:
    """Return the time (ns) in which nothing is recorded."""
    from mini_xenonnt.simulation import vetoes

    both = [vetoes.intervals_of(document, kind) for kind in vetoes.INTERVALS]
    starts, ends = (np.concatenate(part) for part in zip(*both, strict=True))
    return merge(starts, ends, document["start_ns"], document["end_ns"]).total


def truths(document: dict[str, Any]) -> dict[str, float]:
    """Return the true value of the variables."""
    true = {
        f"light_yield_{suffix}_{kind}": document[f"light_yield_{suffix}"]
        for suffix in ("9_4", "32_2", "41_6")
        for kind in ("mean", "gauss")
    }
    for sample, name in (("double", "charge_yield"), ("merged", "charge_yield_merged")):
        true[f"charge_yield_41_6_{sample}"] = document[name]
        true[f"inverse_lifetime_{sample}"] = 1 / document["electron_lifetime"]
    true["gain"] = document["single_electron_gain"]
    tilt = document["wrong_charge_map"] / 2  # spread over the plane
    true["spread"] = float(np.hypot(document["single_electron_spread"], np.hypot(CHARGE_MAP, tilt)))
    true["area_ratio"] = document["photo_ionization_ratio"] * IN_WINDOW
    true["live_time"] = (document["end_ns"] - document["start_ns"] - vetoed(document)) / 1e9
    true |= {f"light_yield_{name}": document["alpha_light_yield"] for name in ("rn222", "po218")}
    true |= {f"rate_{name}": IN_VOLUME * document[f"{name}_rate"] for name in ("rn222", "po218")}
    true |= {"charge_yield": document["alpha_charge_yield"], "inverse_lifetime": 1 / document["electron_lifetime"]}
    true["drift_velocity"] = document["drift_velocity"] * LENGTH / HEIGHT
    true |= {"gate_drift_time": GATE, "cathode_drift_time": GATE + HEIGHT / document["drift_velocity"]}
    if not document["afterpulse_share"]:  # afterpulses are small S1s, too
        true["rate_s1_small"] = document["lone_s1_rate"]
    return true | {"rate_unknown": 0.9 * document["noise_rate"]}


def run(rng: Generator, odd: dict[str, Any] | None = None, decays: int = DECAYS) -> tuple[Results, dict[str, float]]:
    """Make one run and analyse it."""
    folder = Path(tempfile.mkdtemp(dir=place()[0]))
    try:
        document = made(rng, folder, SPECS | (odd or {}), decays)
        return [result for name in ANALYSES for result in analysed(name, folder)], truths(document)
    finally:
        shutil.rmtree(folder)


EXACT = {"live_time": Known("vetoes of a fixed length: their rounding cancels", 0.0, 0.0)}
S3 = "straxen builds no event around a peak of type 3, here an afterpulse behind the S1"
LEFT_OUT = {"rate_rn222": Known(S3, -1.5, 1.0), "rate_po218": Known(S3, -1.0, 1.0)}
MOVED = "a distorted field moves events within the map of light: 0.15 to 0.2 % less of it"
DISTORTED = {
    "light_yield_41_6_mean": Known(MOVED, -1.2, 1.0),
    "light_yield_41_6_gauss": Known(MOVED, -1.2, 1.0),
    "light_yield_po218": Known(MOVED, -1.0, 1.0),
}
LOST = "a charge yield that changes over the depth is taken for loss; systematic_error covers it"
CHANGES = {
    "inverse_lifetime_double": Known(LOST, -1.8, 1.0),
    "inverse_lifetime_merged": Known(LOST, -8.0, 1.0),
    "inverse_lifetime": Known(LOST, -3.0, 1.0),
}
KNOWN = {"charge yield": CHANGES, "field": DISTORTED}

SCENARIOS = [
    Scenario(
        "krypton",
        f"{DECAYS:,} decays at 8 Hz, background at 1.2 Hz, all detector effects",
        run,
        runs=16,
        fast_runs=0,
        known=EXACT,
    ),
    Scenario(
        "odd",
        "the same with trains of electrons, afterpulses, types of straxen's map, and a veto that outlasts the run",
        lambda rng: run(rng, ODD),
        runs=16,
        fast_runs=0,
        flags=True,
        known=EXACT | LEFT_OUT,
    ),
    *(
        Scenario(
            name,
            ", ".join(f"{key} {value:g}" for key, value in odd.items()),
            partial(run, odd=odd),
            runs=16,
            fast_runs=0,
            flags=True,
            known=EXACT | KNOWN.get(name, {}),
        )
        for name, odd in DEPARTURES.items()
    ),
]
