"""The truth of each run: constants, per-run values or functions of time. Standard library only."""

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mini_xenonnt import detector

Spec = Any
"""A number, {"start": .., "slope_per_day": .., "step": {"at": .., "by": ..}}, or {run id: spec, "default": spec}."""

_FUNCTION_KEYS = {"start", "slope_per_day", "step"}


class TruthError(ValueError):
    """A truth that cannot be used; the message is one sentence with the place and the value."""


@dataclass(frozen=True)
class Quantity:
    """One true quantity: its unit, default and meaning."""

    unit: str
    default: Spec
    meaning: str


QUANTITIES: dict[str, Quantity] = {
    "light_yield_9_4": Quantity("PE/keV", {"start": 10.6, "slope_per_day": -0.006}, "S1 area over energy at 9.4 keV"),
    "light_yield_32_2": Quantity("PE/keV", {"start": 9.4, "slope_per_day": -0.005}, "S1 area over energy at 32.2 keV"),
    "charge_yield": Quantity(
        "PE/keV",
        {"start": 155.0, "slope_per_day": 0.05},
        "S2 area over energy at 41.6 keV, before the loss of electrons",
    ),
    "merged_recombination": Quantity("1", 0.01, "share of the electrons that give light instead if the S1s are one"),
    "response_skewness": Quantity("1", 0.0, "skewness of the areas of S1s and S2s of events"),
    "electron_lifetime": Quantity(
        "ms", {"start": 13.0, "slope_per_day": 0.07}, "attenuation time of drifting electrons"
    ),
    "drift_velocity": Quantity(
        "mm/us", {"start": 0.675, "slope_per_day": -2e-5}, "of electrons; straxen takes that of the start for all runs"
    ),
    "kr_rate": Quantity("Hz", 8.0, "Kr83m decays; zero unless the run mode is tpc_kr83m"),
    "event_rate": Quantity(
        "Hz", {"start": 1.2, "slope_per_day": 0.0, "step": {"at": 35, "by": 0.5}}, "single-site background events"
    ),
    "rn222_rate": Quantity("Hz", 0.25, "alphas of Rn-222; a hundred times those of XENONnT"),
    "po218_rate": Quantity("Hz", 0.22, "alphas of Po-218; a part of it leaves the volume before"),
    "alpha_light_yield": Quantity("PE/keV", {"start": 7.9, "slope_per_day": -0.004}, "S1 area over energy of alphas"),
    "alpha_charge_yield": Quantity("PE/keV", 8.2, "S2 area over energy of alphas, before the loss of electrons"),
    "photo_ionization_ratio": Quantity("1", 0.0095, "area of delayed electrons over the area of their S2"),
    "single_electron_gain": Quantity("PE", {"start": 31.2, "slope_per_day": 0.01}, "mean area of one electron"),
    "single_electron_spread": Quantity("1", 0.18, "relative spread of the area of one electron"),
    "noise_rate": Quantity("Hz", 20.0, "peaks of noise, 1 to 60 PE, one in ten of them taken for an S2"),
    "lone_electron_rate": Quantity("Hz", 10.0, "single electrons that belong to no S2"),
    "lone_s1_rate": Quantity("Hz", 5.0, "S1s of 2 to 10 PE that belong to no S2"),
    "train_rate": Quantity("Hz", 0.0, "trains of single electrons that belong to no S2"),
    "train_electrons": Quantity("1", 20.0, "mean number of electrons of a train, within some 20 ms"),
    "afterpulse_share": Quantity("1", 0.0, "share of the S1s behind which an afterpulse of some PE is an S1 too"),
    "map_types": Quantity("1", 0.0, "share of the small S1s and S2s that have types of straxen's self-organizing map"),
    "accidental_share": Quantity("1", 0.0, "share of the S1s behind which a larger one follows by chance"),
    "field_distortion": Quantity("1", 0.0, "how much nearer the axis electrons from the cathode arrive, of the radius"),
    "charge_yield_change": Quantity("1", 0.0, "relative change of charge yields from gate to cathode"),
    "wrong_light_map": Quantity("1", 0.0, "amplitude over the depth that the correction of S1s lacks"),
    "wrong_charge_map": Quantity("1", 0.0, "tilt along y that the correction of S2s lacks"),
    "gain_drift": Quantity("1", 0.0, "relative change of all areas from the start to the end of the run"),
    "pmt_dark_rate": Quantity("Hz", 1.5, "single hits of one PMT of the TPC that belong to no peak"),
    "pmt_dead_channel": Quantity("1", {"start": 0, "step": {"at": 25, "by": 117}}, "PMT without such hits; 0: none"),
    "pmt_loud_channel": Quantity("1", 333, "PMT with many more of them; 0: none"),
    "pmt_loud_factor": Quantity("1", 40.0, "these over the single hits of another PMT"),
    "nveto_rate": Quantity("Hz", {"start": 100.0, "slope_per_day": 0.1}, "neutron-veto events"),
    "nveto_dark_rate": Quantity("Hz", 500.0, "single hits in the whole neutron veto"),
    "nveto_dead_channel": Quantity("1", {"start": 0, "step": {"at": 20, "by": 2017}}, "channel without hits; 0: none"),
    "nveto_loud_channel": Quantity("1", 2063, "channel with many more dark counts; 0: none"),
    "nveto_loud_factor": Quantity("1", 40.0, "these over the dark counts of another channel"),
    "muveto_rate": Quantity("Hz", 0.04, "muon-veto events"),
    "muveto_dark_rate": Quantity("Hz", 300.0, "single hits in the whole muon veto"),
    "muveto_dead_channel": Quantity("1", {"start": 0, "step": {"at": 30, "by": 1012}}, "channel without hits; 0: none"),
    "muveto_loud_channel": Quantity("1", 1050, "channel with many more dark counts; 0: none"),
    "muveto_loud_factor": Quantity("1", 40.0, "these over the dark counts of another channel"),
    "busy_rate": Quantity("Hz", {"start": 0.4, "slope_per_day": 0.004}, "busy intervals of the TPC's DAQ"),
    "busy_duration": Quantity("ms", 1.2, "length of a busy interval"),
    "hev_rate": Quantity("Hz", 0.1, "intervals of the high-energy veto"),
    "hev_duration": Quantity("ms", 10.0, "length of an interval of the high-energy veto"),
    "last_veto": Quantity(
        "s", 0.0, "time before the end of the run from which a high-energy veto lasts until after it"
    ),
    "chamber_pressure": Quantity("bar", {"start": 1.92, "slope_per_day": 0.0005}, "slow control: pressure"),
    "chamber_pressure_noise": Quantity("bar", 0.002, "scatter of its readings"),
    "xenon_temperature": Quantity(
        "K", {"start": 177.2, "slope_per_day": -0.002, "step": {"at": 40, "by": 0.3}}, "slow control: temperature"
    ),
    "xenon_temperature_noise": Quantity("K", 0.02, "scatter of its readings"),
    "liquid_level": Quantity("mm", {"start": 5.0, "slope_per_day": 0.001}, "slow control: height of the liquid"),
    "liquid_level_noise": Quantity("mm", 0.01, "scatter of its readings"),
    "liquid_level_gap": Quantity("s", 150.0, "time in every 900 s in which it is not read"),
}
SLOW_CONTROL = ("chamber_pressure", "xenon_temperature", "liquid_level")
"""Truths that are parameters of the slow control; each has a <name>_noise."""
_SIGNED = ("field_distortion", "charge_yield_change", "wrong_light_map", "wrong_charge_map", "gain_drift")
_POSITIVE = (
    "light_yield_9_4",
    "light_yield_32_2",
    "charge_yield",
    "electron_lifetime",
    "alpha_light_yield",
    "alpha_charge_yield",
    "drift_velocity",
    "single_electron_gain",
    "busy_duration",
    "hev_duration",
)


