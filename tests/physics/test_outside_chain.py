"""The analyses outside the TPC on data that straxen's own plugins made: the results agree with the truths.

On the small set of the test session, and nightly on a set of its own with runs of ten minutes.
"""

import math
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PE_PER_HIT = 1.2


@pytest.fixture(scope="session")
def large(run_script: Any, analysis_python: Path) -> Any:
    """Return what `outside_chain.py` prints."""
    return run_script("outside_chain", python=analysis_python)


@pytest.fixture(scope="session", params=["small", pytest.param("large", marks=pytest.mark.nightly)])
def chain(request: pytest.FixtureRequest) -> Any:
    """Return what was found on the small set, and on the large one."""
    if request.param == "large":
        return request.getfixturevalue("large")
    return request.getfixturevalue("small_set")("outside")


def pull(result: dict[str, Any], truth: float) -> float:
    return (result["value"] - truth) / result["error"]


def agree(pulls: list[float]) -> bool:
    """Return whether no pull is far off, nor all together."""
    return max(map(abs, pulls)) < 4 and abs(sum(pulls)) / math.sqrt(len(pulls)) < 3.5


@pytest.mark.parametrize("kind", ["busy", "hev"])
def test_vetoed_fraction_and_number_of_intervals_are_right(chain: Any, kind: str) -> None:
    runs = chain["busy"]
    assert len(runs) >= 6
    for name, of in (("fraction", f"{kind}_fraction"), ("intervals", f"{kind}_rate")):
        pulls = []
        for run, said in runs.items():
            truth = chain["truths"][run]
            seconds = (truth["end_ns"] - truth["start_ns"]) / 1e9
            expected = truth[of] * (seconds if name == "intervals" else 1)
            pulls.append(pull(said["results"][f"{kind}_{name}"], expected))
        assert agree(pulls), (name, pulls)


@pytest.mark.parametrize(("analysis", "truths"), [("muon_veto", "muveto"), ("neutron_veto", "nveto")])
def test_rate_hits_and_area_of_veto_events_are_right(chain: Any, analysis: str, truths: str) -> None:
    runs = chain[analysis]
    assert {chain["truths"][run]["mode"] for run in runs} == {analysis, "background_linked"}
    for run, said in runs.items():
        truth, found = chain["truths"][run], said["results"]
        channels = 120 if truths == "nveto" else 84
        dead = truth[f"{truths}_dead_channel"] > 0
        hits = 14 * (1 - dead / channels)
        assert abs(pull(found["rate"], truth[f"{truths}_rate"])) < 4
        if found["events"]["n"] < 10:  # muons in a run of a minute
            assert found["mean_hits"]["insufficient"] == f"{found['events']['n']} events, 10 needed"
        else:
            assert abs(pull(found["mean_hits"], hits)) < 4
            assert abs(pull(found["mean_area"], hits * PE_PER_HIT)) < 4


@pytest.mark.parametrize(("analysis", "truths"), [("muon_veto", "muveto"), ("neutron_veto", "nveto")])
def test_the_dead_and_the_loud_channel_are_found_and_no_other(chain: Any, analysis: str, truths: str) -> None:
    for run, said in chain[analysis].items():
        truth, found = chain["truths"][run], said["results"]
        for name, of in (("silent", "dead"), ("loud", "loud")):
            true = int(truth[f"{truths}_{of}_channel"])
            assert found[f"{name}_channels"]["value"] == (1 if true else 0)
            assert found[f"{name}_channels"]["data"].get("channels") == (str(true) if true else None)


@pytest.mark.parametrize("analysis", ["busy", "muon_veto", "neutron_veto"])
def test_the_first_run_has_a_figure(chain: Any, analysis: str) -> None:
    first, *_ = chain[analysis].values()
    assert first["figures"][0] > 20_000


def test_position_spread_is_that_of_brute_force(chain: Any) -> None:
    for run, expected in chain["spread"].items():
        said = chain["neutron_veto"][run]["results"]["position_spread"]
        assert abs(said["value"] - expected["mean"]) < 4 * math.hypot(said["error"], expected["error"])


@pytest.mark.nightly
def test_a_run_of_ten_minutes_has_enough_muons_for_means(large: Any) -> None:
    assert all(said["results"]["events"]["n"] >= 10 for said in large["muon_veto"].values())


@pytest.mark.nightly
def test_slow_control_is_right(large: Any) -> None:
    for name in ("chamber_pressure", "xenon_temperature", "liquid_level"):
        for kind, of in (("mean", "mean"), ("spread", "spread"), ("slope", "slope_per_hour")):
            pulls = [
                pull(said[f"{name}_{kind}"], large["truths"][run]["slow_control"][name][of])
                for run, said in large["scada"].items()
                if said[f"{name}_{kind}"]["value"] is not None
            ]
            assert len(pulls) >= 5
            assert agree(pulls), (name, kind, pulls)


def test_daq_rates_are_those_of_the_documents(chain: Any) -> None:
    assert len(chain["daq_rate"]) >= 8
    for run, said in chain["daq_rate"].items():
        rates = chain["documents"][run]["rate"]
        expected = {f"mean_{name}": one["avg"] for name, one in rates.items()}
        expected |= {f"max_{name}": one["max"] for name, one in rates.items()}
        assert {name: one["value"] for name, one in said.items()} == expected


def test_a_missing_chunk_is_broken_data(chain: Any) -> None:
    assert chain["missing_chunk"]["raised"].startswith("DataBroken: online_monitor_nv of run")
    assert chain["missing_chunk"]["results"] == {}


def test_without_monitor_and_hitlets_the_data_are_broken(chain: Any) -> None:
    assert chain["nothing_by_channel"]["raised"].startswith("DataBroken: hitlets_nv of run")
