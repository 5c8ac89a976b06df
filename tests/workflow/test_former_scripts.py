"""Scripts with the calls of the first XOM's public repository (github.com/XENONnT/xom, 2023 and 2024) run unchanged.

The scripts here are written for these tests; only names, signatures and forms of command lines are those of the
repository.
"""

from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.in_process import FastSite
from xomlib.compat import constant, dblib, xomlibutils, xomresult

# As `import xomlib` in a folder of utilities, with keywords and the run as the only argument.
OF_2023 = """
import argparse
import sys
sys.path += ['../../../utils/']
import xomlib

def count(run_id):
    xomresult = xomlib.Xomresult(analysis_name="of_2023", analysis_version="v0.0",
                                 variable_name='XE1T.CRY_PT101_PCHAMBER_AI.PI', variable_value=1.93,
                                 runid=int(run_id), runids=["012", "013"], data={"e_0_1": 4, "e_1_10": 7})
    xomresult.save()
    xomresult.xom_message(success=True)

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("echo")
    count(parser.parse_args().echo)

if __name__ == "__main__":
    main()
"""
# With a dictionary, files of JSON, figures and helpers; it takes a folder and a prefix, and lies in its own folder.
OF_2024 = """
import os
from argparse import ArgumentParser
import xomlib
import xomlib.constant as constant
import xomlib.dblib as dbl
import xomlib.xomlibutils as xomlibutils
from helpers import PNG, bins

@xomlibutils.timer
def main():
    parser = ArgumentParser("light_yield")
    parser.add_argument("runid", type=str)
    parser.add_argument("result_folder", type=str)
    parser.add_argument("--prefix", type=str, default="")
    args = parser.parse_args()
    logger = xomlibutils.get_logger("light_yield", args.result_folder)
    logger.info("begun")
    figure_path = args.result_folder + "spectrum.png"
    with open(figure_path, "wb") as file:
        file.write(PNG)
    base = {'measurement_name': args.prefix + 'xomdata', 'analysis_name': 'Light-Yield', 'analysis_version': 'v0.1',
            'runid': int(args.runid), 'timestamp': xomlibutils.get_time_stamp(), 'figure_path': figure_path,
            'container': xomlibutils.get_container(int(args.runid), xomlibutils.read_json("tool_config.json")),
            'lineage': {'peak_basics': 'abcdef'}, 'tag': 'main'}
    for name, value in (("LYS1a", 8.5), ("LYS1b", 0)):
        result = dict(base)
        result.update({'variable_name': name, 'variable_value': value, 'data': {'bins': bins, 'chi2': 1.5}})
        xomresult = xomlib.Xomresult(result)
        xomresult.write_json(args.result_folder)
        (record,) = xomresult.get_result_record()
        assert record["measurement"] == "test_xomdata" and record["fields"][name] == value
        assert record["tags"]["container"] == "xenonnt-2024.06.1.simg" and record["tags"]["run_id"] == 52001
        xomresult.save()
        kept = xomlibutils.load_result_json(args.result_folder + xomlibutils.construct_filename(
            "test_xomdata", "light_yield", "v0.1", name, 52001))
        assert kept["variable_value"] == value and kept["lineage"] == {'peak_basics': 'abcdef'}
    assert xomlibutils.get_daq_run_ts(int(args.runid)).year == 2026
    assert constant.list_of_db[0] == 'xomdata'
    xomresult.xom_message(success=True)

if __name__ == "__main__":
    main()
"""
# All code outside of functions; a failure is caught and reported.
REPORTS_FAILURE = """
import sys
import xomlib
if __name__ == "__main__":
    result = xomlib.Xomresult({"measurement_name": "x", "analysis_name": "reports_failure", "analysis_version": "v0.0",
                               "variable_name": "a", "variable_value": 1.0, "runid": int(sys.argv[1])})
    try:
        1 / 0
    except Exception:
        result.xom_message(success=False)
"""
ASKS_RUNDB = """
import xomlib.xomlibutils as xomlibutils
if __name__ == "__main__":
    xomlibutils.get_last_rundb({'status': 'transferred'})
"""
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
COMMAND = ["[run]", "[result_folder]", "--prefix", "[prefix]"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> FastSite:
    """A site on which a tick has run the scripts."""
    made = FastSite(tmp_path_factory.mktemp("former"))
    made.runs([52001])
    for name, text in {"of_2023": OF_2023, "reports_failure": REPORTS_FAILURE, "asks_rundb": ASKS_RUNDB}.items():
        made.analysis(name, "pass", version="v1" if name == "asks_rundb" else "v0.0", compat=True)
        (made.folder / "extra/scripts/analyses" / f"{name}.py").write_text(text)
    folder = made.folder / "xom_analyses/light_yield"
    folder.mkdir(parents=True)
    (folder / "Light_Yield.py").write_text(OF_2024)
    (folder / "results").mkdir()  # the script's own folder of this name gets nothing
    (folder / "helpers.py").write_text(f"bins = 50\nPNG = {PNG!r}\n")
    (folder / "tool_config.json").write_text(
        json.dumps({"container_dict": {"xenonnt-2024.06.1.simg": {"from": 52000, "to": 0}}})
    )
    script = "xom_analyses/light_yield/Light_Yield.py"
    made.analysis("light_yield", "pass", version="v0.1", script=script, arguments=COMMAND, compat=True)
    made.tick()
    return made


def results(site: FastSite, analysis: str, version: str) -> dict[str, Any]:
    return {one["variable"]: one for one in site.outcome(analysis, 52001, version)["results"]}


def test_keywords_and_the_run_alone_as_in_2023(site: FastSite) -> None:
    (one,) = results(site, "of_2023", "v0.0").values()
    assert (one["variable"], one["value"]) == ("XE1T.CRY_PT101_PCHAMBER_AI.PI", 1.93)
    assert one["data"] == {"e_0_1": 4, "e_1_10": 7}


def test_a_dictionary_a_result_folder_and_a_prefix_as_in_2024(site: FastSite) -> None:
    found = results(site, "light_yield", "v0.1")
    assert {name: one["value"] for name, one in found.items()} == {"LYS1a": 8.5, "LYS1b": 0.0}
    assert found["LYS1a"]["data"] == {"bins": 50, "chi2": 1.5}


def test_the_picture_at_figure_path_is_a_figure_of_the_outcome(site: FastSite) -> None:
    assert site.outcome("light_yield", 52001, "v0.1")["figures"] == ["spectrum.png"]
    (kept,) = (site.paths.all_figures / "light_yield/v0.1").rglob("*.png")
    assert kept.read_bytes() == PNG


def test_a_script_in_a_folder_of_its_own_leaves_nothing_there(site: FastSite) -> None:
    folder = site.folder / "xom_analyses/light_yield"
    assert {path.name for path in folder.iterdir()} == {"Light_Yield.py", "helpers.py", "results", "tool_config.json"}
    assert list((folder / "results").iterdir()) == []
    assert "warning" not in site.outcome("light_yield", 52001, "v0.1")["message"]


def test_a_reported_failure_is_one(site: FastSite) -> None:
    folder = site.paths.shelves("reports_failure", "v0.0") / "052"
    (record,) = (json.loads(path.read_text()) for path in folder.glob("052001.failed-*.json"))
    assert record["failure"]["message"] == "the script reported no success"


def test_what_ticks_do_now_is_refused_with_what_to_do(site: FastSite) -> None:
    (record,) = site.failures("asks_rundb", 52001)
    assert record["failure"]["class"] == "setup"
    assert record["failure"]["message"] == (
        "get_last_rundb of the first XOM has no place in a job: xomlib.run() has the run that is analysed, "
        "and jobs ask no run database"
    )


def test_such_a_script_is_tried_by_xom_try(site: FastSite) -> None:
    done = site.xom("try", "light_yield", "52001", "--json")
    (tried,) = json.loads(done.stdout)
    assert tried["failure"] is None, tried
    assert [one["value"] for one in tried["document"]["results"]] == [8.5, 0.0]


def test_several_runs_of_such_a_script_share_a_preloaded_process(site: FastSite, tmp_path: Path) -> None:
    other = FastSite(tmp_path)
    other.runs([52001, 52002, 52003])
    other.tree["warm_start"] = {"enabled": True, "preload": []}
    other.analysis("of_2023", "pass", version="v0.0", compat=True)
    other.analysis(
        "of_ours", "assert not hasattr(xomlib, 'dblib')\nxomlib.Xomresult(variable_name='a', variable_value=1).save()"
    )
    (other.folder / "extra/scripts/analyses/of_2023.py").write_text(OF_2023)
    assert other.tick().returncode == 0
    assert other.done("of_2023", "v0.0") == other.done("of_ours") == {52001, 52002, 52003}


def test_without_compat_the_calls_are_not_there(site: FastSite, tmp_path: Path) -> None:
    other = FastSite(tmp_path)
    other.runs([52001])
    shutil.copytree(site.folder / "xom_analyses", other.folder / "xom_analyses")
    script = "xom_analyses/light_yield/Light_Yield.py"
    other.analysis("light_yield", "pass", script=script, arguments=COMMAND)
    other.tick()
    (record,) = other.failures("light_yield", 52001)
    assert "No module named 'xomlib.constant'" in record["failure"]["message"]


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        ({"script": "Light_Yield"}, "a name in scripts/analyses without .py is needed, or a path that ends with .py"),
        ({"script": "xom_analyses/none.py"}, "analyses.light_yield has no script: xom_analyses/none.py is missing"),
        ({"arguments": ["[runs]"]}, "[runs] is not known, [run], [result_folder] and [prefix] are"),
    ],
)
def test_a_block_that_cannot_start_its_script_is_refused(tmp_path: Path, block: dict[str, Any], sentence: str) -> None:
    site = FastSite(tmp_path)
    site.runs([52001])
    site.analysis("light_yield", "pass", **block)
    done = site.xom("status")
    assert done.returncode == 3 and sentence in done.stderr


