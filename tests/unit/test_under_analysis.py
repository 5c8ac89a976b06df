"""What runs under the analyses' interpreter: wrong bits, contexts, their descriptions, and how a script is started."""

from __future__ import annotations

import errno
import json
import logging
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import xomlib
from xomlib import attempt, job, probe
from xomlib.context import _make_absolute, build, locate, working_in
from xomlib.documents.job_description import ByHand, ContextSpec, JobDescription, JobKey
from xomlib.errors import BadResult, DataBroken, DiskTrouble, JobError
from xomlib.process import damage, launch, limits, verdict, worker
from xomlib.process.damage import damaged_block
from xomlib.process.failures import failure_of
from xomlib.process.reads import FailedRead, chain, failed_read

KEY = JobKey("any", "v1", "052001")


# --- wrong bits -------------------------------------------------------------------------------------------------------
SIZE, OF_BLOCK = 1000, 300


def compressed(blocks: list[bytes], flags: int = 0, order: list[int] | None = None, **changes: int) -> bytes:
    """A buffer of blosc with these compressed blocks."""
    head = damage._HEADER.size + 4 * len(blocks)
    starts = [head + sum(map(len, blocks[:place])) for place in range(len(blocks))]
    given = {"size": SIZE, "of_block": OF_BLOCK, "whole": head + sum(map(len, blocks)), **changes}
    header = damage._HEADER.pack(2, 1, flags, 8, given["size"], given["of_block"], given["whole"])
    table = b"".join(starts[place].to_bytes(4, "little") for place in order or range(len(blocks)))
    return header + table + b"".join(blocks)


BLOCKS = [b"aaa", b"bb", b"cccc", b"d"]
OTHERS = [BLOCKS[0], b"xx", *BLOCKS[2:]]


