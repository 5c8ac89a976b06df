"""The process of one analysis: how a script is called, and what its last word holds."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.in_fork import in_fork
from support.patience import PATIENCE
from xomlib import job
from xomlib.documents.job_description import ContextSpec, JobDescription, JobKey
from xomlib.errors import BadResult, JobError
from xomlib.files import digest
from xomlib.process import launch, worker
from xomlib.process.failures import failure_of
from xomlib.process.verdict import signal_in

KEY = {"analysis": "any", "version": "v1", "run": "052001"}


@pytest.fixture(autouse=True)
def own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give back what a script's process has for itself."""
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(job, "_current", None)
    monkeypatch.setenv(job.VARIABLE, "")
    yield


def last_word(folder: Path, script: str, *, draft: bool = True, by_hand: Any = None) -> tuple[int, dict[str, Any]]:
    """Return the status of a script, and its last word."""
    path = folder / "script.py"
    path.write_text(script)
    job = {
        "key": KEY,
        "script": str(path),
        "context": {"function": "json:loads"},
        "draft": str(folder) if draft else None,
        "by_hand": by_hand,
    }
    (folder / "job.json").write_text(json.dumps(job))
    status = worker.main([str(folder / "job.json")])
    return status, json.loads((folder / "end.json").read_text()) if draft else {}


@pytest.mark.parametrize(
    "script",
    [
        "def main(run_id):\n    assert run_id == '052001'",
        "import sys\ndef main():\n    assert sys.argv[1:] == ['052001']",
        "import sys\ndef main(run_id):\n    sys.exit(0)",
        "import sys\ndef main(run_id):\n    sys.exit()",
        "import helper\ndef main(run_id):\n    assert helper.ANSWER == 42",
    ],
)
def test_a_script_is_called_as_its_author_meant(tmp_path: Path, script: str) -> None:
    (tmp_path / "helper.py").write_text("ANSWER = 42")
    status, said = last_word(tmp_path, script)
    assert (status, said["failure"]) == (0, None)


@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        ("def main(run_id):\n    raise ValueError('no\\nmore')", "raised", "ValueError: no (script.py, line 2)"),
        ("raise ValueError", "raised", "ValueError (script.py, line 1)"),
        ("def main(run_id):\n    raise SystemExit(3)", "raised", "the script ended itself with exit status 3"),
        (
            "def other(): pass",
            "setup",
            "script.py defines no main(run_id): put its code into one, which XOM calls for each run",
        ),
        (
            "async def main(run_id):\n    yield 5",
            "setup",
            "script.py: main is `async` or has a `yield`, so Python runs nothing of it: remove that",
        ),
        (
            "def main(run_id):\n    yield 5",
            "setup",
            "script.py: main is `async` or has a `yield`, so Python runs nothing of it: remove that",
        ),
        ("main = 5", "setup", "script.py defines no main(run_id): put its code into one, which XOM calls for each run"),
    ],
)
def test_how_a_script_failed_is_its_last_word(tmp_path: Path, script: str, kind: str, message: str) -> None:
    status, said = last_word(tmp_path, script)
    assert (status, said["failure"]["class"]) == (1, kind)
    assert said["failure"]["message"].endswith(message)


def test_the_log_has_the_trace_of_an_exception_and_by_hand_of_one_that_xom_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown, known = "raise ValueError('no')", "import xomlib\nraise xomlib.JobError('no')"
    for script, by_hand, has_trace in (
        (unknown, None, True),
        (known, None, True),
        (unknown, {"memory_mb": 0, "time_limit_s": 0}, True),
        (known, {"memory_mb": 0, "time_limit_s": 0}, False),
        ("raise SystemExit(3)", {"memory_mb": 0, "time_limit_s": 0}, False),
    ):
        assert last_word(tmp_path, script, by_hand=by_hand)[0] == 1
        assert ("Traceback (most recent call last)" in capsys.readouterr().err) is has_trace


def test_the_report_has_whether_strax_was_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "strax", raising=False)
    assert last_word(tmp_path, "def main(run_id): pass")[1]["has_strax"] is False
    script = "import sys, types\nsys.modules['strax'] = types.ModuleType('strax')\ndef main(run_id): pass"
    assert last_word(tmp_path, script)[1]["has_strax"] is True
    monkeypatch.delitem(sys.modules, "strax")


