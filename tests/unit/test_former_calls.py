"""The calls of the first XOM: what each gives a script, and what is refused with what to do instead."""

from __future__ import annotations

import configparser
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xomlib import job, saving
from xomlib.compat import constant, dblib, xomlibutils
from xomlib.compat.dblib import Xomdb
from xomlib.compat.xomresult import Xomresult, plain_name
from xomlib.documents.job_description import ContextSpec, JobDescription, JobKey
from xomlib.errors import BadResult, JobError
from xomlib.job import Session, begin

KEY = JobKey("kr_83m", "v1", "052001")
PNG = b"\x89PNG\r\n\x1a\nrest"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setattr(job, "_current", None)
    monkeypatch.chdir(tmp_path)
    run = {"number": 52001, "end": "2026-09-25T13:00:00Z"}
    yield begin(JobDescription(KEY, "script.py", ContextSpec("json:loads"), run=run, site=str(tmp_path)))


def given(**changes: Any) -> dict[str, Any]:
    whole = {
        "analysis_name": "Kr-83m",
        "analysis_version": "v1",
        "variable_name": "yield",
        "variable_value": 1.5,
        "runid": 52001,
        "container": "a.simg",
        "tag": "",
        "lineage": {"peaks": "abc"},
        "data": {"x": 2.0},
    }
    return {**whole, **changes}


# --- results ----------------------------------------------------------------------------------------------------------
def test_a_result_is_saved_once_and_becomes_the_record_of_the_first_xom(session: Session) -> None:
    timestamp = datetime(2026, 9, 25, tzinfo=UTC)
    one = Xomresult(given(measurement_name="xomdata"), timestamp=timestamp, unit="PE")
    one.save()
    one.save_in_db()
    (saved,) = session.results
    assert (saved["variable"], saved["value"], saved["unit"], saved["data"]) == ("yield", 1.5, "PE", {"x": 2.0})
    assert one.get_result_record() == [
        {
            "measurement": "xomdata",
            "tags": {
                "analysis_name": "kr_83m",
                "analysis_version": "v1",
                "variable_name": "yield",
                "xom_version": one.xom_version,
                "run_id": one.runid,
                "container": "a.simg",
            },
            "fields": {"yield": 1.5, "runid": one.runid, "x": 2.0, "peaks": "abc"},
            "time": "2026-09-25T00:00:00+00:00",
        }
    ]
    (bare,) = Xomresult(given(lineage=None, data={})).get_result_record()
    assert bare["fields"] == {"yield": 1.5, "runid": one.runid}
    assert (one.container, one.lineage, one.figure_path, one.sr_tag) == ("a.simg", {"peaks": "abc"}, None, None)


def test_what_is_saved_in_the_database_is_saved_for_the_outcome(session: Session) -> None:
    Xomresult(given()).save_in_db()
    assert [one["variable"] for one in session.results] == ["yield"]


def test_the_name_of_another_analysis_is_refused(session: Session) -> None:
    assert plain_name(" Kr-83m.b ") == "kr_83m_b"
    with pytest.raises(BadResult):
        Xomresult(given(analysis_name="other")).save()