@pytest.fixture
def blosc(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A codec that writes what a test sets."""
    made = ModuleType("blosc")
    made.written = compressed(BLOCKS)  # type: ignore[attr-defined]
    made.compress = lambda data, shuffle: made.written if shuffle is False else b""  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "blosc", made)
    return made


@pytest.mark.parametrize(
    ("stored", "block"),
    [
        (compressed(BLOCKS), None),
        (compressed(OTHERS), 1),
        (compressed([*BLOCKS[:3], b"e"]), 3),
        (compressed([b"yyy", *OTHERS[1:]]), None),  # another version of blosc has written it
        (compressed(OTHERS, flags=2), None),
        (compressed(OTHERS, flags=4), 1),
        (compressed(OTHERS, whole=5), None),
        (compressed(OTHERS, of_block=0), None),
        (compressed(OTHERS, order=[1, 0, 2, 3]), None),
        (compressed(OTHERS[:3], size=900), None),  # of other blocks than what is written
        (b"", None),
        (compressed(OTHERS)[:20], None),
    ],
)
def test_a_chunk_of_which_one_block_alone_differs_has_a_wrong_bit(
    tmp_path: Path, blosc: Any, stored: bytes, block: int | None
) -> None:
    file = tmp_path / "chunk"
    file.write_bytes(stored)
    assert damaged_block(file, SimpleNamespace(nbytes=SIZE), "blosc") == block


def test_with_few_blocks_or_much_data_nothing_is_concluded(tmp_path: Path, blosc: Any) -> None:
    file, data = tmp_path / "chunk", SimpleNamespace(nbytes=SIZE)
    for number, expected in ((2, None), (3, 1)):
        blosc.written = compressed(BLOCKS[:number], size=number * 300)
        file.write_bytes(compressed(OTHERS[:number], size=number * 300))
        assert damaged_block(file, data, "blosc") == expected
    for size, expected in ((0, None), (1, 1), (2**25, 1), (2**25 + 1, None)):
        assert damaged_block(file, SimpleNamespace(nbytes=size), "blosc") == expected
    assert damaged_block(file, data, "zstd") is None
    assert damaged_block(tmp_path / "absent", data, "blosc") is None
    del sys.modules["blosc"]
    assert damaged_block(file, data, "blosc") is None


# --- how an exception counts ------------------------------------------------------------------------------------------
def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


def marked(kind: str = "DataCorrupted", words: str = "it is odd", below: tuple[str, ...] = ()) -> Exception:
    error = type(kind, (Exception,), {"__module__": "strax.storage"})(words)
    error.xom_read = (["peaks", "events"], "052001", list(below))
    return error


def test_each_exception_has_a_class_and_a_sentence() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/work/x")
    absent = marked("DataNotAvailable")
    broken = ("data_broken", "peaks, events of run 052001 cannot be read: it is odd")
    rows: list[tuple[BaseException, list[str] | None, tuple[str, str]]] = [
        (BadResult("no unit"), None, ("bad_result", "no unit")),
        (MemoryError(), None, ("out_of_memory", "MemoryError")),
        (raised(ValueError("x"), MemoryError()), None, ("out_of_memory", "ValueError: x")),
        (full, None, ("disk", "/work/x cannot be written: No space left on device")),
        (raised(ValueError("x"), full), None, ("disk", "/work/x cannot be written: No space left on device")),
        (OSError(errno.EDQUOT, "Quota"), None, ("disk", "a file of the script cannot be written: Quota")),
        (OSError(errno.EACCES, "words", "a"), None, ("raised", "PermissionError: [Errno 13] words: 'a'")),
        (DiskTrouble("/work cannot be written"), None, ("disk", "/work cannot be written")),
        (JobError("no job"), None, ("setup", "no job")),
        (DataBroken("half of it"), None, ("data_broken", "half of it")),
        (marked(), None, broken),
        (raised(KeyError("a"), marked()), None, broken),
        (absent, ["peaks"], ("setup", "needs lacks events, which the script reads: it is odd")),
        (absent, ["peaks", "events"], broken),
        (marked(), ["peaks"], broken),
        (marked("DataNotAvailable", below=("raw",)), ["raw"], broken),
        (type("DataCorrupted", (Exception,), {"__module__": "strax"})("x"), None, ("data_broken", "DataCorrupted: x")),
        (type("DataCorrupted", (Exception,), {"__module__": "other"})("x"), None, ("raised", "DataCorrupted: x")),
        (type("Other", (Exception,), {"__module__": "strax"})("x"), None, ("raised", "Other: x")),
        (SystemExit(3), None, ("raised", "the script ended itself with exit status 3")),
        (ValueError("first\nsecond"), None, ("raised", "ValueError: first")),
    ]
    for error, needs, expected in rows:
        kind, sentence = failure_of(error, "script.py", needs)
        assert (kind, sentence) == expected, error


def test_the_reason_of_a_failed_read_is_one_line() -> None:
    traceback = "Traceback (most recent call last):\n  in f\ncodec.error: Error -1\n"
    for words, reason in (("", "DataCorrupted"), (" a \n b ", "a"), (traceback, "codec.error: Error -1")):
        read = failed_read(marked(words=words))
        assert read
        assert read.reason == reason
    assert failed_read(ValueError("x")) is None


def test_a_chain_of_exceptions_ends_where_its_traceback_does() -> None:
    first, second = ValueError("first"), KeyError("second")
    try:
        try:
            raise first
        except ValueError:
            raise second  # noqa: B904
    except KeyError:
        pass
    assert list(chain(second)) == [second, first]
    assert list(chain(raised(TypeError("x")))) != []
    second.__suppress_context__ = True
    assert list(chain(second)) == [second]
    first.__cause__ = second
    second.__cause__ = first
    assert list(chain(second)) == [second, first]
    assert list(chain(None)) == []


def test_what_needs_lacks_is_known_only_where_needs_is_and_the_data_are_absent() -> None:
    for absent, below, needs, lacking in (
        (True, [], ["a"], ["b"]),
        (True, [], [], ["a", "b"]),
        (True, [], None, []),
        (False, [], ["a"], []),
        (True, ["raw"], ["a", "raw"], []),
        (True, ["raw"], ["a"], ["b"]),
    ):
        assert FailedRead(["a", "b"], "052001", below, absent, "x").lacking(needs) == lacking


def test_an_attempt_counts_by_what_its_process_left() -> None:
    process = verdict.failure_of_process
    assert process("SIGKILL", True, False, "1 h") == ("timeout", "it ran longer than its time limit of 1 h")
    assert process("SIGKILL", False, False, "") == ("killed", "the process was ended by SIGKILL")
    assert process("", False, False, "") == ("killed", "the process ended without a report, as by os._exit")
    assert process("SIGKILL", False, True, "") is None
    assert [verdict.signal_in(code) for code in (0, 3, -9)] == ["", "", "SIGKILL"]
    assert verdict.report_of({"failure": {"class": "a", "message": "b"}}) == ("a", "b")
    assert verdict.report_of({}) is None
    assert verdict.warnings_of("a", ["y", "x", "z"], ["z"]) == [
        "warning: the script reads x, y, which analyses.a.needs lacks: add it, so that runs wait for it"
    ]
    assert verdict.warnings_of("a", ["y"], ["y", "z"]) == verdict.warnings_of("a", ["y"], None) == []


# --- contexts ---------------------------------------------------------------------------------------------------------
class Context:
    """Stands for a strax context."""

    def __init__(self, a: int = 1, *, b: int = 2, **more: Any) -> None:
        self.given = (a, b, more)
        self.storage: list[Any] = [SimpleNamespace(readonly=False, path="data")]
        self.config: dict[str, str] = {}
        for name in more.keys() - {"option"}:
            logging.getLogger("strax").warning("Unknown config option %s; will do nothing.", name)

    def set_context_config(self, config: dict[str, str]) -> None:
        self.config.update(config)


def data_directory(path: str, readonly: bool = False) -> Any:
    """Stands for strax.DataDirectory."""
    assert readonly, "strax makes the folder then"
    return SimpleNamespace(path=path, readonly=readonly)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module with functions that make contexts, and a strax beside it."""
    made: Any = ModuleType("contexts")
    made.open_end, made.number = Context, 5
    made.strict = lambda a=1, *, detector="tpc": Context(a)
    made.needs = lambda a: Context(a)
    made.fails = lambda: (_ for _ in ()).throw(TypeError("inside"))
    strax: Any = ModuleType("strax")
    strax.DataDirectory = data_directory
    monkeypatch.setitem(sys.modules, "contexts", made)
    monkeypatch.setitem(sys.modules, "strax", strax)
    return made


def test_a_context_is_read_only_and_never_creates_data(module: Any) -> None:
    st = build(ContextSpec("contexts:strict", {"a": 3}, ["/a", "/b"]))
    assert st.given == (3, 2, {})
    assert [(one.path, one.readonly) for one in st.storage] == [("data", True), ("/a", True), ("/b", True)]
    assert st.config == {"forbid_creation_of": "*"}
    assert len(build(ContextSpec("contexts:strict")).storage) == 1


def test_what_is_wrong_with_a_context_is_named_by_its_key(module: Any) -> None:
    listeners = len(logging.getLogger().handlers)
    for spec, words in (
        (ContextSpec("contexts:strict", {"detectr": 1}), "context.arguments.detectr: contexts:strict takes no such "),
        (ContextSpec("contexts:strict", {"detectr": 1}), "argument; did you mean detector?"),
        (ContextSpec("contexts:strict", {"zzz": 1}), "takes no such argument$"),
        (ContextSpec("contexts:needs"), r"^context.arguments do not fit contexts:needs: missing a required argument"),
        (ContextSpec("contexts:fails"), "^context.arguments do not fit contexts:fails: inside$"),
        (ContextSpec("contexts:open_end", {"c": 1}), "context.arguments.c: contexts:open_end takes no such argument"),
        (ContextSpec("contexts:number"), "module contexts has no function 'number'"),
        (ContextSpec("contexts:absent"), "context.function is 'contexts:absent', but module contexts has no function"),
        (ContextSpec("no_module_of_this_name:x"), "but No module named 'no_module_of_this_name'"),
    ):
        with pytest.raises(JobError, match=words):
            build(spec)
    assert len(logging.getLogger().handlers) == listeners
    assert build(ContextSpec("contexts:open_end", {"b": 5})).given == (1, 5, {})
    assert build(ContextSpec("contexts:open_end", {"option": 5})).given == (1, 2, {"option": 5})


def test_a_module_whose_import_fails_otherwise_is_named_with_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_module_of_a_test.py").write_text("raise ValueError('odd')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(JobError, match="but importing broken_module_of_a_test raises ValueError: odd"):
        locate("broken_module_of_a_test:x")


def test_relative_paths_of_storage_hold_elsewhere_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    (tmp_path / "data").mkdir()
    before = Path.cwd()
    with working_in(str(tmp_path)):
        assert Path.cwd() == tmp_path
        backend = SimpleNamespace(rucio_dir="data", name="data")
        frontend = SimpleNamespace(path="data", root="absent", folder="", backends=[backend], my_dir=5)
        _make_absolute([frontend])
    assert Path.cwd() == before
    assert (frontend.path, frontend.root, frontend.folder) == (str(tmp_path / "data"), "absent", "")
    assert (backend.rucio_dir, backend.name) == (str(tmp_path / "data"), "data")
    with pytest.raises(KeyError), working_in(str(tmp_path)):
        raise KeyError
    assert Path.cwd() == before


def test_the_context_of_a_job_is_built_in_the_folder_of_its_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    built: list[Path] = []

    def made(_: ContextSpec) -> Any:
        built.append(Path.cwd())
        return SimpleNamespace(storage=[SimpleNamespace(path="data")])

    monkeypatch.chdir("/")
    monkeypatch.setattr(sys.modules["xomlib.context"], "build", made)
    for site, path in ((None, "data"), (str(tmp_path), str(tmp_path / "data"))):
        description = JobDescription(KEY, "s", ContextSpec("json:loads"), site=site)
        monkeypatch.setattr(job, "_current", job.Session(description))
        assert xomlib.context().storage[0].path == path
    assert built == [Path("/"), tmp_path]
    assert Path.cwd() == Path("/")


# --- what a context is described as -----------------------------------------------------------------------------------
class Described:
    """Stands for a context whose lineage hashes a test sets."""

    def __init__(self, lineages: dict[str, Any], *storage: Any) -> None:
        self._plugin_class_registry = {**lineages, "event_info": None}
        self._lineages = lineages
        self._sorted_storage = list(storage)
        self.context_config: dict[str, Any] = {}

    def key_for(self, run: str, name: str) -> Any:
        found = self._lineages[name]
        if isinstance(found, Exception):
            raise found
        return SimpleNamespace(lineage_hash=found(run) if callable(found) else found, lineage={name: (1, 2)})

    def is_stored(self, run: str, name: str) -> Any:
        found = self._lineages[name]
        if isinstance(found, Exception):
            raise found
        return run == found


def test_a_context_is_described_type_by_type(monkeypatch: pytest.MonkeyPatch) -> None:
    st = Described({"peaks": "abc", "odd": ValueError("no"), "moves": lambda run: run})
    request = {"types": ["peaks", "odd", "moves", "event_inf", "zzz"], "context": {"function": "json:loads"}}
    answer = probe.answer_context(st, request)
    assert (answer["hashes"]["peaks"], answer["keep"], answer["storage"]) == ("abc", False, [])
    assert answer["without"] == {
        "odd": "the lineage of odd cannot be computed: ValueError: no",
        "moves": "the lineage of moves differs from run to run, which XOM cannot follow yet",
        "event_inf": "it has no data type event_inf; did you mean event_info?",
        "zzz": "it has no data type zzz",
    }
    files = answer["files"]
    assert files[json.__file__] == Path(json.__file__).stat().st_mtime_ns
    assert not any("pathlib" in file for file in files)
    assert probe.answer_context(st, {**request, "types": ["peaks", "zzz"]})["keep"] is True


def frontend(**given: Any) -> Any:
    return SimpleNamespace(take_only=("a",), exclude=("b",), **given)


def test_only_storage_whose_answer_the_workflow_can_give_is_described(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kinds = {name: type(name, (SimpleNamespace,), {}) for name in ("DataDirectory", "RucioLocalFrontend", "RunDB")}
    monkeypatch.setitem(sys.modules, "strax", SimpleNamespace(**kinds))  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "straxen", SimpleNamespace(**kinds))  # type: ignore[arg-type]
    monkeypatch.chdir(tmp_path)
    taken: dict[str, Any] = {"take_only": ("a",), "exclude": ("b",)}
    described = {"take_only": ["a"], "exclude": ["b"]}
    st = Described({"peaks": "abc"})
    folder = kinds["DataDirectory"](path="data", **taken)
    assert probe.describe(st, folder) == {"kind": "folder", "path": str(tmp_path / "data"), **described}
    rucio = kinds["RucioLocalFrontend"]
    assert probe.describe(st, rucio(path="x", **taken))["path"] == str(tmp_path / "x")
    assert probe.describe(st, rucio(path=None, **taken)) == {"kind": "rucio_local", "path": os.devnull, **described}
    backend = type("RucioLocalBackend", (SimpleNamespace,), {})(rucio_dir="/rucio")
    collection = SimpleNamespace(name="runs", database=SimpleNamespace(name="xenonnt"))
    rundb = kinds["RunDB"](
        backends=[SimpleNamespace(rucio_dir="no"), backend],
        collection=collection,
        client=SimpleNamespace(address=("host", 27017)),
        runid_field="name",
        available_query=[{"host": "h"}],
        rucio_path=None,
        **taken,
    )
    assert probe.describe(st, rundb, ["peaks"]) == {
        "kind": "rundb",
        "server": ["host:27017", "xenonnt", "runs"],
        "runid_field": "name",
        "places": [{"host": "h"}],
        "rucio_path": None,
        "rucio_backend": "/rucio",
        "lineages": {"peaks": {"peaks": [1, 2]}},
        **described,
    }
    rundb.backends = []
    assert probe.describe(st, rundb)["rucio_backend"] is None
    for odd in (rundb, kinds["RunDB"](**taken), SimpleNamespace(**taken)):
        if odd is rundb:
            st.context_config = {"fuzzy_for": ("peaks",)}
        assert probe.describe(st, odd) == {"kind": "other", "name": repr(odd), **described}
        st.context_config = {"allow_incomplete": False}


def test_strax_is_asked_run_by_run_and_a_server_that_is_away_ends_that() -> None:
    away = type("ServerSelectionTimeoutError", (Exception,), {"__module__": "pymongo.errors"})("x" * 300)
    st = Described({"peaks": "1", "odd": ValueError("no"), "away": away})
    assert probe.answer_stored(st, [["1", "peaks"], ["2", "peaks"], ["1", "odd"]]) == {"stored": [["1", "peaks"]]}
    with pytest.raises(JobError, match=rf"^its storage cannot be asked: ServerSelectionTimeoutError: {'x' * 200}$"):
        probe.answer_stored(st, [["1", "away"]])


def test_an_answer_is_printed_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(_: Any) -> Any:
        print("of a library")
        return Described({"peaks": "1"})

    request = tmp_path / "request.json"
    request.write_text(json.dumps({"context": {"function": "json:loads"}, "stored": [["1", "peaks"]]}))
    monkeypatch.setattr(probe, "build", made)
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    assert probe.main([str(request)]) == 0
    printed = capsys.readouterr()
    assert (json.loads(printed.out), printed.err) == ({"stored": [["1", "peaks"]]}, "of a library\n")
    request.write_text(json.dumps({"context": {"function": "json:absent"}, "types": []}))
    monkeypatch.undo()
    out = sys.stdout
    try:
        assert probe.main([str(request)]) == 0
    finally:
        sys.stdout = out
    assert "has no function 'absent'" in json.loads(capsys.readouterr().out)["error"]


# --- how a script is started ------------------------------------------------------------------------------------------
def test_the_environment_of_a_script_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in launch._PASSED_ON:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TOKEN", "secret")
    fixed = {
        "LANG": "C.UTF-8",
        "PATH": "/a:/b",
        "PYTHONPATH": "/src",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_CACHE_DIR": "/c",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
    }
    assert launch.environment(["/a", "/b"], "/src", {"NUMBA_CACHE_DIR": "/c"}) == fixed
    for name in launch._PASSED_ON:
        monkeypatch.setenv(name, name)
    expected = {**fixed, **{name: name for name in launch._PASSED_ON}}
    assert launch.environment(["/a", "/b"], "/src", {"NUMBA_CACHE_DIR": "/c"}) == expected


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Start a process in no process, and return what it was given and what it does before its program."""

    def prepare(**changes: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        monkeypatch.setattr(launch.subprocess, "Popen", lambda command, **given: found.update(given, command=command))
        monkeypatch.setattr(launch.signal, "alarm", lambda seconds: found.update(alarm=seconds))
        monkeypatch.setattr(launch.signal, "signal", lambda number, how: found.update(signal=(number, how)))
        monkeypatch.setattr(launch.signal, "pthread_sigmask", lambda how, which: found.update(mask=(how, which)))
        monkeypatch.setattr(launch, "limit_memory", lambda megabytes: found.update(memory=megabytes))
        given = {"memory_mb": 100, "time_limit": 1.5, **changes}
        launch.start(["program"], {"A": "b"}, 2, **given)
        found.pop("preexec_fn")()
        return found

    return prepare


def test_a_script_gets_a_session_limits_and_the_signals_that_its_starter_blocks(
    prepared: Callable[..., dict[str, Any]],
) -> None:
    assert prepared(keep_open=(7,), unblock=(signal.SIGTERM,)) == {
        "command": ["program"],
        "env": {"A": "b"},
        "stdin": subprocess.DEVNULL,
        "stdout": 2,
        "stderr": subprocess.STDOUT,
        "pass_fds": (7,),
        "start_new_session": True,
        "mask": (signal.SIG_UNBLOCK, (signal.SIGTERM,)),
        "signal": (signal.SIGTERM, signal.SIG_DFL),
        "memory": 100,
        "alarm": 62,
    }
    assert prepared(time_limit=0)["alarm"] == 0


def test_a_limit_of_the_system_that_is_lower_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = []
    monkeypatch.setattr(limits.resource, "setrlimit", lambda which, pair: found.append((which, pair)))
    for megabytes, hard in ((0, 5), (1, resource.RLIM_INFINITY), (1, 500), (1, 2**30)):
        monkeypatch.setattr(limits.resource, "getrlimit", lambda _, hard=hard: (3, hard))
        limits.limit_memory(megabytes)
    data = resource.RLIMIT_DATA
    assert found == [(data, (2**20, resource.RLIM_INFINITY)), (data, (500, 500)), (data, (2**20, 2**30))]


def test_what_a_script_left_in_its_session_gets_a_moment_and_is_then_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    clock = iter([0.0, 0.5, 0.99, 1.0])
    its_time = SimpleNamespace(monotonic=clock.__next__, sleep=lambda _: None)
    monkeypatch.setattr(launch, "time", its_time)
    monkeypatch.setattr(launch.os, "killpg", lambda session, number: sent.append((session, number)))
    launch.end_left_behind(77)
    assert sent == [(77, 0), (77, 0), (77, signal.SIGKILL)]

    def gone(session: int, number: int) -> None:
        sent.append((session, number))
        raise ProcessLookupError

    sent.clear()
    monkeypatch.setattr(launch, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda _: None))
    monkeypatch.setattr(launch.os, "killpg", gone)
    launch.end_left_behind(77)
    assert sent == [(77, 0)]


# --- a script in its process ------------------------------------------------------------------------------------------
@pytest.fixture
def own_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Give back what a script's process has for itself; yields the folder where it is started."""
    for name in ("argv", "path", "meta_path"):
        monkeypatch.setattr(sys, name, list(getattr(sys, name)))
    monkeypatch.setattr(job, "_current", None)
    monkeypatch.setenv("_XOM_JOB", "")
    before, names = dict(sys.modules), dict(vars(xomlib))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]
    vars(xomlib).clear()  # the calls of the first XOM take the place of its own
    vars(xomlib).update(names)