RAISE_ODD = "class Odd(Exception):\n    def __str__(self): {text}\ndef main(run_id):\n    raise Odd"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (RAISE_ODD.format(text="raise KeyError"), "Odd: (its text cannot be made: KeyError) (script.py, line 4)"),
        (RAISE_ODD.format(text="return 5"), "Odd: (its text cannot be made: TypeError) (script.py, line 4)"),
        ("raise ValueError('x' * 10_000_000)", f"ValueError: {'x' * 1997}... (script.py, line 1)"),
        ("raise SystemExit('x' * 10_000_000)", f"the script ended itself with exit status {'x' * 1997}..."),
        ("raise KeyboardInterrupt", "KeyboardInterrupt (script.py, line 1)"),
        ("class Odd(BaseException): pass\nraise Odd('no')", "Odd: no (script.py, line 2)"),
    ],
    ids=["raises", "no text", "long", "long status", "interrupt", "base"],
)
def test_an_exception_of_any_kind_has_a_sentence(tmp_path: Path, script: str, message: str) -> None:
    status, said = last_word(tmp_path, script)
    assert (status, said["failure"]) == (1, {"class": "raised", "message": message})


@pytest.mark.parametrize(
    "body",
    [
        "sys.stdout.close(); sys.stderr.close()",
        "sys.stdout = sys.stderr = None",
        "sys.stdout = sys.stderr = type('Tee', (), {'write': len})()",
    ],
)
@pytest.mark.parametrize("then", ["", "1 / 0"])
def test_a_script_may_close_or_replace_what_it_prints_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, then: str
) -> None:
    own = {name: io.StringIO() for name in ("stdout", "stderr")}
    for name, stream in own.items():
        monkeypatch.setattr(sys, name, stream)
    status, said = last_word(tmp_path, f"import sys\n{body}\n{then}\ndef main(run_id): pass")
    assert all(getattr(sys, name) is stream or stream.closed for name, stream in own.items())
    assert (status, said["failure"] and said["failure"]["class"]) == ((1, "raised") if then else (0, None))


def test_a_script_may_remove_its_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.chdir(tmp_path / "scratch")
    assert last_word(tmp_path, "import os\nos.rmdir(os.getcwd())\ndef main(run_id): pass")[0] == 0


def test_what_a_script_leaves_can_be_read_whatever_umask_it_sets(tmp_path: Path) -> None:
    script = "import os, xomlib\nos.umask(0o777)\nxomlib.figure('a', b'\\x89PNG\\r\\n\\x1a\\n')\ndef main(run_id): pass"
    assert last_word(tmp_path, script)[0] == 0
    left = [tmp_path / name for name in ("draft.json", "end.json", "figures/a.png")]
    assert [path.stat().st_mode & 0o400 for path in left] == [0o400] * 3


def test_what_a_process_of_the_script_could_not_save_is_a_problem_of_the_job(tmp_path: Path) -> None:
    script = "import os, xomlib\ndef main(run_id):\n    if os.fork() == 0:\n        try: xomlib.xom_message()\n"
    assert last_word(tmp_path, f"{script}        finally: os._exit(0)\n    os.wait()")[0] == 0
    (problem,) = json.loads((tmp_path / "draft.json").read_text())["problems"]
    assert problem == "a message is saved in a process that the script started: return it, and save it in main"


def test_a_disk_that_takes_no_figure_is_the_cause_even_if_the_script_goes_on(tmp_path: Path) -> None:
    (tmp_path / "figures").touch()
    save = "def main(run_id):\n    try: xomlib.figure('a', b'\\x89PNG\\r\\n\\x1a\\n')\n    except Exception: "
    assert last_word(tmp_path, f"import xomlib\n{save}pass")[1]["failure"]["class"] == "disk"
    assert last_word(tmp_path, f"import xomlib\n{save}1 / 0")[1]["failure"]["class"] == "raised"


def test_a_script_has_the_place_of_the_main_module_only_while_it_runs(tmp_path: Path) -> None:
    before = dict(sys.modules)
    script = "import sys\nassert sys.modules['__main__'].__file__ == __file__\ndef main(run_id): pass"
    assert last_word(tmp_path, script)[0] == 0
    assert sys.modules["__main__"] is before["__main__"]
    assert sys.modules.get(worker._SCRIPT) is before.get(worker._SCRIPT)


