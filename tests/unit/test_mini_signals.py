"""What the generators of the mini-XENONnT draw, checked against what they were asked for."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_xenonnt import detector
from mini_xenonnt.simulation import alphas, background, electrons, krypton, maps, signals, vetoes

TRUTH = {
    "kr_rate": 20.0,
    "event_rate": 20.0,
    "light_yield_9_4": 10.5,
    "light_yield_32_2": 9.3,
    "charge_yield": 155.0,
    "electron_lifetime": 12.0,
    "drift_velocity": 0.675,
    "merged_recombination": 0.01,
    "response_skewness": 0.0,
    "photo_ionization_ratio": 0.0095,
    "single_electron_gain": 30.0,
    "single_electron_spread": 0.18,
    "rn222_rate": 10.0,
    "po218_rate": 10.0,
    "alpha_light_yield": 7.9,
    "alpha_charge_yield": 8.2,
    "noise_rate": 30.0,
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


@pytest.mark.parametrize("generator", [krypton.decays, background.single_sites, alphas.decays])
def test_there_is_one_s2_per_event_at_the_true_rate(generator: Callable[..., np.ndarray]) -> None:
    s2 = generator(rng(), TRUTH, START, END)["kind"] == 2
    assert abs(s2.sum() - N) < 4.5 * np.sqrt(N)


@pytest.mark.parametrize("generator", [krypton.decays, background.single_sites, alphas.decays, electrons.lone])
def test_all_signals_lie_within_the_window(generator: Callable[..., np.ndarray]) -> None:
    found = generator(rng(), TRUTH, START, END)
    assert found["start"].min() >= START - 100
    assert found["end"].max() <= END
    assert (found["start"] < found["center"]).all()
    assert (found["center"] < found["end"]).all()


def corrected(s1: np.ndarray) -> np.ndarray:
    """S1 areas as in the middle of the volume; the top fraction depends on the depth, the mean over the radius is 1."""
    depth = (0.55 - s1["top"].astype(float)) / 0.47
    return s1["area"] / (0.85 + 0.30 * depth)


def test_krypton_gives_its_light_yields_back_where_both_s1s_are_seen(decays: np.ndarray) -> None:
    s1 = decays[decays["kind"] == 1]
    second = corrected(s1[s1["area"] < 170]) / detector.KR_ENERGY_SECOND
    assert close(second, TRUTH["light_yield_9_4"])
    first = s1[(s1["area"] > 170) & (corrected(s1) < 348)]
    assert abs(np.median(corrected(first)) / detector.KR_ENERGY_FIRST / TRUTH["light_yield_32_2"] - 1) < 0.02


def test_charge_that_recombines_in_merged_decays_comes_as_light() -> None:
    truth = {**TRUTH, "merged_recombination": 0.2, "electron_lifetime": 1e9}
    plain = krypton.decays(rng(), {**truth, "merged_recombination": 0.0}, START, END)
    found = krypton.decays(rng(), truth, START, END)
    n = (found["kind"] == 2).sum()
    merged = 1 - 2 ** (-krypton.SPLIT_DELAY / detector.KR_HALF_LIFE)
    quanta = 0.2 * TRUTH["charge_yield"] * detector.KR_ENERGY / detector.G2 * merged * n
    lost, won = ((plain["area"] - found["area"])[found["kind"] == kind].sum() for kind in (2, 1))
    assert lost / detector.G2 == pytest.approx(quanta, rel=0.03)
    assert -won / detector.G1 == pytest.approx(quanta, rel=0.03)


def test_krypton_s1s_are_split_as_often_as_the_half_life_says(decays: np.ndarray) -> None:
    n_s2 = (decays["kind"] == 2).sum()
    split = (decays["kind"] == 1).sum() - n_s2
    expected = 2 ** (-krypton.SPLIT_DELAY / detector.KR_HALF_LIFE)
    assert abs(split / n_s2 - expected) < 4.5 * np.sqrt(expected / n_s2)


def test_response_is_symmetric_so_mean_and_median_agree(decays: np.ndarray) -> None:
    s1 = decays[(decays["kind"] == 1) & (decays["area"] < 170)]
    assert abs(np.median(corrected(s1)) / corrected(s1).mean() - 1) < 0.005


@pytest.mark.parametrize("skewness", [0.0, 0.3, 1.0])
def test_skewness_moves_neither_mean_nor_variance(skewness: float) -> None:
    areas = signals.smeared(rng(), np.full(N, 1000.0), np.full(N, 100.0**2), skewness)
    assert close(areas, 1000.0)
    assert areas.std() == pytest.approx(100, rel=0.03)
    assert (((areas - 1000) / 100) ** 3).mean() == pytest.approx(skewness, abs=0.1)


@pytest.mark.parametrize("name", maps.MAPS)
def test_maps_have_the_mean_one_and_are_not_constant(name: str) -> None:
    x, y, z = signals.positions(rng(), N)
    values = maps.MAPS[name](np.array([x, y, z] if name == "light" else [x, y]).T)
    assert close(values, 1.0)
    assert 0.03 < values.std() < 0.2
    assert values.min() > 0.5


@pytest.mark.parametrize("name", maps.MAPS)
def test_a_missing_coordinate_has_no_value_in_a_map(name: str) -> None:
    points = np.zeros((2, 3 if name == "light" else 2))
    points[1, 1] = np.nan
    assert np.isnan(maps.MAPS[name](points)).tolist() == [False, True]


def test_electrons_get_lost_with_the_true_lifetime(decays: np.ndarray) -> None:
    s2 = decays[decays["kind"] == 2]
    # Width grows with the square root of the drift time: it gives the drift time of each S2.
    squared = (s2["width"].astype(float) ** 2 - signals.S2_INTRINSIC_WIDTH**2) * detector.DRIFT_VELOCITY**2
    drift = squared / (2 * 1.349**2 * detector.LONGITUDINAL_DIFFUSION)
    slope = np.polyfit(drift / 1e6, np.log(s2["area"]), 1)[0]
    assert -1 / slope == pytest.approx(TRUTH["electron_lifetime"], rel=0.04)


def test_no_interaction_is_beyond_the_ends_of_the_drift_field_but_for_the_spread_of_the_cathode() -> None:
    depth = -signals.positions(rng(), N)[2]
    drift = signals.drift_time(-depth, 0.6)
    assert drift.min() == pytest.approx(detector.GATE_DRIFT_TIME, abs=300)
    assert (depth > detector.HEIGHT).mean() == pytest.approx(
        detector.CATHODE_SPREAD / detector.HEIGHT / np.sqrt(2 * np.pi), rel=0.4
    )
    assert drift.max() == pytest.approx(detector.GATE_DRIFT_TIME + detector.HEIGHT / 0.6e-4, rel=0.01)


def test_background_energies_come_back_from_light_and_charge() -> None:
    found = background.single_sites(rng(), {**TRUTH, "electron_lifetime": 1e9}, START, END)
    n = len(found) // 2
    place = np.array([found["x"][n:], found["y"][n:], (found["top"][:n] - 0.55) / 0.47 * detector.HEIGHT]).T
    light, charge = found["area"][:n] / maps.light(place), found["area"][n:] / maps.charge(place[:, :2])
    energy = detector.WORK_FUNCTION * (light / detector.G1 + charge / detector.G2)
    counts, _ = np.histogram(energy, np.linspace(10, 190, 10))
    expected = n * 20 / (detector.BACKGROUND_ENERGY_MAX - detector.BACKGROUND_ENERGY_MIN)
    assert np.abs(counts - expected).max() < 4.5 * np.sqrt(expected)


def test_alphas_have_two_lines_of_light_and_a_hundredth_of_the_charge_of_electrons() -> None:
    found = alphas.decays(rng(), {**TRUTH, "electron_lifetime": 1e9}, START, END)
    n = len(found) // 2
    light = corrected(found[:n]) / TRUTH["alpha_light_yield"]
    middle = (detector.RN222_ENERGY + detector.PO218_ENERGY) / 2
    off = [abs(np.median(light[side]) / energy - 1) for side, energy in (
        (light < middle, detector.RN222_ENERGY), (light > middle, detector.PO218_ENERGY))]  # fmt: skip
    assert max(off) < 0.02
    assert found["area"][n:].mean() == pytest.approx(TRUTH["alpha_charge_yield"] * middle, rel=0.02)


def test_every_background_event_can_trigger(sites: np.ndarray) -> None:
    trigger_area = 240  # PE, straxen's default
    assert sites["area"][sites["kind"] == 2].min() > trigger_area
    assert (sites["area"][sites["kind"] == 1] < 4).mean() < 1e-3


def test_delayed_electrons_have_their_share_of_the_area_and_come_within_a_drift_time(decays: np.ndarray) -> None:
    one = np.sort(decays[decays["kind"] == 2], order="center")[:1]
    many = np.repeat(one, 20_000)
    found = electrons.delayed(rng(), TRUTH, many)
    assert found["area"].sum() / many["area"].sum() == pytest.approx(TRUTH["photo_ionization_ratio"], rel=0.03)
    assert found["start"].min() >= one["end"][0]
    assert found["center"].max() <= one["center"][0] + 2_250_000


def test_single_electrons_have_their_gain_and_its_spread() -> None:
    area = electrons.single_electrons(rng(), TRUTH, np.full(N, START))["area"]
    assert close(area, TRUTH["single_electron_gain"])
    own = TRUTH["single_electron_spread"] * TRUTH["single_electron_gain"]
    assert own < area.std() < 1.1 * own  # the place adds to it


def test_small_signals_trigger_no_event() -> None:
    assert electrons.lone(rng(), TRUTH, START, END)["area"].max() < 100


def test_noise_comes_at_its_rate_and_a_tenth_of_it_looks_like_electrons() -> None:
    quiet = {"lone_electron_rate": 0.0, "lone_s1_rate": 0.0}
    found = electrons.lone(rng(), {**TRUTH, **quiet}, START, END)
    assert len(found) == pytest.approx(60_000, abs=4.5 * np.sqrt(60_000))
    assert (found["kind"] == 2).mean() == pytest.approx(electrons.NOISE_LIKE_S2, abs=0.006)
    assert set(found["kind"]) == {0, 2}


SIGNALS = st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 300), st.floats(1, 1000)), max_size=40)


def as_signals(rows: list[tuple[int, int, float]]) -> np.ndarray:
    out = np.zeros(len(rows), signals.SIGNAL)
    for row, (start, length, area) in zip(out, rows, strict=True):
        row["start"], row["end"], row["area"] = start, start + length, area
    return out


@settings(deadline=None)
@given(SIGNALS)
def test_what_a_peak_finder_leaves_is_disjoint(rows: list[tuple[int, int, float]]) -> None:
    left = signals.piled_up(as_signals(rows))
    assert (left["end"][:-1] <= left["start"][1:]).all()


@settings(deadline=None)
@given(SIGNALS)
def test_pile_up_loses_no_area(rows: list[tuple[int, int, float]]) -> None:
    found = as_signals(rows)
    assert signals.piled_up(found)["area"].sum() == pytest.approx(found["area"].sum())


@settings(deadline=None)
@given(SIGNALS)
def test_disjoint_signals_stay_as_they_are(rows: list[tuple[int, int, float]]) -> None:
    left = signals.piled_up(as_signals(rows))
    assert (signals.piled_up(left[::-1]) == left).all()


def test_signals_that_overlap_are_one_of_the_kind_of_the_largest() -> None:
    found = as_signals([(0, 100, 10.0), (50, 100, 30.0), (400, 10, 5.0)])
    found["center"], found["kind"] = [50, 110, 405], [1, 2, 1]
    both, alone = signals.piled_up(found)
    assert (both["start"], both["end"], both["center"], both["area"], both["kind"]) == (0, 150, 95, 40.0, 2)
    assert alone == found[2]


def test_light_patterns_hold_all_the_area_in_the_right_array(sites: np.ndarray) -> None:
    found = sites[:: len(sites) // 500]
    pattern = signals.light_pattern(rng(), found)
    assert pattern.shape == (len(found), 494)
    assert pattern.sum(axis=1) == pytest.approx(found["area"], rel=1e-4)
    top = pattern[:, :253].sum(axis=1) / found["area"]
    assert abs((top - found["top"]).mean()) < 0.01


def test_light_patterns_of_nothing_are_empty() -> None:
    assert signals.light_pattern(rng(), as_signals([])).shape == (0, 494)


def of_veto(truths: str, **changes: float) -> dict[str, float]:
    """Truths of a quiet veto detector."""
    quiet = {"rate": 0.0, "dark_rate": 0.0, "dead_channel": 0, "loud_channel": 0, "loud_factor": 40.0}
    return {f"{truths}_{name}": value for name, value in {**quiet, **changes}.items()}


def test_veto_events_come_at_their_rate_with_enough_hits() -> None:
    found = vetoes.hitlets(rng(), of_veto("nveto", rate=10.0), vetoes.DETECTORS["nv"], START, END)
    gaps = np.diff(found["time"]) > 1000
    assert gaps.sum() + 1 == pytest.approx(20_000, abs=4.5 * np.sqrt(20_000) + 10)
    sizes = np.diff(np.flatnonzero(np.concatenate([[True], gaps, [True]])))
    assert sizes.min() >= vetoes.MIN_HITS
    assert (found["channel"].min(), found["channel"].max()) == (2000, 2119)


def test_dark_hits_come_at_their_rate() -> None:
    found = vetoes.hitlets(rng(), of_veto("muveto", dark_rate=100.0), vetoes.DETECTORS["mv"], START, END)
    assert len(found) == pytest.approx(200_000, abs=4.5 * np.sqrt(200_000))
    assert (np.diff(found["time"]) >= 0).all()


def test_a_dead_channel_sees_nothing_and_takes_its_share_of_the_hits() -> None:
    truth = of_veto("nveto", rate=10.0, dark_rate=50.0, dead_channel=2017)
    found = vetoes.hitlets(rng(), truth, vetoes.DETECTORS["nv"], START, END)
    assert 2017 not in found["channel"]
    events = 20_000 * vetoes.mean_hits(truth, vetoes.DETECTORS["nv"])
    expected = events + 100_000 * 119 / 120
    assert len(found) == pytest.approx(expected, abs=4.5 * np.sqrt(20_000 * 14**2 + 100_000))


def test_a_loud_channel_has_its_dark_counts_more() -> None:
    truth = of_veto("muveto", dark_rate=84.0, loud_channel=1050, loud_factor=20.0)
    found = vetoes.hitlets(rng(), truth, vetoes.DETECTORS["mv"], START, END)
    counts = np.bincount(found["channel"], minlength=1084)[1000:]
    assert counts[50] == pytest.approx(42_000, abs=4.5 * np.sqrt(42_000))
    assert np.median(np.delete(counts, 50)) == pytest.approx(2000, abs=30)


def test_pmts_of_the_neutron_veto_are_on_a_cylinder() -> None:
    places = vetoes.pmts()
    assert {len(column) for column in places.values()} == {120}
    assert np.hypot(places["x"], places["y"]) == pytest.approx(2000)


VETO_TRUTH = {
    "seed": 1, "run_id": "052801", "start_ns": START, "end_ns": END,
    "busy_rate": 2.0, "busy_duration": 1.2, "hev_rate": 1.0, "hev_duration": 10.0,
}  # fmt: skip


def test_the_veto_intervals_of_a_run_are_always_the_same_and_those_of_others_differ() -> None:
    one, same = (vetoes.intervals_of(VETO_TRUTH, "busy")[0] for _ in range(2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, vetoes.intervals_of({**VETO_TRUTH, "run_id": "052802"}, "busy")[0])
    assert not np.array_equal(one[:100], vetoes.intervals_of({**VETO_TRUTH, "hev_rate": 2.0}, "hev")[0][:100])


def test_what_lies_in_a_veto_interval_is_hidden() -> None:
    times = np.sort(rng().integers(START, END, 20_000))
    inside = np.zeros(len(times), dtype=bool)
    for kind in vetoes.INTERVALS:
        for low, high in zip(*vetoes.intervals_of(VETO_TRUTH, kind), strict=True):
            inside[np.searchsorted(times, low) : np.searchsorted(times, high)] = True
    assert np.array_equal(vetoes.hidden(VETO_TRUTH, times), inside)
    assert 100 < inside.sum() < 400
    assert not vetoes.hidden({**VETO_TRUTH, "busy_rate": 0.0, "hev_rate": 0.0}, times).any()


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


# --- truths that are off by default -----------------------------------------------------------------------------------
def test_what_is_off_by_default_draws_nothing(decays: np.ndarray) -> None:
    off = {"train_rate": 0.0, "train_electrons": 20.0, "afterpulse_share": 0.0}
    found, usual = (electrons.lone(rng(), truth, START, END) for truth in (TRUTH | off, TRUTH))
    assert found.tobytes() == usual.tobytes()
    assert len(electrons.afterpulses(rng(), TRUTH | off, decays)) == 0
    assert signals.with_map_types(rng(), decays, 0.0) is decays


def test_trains_have_their_rate_and_length() -> None:
    alone = dict.fromkeys(("lone_electron_rate", "lone_s1_rate", "noise_rate"), 0.0)
    found = electrons.lone(rng(), TRUTH | alone | {"train_rate": 0.05, "train_electrons": 20.0}, START, END)
    center = np.sort(found["center"])
    trains = 1 + np.count_nonzero(np.diff(center) > 100e6)
    assert abs(trains - 100) < 45
    assert len(found) / trains == pytest.approx(20, rel=0.2)


def test_afterpulses_are_small_and_close_behind_s1s(decays: np.ndarray) -> None:
    found = electrons.afterpulses(rng(), TRUTH | {"afterpulse_share": 0.3}, decays)
    s1 = np.sort(decays["center"][decays["kind"] == 1])
    assert len(found) == pytest.approx(0.3 * len(s1), rel=0.1)
    behind = found["center"] - s1[np.searchsorted(s1, found["center"] - 400, side="right") - 1]
    assert (behind >= 400).all() and (behind <= 3000).mean() > 0.99
    assert np.median(found["area"]) < 5


def test_types_of_the_map_are_those_of_small_signals(decays: np.ndarray) -> None:
    small = electrons.lone(rng(), TRUTH, START, START + 20_000_000_000)
    found = signals.with_map_types(rng(), np.concatenate([decays, small]), 0.5)
    of = {kind: found["area"][found["kind"] == kind] for kind in (3, 20, 22)}
    assert all(len(area) > 100 and area.max() < signals.SMALL_AREA for area in of.values())
    assert (found["kind"] == 2).any() and (found["kind"] == 1).any()


def test_a_run_may_end_within_a_veto() -> None:
    run = {"seed": 1, "run_id": "052801", "start_ns": START, "end_ns": START + 60_000_000_000}
    run |= {"hev_rate": 0.5, "hev_duration": 10.0, "busy_rate": 0.0, "busy_duration": 1.0, "last_veto": 5.0}
    starts, ends = vetoes.intervals_of(run, "hev")
    assert starts[-1] == run["end_ns"] - 5_000_000_000
    assert ends[-1] > run["end_ns"] and (starts[1:] >= ends[:-1]).all()
    assert vetoes.hidden(run, np.array([run["end_ns"] - 1, run["end_ns"] - 5_000_000_001])).tolist()[0]