def scratch(folder: Path, body: str, **changes: Any) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Run a script in a working directory of its own; return its status, its report and its draft."""
    script = folder / "scripts" / "script.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(body)
    description = JobDescription(KEY, str(script), ContextSpec("json:loads"), draft=str(folder / "draft"), **changes)
    os.chdir(folder)
    status = worker.run_in_scratch(description)
    report, draft = (folder / "draft" / name for name in ("end.json", "draft.json"))
    return status, json.loads(report.read_text()), json.loads(draft.read_text()) if draft.exists() else {}


def test_files_that_a_script_leaves_in_its_working_directory_are_named(
    own_process: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "import os\n\ndef main():\n    os.mkdir('folder'), os.symlink('a', 'link')\n"
    body += "    for name in 'gfedcba': open(name, 'w').close()\n    open('.hidden', 'w').close()\n"
    status, report, draft = scratch(own_process, body)
    sentence = (
        "warning: the working directory is removed, with a, b, c, d, e: keep results by xomlib.figure or the data"
    )
    assert (status, report["failure"], draft["messages"]) == (0, None, [f"{sentence} of a result"])
    assert capsys.readouterr().err == f"{sentence} of a result\n"
    assert Path.cwd() == own_process / "draft" / "scratch"
    assert os.environ["_XOM_JOB"] == str(own_process / "draft" / "job.json")
    assert json.loads((own_process / "draft" / "job.json").read_text())["site"] == str(own_process)
    scratch(own_process, body, site="/site")
    assert json.loads((own_process / "draft" / "job.json").read_text())["site"] == "/site"


def test_a_script_that_leaves_nothing_gets_no_warning(own_process: Path) -> None:
    _, _, draft = scratch(own_process, "def main():\n    pass\n")
    assert draft == {}


def test_a_program_of_the_first_xom_runs_as_one_with_its_arguments_and_what_lies_beside_it(own_process: Path) -> None:
    (own_process / "scripts").mkdir()
    (own_process / "scripts" / "beside.txt").write_text("beside")
    lines = [
        "import os, pathlib, sys",
        "if __name__ == '__main__':",
        "    assert pathlib.Path('beside.txt').read_text() == 'beside'",
        "    assert sys.argv[1:3] == ['-r', '052001']",
        "    assert os.path.isdir(sys.argv[3]) and sys.argv[3].endswith('/xom_results/')",
    ]
    body = "\n".join(lines)
    arguments = ["-r", "[run]", "[result_folder]"]
    assert scratch(own_process, body, arguments=arguments, compat=True)[0] == 0
    assert scratch(own_process, body, arguments=arguments)[1]["failure"]["class"] == "setup"
    assert not (own_process / "xom_results").exists()


def test_the_arguments_of_a_script_are_the_run_unless_others_are_given(own_process: Path) -> None:
    assert worker.arguments_of(JobDescription(KEY, "s", ContextSpec("json:loads"))) == ["052001"]
    assert list(own_process.iterdir()) == []
    for text, starts in (
        ("if __name__ == '__main__': pass", True),
        ("if '__main__' == __name__: pass", True),
        ("x = '__main__'", False),
        ("if x == '__init__': pass", False),
        ("def f():\n    if __name__ == '__main__': pass", False),
    ):
        assert worker._starts_itself(worker.ast.parse(text)) is starts


def test_the_modules_of_a_process_are_as_before_after_its_script(own_process: Path) -> None:
    names = ("__main__", "__mp_main__")
    before = [sys.modules.get(name) for name in names]
    script = own_process / "script.py"
    script.write_text("import sys\nassert sys.modules['__main__'] is sys.modules['__mp_main__']\ndef main(): pass\n")
    worker.call_script(script, "052001")
    assert [sys.modules.get(name) for name in names] == before
    assert sys.path[-1] == str(own_process)
    assert sys.argv == [str(script), "052001"]


# --- an attempt outside a tick ----------------------------------------------------------------------------------------
def test_an_attempt_comes_back_from_json() -> None:
    whole = attempt.Attempt({"a": 1}, ("raised", "x"), 1.0, 2.0, 3.0, "/p", {"a": "1"}, {"b": "c"})
    for one in (whole, attempt.Attempt(None, None, 1.0)):
        assert attempt.Attempt.from_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize(
    ("failed", "report", "saved", "failure", "has_document"),
    [
        (None, {"failure": None}, {"results": [{"variable": "a", "unit": "Hz"}]}, None, True),
        (None, {"failure": {"class": "raised", "message": "x"}}, {}, ("raised", "x"), False),
        (("timeout", "y"), None, {}, ("timeout", "y"), False),
        (("timeout", "y"), {"failure": {"class": "raised", "message": "x"}}, {}, ("timeout", "y"), False),
        (None, {"failure": None}, {}, ("no_result", "the script ended well but saved nothing"), True),
        (None, {"failure": None}, {"problems": ["z"]}, ("bad_result", "z"), True),
    ],
)
def test_an_attempt_has_what_its_process_left(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failed: Any,
    report: Any,
    saved: Any,
    failure: Any,
    has_document: bool,
) -> None:
    def run(description: JobDescription, _: str) -> Any:
        draft = Path(str(description.draft))
        (draft / "reads.jsonl").write_text('{"type": "peaks", "lineage": "abc"}')
        if report:
            content = {**report, "versions": {"strax": "2"}, "cpu_s": 2.0, "peak_memory_mb": 3.0}
            (draft / "end.json").write_text(json.dumps(content))
        (draft / "draft.json").write_text(json.dumps({"messages": ["m"], **saved}))
        return failed

    monkeypatch.setattr(attempt, "_run", run)
    description = JobDescription(KEY, "s", ContextSpec("json:loads"), needs=[])
    made = attempt.attempt(description, tmp_path)
    assert (made.failure, made.document is not None) == (failure, has_document)
    assert (made.cpu_s, made.peak_memory_mb) == ((2.0, 3.0) if report else (None, None))
    assert (made.lineage, made.versions) == ({"peaks": "abc"}, {"strax": "2"} if report else {})
    assert made.place == (str(tmp_path / "any-052001") if has_document else None)
    warning = "warning: the script reads peaks, which analyses.any.needs lacks: add it, so that runs wait for it"
    if made.document:
        assert made.document["messages"] == ["m", warning]
        assert json.loads((tmp_path / "any-052001" / "results.json").read_text()) == made.document
    assert capsys.readouterr().err == (f"{warning}\n" if has_document else "")


def test_an_attempt_begins_here_without_limits_unless_the_job_has_its_own_and_keeps_nothing_unasked(
    own_process: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[JobDescription] = []
    monkeypatch.setattr(attempt, "_run", lambda given, _: jobs.append(given))
    monkeypatch.chdir(own_process)
    bare = JobDescription(KEY, "s", ContextSpec("json:loads"))
    for one in (bare, replace(bare, site="/site", by_hand=ByHand(1000, 60))):
        made = attempt.attempt(one)
        assert (made.place, 0 <= made.wall_s < 60) == (None, True)
    assert [(one.site, one.by_hand) for one in jobs] == [
        (str(own_process), ByHand(0, 0)),
        ("/site", ByHand(1000, 60)),
    ]


def test_results_and_figures_take_the_place_of_former_ones(tmp_path: Path) -> None:
    figures, place = tmp_path / "figures", tmp_path / "kept"
    figures.mkdir()
    (figures / "new.png").touch()
    (place / "figures").mkdir(parents=True)
    (place / "figures" / "old.png").touch()
    (place / "results.json").write_text("old")
    attempt.keep({"figures": ["new.png"]}, figures, place)
    assert [one.name for one in (place / "figures").iterdir()] == ["new.png"]
    assert json.loads((place / "results.json").read_text()) == {"figures": ["new.png"]}
    attempt.keep({"figures": []}, figures, place)
    assert not (place / "figures").exists()


def test_the_environment_of_an_attempt_is_that_of_a_tick_unless_an_image_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_bin, source = str(Path(sys.executable).parent), str(Path(attempt.__file__).resolve().parents[1])
    monkeypatch.setenv("PATH", f"/x:{own_bin}::/y")
    monkeypatch.setenv("OF_THE_IMAGE", "1")
    monkeypatch.setenv("PYTHONPATH", "/of/the/image")
    own = ByHand(0, 0, {"NUMBA_CACHE_DIR": str(tmp_path), "MPLCONFIGDIR": str(tmp_path / "absent")})
    clean = attempt._environment(own, "/scratch")
    assert clean["PATH"] == f"{own_bin}:/x:/y"
    assert (clean["PYTHONPATH"], "OF_THE_IMAGE" in clean) == (source, False)
    assert (clean["NUMBA_CACHE_DIR"], clean["MPLCONFIGDIR"]) == (str(tmp_path), "/scratch/MPLCONFIGDIR")
    given = attempt._environment(ByHand(0, 0, {}, clean=False), "/scratch")
    assert (given["PYTHONPATH"], given["OF_THE_IMAGE"]) == (f"{source}:/of/the/image", "1")
    monkeypatch.delenv("PYTHONPATH")
    assert attempt._environment(ByHand(0, 0, {}, clean=False), "/scratch")["PYTHONPATH"] == source
