"""The TPC's analyses on data that straxen's own plugins made of simulated peaks: the results agree with the truths.

On the small set of the test session, and nightly on a set of its own with runs as long as real ones.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

YIELDS = [f"light_yield_{energy}_{kind}" for energy in ("9_4", "32_2") for kind in ("mean", "gauss")]
IN_WINDOW = 0.983 * 0.995  # of delayed electrons' area: from 50 µs on; one electron within 15 to 53 PE
IN_VOLUME = (60.73 / 66.4) ** 2 * (134.24 - 13.61) / 148  # share of the decays in the volume of `alpha`
LENGTH = 1486.515  # mm; setting of `drift`, which is that of XENONnT
EVENT_WINDOW = 5e-3  # s; straxen makes one event of interactions that are closer than about this


@pytest.fixture(scope="session")
def large(run_script: Any, analysis_python: Path) -> Any:
    """Return what `full_chain.py` prints."""
    return run_script("full_chain", python=analysis_python)


@pytest.fixture(scope="session", params=["small", "large"])
def chain(request: pytest.FixtureRequest) -> Any:
    """Return what was found on the small set, and on the large one."""
    return request.getfixturevalue("large") if request.param == "large" else request.getfixturevalue("small_set")("tpc")


def pull(result: dict[str, Any], truth: float) -> float:
    return (result["value"] - truth) / result["error"]


def rate_of(truth: dict[str, Any]) -> float:
    return float(sum(truth[f"{name}_rate"] for name in ("event", "kr", "rn222", "po218")))


def of_mode(chain: Any, krypton: bool) -> list[Any]:
    found = [run for run in chain["runs"].values() if (run["truth"]["mode"] == "tpc_kr83m") is krypton]
    assert len(found) >= 2
    return found


def agree(pulls: list[float]) -> bool:
    """Return whether no pull is far off, nor all together."""
    return max(map(abs, pulls)) < 3.5 and abs(sum(pulls)) / math.sqrt(len(pulls)) < 3


@pytest.mark.parametrize("variable", YIELDS)
def test_light_yield_is_right(large: Any, variable: str) -> None:
    true = variable.rsplit("_", 1)[0]
    assert agree([pull(run["kr83m"]["results"][variable], run["truth"][true]) for run in of_mode(large, True)])


@pytest.mark.parametrize(
    ("variable", "true"),
    [
        ("light_yield_41_6_gauss", "light_yield_41_6"),
        ("charge_yield_41_6_double", "charge_yield"),
        ("charge_yield_41_6_merged", "charge_yield_merged"),
        ("electron_lifetime_double", "electron_lifetime"),
        ("electron_lifetime_merged", "electron_lifetime"),
    ],
)
def test_merged_light_charge_and_lifetime_are_right(large: Any, variable: str, true: str) -> None:
    for run in of_mode(large, True):
        if "value" in (said := run["kr83m"]["results"][variable]) and said["value"] is not None:
            assert abs(pull(said, run["truth"][true])) < 3.5
        else:
            assert variable.endswith("lifetime_double")
            assert "100 needed" in said["insufficient"]


@pytest.mark.parametrize(
    ("variable", "true"),
    [
        ("light_yield_41_6_gauss", lambda truth: truth["light_yield_41_6"]),
        ("charge_yield_41_6_merged", lambda truth: truth["charge_yield_merged"]),
        ("inverse_lifetime_merged", lambda truth: 1 / truth["electron_lifetime"]),
    ],
)
def test_merged_decays_of_small_runs_are_right(small_set: Any, variable: str, true: Callable[[Any], float]) -> None:
    runs = of_mode(small_set("tpc"), True)
    assert agree([pull(run["kr83m"]["results"][variable], true(run["truth"])) for run in runs])


def test_area_of_delayed_electrons_is_right_at_any_size_of_s2(chain: Any) -> None:
    numbers = 0
    for run in chain["runs"].values():
        truth = run["truth"]["photo_ionization_ratio"] * IN_WINDOW
        result = run["photo_ionization"]["results"]["area_ratio"]
        if result["n"] < 100:
            assert result["insufficient"] == f"{result['n']} primaries selected, 100 needed"
            continue
        numbers += 1
        assert abs(result["value"] - truth) < 3.5 * result["error"] + 0.01 * truth  # electrons that overlap are lost
    assert numbers >= 2


def test_gain_of_single_electrons_is_right(chain: Any) -> None:
    found = [
        run for run in chain["runs"].values() if run["single_electron"]["results"]["gain"].get("value") is not None
    ]
    assert len(found) >= 2
    for run in found:
        result, truth = run["single_electron"]["results"]["gain"], run["truth"]["single_electron_gain"]
        assert abs(result["value"] - truth) < 3.5 * result["error"] + 0.003 * truth  # the map makes the line skewed


@pytest.mark.parametrize("variable", ["drift_velocity", "gate_drift_time", "cathode_drift_time"])
def test_drift_velocity_and_its_edges_are_right(large: Any, variable: str) -> None:
    for run in of_mode(large, True):
        velocity, length, gate = run["truth"]["drift_velocity"], 1480.0, 1.7
        truth = {"drift_velocity": velocity * LENGTH / length, "gate_drift_time": gate}
        truth["cathode_drift_time"] = gate + length / velocity
        assert abs(pull(run["drift"]["results"][variable], truth[variable])) < 3.5


@pytest.mark.parametrize(
    ("variable", "truth"),
    [
        ("rate_rn222", lambda truth: IN_VOLUME * truth["rn222_rate"]),
        ("rate_po218", lambda truth: IN_VOLUME * truth["po218_rate"]),
        ("light_yield_rn222", lambda truth: truth["alpha_light_yield"]),
        ("light_yield_po218", lambda truth: truth["alpha_light_yield"]),
        ("charge_yield", lambda truth: truth["alpha_charge_yield"]),
        ("inverse_lifetime", lambda truth: 1 / truth["electron_lifetime"]),
    ],
)
def test_alphas_are_right(large: Any, variable: str, truth: Callable[[Any], float]) -> None:
    runs = of_mode(large, False)
    assert agree([pull(run["alpha"]["results"][variable], truth(run["truth"])) for run in runs])


COUNTED = 0.9431  # of single photoelectrons 35 % wide, from 50 to 250 of 150 ADC counts times samples
HIT_GAP = 15.2e-6  # s; straxen counts hits without others so close before or behind


def test_silent_and_loud_pmts_are_those_of_the_truth(large: Any) -> None:
    for run in large["runs"].values():
        said, truth = run["pmt_health"]["results"], run["truth"]
        for kind, true in (("silent", "pmt_dead_channel"), ("loud", "pmt_loud_channel")):
            found = said[f"{kind}_channels"]
            assert (found["value"], found["data"].get("channels", "0")) == (bool(truth[true]), f"{truth[true]:g}")


def test_dark_counts_are_right(large: Any) -> None:
    pulls = []
    for run in large["runs"].values():
        rate, factor = run["truth"]["pmt_dark_rate"], run["truth"]["pmt_loud_factor"]
        alone = math.exp(-2 * HIT_GAP * rate * (492 + factor))
        pulls.append(pull(run["pmt_health"]["results"]["hit_rate"], rate * COUNTED * alone))
    assert agree(pulls)


def test_long_runs_have_enough_s2s_for_delayed_electrons(large: Any) -> None:
    assert all(run["photo_ionization"]["results"]["area_ratio"]["n"] >= 100 for run in large["runs"].values())


@pytest.mark.parametrize(("band", "true", "share"), [("s1_small", "lone_s1_rate", 1.0), ("unknown", "noise_rate", 0.9)])
def test_rate_of_lone_peaks_is_right(chain: Any, band: str, true: str, share: float) -> None:
    runs = chain["runs"].values()
    assert agree([pull(run["peak_rate"]["results"][f"rate_{band}"], share * run["truth"][true]) for run in runs])


def test_half_life_is_right(large: Any) -> None:
    for run in of_mode(large, True):
        data = run["kr83m"]["results"]["selected_events"]["data"]
        assert abs(data["half_life_ns"] - 156.94) < 3.5 * data["half_life_error_ns"]


def test_rate_of_background_runs_is_right(chain: Any) -> None:
    runs = of_mode(chain, False)
    assert agree([pull(run["event_rate"]["results"]["rate"], rate_of(run["truth"])) for run in runs])


@pytest.mark.parametrize(("band", "low", "high"), [("low", 2, 10), ("mid", 10, 50), ("high", 50, 200)])
def test_rate_in_a_band_is_right(chain: Any, band: str, low: float, high: float) -> None:
    for run in of_mode(chain, False):
        truth = run["truth"]["event_rate"] * (high - low) / 198
        assert abs(pull(run["event_rate"]["results"][f"rate_{band}"], truth)) < 3.5


def test_rate_of_krypton_runs_lacks_only_what_merges_into_one_event(chain: Any) -> None:
    for run in of_mode(chain, True):
        said = run["event_rate"]["results"]["rate"]
        truth = rate_of(run["truth"])
        assert truth * (1 - truth * EVENT_WINDOW) - 3 * said["error"] < said["value"] < truth + 3 * said["error"]


def test_live_time_is_the_length_of_the_run_without_its_vetoes(chain: Any) -> None:
    for run in chain["runs"].values():
        truth = run["truth"]
        length = (truth["end_ns"] - truth["start_ns"]) / 1e9
        kinds = [(truth[f"{kind}_rate"], truth[f"{kind}_duration"] / 1e3) for kind in ("busy", "hev")]
        live = length * (1 - sum(rate * duration for rate, duration in kinds))
        deviation = math.sqrt(length * sum(rate * duration**2 for rate, duration in kinds))
        found = run["event_rate"]["results"]["rate"]["data"]["live_time_s"]
        assert found == pytest.approx(live, abs=min(3.7 * deviation, 5e-4 * max(length, 600)))


def test_every_run_has_a_figure(chain: Any) -> None:
    for run in chain["runs"].values():
        for name in (
            "event_rate",
            "kr83m",
            "photo_ionization",
            "peak_rate",
            "single_electron",
            "drift",
            "alpha",
            "pmt_health",
        ):
            assert name not in run or run[name]["figures"][0] > 15_000


def test_event_info_double_is_not_needed(chain: Any) -> None:
    assert chain["no_double"]["results"] == chain["runs"][chain["kr_run"]]["kr83m"]["results"]


def test_missing_chunk_is_broken_data(chain: Any) -> None:
    assert chain["missing_chunk"]["raised"].startswith("DataBroken: event_info_double of run")
    assert chain["missing_chunk"]["results"] == {}
