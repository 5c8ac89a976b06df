"""By how much straxen's corrections are wrong for the mini-XENONnT, where a truth asks for it."""

from typing import Any

import numpy as np
import pytest

from mini_xenonnt import detector
from mini_xenonnt.simulation import departures, maps, signals

START = 1_790_000_000_000_000_000
RUN = {"start_ns": START, "end_ns": START + 1000}


@pytest.fixture(scope="module")
def places() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return signals.positions(np.random.default_rng(1), 40_000)


def test_without_departures_everything_is_what_the_maps_have(places: Any) -> None:
    x, y, z = places
    assert (departures.extracted({}, x, y, z) == np.array([x, y])).all()
    assert (departures.light({}, x, y, z) == maps.light(np.array([x, y, z]).T)).all()
    assert (departures.charge({}, np.array([x, y]), z) == maps.charge(np.array([x, y]).T)).all()
    assert (departures.gain(RUN, np.array([START, START + 700])) == 1).all()
    assert not len(departures.accidentals(np.random.default_rng(1), {}, signals.s1(x, x, z)))


def test_electrons_from_the_cathode_arrive_nearer_the_axis() -> None:
    found = departures.extracted(
        {"field_distortion": 0.1}, np.full(3, 30.0), np.full(3, 40.0), np.array([0, -74, -148])
    )
    assert np.hypot(*found) == pytest.approx([50, 47.5, 45])


def test_the_correction_of_a_distortion_gives_the_radius_back(places: Any) -> None:
    x, y, z = places
    seen = departures.extracted({"field_distortion": 0.1}, x, y, z)
    added = maps.undistorted(np.array([*seen, z]).T, 0.1)
    assert np.hypot(*seen) + added == pytest.approx(np.hypot(x, y))


def test_a_wrong_map_of_light_is_a_cosine_over_the_depth_with_the_mean_zero(places: Any) -> None:
    ratio = departures.light({"wrong_light_map": 0.03}, *places) / departures.light({}, *places)
    assert ratio.mean() == pytest.approx(1, abs=5e-4)
    assert (ratio.min(), ratio.max()) == pytest.approx((0.97, 1.03), abs=1e-3)


def test_a_wrong_map_of_charge_is_a_tilt_with_the_mean_zero(places: Any) -> None:
    place = np.array(places[:2])
    ratio = departures.charge({"wrong_charge_map": 0.03}, place) / departures.charge({}, place)
    assert ratio.mean() == pytest.approx(1, abs=5e-4)
    assert ratio == pytest.approx(1 + 0.03 * place[1] / detector.RADIUS)


def test_the_charge_yield_changes_from_gate_to_cathode() -> None:
    place, z = np.zeros((2, 3)), np.array([0, -74, -148])
    ratio = departures.charge({"charge_yield_change": -0.04}, place, z) / departures.charge({}, place, z)
    assert ratio == pytest.approx([1, 0.98, 0.96])


def test_gains_drift_about_their_mean() -> None:
    found = departures.gain({**RUN, "gain_drift": 0.02}, START + np.array([0, 500, 1000]))
    assert found == pytest.approx([0.99, 1, 1.01])


def test_accidental_s1s_follow_others_and_fall_with_their_area() -> None:
    n = 40_000
    parents = signals.s1(START + 10_000 * np.arange(n), np.full(n, 300.0), np.zeros(n))
    found = departures.accidentals(np.random.default_rng(1), {"accidental_share": 0.25}, parents)
    assert len(found) == pytest.approx(n / 4, abs=4.5 * (n * 3 / 16) ** 0.5)
    delay = (found["center"] - START) % 10_000
    assert delay.min() >= 300
    assert delay.max() < 3000
    assert found["area"].min() >= 20
    assert found["area"].mean() == pytest.approx(60, rel=0.03)
