"""The strax context of the mini-XENONnT: straxen's own, with source plugins and correction maps by formula."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import strax
import straxen

from mini_xenonnt import detector
from mini_xenonnt.plugins import MiniAqmonHits, MiniHitletsMV, MiniHitletsNV, MiniPeaks
from mini_xenonnt.pmt_hits import MiniLoneHits
from mini_xenonnt.simulation import maps, vetoes

SOURCES = ("peaks", "peak_positions_cnf", "hitlets_nv", "hitlets_mv", "aqmon_hits", "lone_hits")
"""Data types that only the simulation makes."""
UNUSED_OPTIONS = ("gain_model_mv",)
"""Options of straxen's default configuration that no plugin here has; strax would warn of them."""


class ConstantMap:
    """A correction map with one value everywhere, NaN where a coordinate is missing; called as straxen's maps are."""

    map_names = ("map",)

    def __init__(self, value: float) -> None:
        self.value = value

    def __call__(self, points: np.ndarray, map_name: str = "map") -> np.ndarray:
        """Return the value for points of shape (n, dimensions), as an array of shape (n,)."""
        points = np.asarray(points, dtype=float)
        return np.where(np.isfinite(points).all(axis=-1), self.value, np.nan)


@straxen.URLConfig.register("mini-constant-map")
def constant_map(value: float, **_: Any) -> ConstantMap:
    """Return the map behind an option such as "mini-constant-map://1"."""
    return ConstantMap(float(value))


class FormulaMap:
    """A correction map of `maps.MAPS`; called as straxen's maps are."""

    map_names = ("map",)

    def __init__(self, name: str) -> None:
        self.formula = maps.MAPS[name]

    def __call__(self, points: np.ndarray, map_name: str = "map") -> np.ndarray:
        """Return the values for points of shape (n, dimensions), as an array of shape (n,)."""
        return self.formula(points)


@straxen.URLConfig.register("mini-map")
def formula_map(name: str, **_: Any) -> FormulaMap:
    """Return the map behind an option such as "mini-map://light": no file, so no path in the lineage."""
    return FormulaMap(name)


@straxen.URLConfig.register("mini-undistorted")
def undistorted_map(distortion: float, **_: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return the map behind the option "mini-undistorted://0.03": straxen's fdc_map for a field_distortion of 0.03."""
    return lambda points: maps.undistorted(points, float(distortion))


@straxen.URLConfig.register("mini-nveto-pmts")
def nveto_pmts(_: str, **options: Any) -> pd.DataFrame:
    """Return the positions of the neutron veto's PMTs behind the option "mini-nveto-pmts://"."""
    return pd.DataFrame(vetoes.pmts())


DETECTOR_OPTIONS = {
    "nveto_pmt_position_map": "mini-nveto-pmts://",
    "electron_drift_velocity": detector.DRIFT_VELOCITY,
    "electron_drift_time_gate": detector.GATE_DRIFT_TIME,
    "elife": detector.NOMINAL_LIFETIME,
    "fdc_map": "mini-constant-map://0",
    "z_bias_map": "mini-constant-map://0",
    "s1_xyz_map": "mini-map://light",
    "s2_xy_map": "mini-map://charge",
    "s1_bias_map": "mini-constant-map://0",
    "s2_bias_map": "mini-constant-map://0",
    "avg_se_gain": detector.SINGLE_ELECTRON_GAIN,
    "se_gain": detector.SINGLE_ELECTRON_GAIN,
    "rel_extraction_eff": 1.0,
    "rel_light_yield": 1.0,
    "g1": detector.G1,
    "g2": detector.G2,
    "event_info_function": "disabled",
    "v1495_config": {"firmware_version": 9},
}
"""Tracked options that would otherwise come from XENON's databases. None may depend on the machine."""


def mini_xenonnt(
    output_folder: str | Path = "work/mini/strax_data",
    truth_folder: str | Path | None = None,
    readonly: bool = True,
    **options: Any,
) -> strax.Context:
    """Return a strax context for the mini-XENONnT.

    Parameters
    ----------
    output_folder : str or Path
        Folder with strax data, the only storage of the context.
    truth_folder : str or Path, optional
        Folder with the truth of the runs. Only the simulation needs it; without it the source data types cannot
        be made, and a request for data that need them raises `strax.DataNotAvailable`.
    readonly : bool
        Never write into the storage.
    **options
        Context options (such as `forbid_creation_of`) that straxen's `xenonnt` takes.

    Returns
    -------
    strax.Context
        Its lineage hashes depend on neither folder, and on no machine.
    """
    given = strax.to_str_tuple(options.pop("forbid_creation_of", ()))
    st = _offline_xenonnt(**options)
    st.storage = [
        strax.DataDirectory(str(output_folder), readonly=readonly, provide_run_metadata=False, deep_scan=True)
    ]
    st.register([MiniPeaks, MiniHitletsNV, MiniHitletsMV, MiniAqmonHits, MiniLoneHits])
    st.set_config(DETECTOR_OPTIONS)
    if truth_folder is None:
        given += SOURCES
    else:
        st.set_config({"mini_truth_folder": str(truth_folder)})
    st.set_context_config({"forbid_creation_of": (*st.context_config["forbid_creation_of"], *given)})
    return st


def _offline_xenonnt(**options: Any) -> strax.Context:
    """Return straxen's context without databases and without storage."""
    default = straxen.contexts.common_config_vanilla
    with _without_warning("Provides of multi-output plugins overlap"):
        return straxen.contexts.xenonnt(
            _database_init=False,
            output_folder="",
            _auto_append_rucio_local=False,
            _raw_paths=[],
            _processed_paths=[],
            _vanilla=True,
            config={name: value for name, value in default.items() if name not in UNUSED_OPTIONS},
            check_available=(),
            storage=[],  # else strax makes a folder ./strax_data
            **options,
        )


@contextmanager
def _without_warning(start: str) -> Iterator[None]:
    """Filter one harmless warning of strax, by its first words."""

    def wanted(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(start)

    log = logging.getLogger("strax")
    log.addFilter(wanted)
    try:
        yield
    finally:
        log.removeFilter(wanted)