def read_specs(path: Path) -> dict[str, Spec]:
    """Read a file of truths, as `--truth` takes it.

    Raises
    ------
    TruthError
        If the file cannot be read, is not a JSON object, or fails `check_specs`.
    """
    try:
        specs: dict[str, Spec] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TruthError(f"truth file {path}: {error}") from error
    try:
        check_specs(specs)
    except TruthError as error:
        raise TruthError(f"truth file {path}: {error}") from error
    return specs


def check_specs(specs: Any) -> None:
    """Check the form of truths; this does not depend on the runs.

    Raises
    ------
    TruthError
        If a name is unknown or a specification has the wrong form.
    """
    if not isinstance(specs, dict):
        raise TruthError(f"expected an object of name: truth, found {specs!r}")
    for name, spec in specs.items():
        if name not in QUANTITIES:
            near = difflib.get_close_matches(name, QUANTITIES, n=1)
            raise TruthError(f"unknown truth {name!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
        _check_spec(name, spec)


def _check_spec(name: str, spec: Spec) -> None:
    if _is_number(spec):
        return
    if not isinstance(spec, dict) or not spec:
        raise TruthError(f"{name}: expected a number, a function of time or values per run, found {spec!r}")
    if set(spec) <= _FUNCTION_KEYS:
        _check_function(name, spec)
        return
    for key, value in spec.items():
        if key != "default" and not (len(key) == 6 and key.isdecimal()):
            raise TruthError(
                f"{name}: {key!r} is neither a six-digit run id, 'default' nor one of {sorted(_FUNCTION_KEYS)}"
            )
        if isinstance(value, dict) and not set(value) <= _FUNCTION_KEYS:
            raise TruthError(f"{name}.{key}: expected a number or a function of time, found {value!r}")
        _check_spec(f"{name}.{key}", value)


def _check_function(name: str, spec: dict[str, Any]) -> None:
    if not _is_number(spec.get("start")):
        raise TruthError(f"{name}: a function of time needs a number 'start', found {spec.get('start')!r}")
    if not _is_number(spec.get("slope_per_day", 0)):
        raise TruthError(f"{name}.slope_per_day: expected a number, found {spec['slope_per_day']!r}")
    step = spec.get("step")
    if step is None:
        return
    if not isinstance(step, dict) or set(step) != {"at", "by"} or not _is_number(step["by"]):
        raise TruthError(f"{name}.step: expected {{'at': days or ISO time, 'by': number}}, found {step!r}")
    if not _is_number(step["at"]):
        _step_time(name, step["at"])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _step_time(name: str, text: Any) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise TruthError(f"{name}.step.at: neither a number of days nor an ISO time: {text!r}") from error
    if when.tzinfo is None:
        raise TruthError(f"{name}.step.at: the time {text!r} has no time zone (write 2026-09-25T12:00:00Z)")
    return when


def evaluate(name: str, spec: Spec, run_id: str, when: datetime, origin: datetime) -> float:
    """Return the value of one truth for one run.

    Parameters
    ----------
    name : str
        One of `QUANTITIES`; decides the default and the allowed range.
    spec : Spec
        A checked specification (`check_specs`).
    when, origin : datetime
        Start of the run, and of the whole set: slopes and steps count from there.

    Raises
    ------
    TruthError
        If the value is negative, or zero where it must not be.
    """
    if isinstance(spec, dict) and not set(spec) <= _FUNCTION_KEYS:
        spec = spec.get(run_id, spec.get("default", QUANTITIES[name].default))
    value = _at(spec, when, origin) if isinstance(spec, dict) else float(spec)
    if (value < 0 and name not in _SIGNED) or (value == 0 and name in _POSITIVE):
        raise TruthError(f"{name} of run {run_id} would be {value:g} {QUANTITIES[name].unit}, which cannot be")
    return value


def _at(spec: Mapping[str, Any], when: datetime, origin: datetime) -> float:
    days = (when - origin) / timedelta(days=1)
    value = spec["start"] + spec.get("slope_per_day", 0.0) * days
    step = spec.get("step")
    if step:
        at = step["at"] if _is_number(step["at"]) else (_step_time("step", step["at"]) - origin) / timedelta(days=1)
        value += step["by"] if days >= at else 0.0
    return float(value)


def of_run(
    specs: Mapping[str, Spec], run_id: str, mode: str, start: datetime, end: datetime, origin: datetime, seed: int
) -> dict[str, Any]:
    """Return the content of a run's truth file.

    Parameters
    ----------
    specs : Mapping
        Own truths; all others have their defaults.
    mode : str
        Run mode; only `tpc_kr83m` has krypton.
    start, end, origin : datetime
        The run's window, and the start of the whole set.

    Returns
    -------
    dict
        The values of all `QUANTITIES`, quantities derived from them, and the parameters of the run for the simulation.
    """
    values = {
        name: evaluate(name, specs.get(name, quantity.default), run_id, start, origin)
        for name, quantity in QUANTITIES.items()
    }
    if mode != "tpc_kr83m":
        values["kr_rate"] = 0.0
    light = (
        values["light_yield_32_2"] * detector.KR_ENERGY_FIRST + values["light_yield_9_4"] * detector.KR_ENERGY_SECOND
    )
    recombined = values["merged_recombination"] * values["charge_yield"]
    return {
        "run_id": run_id,
        "mode": mode,
        "seed": seed,
        "start_ns": int(start.timestamp()) * 1_000_000_000,
        "end_ns": int(end.timestamp()) * 1_000_000_000,
        **values,
        "light_yield_41_6": light / detector.KR_ENERGY + recombined / detector.G2 * detector.G1,
        "charge_yield_merged": values["charge_yield"] - recombined,
        "busy_fraction": values["busy_rate"] * values["busy_duration"] / 1e3,
        "hev_fraction": values["hev_rate"] * values["hev_duration"] / 1e3,
        "slow_control": slow_control(specs, run_id, start, end, origin),
        "event_energy_min": detector.BACKGROUND_ENERGY_MIN,
        "event_energy_max": detector.BACKGROUND_ENERGY_MAX,
    }


def slow_control(
    specs: Mapping[str, Spec], run_id: str, start: datetime, end: datetime, origin: datetime
) -> dict[str, dict[str, float]]:
    """Return the true mean, slope per hour and scatter of the slow-control parameters of a run.

    Unlike other truths they change within the run; a step inside it is not in the slope.
    """
    found = {}
    for name in SLOW_CONTROL:
        spec = specs.get(name, QUANTITIES[name].default)
        first, middle = (evaluate(name, spec, run_id, when, origin) for when in (start, start + (end - start) / 2))
        hours = (end - start) / timedelta(hours=2)
        noise = evaluate(
            f"{name}_noise", specs.get(f"{name}_noise", QUANTITIES[f"{name}_noise"].default), run_id, start, origin
        )
        found[name] = {"mean": middle, "slope_per_hour": (middle - first) / hours if hours else 0.0, "spread": noise}
    return found


def to_text(values: Mapping[str, Any]) -> str:
    """Return the text of a truth file."""
    return json.dumps(values, indent=1) + "\n"
