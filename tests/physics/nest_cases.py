"""kr83m on decays whose charge follows NEST through a field that is not uniform, as JSON; gets the yields as JSON."""

import json
import sys
from typing import Any

import numpy as np
import simulation as sim
import study

sys.modules.setdefault("study", study)
kr83m = study.load_truths("kr83m")
G2 = 16.45  # PE per electron
FIELD = (20.0, 25.0)  # V/cm at drift time 0 and at 2.2 ms
RUNS, TRUTH = 8, sim.KrTruth(decays=12_000)
JUDGED = ("charge_yield_41_6_double", "charge_yield_41_6_merged", "inverse_lifetime_double", "inverse_lifetime_merged")


def charge_yield(krypton: dict[str, dict[str, float]], time_ms: np.ndarray) -> np.ndarray:
    """Return the charge yield (PE/keV) where the field rises linearly with the drift time."""
    fields = np.array([float(field) for field in krypton])
    yields = np.array([one["charge_41_6"] for one in krypton.values()]) * G2
    return np.asarray(np.interp(np.interp(time_ms, (0, 2.2), FIELD), fields, yields))


def pulls(krypton: dict[str, dict[str, float]], with_map: bool) -> Any:
    """Return pulls of all runs by variable: by the error, and by the error with the systematic one."""
    times = np.linspace(0, 2.2, 12)
    at_zero = float(charge_yield(krypton, np.zeros(1))[0])
    relative = charge_yield(krypton, times) / at_zero
    settings = dict(kr83m.DEFAULTS)
    if with_map:
        settings["charge_yield_map"] = np.column_stack([times, relative]).tolist()
    true = {name: at_zero if "charge" in name else 1 / TRUTH.lifetime for name in JUDGED}
    found: dict[str, list[list[float]]] = {name: [] for name in JUDGED}
    for number in range(RUNS):
        events = sim.kr83m_events(np.random.default_rng([17, number]), TRUTH)
        scale = charge_yield(krypton, events["drift_time"] / 1e6) / TRUTH.charge_yield
        for column in ("s2_a_area", "cs2_w_bias_xy"):
            events[column] *= scale
        for result in kr83m.analysed(events, settings):
            if (name := result["variable_name"]) in JUDGED:
                off, error = result["variable_value"] - true[name], result["error"]
                whole = float(np.hypot(error, result["data"].get("systematic_error", 0.0)))
                found[name].append([off / error, off / whole])
    return {name: np.transpose(rows).tolist() for name, rows in found.items()}


if __name__ == "__main__":
    krypton = json.loads(sys.argv[1])["krypton"]
    print(json.dumps({"map": pulls(krypton, True), "none": pulls(krypton, False)}))