def test_the_umask_of_a_script_is_its_own_affair(tmp_path: Path) -> None:
    script = "import os, xomlib\nos.umask(0o077)\nxomlib.xom_message()\ndef main(run_id): assert os.umask(0) == 0o077"
    before = os.umask(0o027)
    try:
        assert last_word(tmp_path, script)[0] == 0
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


@pytest.mark.parametrize(("as_program", "starts_itself"), [(False, True), (True, True), (True, False)])
def test_only_a_script_of_the_first_xom_starts_itself(tmp_path: Path, as_program: bool, starts_itself: bool) -> None:
    text = "from pathlib import Path\ndef main(run_id):\n    Path(__file__ + '.called').write_text(run_id)\n"
    guard = "if __name__ == '__main__':\n    main('itself')" if starts_itself else "if __name__ == 'other': pass"
    (tmp_path / "script.py").write_text(text + guard)
    worker.call_script(tmp_path / "script.py", "052001", as_program=as_program)
    called = "itself" if as_program and starts_itself else "052001"
    assert (tmp_path / "script.py.called").read_text() == called


@pytest.mark.parametrize("compat", [True, False])
def test_only_a_script_of_the_first_xom_finds_the_files_beside_it_where_it_runs(tmp_path: Path, compat: bool) -> None:
    (tmp_path / "beside.txt").touch()
    begun_in = f"from xomlib import job\nassert job.current().description.site == {str(tmp_path)!r}\n"
    (tmp_path / "script.py").write_text(f"{begun_in}def main(run_id):\n    open('beside.txt').close()")
    description = JobDescription(
        JobKey(**KEY),
        str(tmp_path / "script.py"),
        ContextSpec("json:loads"),
        {},
        draft=str(tmp_path / "draft"),
        compat=compat,
    )
    done = in_fork(lambda: worker.run_in_scratch(description), tmp_path)
    assert (done.returncode, "FileNotFoundError" in done.stderr) == ((0, False) if compat else (1, True))


def test_arguments_have_the_run_and_a_folder_for_results_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    description = JobDescription(JobKey(**KEY), "script.py", ContextSpec("json:loads"), {})
    assert worker.arguments_of(replace(description, arguments=["--run=[run]"])) == ["--run=052001"]
    assert list(tmp_path.iterdir()) == []
    for _ in range(2):
        (folder,) = worker.arguments_of(replace(description, arguments=["[result_folder]"]))
        assert folder.endswith("/") and Path(folder).is_dir() and Path(folder).parent == tmp_path


def test_files_that_a_script_leaves_where_they_are_removed_are_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "import os\nfor name in {}: open(name, 'w').close()\n{}\ndef main(run_id): pass"
    no_files = "open('.cache', 'w').close(); os.mkdir('folder'); os.symlink(__file__, 'link')"
    files = [f"{number}.txt" for number in range(6)]

    def messages(*given: object) -> list[str]:
        (tmp_path / "draft.json").unlink(missing_ok=True)
        last_word(tmp_path, script.format(*given))
        draft = tmp_path / "draft.json"
        return list(json.loads(draft.read_text())["messages"]) if draft.exists() else []

    (tmp_path / "scratch").mkdir()
    monkeypatch.chdir(tmp_path / "scratch")
    assert messages([], no_files) == []
    (warning,) = messages(files, "")
    assert "is removed, with 0.txt, 1.txt, 2.txt, 3.txt, 4.txt: keep results by xomlib.figure" in warning
    (tmp_path / "other").mkdir()
    assert messages([], "os.chdir('../other'); open('x', 'w').close()") == []


def test_a_script_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"there is no script .*none\.py"):
        worker.call_script(tmp_path / "none.py", "052001")


def test_of_xoms_own_errors_the_sentence_is_the_message_unless_there_is_none() -> None:
    assert failure_of(BadResult("n is -1\nsee above"), "script.py") == ("bad_result", "n is -1")
    assert failure_of(BadResult(""), "script.py") == ("bad_result", "BadResult")


@pytest.mark.parametrize(("module", "kind"), [("strax.io", "data_broken"), ("straxen", "raised"), ("other", "raised")])
def test_damaged_data_are_known_by_the_exceptions_of_strax(module: str, kind: str) -> None:
    base = type("DataCorrupted", (Exception,), {"__module__": module})
    assert failure_of(type("Own", (base,), {})("no"))[0] == kind


