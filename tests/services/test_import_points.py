"""Results of the first XOM are taken over from a real InfluxDB, and shown for what they are."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local_servers.influx import Bucket
from support.in_process import FastSite
from xomflow.core.key import Key

TIME = 1717243200 * 10**9  # 2024-06-01T12:00:00Z, when a script of the first XOM ran


def line(
    run: int,
    variable: str,
    value: float,
    *,
    time: int = TIME,
    analysis: str = "light_yield",
    more: str = "",
    tags: str = "",
) -> str:
    """A result as the first XOM wrote it in 2024."""
    given = f"analysis_name={analysis},analysis_version=v0.1,variable_name={variable},xom_version=1.2,run_id={run}"
    given += f",container=xenonnt-2024.06.1.simg,run_mode=tpc_kr83m,sr_tag=no_sr_tag,daq_comment=a\\ comment{tags}"
    return f"prod_xomdata,{given} {variable}={value},runid={run}i{more} {time}\n"


def of_2023(run: int, variable: str, value: float) -> str:
    """A result in the form of 2023: the value has a name of its own, and no tag has the run."""
    tags = f"analysis_name=event_rate,analysis_version=v0.0,variable_name={variable},xom_version=1.1"
    return f"prod_xomdata,{tags} variable_value={value},runid={run}i {TIME + run}\n"


@pytest.fixture
def site(tmp_path: Path, bucket: Bucket) -> FastSite:
    made = FastSite(tmp_path)
    made.runs([52001, 52002])
    credentials = str(bucket.credentials(tmp_path))
    made.tree["store"] = {"kind": "influxdb", "prefix": "test_", "credentials": credentials, "mirror": "xomdata"}
    made.analysis("light_yield", "xomlib.Xomresult(variable_name='LYS1a', variable_value=8.75).save()", version="v0.1")
    more = ',chi2=1.5,bins=50i,fit="good",figure_path="/xom/a.png",peak_basics="abcdefghij"'
    bucket.write(line(52001, "LYS1a", 8.5, more=more) + line(52001, "LYS1b", 9.5) + line(52002, "LYS1a", 8.0))
    return made


def outcome(
    site: FastSite, number: int, analysis: str = "light_yield", version: str = "history.v0.1"
) -> dict[str, Any]:
    return site.outcome(analysis, number, version)


def test_results_become_outcomes_with_a_version_of_their_own(site: FastSite) -> None:
    done = site.xom("import-points", "prod_xomdata")
    assert done.returncode == 0, done.stderr
    assert "2 keys to be taken over" in done.stdout and "the next tick publishes and shows them" in done.stdout
    one = outcome(site, 52001)
    assert {result["variable"]: result["value"] for result in one["results"]} == {"LYS1a": 8.5, "LYS1b": 9.5}
    assert one["results"][0]["data"] == {"bins": 50.0, "chi2": 1.5, "figure_path": "/xom/a.png", "fit": "good"}
    assert (one["message"], one["ended"]) == ("taken over from prod_xomdata of the first XOM", "2024-06-01T12:00:00Z")
    assert one["run"]["mode"] == "tpc_bkg", "as in the run document"
    assert one["run"]["start"].startswith("2026")
    made_with = one["provenance"]
    assert (made_with["software"], made_with["versions"]) == ("xenonnt-2024.06.1.simg", {"xomlib": "1.2"})
    assert made_with["lineage"] == {"peak_basics": "abcdefghij"}


def test_ticks_publish_them_beside_their_own_and_analyse_the_runs_all_the_same(site: FastSite, bucket: Bucket) -> None:
    site.xom("import-points", "prod_xomdata")
    assert site.tick().returncode == 0
    assert site.done("light_yield", "v0.1") == {52001, 52002}
    found = {(one["analysis_version"], one["tag"]) for one in tags_of(bucket, "test_xomdata")}
    assert found == {("v0.1", "xom2"), ("v0.1", "history")}
    assert {one["version"] for one in tags_of(bucket, "test_light_yield")} == {"v0.1", "history.v0.1"}
    assert len(tags_of(bucket, "prod_xomdata")) == 3, "its own points stay"
    assert site.xom("verify").returncode == 0
    assert all("history" not in site.xom(*words).stdout for words in (["status"], ["outdated"]))


def tags_of(bucket: Bucket, measurement: str) -> list[dict[str, Any]]:
    return [dict(identity[1:-1]) for identity in bucket.points() if identity[0] == measurement]


def test_the_mirror_is_not_taken_over_again(site: FastSite) -> None:
    site.xom("import-points", "prod_xomdata")
    site.tick()
    assert "0 keys to be taken over" in site.xom("import-points", "test_xomdata").stdout


def test_a_second_time_changes_nothing(site: FastSite) -> None:
    site.xom("import-points", "prod_xomdata")
    done = site.xom("import-points", "prod_xomdata")
    assert "2 outcomes are there already" in done.stdout and "0 keys to be taken over" in done.stdout


@pytest.mark.parametrize("damaged", ["", "[]", '{"results": []}'])
def test_a_damaged_outcome_is_taken_over_again(site: FastSite, damaged: str) -> None:
    site.xom("import-points", "prod_xomdata")
    before = outcome(site, 52001)
    site.paths.outcome(Key("light_yield", "history.v0.1", "052001")).write_text(damaged)
    assert "1 key to be taken over" in site.xom("import-points", "prod_xomdata").stdout
    assert outcome(site, 52001)["results"] == before["results"]


def test_a_dry_run_writes_nothing(site: FastSite) -> None:
    done = site.xom("import-points", "prod_xomdata", "--dry-run")
    assert "2 keys to be taken over" in done.stdout and "nothing was done" in done.stdout
    assert site.done("light_yield", "history.v0.1") == set()


def test_of_several_results_of_a_run_the_latest_counts(site: FastSite, bucket: Bucket) -> None:
    bucket.write(line(52002, "LYS1a", 7.0, time=TIME + 10**9) + line(52002, "LYS1a", 6.0, time=TIME - 10**9))
    done = site.xom("import-points", "prod_xomdata")
    assert "2 points are left out: an earlier result of the same run and variable" in done.stdout
    assert [one["value"] for one in outcome(site, 52002)["results"]] == [7.0]


def test_the_form_of_2023_is_read_too(site: FastSite, bucket: Bucket) -> None:
    bucket.write(of_2023(52001, "e_0_100000", 12.0))
    site.xom("import-points", "prod_xomdata")
    (one,) = outcome(site, 52001, "event_rate", "history.v0.0")["results"]
    assert (one["variable"], one["value"], one["data"]) == ("e_0_100000", 12.0, {})


def test_what_cannot_be_taken_over_is_counted(site: FastSite, bucket: Bucket) -> None:
    bucket.write(
        line(53000, "LYS1a", 1.0)
        + 'prod_xomdata,analysis_name=a,variable_name=b text="x",runid=52001i 1717243200000000000\n'
    )
    done = site.xom("import-points", "prod_xomdata")
    assert "1 points are left out: the run database does not have their run" in done.stdout
    assert "1 points are left out: they have no number" in done.stdout


_ASK = """
import json, sys, xomlib
newest = xomlib.results("light_yield", site=sys.argv[1])
both = xomlib.compare("light_yield", "history.v0.1", "v0.1", site=sys.argv[1])
print(json.dumps([list(newest.version.unique()), both.difference.tolist()]))
"""


def test_numbers_of_both_are_compared(site: FastSite, analysis_python: Path) -> None:
    site.xom("import-points", "prod_xomdata")
    site.tick()
    done = subprocess.run(
        [str(analysis_python), "-c", _ASK, str(site.folder)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [["v0.1"], [0.25, 0.75]]