READS_BACK = """
import sys
import xomlib.dblib as dbl
import xomlib
if __name__ == "__main__":
    xomdb = dbl.Xomdb("test_xomdata")
    table = xomdb.df_query_analysis("of_2023", "v0.0")
    assert list(table.variable_value) == [1.93] and list(table.runid) == [52001], table
    assert xomdb.get_runid_list("of_2023") == [52001] and xomdb.get_last_runid_from_analysis("of_2023") == 52001
    assert xomdb.get_last_runid() == 52001 and xomdb.get_runid_list("none") == []
    assert len(xomdb.df_query_all()) == len(xomdb.df_query_analysis("of_2023", None, "1.2")) == 1
    record = {"measurement": "test_xomdata", "tags": {"analysis_name": "reads_back", "analysis_version": "v1",
              "variable_name": "again"}, "fields": {"again": 2.5, "runid": int(sys.argv[1]), "n": 3}, "time": 0}
    xomdb.insert_record([record])
"""


def test_the_database_of_the_first_xom_answers_from_the_outcomes(tmp_path: Path, analysis_python: Path) -> None:
    site = FastSite(tmp_path)
    site.runs([52001])
    site.tree["software"] = [{"interpreter": str(analysis_python)}]
    site.analysis("of_2023", "pass", version="v0.0", compat=True)
    (site.folder / "extra/scripts/analyses/of_2023.py").write_text(OF_2023)
    assert site.tick().returncode == 0
    site.analysis("reads_back", "pass", compat=True)
    (site.folder / "extra/scripts/analyses/reads_back.py").write_text(READS_BACK)
    tick = site.tick()
    assert tick.returncode == 0, [one["failure"] for one in site.failures("reads_back", 52001)]
    (one,) = site.outcome("reads_back", 52001)["results"]
    assert (one["variable"], one["value"], one["data"]) == ("again", 2.5, {"n": 3})