def test_without_a_folder_nothing_is_written(tmp_path: Path) -> None:
    assert last_word(tmp_path, "def main(run_id): pass", draft=False)[0] == 0
    assert not (tmp_path / "end.json").exists()


def test_the_digest_is_that_of_the_script_that_was_run(tmp_path: Path) -> None:
    text = "def main(run_id):\n    open(__file__, 'w').close()"
    _, said = last_word(tmp_path, text)
    assert said["script"] == digest(text.encode())


# --- resources --------------------------------------------------------------------------------------------------------


def test_memory_and_time_are_those_of_this_process(tmp_path: Path) -> None:
    _, before = last_word(tmp_path, "def main(run_id): pass")
    work = "def main(run_id):\n    data = bytearray(200_000_000)\n    sum(range(3_000_000))"
    _, after = last_word(tmp_path, work)
    assert after["cpu_s"] > before["cpu_s"] > 0
    assert after["peak_memory_mb"] > 150


def test_processes_that_the_script_started_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    own, children = SimpleNamespace(ru_utime=1, ru_stime=0.25), SimpleNamespace(ru_utime=4, ru_stime=0.5)
    own.ru_maxrss, children.ru_maxrss = 1, 2**40
    monkeypatch.setattr(sys, "platform", "linux")
    used = {resource.RUSAGE_SELF: own, resource.RUSAGE_CHILDREN: children}
    monkeypatch.setattr(resource, "getrusage", used.__getitem__)
    assert worker._resources() == {"cpu_s": 5.75, "peak_memory_mb": 2**30}
    own.ru_maxrss, children.ru_maxrss = 2**40, 1
    monkeypatch.setattr(worker, "_peak_kilobytes", lambda: 5 * 1024)
    assert worker._resources()["peak_memory_mb"] == 5, "the largest may be that of the process that started it"


def test_without_proc_the_peak_is_what_the_kernel_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: Any, **__: Any) -> None:
        raise FileNotFoundError

    for instead in (nowhere, lambda *_, **__: io.StringIO("Name: python\nVmPeak: 5 kB\n")):
        monkeypatch.setattr("builtins.open", instead)
        assert worker._peak_kilobytes() is None
    assert worker._resources()["peak_memory_mb"] > 1


# --- its start and its end --------------------------------------------------------------------------------------------
_LIMITS = "import resource, signal; print(signal.alarm(0), resource.getrlimit(resource.RLIMIT_DATA)[0], "
_LIMITS += "signal.getsignal(15) == signal.SIG_DFL, 10 in signal.pthread_sigmask(signal.SIG_BLOCK, []))"


@pytest.mark.parametrize(("memory_mb", "time_limit", "alarm"), [(100, 1.5, 62), (0, 0, 0)])
def test_a_process_begins_with_its_limits_and_without_those_of_signals(
    tmp_path: Path, memory_mb: int, time_limit: float, alarm: int
) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    try:
        with (tmp_path / "log").open("wb") as log:
            command = [sys.executable, "-I", "-S", "-c", _LIMITS]
            launch.start(command, {}, log, memory_mb, time_limit, unblock=[signal.SIGUSR1]).wait(PATIENCE)
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    left, memory, *signals = (tmp_path / "log").read_text().split()
    assert alarm - 2 <= int(left) <= alarm
    assert int(memory) == (memory_mb * 2**20 or resource.getrlimit(resource.RLIMIT_DATA)[0])
    assert signals == ["True", "False"]


def test_a_process_is_killed_with_what_it_started_and_what_it_leaves_behind_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "_HELPERS_SECONDS", 0.02)
    reader, writer = os.pipe()
    for then in ("wait", "exit"):
        command = ["/bin/sh", "-c", f"sleep 1000 & echo; {then}"]
        process = launch.start(command, {"PATH": os.defpath}, writer, 0, 0)
        os.read(reader, 1)
        if then == "wait":
            launch.kill(process)
            assert process.returncode == -signal.SIGKILL
            launch.kill(process)  # nothing is left
        else:
            process.wait(PATIENCE)
            launch.end_left_behind(process.pid)
            launch.end_left_behind(process.pid)
    os.close(writer)
    assert os.read(reader, 1) == b"", "no process has the other end"
    os.close(reader)


def test_the_signal_that_ended_a_process_is_named() -> None:
    assert [signal_in(code) for code in (-signal.SIGKILL, -1, 0, 1, 9)] == ["SIGKILL", "SIGHUP", "", "", ""]
