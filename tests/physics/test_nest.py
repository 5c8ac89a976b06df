"""Yields against field and energy from NEST, a model that shares nothing with ours, in an environment of its own."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mini_xenonnt import detector, truth
from mini_xenonnt.simulation.background import charge_share

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

HERE = Path(__file__).parent
NESTPY = "nestpy==2.1.3"
WORK_FUNCTION = 13.7e-3  # keV per quantum


@pytest.fixture(scope="session")
def nest(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what `nest_yields.py` prints, under an environment that is made for it."""
    if sys.version_info >= (3, 13):
        pytest.skip("nestpy is tried with Python 3.11 and 3.12 only")
    place = tmp_path_factory.mktemp("nestpy")
    python = place / "bin" / "python"
    for words in ([sys.executable, "-m", "venv", place], [python, "-m", "pip", "install", "-q", NESTPY]):
        made = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, timeout=600)
        if made.returncode:
            pytest.skip(f"{NESTPY} cannot be installed here: {(made.stderr.splitlines() or ['no reason'])[-1]}")
    done = subprocess.run(
        [str(python), str(HERE / "nest_yields.py")], capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def cases(nest: Any, run_script: Callable[..., Any]) -> Any:
    """Return what `nest_cases.py` prints."""
    return run_script("nest_cases", json.dumps(nest))


def start_of(name: str) -> float:
    default = truth.QUANTITIES[name].default
    return float(default["start"] if isinstance(default, dict) else default)


def test_the_default_truths_are_within_ten_percent_of_nest(nest: Any) -> None:
    usual = nest["krypton"]["22.9"]
    assert start_of("charge_yield") == pytest.approx(usual["charge_41_6"] * detector.G2, rel=0.1)
    assert start_of("light_yield_32_2") == pytest.approx(usual["light_32_2"] * detector.G1, rel=0.1)


def test_the_charge_yield_changes_with_the_field_as_the_systematic_error_takes_for_granted(nest: Any) -> None:
    low, high = (nest["krypton"][field]["charge_41_6"] for field in ("20.0", "25.0"))
    power = math.log(high / low) / math.log(25 / 20)
    assert power == pytest.approx(0.28, abs=0.02)
    assert 1.2**power - 1 == pytest.approx(0.05, abs=0.005)  # `charge_yield_change`: a field that changes by 20 %


def test_light_and_charge_share_the_quanta_at_all_energies(nest: Any) -> None:
    quanta = [(one["light"] + one["charge"]) * WORK_FUNCTION for one in nest["electrons"].values()]
    assert quanta == pytest.approx([1.0] * len(quanta), abs=0.06)


def test_the_share_of_charge_of_the_background_falls_with_energy_as_in_nest(nest: Any) -> None:
    """Ours is a smooth stand-in: it falls as NEST's does, within a factor of 1.6."""
    energies = np.array([float(energy) for energy in nest["electrons"]])
    shares = np.array([one["charge"] / (one["charge"] + one["light"]) for one in nest["electrons"].values()])
    assert (np.diff(shares) < 0.01).all()
    assert (np.abs(np.log(charge_share(energies) / shares)) < math.log(1.6)).all()


def test_a_map_from_nest_gives_yield_and_lifetime_back_in_a_field_that_is_not_uniform(cases: Any) -> None:
    """From 20 to 25 V/cm over the depth."""
    for name, (by_error, _) in cases["map"].items():
        assert abs(np.mean(by_error)) < 3.5 / len(by_error) ** 0.5, name
        assert max(map(abs, by_error)) < 4, name


def test_without_a_map_the_systematic_error_covers_such_a_field(cases: Any) -> None:
    for name, (by_error, with_systematic) in cases["none"].items():
        assert max(map(abs, with_systematic)) < 3, name
        if name == "inverse_lifetime_merged":
            assert min(map(abs, by_error)) > 3  # what the statistical error alone does not cover