def test_a_picture_of_the_script_becomes_a_figure_or_a_warning(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[tuple[str, bytes]] = []

    def figure(name: str, content: bytes) -> None:
        kept.append((name, content))
        session.figures.append(f"{name}.png")

    monkeypatch.setattr(saving, "figure", figure)
    (tmp_path / "a plot.png").write_bytes(PNG)
    (tmp_path / "b.png").write_bytes(b"no picture")
    for number, name in enumerate(("a plot.png", "a plot.png", "b.png", "absent.png")):
        Xomresult(given(variable_name=f"v{number}", figure_path=name)).save()
    assert kept == [("a_plot", PNG)]
    warnings = [
        "warning: figure_path b.png is not kept: it is no PNG",
        "warning: figure_path absent.png is not kept: it cannot be read: No such file or directory",
    ]
    assert session.messages == capsys.readouterr().out.splitlines() == warnings


def test_a_result_is_written_as_a_file_only_below_the_working_directory(
    session: Session, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    class Value:
        """Stands for a number of numpy."""

        def item(self) -> int:
            return 5

    (tmp_path / "below").mkdir()
    elsewhere = tmp_path_factory.mktemp("first_xom")
    Xomresult(given(timestamp=datetime(2026, 9, 25, tzinfo=UTC), tag=Path("x"), container=Value())).write_json("below/")
    Xomresult(given(variable_name="b")).write_json(f"{elsewhere}/")
    Xomresult(given(variable_name="c")).write_json("absent/")
    assert [one["variable"] for one in session.results] == ["yield", "b", "c"]
    (file,) = (tmp_path / "below").iterdir()
    written = json.loads(file.read_text())
    assert (written["variable_value"], written["timestamp"], written["tag"]) == (1.5, "2026-09-25T00:00:00+00:00", "x")
    assert written["container"] == 5
    assert list(elsewhere.iterdir()) == []


def test_records_are_saved_for_the_outcome(session: Session) -> None:
    record = Xomresult(given()).get_result_record()
    record[0]["fields"]["y"] = 3
    Xomdb("xomdata").insert_record(record)
    tags = {"analysis_name": "kr_83m", "analysis_version": "v1", "variable_name": "z"}
    Xomdb("xomdata").insert_record({"tags": tags, "fields": {"variable_value": 7.0, "runid": 52001}})
    found = [(one["variable"], one["value"], one["data"]) for one in session.results]
    assert found[0][:2] == ("yield", 1.5)
    assert found[0][2]["y"] == 3.0
    assert found[1] == ("z", 7.0, {})


# --- queries ----------------------------------------------------------------------------------------------------------
class Table:
    """A column `runid` of results."""

    def __init__(self, *numbers: int) -> None:
        self.runid = SimpleNamespace(tolist=lambda: list(numbers))


def test_the_runs_with_results_are_known_by_analysis(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {("a", "v1"): Table(5, 3, 5), ("a", "v0.0"): Table(1), ("b", "v0.0"): Table()}
    monkeypatch.setattr(Xomdb, "df_query_analysis", lambda _, name, version: tables[name, version])
    db = Xomdb("test_xomdata")
    assert (db.get_runid_list("a", "v1"), db.get_runid_list("a")) == ([3, 5], [1])
    assert (db.get_last_runid_from_analysis("a", "v1"), db.get_last_runid_from_analysis("b")) == (5, -1)
    for table, last in ((Table(4, 9), 9), (Table(), -1)):
        monkeypatch.setattr(Xomdb, "df_query_all", lambda _, table=table: table)
        assert db.get_last_runid() == last


def test_what_is_asked_of_the_outcomes_follows_from_the_folders(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outcomes/kr83m/v1").mkdir(parents=True)
    (tmp_path / "outcomes/kr83m/v2").mkdir()
    (tmp_path / "outcomes/other/v3").mkdir(parents=True)
    monkeypatch.setattr(dblib, "find_work", lambda site: tmp_path if site == str(tmp_path) else None)
    monkeypatch.setattr(Xomdb, "_table", lambda _, asked: [(name, sorted(versions)) for name, versions in asked])
    db = Xomdb("test_xomdata")
    assert db.df_query_analysis("kr83m") == [("kr83m", ["v1", "v2"])]
    assert db.df_query_analysis("kr83m", "v2") == [("kr83m", ["v2"])]
    assert db.df_query_analysis("kr83m", "v9") == db.df_query_analysis("absent") == []
    assert sorted(db.df_query_all()) == [("kr83m", ["v1", "v2"]), ("other", ["v3"])]
    with pytest.raises(JobError, match="`xom status` has the states of runs"):
        Xomdb("xomtodo").df_query_all()


# --- helpers ----------------------------------------------------------------------------------------------------------
def test_files_and_containers_are_found_as_before(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_text('{"é": 1}', encoding="utf-8")
    assert xomlibutils.load_result_json("a.json") == {"é": 1}
    assert [xomlibutils.search_in_file("a.json", text) for text in ("é", "x")] == [True, False]
    ranges = {"old": {"from": 10, "to": 20}, "new": {"from": 21, "to": 0}}
    found = [xomlibutils.get_container(run, {"container_dict": ranges}) for run in (9, 10, 20, 21, 10**6)]
    assert found == [None, "old", "old", "new", "new"]
    assert xomlibutils.get_container(9, {"container_dict": {"all": {"from": 0, "to": 0}}}) == "all"
    monkeypatch.setenv("CONDA_DEFAULT_ENV", " XENONnT_2024.04.1 ")
    assert xomlibutils.get_container_from_env() == "xenonnt-2024.04.1.simg"
    monkeypatch.delenv("CONDA_DEFAULT_ENV")
    assert xomlibutils.get_container_from_env() == ".simg"
    config = configparser.ConfigParser()
    config.read_string("[a]\nrun_mode = x,y\nfolder = p,q\n")
    entries = [xomlibutils.get_from_config(config, "a", name) for name in ("run_mode", "folder", "absent")]
    assert entries == [["x", "y"], "p,q", ""]
    assert [one.measurement_name for one in xomlibutils.connect_dbs("test_")] == [
        f"test_{name}" for name in constant.list_of_db
    ]


def test_the_end_of_the_run_is_known_and_of_no_other(session: Session) -> None:
    assert xomlibutils.get_daq_run_ts(52001) == datetime(2026, 9, 25, 13, tzinfo=UTC)
    with pytest.raises(JobError, match=r"get_daq_run_ts\(7\).*xomlib.run\(\) has the run that is analysed"):
        xomlibutils.get_daq_run_ts(7)
    session.description.run["end"] = None  # type: ignore[index]
    with pytest.raises(JobError):
        xomlibutils.get_daq_run_ts(52001)


def test_times_are_in_the_zone_that_is_asked_for() -> None:
    now = datetime.now(UTC)
    assert abs(xomlibutils.get_time_stamp() - now) < timedelta(minutes=1)
    assert xomlibutils.get_time_stamp("Europe/Rome").utcoffset() != timedelta()
    days = [xomlibutils.get_delta_days(now + timedelta(days=days, hours=1), "UTC") for days in (-2, 0, 3)]
    assert days == [-2, 0, 3]


def test_a_timer_prints_the_time_also_of_a_call_that_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([1.0, 3.5, 4.0, 4.25])
    slept: list[float] = []
    its_time = SimpleNamespace(perf_counter=clock.__next__, sleep=slept.append)
    monkeypatch.setattr(xomlibutils, "time", its_time)

    @xomlibutils.timer
    def work(value: int) -> int:
        return 1 // value

    assert work(1) == 1
    with pytest.raises(ZeroDivisionError):
        work(0)
    xomlibutils.mysleep(5, "for a file")
    xomlibutils.sleep(2)
    printed = ["work took 2.5000 s", "work took 0.2500 s", "waiting for 5 s for a file", "waiting for 2 s"]
    assert (capsys.readouterr().out.splitlines(), slept) == (printed, [5, 2])


def test_a_logger_writes_each_line_once() -> None:
    one = xomlibutils.get_logger("of a test of former calls", "/anywhere")
    try:
        assert xomlibutils.get_logger("of a test of former calls") is one
        assert (len(one.handlers), one.level) == (1, 20)
    finally:
        one.handlers.clear()


@pytest.mark.parametrize(
    "call",
    [
        *("get_rundb_collection", "get_last_rundb", "wait_for_slot", "check_jobs", "remove_file", "empty_directory"),
        "get_analysis_config",
    ],
)
def test_what_ticks_do_now_is_refused_with_what_to_do(call: str) -> None:
    with pytest.raises(JobError, match=call):
        getattr(xomlibutils, call)(1, a=2)


def test_nothing_can_be_removed_or_inserted_beside_the_outcome(session: Session) -> None:
    db = Xomdb("xomdata")
    for call in (
        lambda: db.delete(),
        lambda: db.delete_record(1),
        lambda: db.delete_runid("a", "v1", 1),
        lambda: db.df_insert_record(1, 2),
    ):
        with pytest.raises(JobError):
            call()
