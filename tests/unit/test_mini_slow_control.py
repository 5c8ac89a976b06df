"""The slow control of the mini-XENONnT: readings follow the truths, and the server speaks the protocol."""

import itertools
import json
import os
import signal
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from ssl import create_default_context
from statistics import fmean, stdev
from typing import Any

import pytest

from mini_xenonnt import folder, slow_control, truth
from mini_xenonnt.schedule import Parameters, plan
from mini_xenonnt.slow_control import PARAMETERS, Series
from support.patience import PATIENCE
from xomphysics import slow_control_client

PRESSURE, TEMPERATURE, LEVEL = PARAMETERS


def made(place: Path, **changes: Any) -> Parameters:
    """A set without data; its readings are drawn by their times, so they are the same in each test."""
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    parameters = Parameters(now, runs=6, **changes)
    place.mkdir()
    folder.write_state(place, {"parameters": folder.parameters_to_json(parameters), "taken": []})
    return parameters


def values(series: Series, name: str, start: float, seconds: int) -> list[float]:
    return [one["value"] for one in series(name, int(start), int(start) + seconds)]


def test_readings_are_the_truth_with_its_scatter(tmp_path: Path) -> None:
    parameters = made(tmp_path / "set")
    run = plan(parameters)[0]
    file = truth.of_run({}, run.run_id, run.mode, run.start, run.end, parameters.origin, 1)["slow_control"]
    series = Series(tmp_path / "set")
    for name, parameter in PARAMETERS.items():
        found = values(series, name, run.start.timestamp(), 600)
        expected = file[parameter.truth]
        assert abs(fmean(found) - expected["mean"]) < 4 * expected["spread"] / len(found) ** 0.5, name
        assert stdev(found) == pytest.approx(expected["spread"], rel=0.3)


def test_readings_are_always_the_same_whatever_the_window(tmp_path: Path) -> None:
    start = made(tmp_path / "set").origin.timestamp()
    one, other = Series(tmp_path / "set"), Series(tmp_path / "set")
    assert values(one, PRESSURE, start, 1000)[10:19] == values(other, PRESSURE, start + 100, 95)[:9]


def test_another_seed_scatters_otherwise(tmp_path: Path) -> None:
    start = made(tmp_path / "one").origin.timestamp()
    made(tmp_path / "other", seed=2)
    one, other = (values(Series(tmp_path / name), PRESSURE, start, 300) for name in ("one", "other"))
    assert all(a != b for a, b in zip(one, other, strict=True))


def test_a_drift_goes_on_within_a_run(tmp_path: Path) -> None:
    steep = {"chamber_pressure": {"start": 1.0, "slope_per_day": 86.4}, "chamber_pressure_noise": 0}
    parameters = made(tmp_path / "set", truth=steep)
    run = plan(parameters)[0]
    found = values(Series(tmp_path / "set"), PRESSURE, run.start.timestamp() // 10 * 10, 600)
    assert found[-1] - found[0] == pytest.approx(0.6)
    file = truth.of_run(steep, run.run_id, run.mode, run.start, run.end, parameters.origin, 1)["slow_control"]
    assert file["chamber_pressure"]["slope_per_hour"] == pytest.approx(3.6)
    assert file["chamber_pressure"]["mean"] == pytest.approx(1.3)


def test_truths_of_single_runs_hold_for_these(tmp_path: Path) -> None:
    parameters = made(tmp_path / "set", truth={"chamber_pressure": {"052801": 5.0, "default": 1.0}})
    runs = plan(parameters)
    series = Series(tmp_path / "set")
    means = [fmean(values(series, PRESSURE, run.start.timestamp() + 10, 100)) for run in runs[:3]]
    assert means == pytest.approx([1.0, 5.0, 1.0], abs=0.01)


def test_the_level_has_its_gap_and_the_others_none(tmp_path: Path) -> None:
    start = made(tmp_path / "set").origin.timestamp() // 900 * 900
    longest = {}
    for name in PARAMETERS:
        times = [one["timestampseconds"] for one in Series(tmp_path / "set")(name, int(start), int(start) + 1800)]
        longest[name] = max(b - a for a, b in itertools.pairwise(times))
    assert longest == {PRESSURE: 10, TEMPERATURE: 7, LEVEL: 160}


def test_a_folder_without_a_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(folder.FolderError, match="no runs yet"):
        Series(tmp_path)


def test_the_command_serves_until_it_is_ended(tmp_path: Path) -> None:
    parameters = made(tmp_path / "set")
    command = [sys.executable, "-m", "mini_xenonnt", "slow-control", "--output", str(tmp_path / "set")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("slow control at https://localhost:")
            account = slow_control_client.read_account(tmp_path / "set" / "slow_control" / "xenon_config")
            begin = parameters.origin.timestamp()
            found = slow_control_client.SlowControlClient(account).values(TEMPERATURE, begin, begin + 70)
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert len(found.values) in (10, 11)


def test_it_listens_on_the_loopback_interface_only_and_the_account_is_private(tmp_path: Path) -> None:
    made(tmp_path / "set")
    with slow_control.Server(Series(tmp_path / "set"), tmp_path / "files") as server:
        assert server.server_address[0] == "127.0.0.1"
        assert os.stat(server.account).st_mode & 0o777 == 0o600  # noqa: PTH116


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"QueryType": "lab"}, "raw values only"),
        ({"name": "XE1T.GONE"}, "There is no tag XE1T.GONE"),
        ({"StartDateUnix": "100"}, "older than 5 years"),
        ({"StartDateUnix": "soon"}, "are needed"),
    ],
)
def test_what_it_does_not_answer_is_said_in_words(tmp_path: Path, query: dict[str, str], words: str) -> None:
    parameters = made(tmp_path / "set")
    start = int(parameters.origin.timestamp())
    good = {"name": PRESSURE, "StartDateUnix": str(start), "EndDateUnix": str(start + 60), "QueryType": "rawbytime"}
    with slow_control.Server(Series(tmp_path / "set"), tmp_path / "files") as server:
        assert len(server.readings(good)) in (6, 7)
        assert words in server.readings({**good, **query})["message"]


def test_without_a_token_it_says_nothing(tmp_path: Path) -> None:
    made(tmp_path / "set")
    with slow_control.Server(Series(tmp_path / "set"), tmp_path / "files") as server:
        thread = slow_control.serve_in_thread(server)
        trusted = create_default_context(cafile=tmp_path / "files" / "ca.pem")
        url = f"https://localhost:{server.server_address[1]}/data?name={PRESSURE}"
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url, context=trusted)
        assert caught.value.code == 401
        assert "denied" in json.loads(caught.value.read())["Message"]
        caught.value.close()
        server.shutdown()
        thread.join(10)


def test_an_answer_has_so_many_values_at_most(tmp_path: Path) -> None:
    start = int(made(tmp_path / "set").origin.timestamp())
    with slow_control.Server(Series(tmp_path / "set"), tmp_path / "files") as server:
        query = {"name": TEMPERATURE, "StartDateUnix": str(start), "EndDateUnix": str(start + 10**6)}
        assert len(server.readings({**query, "QueryType": "rawbytime"})) == slow_control.MOST_VALUES
