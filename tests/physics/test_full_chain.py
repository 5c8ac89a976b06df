"""The TPC's analyses on data that straxen's own plugins made of simulated peaks: the truths come back."""

import math
from typing import Any

import pytest

pytestmark = pytest.mark.slow

YIELDS = [f"light_yield_{energy}_{kind}" for energy in ("9_4", "32_2") for kind in ("mean", "gauss")]
IN_WINDOW = 0.983 * 0.995  # of delayed electrons' area: from 50 µs on; one electron within 15 to 53 PE
EVENT_WINDOW = 5e-3  # s; straxen makes one event of interactions that are closer than about this


@pytest.fixture(scope="session")
def chain(analysis_says: Any) -> Any:
    """Return what `full_chain.py` prints."""
    return analysis_says("full_chain")


def pull(result: dict[str, Any], truth: float) -> float:
    return (result["value"] - truth) / result["error"]


def of_mode(chain: Any, krypton: bool) -> list[Any]:
    found = [run for run in chain["runs"].values() if (run["truth"]["mode"] == "tpc_kr83m") is krypton]
    assert len(found) >= 2
    return found


@pytest.mark.parametrize("variable", YIELDS)
def test_light_yield_comes_back(chain: Any, variable: str) -> None:
    runs = of_mode(chain, True)
    true = variable.rsplit("_", 1)[0]
    pulls = [pull(run["kr83m"]["results"][variable], run["truth"][true]) for run in runs]
    assert max(map(abs, pulls)) < 3.5
    assert abs(sum(pulls)) / math.sqrt(len(pulls)) < 3


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
def test_merged_light_charge_and_lifetime_come_back(chain: Any, variable: str, true: str) -> None:
    for run in of_mode(chain, True):
        if "value" in (said := run["kr83m"]["results"][variable]) and said["value"] is not None:
            assert abs(pull(said, run["truth"][true])) < 3.5
        else:
            assert variable.endswith("lifetime_double")
            assert "200 needed" in said["insufficient"]


def test_delayed_electrons_come_back_at_any_size_of_s2(chain: Any) -> None:
    for run in chain["runs"].values():
        truth = run["truth"]["photo_ionization_ratio"] * IN_WINDOW
        said = run["photo_ionization"]["results"]["area_ratio"]
        assert abs(said["value"] - truth) < 3.5 * said["error"] + 0.01 * truth  # electrons that overlap are lost


@pytest.mark.parametrize(("band", "true", "share"), [("s1_small", "lone_s1_rate", 1.0), ("unknown", "noise_rate", 0.9)])
def test_rate_of_lone_peaks_comes_back(chain: Any, band: str, true: str, share: float) -> None:
    pulls = [
        pull(run["peak_rate"]["results"][f"rate_{band}"], share * run["truth"][true]) for run in chain["runs"].values()
    ]
    assert max(map(abs, pulls)) < 3.5
    assert abs(sum(pulls)) / math.sqrt(len(pulls)) < 3


def test_half_life_comes_back(chain: Any) -> None:
    for run in of_mode(chain, True):
        data = run["kr83m"]["results"]["selected_events"]["data"]
        assert abs(data["half_life_ns"] - 156.94) < 3.5 * data["half_life_error_ns"]


def test_rate_of_background_runs_comes_back(chain: Any) -> None:
    pulls = [pull(run["event_rate"]["results"]["rate"], run["truth"]["event_rate"]) for run in of_mode(chain, False)]
    assert max(map(abs, pulls)) < 3.5
    assert abs(sum(pulls)) / math.sqrt(len(pulls)) < 3


@pytest.mark.parametrize(("band", "low", "high"), [("low", 2, 10), ("mid", 10, 50), ("high", 50, 200)])
def test_rate_in_a_band_comes_back(chain: Any, band: str, low: float, high: float) -> None:
    for run in of_mode(chain, False):
        truth = run["truth"]["event_rate"] * (high - low) / 198
        assert abs(pull(run["event_rate"]["results"][f"rate_{band}"], truth)) < 3.5


def test_rate_of_krypton_runs_lacks_only_what_merges_into_one_event(chain: Any) -> None:
    for run in of_mode(chain, True):
        said = run["event_rate"]["results"]["rate"]
        truth = run["truth"]["event_rate"] + run["truth"]["kr_rate"]
        assert truth * (1 - truth * EVENT_WINDOW) - 3 * said["error"] < said["value"] < truth + 3 * said["error"]


def test_live_time_is_the_length_of_the_run_without_its_vetoes(chain: Any) -> None:
    for run in chain["runs"].values():
        truth = run["truth"]
        length = (truth["end_ns"] - truth["start_ns"]) / 1e9
        live = length * (1 - truth["busy_fraction"] - truth["hev_rate"] * truth["hev_duration"] / 1e3)
        assert run["event_rate"]["results"]["rate"]["data"]["live_time_s"] == pytest.approx(live, rel=5e-4)


def test_every_run_has_a_figure(chain: Any) -> None:
    for run in chain["runs"].values():
        for name in ("event_rate", "kr83m", "photo_ionization", "peak_rate"):
            assert name not in run or run[name]["figures"][0] > 20_000


def test_event_info_double_is_not_needed(chain: Any) -> None:
    assert chain["no_double"]["results"] == chain["runs"][chain["kr_run"]]["kr83m"]["results"]


def test_missing_chunk_is_broken_data(chain: Any) -> None:
    assert chain["missing_chunk"]["raised"].startswith("DataBroken: event_info_double of run")
    assert chain["missing_chunk"]["results"] == {}
