"""The columns of straxen that hold the corrected areas: their names and meaning changed with its versions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from xomlib.versions import version_of

GAIN_CORRECTED = "gain_corrected"
"""Setting ``s2_column``: S2s corrected for the gain and the extraction of electrons, each in straxen's regions AB and
CD of the plane, but not for the electron lifetime."""


@dataclass(frozen=True)
class Columns:
    """Names in ``event_info_double``: areas of both S1s, of the S2, and of the S2 corrected for the gain by region."""

    s1: tuple[str, str]
    s2: str
    s2_gain_corrected: str


PRESETS: tuple[tuple[tuple[int, int], Columns], ...] = (
    # Corrected for the position, neither for the electron lifetime nor for anything else that drifts with time.
    ((4, 0), Columns(("cs1_a_wo_timecorr", "cs1_b_wo_timecorr"), "cs2_w_bias_xy", "cs2_w_bias_xy_segee")),
    # S2s are corrected for electron gain and extraction too: there is no column without these and without the lifetime.
    ((1, 8), Columns(("cs1_a_wo_timecorr", "cs1_b_wo_timecorr"), "cs2_a_wo_elifecorr", "cs2_a_wo_elifecorr")),
    # S1s have no correction with time yet.
    ((0, 0), Columns(("cs1_a", "cs1_b"), "cs2_a_wo_elifecorr", "cs2_a_wo_elifecorr")),
)
"""Lowest version of straxen to columns, the newest first."""


def preset(version: str | None) -> Columns:
    """Return the columns of a version of straxen, such as 3.2.1; those of the newest if it is not known."""
    numbers = re.match(r"(\d+)\.(\d+)", version or "")
    if numbers is None:
        return PRESETS[0][1]
    return next(columns for lowest, columns in PRESETS if tuple(map(int, numbers.groups())) >= lowest)


def chosen(settings: Mapping[str, Any]) -> Columns:
    """Return the columns of the settings; what is null there is that of the installed straxen."""
    usual = preset(_installed())
    s1: Sequence[str] = settings["s1_columns"] or usual.s1
    s2 = settings["s2_column"] or usual.s2
    return Columns((s1[0], s1[1]), usual.s2_gain_corrected if s2 == GAIN_CORRECTED else s2, usual.s2_gain_corrected)


@cache
def _installed() -> str | None:
    return version_of("straxen")
