"""What the generators of the mini-XENONnT draw, checked against what they were asked for."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_xenonnt import background, detector, electrons, krypton, signals, vetoes

TRUTH = {
    "kr_rate": 20.0,
    "event_rate": 20.0,
    "light_yield_9_4": 10.5,
    "light_yield_32_2": 9.3,
    "charge_yield": 155.0,
    "electron_lifetime": 12.0,
    "photo_ionization_yield": 2.0,
    "lone_electron_rate": 50.0,
    "lone_s1_rate": 20.0,
}
START = 1_790_000_000_000_000_000
END = START + 2_000_000_000_000
N = 40_000  # expected events at 20 Hz


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def close(found: np.ndarray, truth: float, sigmas: float = 4.5) -> bool:
    """Whether the mean of a sample agrees with the truth."""
    return abs(found.mean() - truth) < sigmas * found.std() / np.sqrt(len(found))


@pytest.fixture(scope="module")
def decays() -> np.ndarray:
    return krypton.decays(rng(), TRUTH, START, END)


@pytest.fixture(scope="module")
def sites() -> np.ndarray:
    return background.single_sites(rng(), TRUTH, START, END)


@pytest.mark.parametrize("generator", [krypton.decays, background.single_sites])
def test_there_is_one_s2_per_event_at_the_true_rate(generator: Callable[..., np.ndarray]) -> None:
    s2 = generator(rng(), TRUTH, START, END)["kind"] == 2
    assert abs(s2.sum() - N) < 4.5 * np.sqrt(N)


@pytest.mark.parametrize("generator", [krypton.decays, background.single_sites, electrons.lone])
def test_all_signals_lie_within_the_window(generator: Callable[..., np.ndarray]) -> None:
    found = generator(rng(), TRUTH, START, END)
    assert found["start"].min() >= START - 100
    assert found["end"].max() <= END
    assert (found["start"] < found["center"]).all()
    assert (found["center"] < found["end"]).all()


def test_krypton_gives_its_light_yields_back_where_both_s1s_are_seen(decays: np.ndarray) -> None:
    s1 = decays[decays["kind"] == 1]
    second = s1["area"][s1["area"] < 170] / detector.KR_ENERGY_SECOND
    assert close(second, TRUTH["light_yield_9_4"])
    first = s1["area"][(s1["area"] > 170) & (s1["area"] < 348)] / detector.KR_ENERGY_FIRST
    assert abs(np.median(first) / TRUTH["light_yield_32_2"] - 1) < 0.02  # a few merged S1s are in this range


def test_krypton_s1s_are_split_as_often_as_the_half_life_says(decays: np.ndarray) -> None:
    n_s2 = (decays["kind"] == 2).sum()
    split = (decays["kind"] == 1).sum() - n_s2
    expected = 2 ** (-krypton.SPLIT_DELAY / detector.KR_HALF_LIFE)
    assert abs(split / n_s2 - expected) < 4.5 * np.sqrt(expected / n_s2)


def test_response_is_symmetric_so_mean_and_median_agree(decays: np.ndarray) -> None:
    area = decays["area"][(decays["kind"] == 1) & (decays["area"] < 170)]
    assert abs(np.median(area) / area.mean() - 1) < 0.005


def test_electrons_get_lost_with_the_true_lifetime(decays: np.ndarray) -> None:
    s2 = decays[decays["kind"] == 2]
    # Width grows with the square root of the drift time: it tells the drift time of each S2.
    squared = (s2["width"].astype(float) ** 2 - signals.S2_INTRINSIC_WIDTH**2) * detector.DRIFT_VELOCITY**2
    drift = squared / (2 * 1.349**2 * detector.LONGITUDINAL_DIFFUSION)
    slope = np.polyfit(drift / 1e6, np.log(s2["area"]), 1)[0]
    assert -1 / slope == pytest.approx(TRUTH["electron_lifetime"], rel=0.04)


def test_background_energies_come_back_from_light_and_charge() -> None:
    found = background.single_sites(rng(), {**TRUTH, "electron_lifetime": 1e9}, START, END)
    n = len(found) // 2
    quanta = found["area"][:n] / detector.G1 + found["area"][n:] / detector.G2
    energy = detector.WORK_FUNCTION * quanta
    counts, _ = np.histogram(energy, np.linspace(10, 190, 10))
    expected = n * 20 / (detector.BACKGROUND_ENERGY_MAX - detector.BACKGROUND_ENERGY_MIN)
    assert np.abs(counts - expected).max() < 4.5 * np.sqrt(expected)


def test_every_background_event_can_trigger(sites: np.ndarray) -> None:
    trigger_area = 240  # PE, straxen's default
    assert sites["area"][sites["kind"] == 2].min() > trigger_area
    assert sites["area"][sites["kind"] == 1].min() > 4


def test_delayed_electrons_are_as_many_as_their_truth_and_come_within_a_drift_time(decays: np.ndarray) -> None:
    one = np.sort(decays[decays["kind"] == 2], order="center")[:1]
    many = np.repeat(one, 20_000)
    found = electrons.delayed(rng(), TRUTH, many)
    assert len(found) / 20_000 == pytest.approx(TRUTH["photo_ionization_yield"], rel=0.05)
    assert found["start"].min() >= one["end"][0]
    assert found["center"].max() <= one["center"][0] + 2_250_000


def test_small_signals_trigger_no_event() -> None:
    assert electrons.lone(rng(), TRUTH, START, END)["area"].max() < 100


SIGNALS = st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 300), st.floats(1, 1000)), max_size=40)


def as_signals(rows: list[tuple[int, int, float]]) -> np.ndarray:
    out = np.zeros(len(rows), signals.SIGNAL)
    for row, (start, length, area) in zip(out, rows, strict=True):
        row["start"], row["end"], row["area"] = start, start + length, area
    return out


@settings(deadline=None)
@given(SIGNALS)
def test_what_a_peak_finder_leaves_is_disjoint(rows: list[tuple[int, int, float]]) -> None:
    left = signals.without_overlaps(as_signals(rows))
    assert (left["end"][:-1] <= left["start"][1:]).all()


@settings(deadline=None)
@given(SIGNALS.filter(bool))
def test_the_largest_signal_is_never_lost(rows: list[tuple[int, int, float]]) -> None:
    found = as_signals(rows)
    assert signals.without_overlaps(found)["area"].max() == found["area"].max()


@settings(deadline=None)
@given(SIGNALS)
def test_disjoint_signals_are_all_kept(rows: list[tuple[int, int, float]]) -> None:
    left = signals.without_overlaps(as_signals(rows))
    assert (signals.without_overlaps(left[::-1]) == left).all()


def test_light_patterns_hold_all_the_area_in_the_right_array(sites: np.ndarray) -> None:
    found = sites[:: len(sites) // 500]
    pattern = signals.light_pattern(rng(), found)
    assert pattern.shape == (len(found), 494)
    assert pattern.sum(axis=1) == pytest.approx(found["area"], rel=1e-4)
    top = pattern[:, :253].sum(axis=1) / found["area"]
    assert abs((top - found["top"]).mean()) < 0.01


def test_light_patterns_of_nothing_are_empty() -> None:
    assert signals.light_pattern(rng(), as_signals([])).shape == (0, 494)


def test_veto_events_come_at_their_rate_with_enough_hits() -> None:
    found = vetoes.hitlets(rng(), 10.0, 0.0, (2000, 2119), START, END)
    gaps = np.diff(found["time"]) > 1000
    assert gaps.sum() + 1 == pytest.approx(20_000, abs=4.5 * np.sqrt(20_000) + 10)
    sizes = np.diff(np.flatnonzero(np.concatenate([[True], gaps, [True]])))
    assert sizes.min() >= vetoes.MIN_HITS
    assert (found["channel"].min(), found["channel"].max()) == (2000, 2119)


def test_dark_hits_come_at_their_rate() -> None:
    found = vetoes.hitlets(rng(), 0.0, 100.0, (1000, 1083), START, END)
    assert len(found) == pytest.approx(200_000, abs=4.5 * np.sqrt(200_000))
    assert (np.diff(found["time"]) >= 0).all()


@settings(deadline=None)
@given(st.floats(0, 100), st.integers(0, 5_000_000), st.integers(0, 1000))
def test_veto_intervals_are_disjoint_and_within_the_run(rate: float, duration: int, seed: int) -> None:
    starts, ends = vetoes.intervals(rng(seed), rate, duration, START, START + 10_000_000_000)
    assert (ends - starts == duration).all()
    assert (starts[1:] >= ends[:-1]).all()
    assert ((starts >= START) & (ends <= START + 10_000_000_000)).all()


def test_veto_intervals_come_at_their_rate() -> None:
    starts, _ = vetoes.intervals(rng(), 10.0, 20_000_000, START, END)
    assert len(starts) == pytest.approx(20_000, abs=4.5 * np.sqrt(20_000))


def test_veto_intervals_that_fill_all_the_time_are_refused() -> None:
    with pytest.raises(ValueError, match="90 %"):
        vetoes.intervals(rng(), 100.0, 10_000_000, START, END)