# Names of the public repository with those of their parameters, in the order of both years.
CALLS: dict[Any, dict[str, str]] = {
    xomresult.Xomresult: {
        "get_result_record": "",
        "save": "",
        "save_in_db": "record",
        "write_json": "folder",
        "xom_message": "success",
    },
    dblib.Xomdb: {
        "__init__": "measurement_name influxdb_info",
        "delete": "",
        "delete_record": "p",
        "delete_runid": "analysis_name analysis_version runid xom_version",
        "df_insert_record": "df tag_columns",
        "df_query_all": "",
        "df_query_analysis": "analysis_name analysis_version xom_version",
        "get_last_runid": "",
        "get_last_runid_from_analysis": "analysis_name analysis_version",
        "get_latest_xom_version": "",
        "get_runid_list": "analysis_name analysis_version xom_version",
        "insert_record": "record",
    },
    xomlibutils: {
        "connect_db": "dbname",
        "connect_dbs": "prefix",
        "construct_filename": "meas_name an_name an_version an_var runid",
        "get_container": "run_id tool_config",
        "get_container_from_env": "",
        "get_daq_run_ts": "runid",
        "get_delta_days": "date computing_tz",
        "get_from_config": "xomconfig analysis_name item_to_return",
        "get_logger": "name log_folder",
        "get_time_stamp": "timezone",
        "load_result_json": "filename",
        "load_straxen": "",
        "mysleep": "delay message",
        "read_json": "filename",
        "search_in_file": "filename to_search",
        "sleep": "delay message",
        "timer": "func",
    },
}
OF_THE_MANAGER = {"check_jobs", "empty_directory", "get_analysis_config", "get_last_rundb", "get_rundb_collection"}
OF_THE_MANAGER |= {"remove_file", "wait_for_slot"}


def test_every_public_call_of_both_years_is_there() -> None:
    for owner, calls in CALLS.items():
        for name, parameters in calls.items():
            own = [one for one in inspect.signature(getattr(owner, name)).parameters if one != "self"]
            assert own[: len(parameters.split())] == parameters.split(), (owner, name)
    assert all(callable(getattr(xomlibutils, name)) for name in OF_THE_MANAGER)
    assert set(constant.list_of_db) == {"xomdata", "xomtodo", "xomdone", "xomsubmitted", "xomtocheck"}
    assert (xomresult.success_message, xomresult.error_message) == ("SUCCESSWITHXOM", "ERRORWITHXOM")
