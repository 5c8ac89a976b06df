"""What a script of a person meets: its job by hand, its messages, its old names, and its results as rows."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import xomlib
from support import forked_steps
from support.factory import KEY, keep, key_of, outcome, result
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomlib import BadResult, JobError, _own_folder, _renamed, by_hand, job
from xomlib import attempt as attempts
from xomlib.attempt import Attempt
from xomlib.documents.job_description import ByHand, ContextSpec, JobDescription, JobKey
from xomlib.job import Session
from xomlib.printing import printable_lines
from xomlib.process import launch, spawned
from xomlib.table import outcomes as table_outcomes
from xomlib.table.outcomes import Outcomes, Row, names_in
from xomlib.table.wanted import newest

JOB = JobDescription(JobKey("kr83m", "v1", "052894"), "script.py", ContextSpec("json:loads"), {"cut": 1})


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setattr(job, "_current", None)
    yield job.begin(replace(JOB, draft=str(tmp_path)))


def draft(session: Session) -> Any:
    assert session.folder
    return json.loads((session.folder / "draft.json").read_text())


# --- a job by hand ----------------------------------------------------------------------------------------------------
def test_a_description_is_that_of_the_script_and_run_or_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps(JOB.to_json()))
    assert by_hand.read_description(file, "kr83m", "52894") == JOB
    for analysis, run in (("other", "52894"), ("kr83m", "52895")):
        with pytest.raises(JobError, match=f"describes kr83m for run 052894, not {analysis} for run {run}"):
            by_hand.read_description(file, analysis, run)
    for content in ("", "[]"):
        file.write_text(content)
        with pytest.raises(JobError):
            by_hand.read_description(file, "kr83m", "52894")
    with pytest.raises(JobError, match="cannot be read"):
        by_hand.read_description(tmp_path / "absent", "kr83m", "52894")


def test_the_workflow_is_asked_for_a_description_and_its_words_are_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, Any]] = []
    answers = [
        (0, json.dumps(JOB.to_json()), ""),
        (3, "", " words \n"),
        (3, "", ""),
        (0, "no job", ""),
    ]

    def run(command: list[str], **given: Any) -> Any:
        asked.append((command, given))
        code, out, err = answers.pop(0)
        return subprocess.CompletedProcess(command, code, out, err)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(by_hand, "find_xom", lambda: "/xom")
    for name in ("PYTHONPATH", "LD_LIBRARY_PATH", "OTHER"):
        monkeypatch.setenv(name, "x")
    config = tmp_path / "config.yaml"
    assert by_hand.describe("kr83m", "52894", config, Path("runs.jsonl"), tmp_path) == JOB
    command, given = asked[0]
    fixed = ["/xom", "job", "describe", "kr83m", "52894", "--config", str(config)]
    assert (command, given["cwd"]) == ([*fixed, "--documents", "runs.jsonl"], tmp_path)
    assert ["OTHER" in given["env"], "PYTHONPATH" in given["env"], "LD_LIBRARY_PATH" in given["env"]] == [
        True,
        False,
        False,
    ]
    for words in ("^words$", "^/xom ended with exit status 3$", "^/xom printed no job description: "):
        with pytest.raises(JobError, match=words):
            by_hand.describe("kr83m", "52894", config)
    assert asked[1][0] == fixed


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (None, None),
        (("raised", "ValueError: x"), 1),
        (("raised", "the script ended itself with exit status 3"), "kr83m.py: the script ended itself with exit"),
        (("no_result", "it saved nothing"), "kr83m.py: it saved nothing"),
    ],
)
def test_by_hand_results_are_printed_and_a_failure_is_the_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], failure: Any, code: Any
) -> None:
    tried: list[Any] = []

    def attempt(description: JobDescription, save: Any) -> Attempt:
        tried.append((description, save))
        return Attempt({"results": []}, failure, 1.0)

    script, file = tmp_path / "kr83m.py", tmp_path / "job.json"
    file.write_text(json.dumps(JOB.to_json()))
    monkeypatch.setattr(job, "_current", None)
    monkeypatch.delenv("_XOM_JOB", raising=False)
    monkeypatch.setattr(by_hand, "attempt", attempt)
    monkeypatch.setattr(sys, "argv", [str(script), "52894", "--job", str(file), "--save", "kept"])

    def main(run_id: str) -> None:
        raise AssertionError

    ended = None
    try:
        by_hand.cli(main)
    except SystemExit as error:
        ended = error.code
    assert ended == code or str(ended).startswith(str(code))
    assert json.loads(capsys.readouterr().out) == {"results": []}
    assert tried == [(replace(JOB, script=str(script)), Path("kept"))]
    monkeypatch.setattr(sys, "argv", [str(script), "52895", "--job", str(file)])
    with pytest.raises(SystemExit, match=r"kr83m\.py: .* not kr83m for run 52895"):
        by_hand.cli(main)

    def other(run_id: str) -> None:
        pass

    with pytest.raises(SystemExit, match=r"it defines other\(run_id\); rename it to main\(run_id\)"):
        by_hand.cli(other)
    monkeypatch.setattr(job, "_current", object())
    by_hand.cli(other)
    assert len(tried) == 1, "within a job the worker calls main itself"


def test_by_hand_the_workflow_is_asked_with_the_files_that_were_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(job, "_current", None)
    monkeypatch.delenv("_XOM_JOB", raising=False)
    monkeypatch.setattr(by_hand, "describe", lambda *given: asked.append(given) or JOB)
    monkeypatch.setattr(by_hand, "attempt", lambda *_: Attempt(None, None, 1.0))
    for words in ([], ["--config", "mine.yaml", "--documents", "runs.jsonl"]):
        monkeypatch.setattr(sys, "argv", [str(tmp_path / "kr83m.py"), "52894", *words])
        by_hand.cli(SimpleNamespace())  # type: ignore[arg-type]
    own = ("kr83m", "52894", Path("mine.yaml"), Path("runs.jsonl"))
    assert asked == [("kr83m", "52894", Path("config.yaml"), None), own]


def test_a_notebook_tries_a_run_in_the_folder_of_the_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").touch()
    asked: list[Any] = []
    monkeypatch.setattr(by_hand, "describe", lambda *given, **more: asked.append((given, more)) or JOB)
    monkeypatch.setattr(by_hand, "attempt", lambda *given: given)
    assert by_hand.try_job("kr83m", 52894, site=tmp_path) == (replace(JOB, site=str(tmp_path)), None)
    assert by_hand.try_job("kr83m", 52894, site=tmp_path, save="x")[1] == Path("x")  # type: ignore[index]
    assert asked[0] == (("kr83m", "52894", tmp_path / "config.yaml"), {"place": tmp_path})
    shown = [by_hand.is_shown(one) for one in (("raised", "x"), ("setup", "x"), ("raised", "the script ended itself"))]
    assert shown == [True, False, False]


def test_a_job_in_slurm_leaves_its_attempt_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Attempt({"results": []}, ("no_result", "x"), 1.0)
    monkeypatch.setattr(attempts, "attempt", lambda *given: made if given == (JOB, Path("kept")) else None)
    (tmp_path / "job.json").write_text(json.dumps(JOB.to_json()))
    assert attempts.main([str(tmp_path / "job.json"), "kept"]) == 0
    assert Attempt.from_json(json.loads(capsys.readouterr().out)) == made
    good = Attempt({"results": []}, None, 1.0)
    assert Attempt.from_json(good.to_json()) == good


# --- an attempt -------------------------------------------------------------------------------------------------------
SAVE = "from xomlib import Xomresult, figure\ndef main(run_id):\n    "
SAVE += "Xomresult(variable_name='a', variable_value=1.5, unit='Hz', error=0.1).save()\n    "
PNG = "figure('a', b'\\x89PNG\\r\\n\\x1a\\n')"


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Attempt]:
    """Try a script, whose process is a fork of this one."""
    monkeypatch.setattr(launch, "start", forked_steps.start)

    def attempt(script: str, save: Path | None = None, **changes: Any) -> Attempt:
        (tmp_path / "script.py").write_text(script)
        own = {"script": str(tmp_path / "script.py"), "by_hand": ByHand(5000, 0), **changes}
        return attempts.attempt(replace(JOB, **own), save)

    return attempt


def test_an_attempt_has_what_the_script_saved_and_what_it_took(tried: Callable[..., Attempt], tmp_path: Path) -> None:
    made = tried(SAVE + PNG, tmp_path / "kept")
    assert made.document is not None
    assert ([one["variable"] for one in made.document["results"]], made.document["figures"]) == (["a"], ["a.png"])
    assert made.document["key"] == {"analysis": "kr83m", "version": "v1", "run": "052894"}
    assert (made.failure, made.place, made.lineage) == (None, str(tmp_path / "kept/kr83m-052894"), {})
    assert made.wall_s > 0 and made.cpu_s and made.peak_memory_mb and made.versions["xomlib"]
    kept = tmp_path / "kept/kr83m-052894"
    assert json.loads((kept / "results.json").read_text()) == made.document
    assert [file.name for file in (kept / "figures").iterdir()] == ["a.png"]
    assert tried(SAVE, tmp_path / "kept").failure is None
    assert not (kept / "figures").exists(), "no figure of an earlier attempt is left"
    assert tried(SAVE).place is None


@pytest.mark.parametrize(
    ("script", "failure", "has_document"),
    [
        ("def main(run_id):\n    raise ValueError('no')", ("raised", "ValueError: no (script.py, line 2)"), False),
        ("def main(run_id): pass", ("no_result", "the script ended well but saved nothing"), True),
        ("import os\nos._exit(0)", ("killed", "the process ended without a report, as by os._exit"), False),
        ("import os\nos.kill(os.getpid(), 9)", ("killed", "the process was ended by SIGKILL"), False),
        (SAVE, ("bad_result", "a has the unit 'Hz', but variables promises 's'"), True),
    ],
    ids=["raised", "no result", "exit", "signal", "promise"],
)
def test_how_an_attempt_failed_is_as_in_a_tick(
    tried: Callable[..., Attempt], script: str, failure: tuple[str, str], has_document: bool
) -> None:
    made = tried(script, promised={"a": "s"})
    assert (made.failure, made.document is not None) == (failure, has_document)


def test_an_attempt_ends_at_its_time_limit(tried: Callable[..., Attempt]) -> None:
    made = tried("import time\ntime.sleep(1000)", by_hand=ByHand(5000, 0.05))
    assert made.failure == ("timeout", "it ran longer than its time limit of 0.05 s")


def test_an_attempt_has_the_environment_of_a_tick_or_adds_to_that_of_its_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, own = str(Path(xomlib.__file__).parents[1]), str(Path(sys.executable).parent)
    (tmp_path / "there").mkdir()
    caches = {"NUMBA_CACHE_DIR": str(tmp_path / "there"), "MPLCONFIGDIR": str(tmp_path / "gone")}
    monkeypatch.setenv("PATH", os.pathsep.join(["/first", own, "", "/last"]))
    monkeypatch.setenv("OF_THE_IMAGE", "x")
    monkeypatch.setenv("PYTHONPATH", "/mine")
    clean = attempts._environment(ByHand(0, 0, caches), str(tmp_path / "folder"))
    assert (clean["PATH"], clean["PYTHONPATH"]) == (os.pathsep.join([own, "/first", "/last"]), source)
    assert [clean[name] for name in caches] == [str(tmp_path / "there"), str(tmp_path / "folder/MPLCONFIGDIR")]
    assert "OF_THE_IMAGE" not in clean
    of_image = attempts._environment(ByHand(0, 0, clean=False), "folder")
    assert (of_image["OF_THE_IMAGE"], of_image["PYTHONPATH"]) == ("x", f"{source}{os.pathsep}/mine")
    monkeypatch.delenv("PYTHONPATH")
    assert attempts._environment(ByHand(0, 0, clean=False), "folder")["PYTHONPATH"] == source


# --- a job in a process -----------------------------------------------------------------------------------------------
def test_a_message_is_printed_and_kept_and_no_success_is_a_problem(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    for success, text in ((True, ""), (True, "fine"), (False, ""), (False, "no peaks")):
        xomlib.xom_message(success, text)
    start = "XOM kr83m v1 run 052894: "
    lines = [f"{start}{one}" for one in ("success", "success: fine", "no success", "no success: no peaks")]
    assert capsys.readouterr().out.splitlines() == draft(session)["messages"] == lines
    problems = ["the script reported no success", "the script reported no success: no peaks"]
    assert draft(session)["problems"] == problems


@pytest.mark.parametrize(
    ("save", "what"),
    [
        (lambda: xomlib.xom_message(), "a message"),
        (lambda: xomlib.figure("a", b""), "figure 'a'"),
        (lambda: xomlib.Xomresult(variable_name="a", variable_value=1).save(), "'a'"),
        (lambda: xomlib.Xomresult(odd=1), "Xomresult has no keyword 'odd'"),
    ],
)
def test_what_a_process_saves_that_the_script_started_is_a_problem_of_the_script(
    session: Session, monkeypatch: pytest.MonkeyPatch, save: Any, what: str
) -> None:
    own = os.getpid()
    monkeypatch.setattr(job.os, "getpid", lambda: own + 1)
    with pytest.raises(
        BadResult, match="is saved in a process that the script started: return it, and save it in main"
    ):
        save()
    monkeypatch.undo()
    assert (session.results, session.figures, session.messages) == ([], [], [])
    session.add_refused()
    sentence = f"{what} is saved in a process that the script started: return it, and save it in main"
    assert draft(session)["problems"] == [sentence]


def test_the_job_of_a_process_is_known_to_those_that_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "_current", None)
    monkeypatch.delenv("_XOM_JOB", raising=False)
    assert not job.is_begun()
    with pytest.raises(JobError, match="no job is set"):
        job.current()
    watched: list[Any] = []
    monkeypatch.setattr("xomlib.process.reads.watch", lambda journal: watched.append(journal._path))
    spawned.join()
    (tmp_path / "job.json").write_text(json.dumps(replace(JOB, draft=str(tmp_path), site="/site").to_json()))
    monkeypatch.setenv("_XOM_JOB", str(tmp_path / "job.json"))
    assert job.is_begun()
    assert job.settings() == {"cut": 1}
    job.settings()["cut"] = 2
    assert job.settings() == {"cut": 1}
    spawned.join()
    assert watched == [tmp_path / "reads.jsonl"]
    with pytest.raises(BadResult):
        xomlib.Xomresult(variable_name="a", variable_value=1).save()
    assert job.runs() == ["052894"]
    assert [str(job.path(text)) for text in ("a", "/b")] == ["/site/a", "/b"]
    assert job.path("~") == Path.home()
    with pytest.raises(JobError, match="the job has no metadata of run 052894"):
        job.run()


def test_a_campaign_has_several_runs_and_their_metadata_are_a_copy(session: Session) -> None:
    job.begin(replace(JOB, run={"runs": ["052801", "052803"], "number": 52801}))
    assert job.runs() == ["052801", "052803"]
    job.run()["number"] = 5
    assert job.run()["number"] == 52801
    job.begin(replace(JOB, why_no_run="there is no document"))
    with pytest.raises(JobError, match=r"^there is no document$"):
        job.run()


# --- old names, a folder beside ---------------------------------------------------------------------------------------
def test_an_old_name_gives_the_module_of_the_new_one_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    names = {"xomlib.of_a_test": "xomlib.printing"}
    before = len(sys.meta_path)
    for _ in range(2):
        _renamed.install(names, {"xomlib.of_a_test": {"old_lines": "printable_lines"}})
    assert len(sys.meta_path) == before + 1
    with pytest.warns(DeprecationWarning, match="^xomlib.of_a_test is now xomlib.printing; the next release no longer"):
        found = importlib.import_module("xomlib.of_a_test")
    try:
        assert found is sys.modules["xomlib.printing"]
        assert found.old_lines is printable_lines
    finally:
        del found.old_lines, sys.modules["xomlib.of_a_test"]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("xomlib.of_another_test")


@pytest.mark.parametrize(
    ("script", "path", "expected"),
    [
        ("/s/a.py", ["/s", "/lib"], ["/lib", "/s"]),
        ("/s/a.py", ["/lib", "/s"], ["/lib", "/s"]),
        ("/s/a.py", ["", "/lib"], ["", "/lib"]),
        ("/s/a.py", [], []),
        (None, ["/s", "/lib"], ["/s", "/lib"]),
    ],
)
def test_the_folder_of_a_script_is_looked_into_last(
    monkeypatch: pytest.MonkeyPatch, script: str | None, path: list[str], expected: list[str]
) -> None:
    main = ModuleType("__main__")
    if script:
        main.__file__ = script
    its_sys = SimpleNamespace(modules={"__main__": main}, path=path)
    monkeypatch.setattr(_own_folder, "sys", its_sys)
    _own_folder.look_there_last()
    assert its_sys.path == expected


# --- results as rows --------------------------------------------------------------------------------------------------
def test_an_outcome_is_one_row_with_all_that_a_table_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    paths = Paths(tmp_path / "work")
    campaign = Key("kr83m", "v1", "052801-0bea")
    none = result("b", None, error=None, insufficient="3 events")
    both = result("a", error_low=0.05, error_high=0.1)
    more = {"tags": ["x", "y"], "start": "2026-09-25T12:00:01Z"}
    keep(
        paths,
        outcome(campaign, [both, none], run={"runs": ["052801", "052803"], "runs_missing": [], **more}),
        outcome(KEY, figures=[], provenance={**outcome()["provenance"], "lineage": {"b": "2", "a": "1"}}),
    )
    start = 1790337600 * 10**9
    first = ["a", 10.5, 0.1, "PE/keV", 512, None, None, {}, 0.05, 0.1]
    second = ["b", None, None, "PE/keV", 512, None, "3 events", {}, None, None]
    own = ["light_yield", 10.5, 0.1, "PE/keV", 512, None, None, {}, None, None]
    figure = "figures/kr83m/v1/052/052801-0bea.overview.png"
    ended, lineage, mode = "2026-09-25T14:00:02Z", "event_info_double:abcdefghij", "tpc_kr83m"
    members = [52801, 52803]
    assert Outcomes(paths.work, "kr83m", "v1").rows() == [
        Row("052801-0bea", members, start + 10**9, mode, "x,y", ended, figure, lineage, [first, second]),
        Row("052894", [52894], start, mode, "sr1_preliminary", ended, None, "a:1, b:2", [own]),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "xom-outcome-9"}, "it is not the outcome of a finished run"),
        ({"status": "failed"}, "it is not the outcome of a finished run"),
        ({"run": {}}, "it lacks 'start'"),
        ({"results": 5}, "is left out: "),
    ],
)
def test_what_a_table_cannot_use_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], words: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    paths = Paths(tmp_path / "work")
    keep(paths, outcome(), outcome(key_of(52895)))
    paths.outcome(KEY).write_text(json.dumps({**outcome(), **change}))
    found = Outcomes(paths.work, "kr83m", "v1")
    assert [row.run_id for row in found.rows()] == ["052895"]
    (problem,) = found.problems
    assert problem.startswith(f"{paths.outcome(KEY)} is left out")
    assert words in problem
    monkeypatch.setattr(table_outcomes, "read_bytes", lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    found = Outcomes(paths.work, "kr83m", "v1")
    assert (found.rows(), len(found.problems)) == ([], 2)
    assert found.problems[0] == f"{paths.outcome(KEY)} is left out, it cannot be read: Input/output error"


def test_only_shown_folders_are_versions_and_the_newest_has_the_highest_number(tmp_path: Path) -> None:
    assert names_in(tmp_path / "absent") == []
    for name in ("v2", "v10", ".hidden", "a"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    assert names_in(tmp_path) == ["a", "v10", "v2"]
    assert newest(["v2", "v10", "a"]) == "v10"
