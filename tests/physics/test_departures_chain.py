"""Where straxen's corrections are wrong by a known amount, results are right, or flagged, or not given."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

CASES = ("field", "charge yield", "light map", "charge map", "accidentals", "gains")
RADIUS = 66.4  # cm


@pytest.fixture(scope="session")
def found(run_script: Callable[..., Any], analysis_python: Path) -> Any:
    """Return what `departures_chain.py` prints."""
    return run_script("departures_chain", python=analysis_python)


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_by_a_known_amount_makes_no_number_wrong_that_is_not_flagged(found: Any, case: str) -> None:
    rows = found["rows"][case]
    given = [row for row in rows if row["insufficient"] is None]
    assert len(given) > 20
    good = [row for row in given if row["quality"] == "good"]
    far = [
        row
        for row in good
        if abs(row["variable_value"] - row["truth"]) > 3.7 * (row["error"] ** 2 + row["systematic"] ** 2) ** 0.5
    ]
    assert far == []


def test_straxens_map_corrects_a_distortion_of_the_field(found: Any) -> None:
    radii = found["radii"]
    assert radii["r_naive"] == pytest.approx(RADIUS * 0.995 * 0.955, rel=0.015)
    assert radii["r"] == pytest.approx(RADIUS * 0.995, rel=0.015)
