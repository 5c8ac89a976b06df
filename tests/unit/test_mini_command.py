"""The mini-XENONnT's command line and folder, as far as they need no strax."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mini_xenonnt import folder as place
from mini_xenonnt import make, schedule
from mini_xenonnt.__main__ import main
from mini_xenonnt.production.workers import Report, Workers
from mini_xenonnt.schedule import Parameters, Run

NOW = "2026-11-22T12:00:00Z"
PARAMETERS = Parameters(datetime(2026, 11, 22, 12, tzinfo=UTC), runs=24)
RUNS = schedule.plan(PARAMETERS)
LINEAGE = {name: f"hash{i}" for i, name in enumerate(schedule.STORED_TYPES)}
MADE_WITH = {"strax": "1", "straxen": "1", "mini_xenonnt": "1"}


def put(path: Path, **metadata: Any) -> None:
    path.mkdir(parents=True)
    name = path.name.removesuffix("_temp").split("-", maxsplit=1)[1]
    (path / f"{name}-metadata.json").write_text(json.dumps(metadata))


def put_run(folder: Path, run: Run) -> None:
    for name in run.types:
        put(place.data_folder(folder, run.run_id, name, LINEAGE[name]), writing_ended=1)
    for name in run.broken_types:
        path = place.data_folder(folder, run.run_id, name, LINEAGE[name])
        if run.odd == "temp":
            put(path.with_name(path.name + "_temp"), writing_started=1)
        else:
            put(path, writing_ended=1, exception="x")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a complete set."""
    monkeypatch.setattr(make, "_made_with", lambda: MADE_WITH)
    state = {
        "parameters": place.parameters_to_json(PARAMETERS),
        "taken": [],
        "lineage": {"made_with": MADE_WITH, "hashes": LINEAGE},
    }
    place.write_state(tmp_path, state)
    for run in RUNS:
        put_run(tmp_path, run)
    return tmp_path


@pytest.fixture
def produced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that workers would be asked to make; nothing is made."""
    asked: list[str] = []

    def produce(_: Workers, runs: list[Run], __: Report) -> list[str]:
        asked.extend(run.run_id for run in runs)
        return []

    monkeypatch.setattr(Workers, "produce", produce)
    return asked


def test_the_command_line_imports_nothing_heavy() -> None:
    code = "import sys, mini_xenonnt.__main__; print({'numpy', 'strax', 'straxen'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["make"],
        ["make", "--output", "x", "--runs", "0"],
        ["make", "--output", "x", "--now", "soon"],
        ["take", "--output", "x", "--mode", "tpc_xyz"],
    ],
)
def test_wrong_arguments_have_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert arguments[-1:] == [] or "error" in capsys.readouterr().err


def test_a_complete_set_is_left_alone_and_said_so_in_one_line(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["make", "--output", str(made), "--runs", "24", "--now", NOW]) == 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "nothing to make" in said


def test_left_out_parameters_are_those_of_the_set(made: Path) -> None:
    assert main(["make", "--output", str(made)]) == 0
    assert place.parameters_from_json(json.loads((made / "mini.json").read_text())["parameters"]) == PARAMETERS


def test_another_make_changes_no_file(made: Path) -> None:
    main(["make", "--output", str(made)])
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*.json*")}
    main(["make", "--output", str(made)])
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*.json*")} == before


def test_every_run_has_a_document_and_every_run_with_types_a_truth(made: Path) -> None:
    main(["make", "--output", str(made)])
    documents = [json.loads(line) for line in place.runs_file(made).read_text().splitlines()]
    assert [document["name"] for document in documents] == [run.run_id for run in RUNS]
    truths = {path.stem for path in (made / "truth").iterdir()}
    assert truths == {run.run_id for run in RUNS if schedule.MODES[run.mode].types}


def test_odd_runs_can_be_looked_up_in_the_folder(made: Path) -> None:
    main(["make", "--output", str(made)])
    assert json.loads((made / "mini.json").read_text())["odd"] == schedule.odd_runs(RUNS)


@pytest.mark.parametrize("odd", [None, "temp", "exception", "partial"])
def test_only_what_is_missing_is_made(made: Path, produced: list[str], odd: str | None) -> None:
    run = next(run for run in RUNS if run.odd == odd and run.types)
    victim = next(made.glob(f"strax_data/{run.run_id}-*basics*"))
    next(victim.iterdir()).unlink()
    main(["make", "--output", str(made)])
    assert produced == [run.run_id]


@pytest.mark.parametrize("metadata", [{}, {"writing_ended": 1, "exception": "x"}])
def test_unfinished_data_are_made_again(made: Path, produced: list[str], metadata: dict[str, Any]) -> None:
    victim = place.data_folder(made, RUNS[0].run_id, "event_info", LINEAGE["event_info"])
    next(victim.iterdir()).write_text(json.dumps(metadata))
    main(["make", "--output", str(made)])
    assert produced == [RUNS[0].run_id]


@pytest.mark.parametrize(
    ("option", "value"), [("runs", "25"), ("seed", "2"), ("decays", "5"), ("seconds", "5"), ("now", "2026-01-01")]
)
def test_other_parameters_need_another_folder(
    made: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    assert main(["make", "--output", str(made), f"--{option}", value]) == 2
    assert f"made with {option} =" in capsys.readouterr().err


def test_another_truth_needs_another_folder(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "truth.json"
    path.write_text('{"event_rate": 1}')
    assert main(["make", "--output", str(made), "--truth", str(path)]) == 2
    assert "made with truth =" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "x"}', '{"schema": "mini-xenonnt-1", "version": "0"}'])
def test_a_foreign_folder_is_not_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (tmp_path / "mini.json").write_text(text)
    assert main(["make", "--output", str(tmp_path)]) == 2
    assert "mini.json" in capsys.readouterr().err
    assert (tmp_path / "mini.json").read_text() == text


def test_a_folder_that_another_process_works_on_is_left_to_it(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with place.locked(made):
        assert main(["make", "--output", str(made)]) == 2
    assert "another process" in capsys.readouterr().err


def test_a_run_can_only_be_taken_into_a_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["take", "--output", str(tmp_path), "--mode", "tpc_bkg"]) == 2
    assert "no runs yet" in capsys.readouterr().err


def take(folder: Path, *more: str) -> int:
    return main(["take", "--output", str(folder), "--mode", "tpc_bkg", "--now", "2026-11-22T13:00:00Z", *more])


def test_a_run_that_is_taken_is_made_and_its_id_printed(
    made: Path, produced: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert take(made) == 0
    assert capsys.readouterr().out == "052824\n"
    assert produced == ["052824"]


def test_runs_that_were_taken_stay_in_the_set(made: Path, produced: list[str]) -> None:
    take(made, "--tags", "one", "two")
    take(made)
    main(["make", "--output", str(made)])
    documents = [json.loads(line) for line in place.runs_file(made).read_text().splitlines()]
    assert [document["number"] for document in documents[-3:]] == [52823, 52824, 52825]
    assert [tag["name"] for tag in documents[-2]["tags"]] == ["one", "two"]


def test_runs_that_fail_do_not_keep_the_documents_of_the_others_back(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Workers, "produce", lambda *_: ["052801"])
    assert main(["make", "--output", str(made)]) == 1
    assert "052801" in capsys.readouterr().err
    assert place.runs_file(made).is_file()


def test_a_file_is_replaced_at_once_and_only_if_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    assert place.write_if_changed(path, "one")
    assert not place.write_if_changed(path, "one")
    assert place.write_if_changed(path, "two")
    assert [p.name for p in path.parent.iterdir()] == ["b"]
