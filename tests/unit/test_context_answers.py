"""How contexts are asked: when an answer is used again, and what each odd answer is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xomflow.config.model import Context
from xomflow.config.software import Program
from xomflow.core.errors import ContextError, RunDBError
from xomflow.core.paths import Paths
from xomflow.rundb.database import MongoRunDB
from xomflow.storage import context_probe, straxen_rundb
from xomflow.storage.context_probe import ContextDescription, ContextProbe
from xomflow.storage.data_directory import DataDirectory
from xomflow.storage.frontend import Sources
from xomflow.storage.metadata import FolderState, LookupResult
from xomflow.storage.missing import describe_missing
from xomflow.storage.rucio import RucioLocal, rucio_metadata, rucio_path
from xomflow.storage.straxen_rundb import StraxenRunDB

CONTEXT = Context(function="nobody:asks")
PROGRAM = Program(Path(sys.executable))
HASHES = {"events": "bbbbbbbbbb", "peaks": "cccccccccc"}
STORAGE = [{"kind": "folder", "path": "/data", "take_only": [], "exclude": []}]
WHOLE = ContextDescription(HASHES, (DataDirectory((), (), "/data"),), {"strax": "2.2.3"})


class Asked:
    """Stands for the processes that describe contexts.

    Attributes
    ----------
    answer
        What they print, as JSON if it is no text.
    error, code, words
        What is raised instead; their exit status and standard error.
    requests, given
        What they were asked, and how they were started.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        file.touch()
        self.answer: Any = {
            "hashes": HASHES,
            "without": {"odd": "no plugin\n  for it"},
            "storage": STORAGE,
            "versions": {"strax": "2.2.3"},
            "files": {str(file): file.stat().st_mtime_ns},
            "keep": True,
        }
        self.error: Exception | None = None
        self.code, self.words = 0, ""
        self.requests: list[Any] = []
        self.given: list[dict[str, Any]] = []

    def run(self, command: Sequence[str], **given: Any) -> Any:
        self.requests.append(json.loads(Path(command[-1]).read_text()))
        self.given.append(given)
        if self.error:
            raise self.error
        printed = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        return subprocess.CompletedProcess(command, self.code, printed, self.words)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    made = Asked(tmp_path / "module.py")
    monkeypatch.setattr(subprocess, "run", made.run)
    return made


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


def describe(
    paths: Paths, *types: str, program: Program = PROGRAM, may_write: bool = True, context: Context = CONTEXT
) -> ContextDescription:
    """As a new tick asks."""
    return ContextProbe(paths, may_write).describe(program, context, types)


# --- kept answers -----------------------------------------------------------------------------------------------------
def test_one_process_answers_for_all_analyses_of_a_tick_and_of_the_next(paths: Paths, asked: Asked) -> None:
    asked.answer["without"] = {}
    probe = ContextProbe(paths, may_write=True, types=["events", "peaks"])
    one = probe.describe(PROGRAM, CONTEXT, ["events"])
    assert one == ContextDescription({"events": HASHES["events"]}, WHOLE.storage, WHOLE.versions)
    assert probe.describe(PROGRAM, CONTEXT, ["peaks", "events"]) == WHOLE
    assert list(probe.describe(PROGRAM, CONTEXT, ["peaks", "events"]).hashes) == ["events", "peaks"]
    again = ContextProbe(paths, may_write=False, types=["peaks", "events"])
    assert again.describe(PROGRAM, CONTEXT, ["events"]) == one
    assert (probe.asked, again.asked) == (1, 0)
    assert asked.requests == [{"context": CONTEXT.model_dump(mode="json"), "types": ["events", "peaks"]}]


def test_an_answer_holds_until_something_changes_from_which_it_follows(
    paths: Paths, asked: Asked, tmp_path: Path
) -> None:
    describe(paths, "events")
    describe(paths, "events")
    assert len(asked.requests) == 1
    interpreter = tmp_path / "python"
    interpreter.touch()
    other = Program(interpreter)
    for change in (
        lambda: describe(paths, "events", "peaks"),
        lambda: describe(paths, "events", context=Context(function="nobody:else")),
        lambda: describe(paths, "events", program=other),
        lambda: (os.utime(interpreter, (1, 1)), describe(paths, "events", program=other)),
        lambda: (os.utime(asked.file, (1, 1)), describe(paths, "events")),
        lambda: (asked.file.unlink(), describe(paths, "events")),
        lambda: (interpreter.unlink(), describe(paths, "events", program=other)),
    ):
        before = len(asked.requests)
        change()
        assert len(asked.requests) == before + 1


def test_the_order_of_arguments_in_the_configuration_changes_nothing(paths: Paths, asked: Asked) -> None:
    for arguments in ({"a": 1, "b": 2}, {"b": 2, "a": 1}):
        describe(paths, "events", context=Context(function="nobody:asks", arguments=arguments))
    assert len(asked.requests) == 1


@pytest.mark.parametrize(("may_write", "keep"), [(False, True), (True, False)])
def test_nothing_is_kept_in_a_dry_run_or_where_the_answer_may_not_hold(
    paths: Paths, asked: Asked, may_write: bool, keep: bool
) -> None:
    asked.answer["keep"] = keep
    for _ in range(2):
        describe(paths, "events", may_write=may_write)
    assert len(asked.requests) == 2
    assert not paths.cache.exists()
    inside = str(paths.work.absolute())
    caches = [value for value in asked.given[0]["env"].values() if value.startswith(inside)]
    assert bool(caches) is may_write, "the libraries leave caches of their own"


def test_of_software_in_an_image_the_files_do_not_count(paths: Paths, asked: Asked, tmp_path: Path) -> None:
    image = tmp_path / "a.sif"
    image.touch()
    program = Program(Path("/opt/python"), image=str(image))
    for _ in range(2):
        describe(paths, "events", program=program)
        asked.file.unlink(missing_ok=True)
    assert len(asked.requests) == 1
    os.utime(image, (1, 1))
    describe(paths, "events", program=program)
    assert len(asked.requests) == 2
    asked.answer = [1]
    with pytest.raises(ContextError, match=r"printed '\[1\]'"):
        describe(paths, "peaks", program=program)


# --- odd answers ------------------------------------------------------------------------------------------------------
def refusal(paths: Paths, *types: str) -> str:
    probe = ContextProbe(paths, may_write=True, keys={PROGRAM: "software[0].interpreter"})
    with pytest.raises(ContextError) as caught:
        probe.describe(PROGRAM, CONTEXT, types)
    with pytest.raises(ContextError):
        probe.describe(PROGRAM, CONTEXT, types)
    assert probe.asked == 1, "a refusal is kept too"
    start = f"nobody:asks under software[0].interpreter {PROGRAM.name}: "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


def test_a_type_without_a_lineage_is_refused_where_it_is_wanted(paths: Paths, asked: Asked) -> None:
    assert refusal(paths, "odd", "events") == "no plugin for it"
    assert describe(paths, "events").hashes == {"events": HASHES["events"]}


def test_what_goes_wrong_with_a_process_is_one_sentence(paths: Paths, asked: Asked) -> None:
    for error, words in (
        (OSError(13, "Permission denied"), "it cannot be started: Permission denied"),
        (subprocess.TimeoutExpired("python", 600), "no answer within 600 s"),
    ):
        asked.error = error
        assert refusal(paths, "events") == words
    asked.error, asked.code = None, 3
    assert refusal(paths, "events") == "it ended with exit status 3 and no message"
    asked.words = "Traceback\nModuleNotFoundError: no straxen\n"
    assert refusal(paths, "events") == "ModuleNotFoundError: no straxen"
    assert {given["timeout"] for given in asked.given} == {600.0}


NO_PROBE = "a Python interpreter with xomlib is needed, and this one printed "
CHANGES: list[Any] = [{"hashes": {}}, {"hashes": {"events": 5}}, {"without": None}, {"versions": []}]
CHANGES += [{"storage": [5]}, {"storage": [{"kind": "new"}]}, {"files": {"a": "b"}}, {"files": None}]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_an_answer_that_lacks_something_is_none(paths: Paths, asked: Asked, change: dict[str, Any]) -> None:
    asked.answer |= change
    assert refusal(paths, "events").startswith(f"{NO_PROBE}'{{")
    assert not paths.cache.exists()


def test_an_answer_of_another_form_is_quoted_and_an_error_in_it_is_the_reason(paths: Paths, asked: Asked) -> None:
    for answer, words in (
        ("", f"{NO_PROBE}nothing"),
        ("x" * 90, f"{NO_PROBE}{'x' * 80!r}"),
        ([1], f"{NO_PROBE}'[1]'"),
        ({"error": "no option a"}, "no option a"),
        ({"error": 5}, f"""{NO_PROBE}'{{"error": 5}}'"""),
    ):
        asked.answer = answer
        assert refusal(paths, "events") == words


def test_strax_is_asked_about_runs_and_types_at_once(paths: Paths, asked: Asked) -> None:
    probe = ContextProbe(paths, may_write=True)
    asked.answer = {"stored": [["052894", "events"], ["052895", "peaks"]]}
    questions = [("052894", "events"), ("052895", "peaks"), ("052896", "peaks")]
    assert probe.stored(PROGRAM, CONTEXT, questions) == {("052894", "events"), ("052895", "peaks")}
    assert asked.requests[-1]["stored"] == [list(one) for one in questions]
    for odd, words in (({}, f"{NO_PROBE}'{{}}'"), ({"stored": 5}, NO_PROBE), ({"stored": [[1]]}, NO_PROBE)):
        asked.answer = odd
        with pytest.raises(ContextError) as caught:
            probe.stored(PROGRAM, CONTEXT, questions)
        assert words in str(caught.value)
    asked.answer = {"error": "no server"}
    with pytest.raises(ContextError, match=r"^nobody:asks under .*: no server$"):
        probe.stored(PROGRAM, CONTEXT, questions)


# --- straxen.RunDB ----------------------------------------------------------------------------------------------------
class RunDBOfDocuments(MongoRunDB):
    """A run database whose server has these documents, and takes down what it is asked."""

    def __init__(self, *answers: list[dict[str, Any]], holds: Any = True) -> None:
        self.answers = list(answers)
        self.queries: list[Any] = []
        self._holds = holds
        self.server = SimpleNamespace(holds=self._asked)  # type: ignore[assignment]

    def _asked(self, *place: str) -> bool:
        if self._holds is None:
            raise RunDBError("no account")
        return bool(self._holds) and place == ("xenon.lngs.it:27017", "xenonnt", "runs")

    def find(self, query: dict[str, Any], projection: dict[str, Any]) -> Any:  # type: ignore[override]
        self.queries.append((query, projection))
        return self.answers.pop(0) if self.answers else []


def straxen(**changes: Any) -> StraxenRunDB:
    whole = {
        "server": ["xenon.lngs.it:27017", "xenonnt", "runs"],
        "runid_field": "name",
        "places": [{"host": "here"}, {"host": "rucio-catalogue", "status": "transferred"}],
        "rucio_path": None,
        "rucio_backend": None,
        "lineages": {"events": {"a": 1}},
        "take_only": [],
        "exclude": [],
    }
    return StraxenRunDB.from_json({**whole, **changes})


def test_only_the_run_database_that_the_context_means_is_asked() -> None:
    folders: Any = None
    for rundb, name, answers in (
        (RunDBOfDocuments(), "events", True),
        (RunDBOfDocuments(), "peaks", False),
        (RunDBOfDocuments(holds=False), "events", False),
        (RunDBOfDocuments(holds=None), "events", False),
        (None, "events", False),
    ):
        found = straxen().look(Sources(folders, rundb), ["052894"], name, "bbbbbbbbbb")
        assert (found is not None) is answers


@pytest.mark.parametrize("field", ["name", "number"])
def test_the_queries_are_those_of_straxen(field: str) -> None:
    rundb = RunDBOfDocuments()
    straxen(runid_field=field, rucio_path="/rucio").look_in(rundb, ["052895", "052894"], "events", "bbbbbbbbbb")
    runs = {"name": {"$in": ["052894", "052895"]}} if field == "name" else {"number": {"$in": [52894, 52895]}}
    dids = ["xnt_052894:events-bbbbbbbbbb", "xnt_052895:events-bbbbbbbbbb"]
    by_did = {"type": "events", "did": {"$in": dids}, "host": "rucio-catalogue", "status": "transferred"}
    same = [{"meta.lineage": {"a": 1}}, {"did": {"$regex": "/*events-bbbbbbbbbb"}}]
    places = [{"host": "here"}, {"host": "rucio-catalogue", "status": "transferred"}]
    by_lineage = {"type": "events", "$and": [{"$or": same}, {"$or": places}]}
    matches = [{"data": {"$elemMatch": wanted}} for wanted in (by_did, by_lineage)]
    assert [query for query, _ in rundb.queries] == [{**runs, **match} for match in matches]
    assert [projection.keys() for _, projection in rundb.queries] == [{"data", "name", "number"}] * 2


def test_rucio_is_asked_for_only_where_it_is_used_and_many_runs_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(straxen_rundb, "_RUNS_AT_A_TIME", 2)
    rundb = RunDBOfDocuments()
    straxen().look_in(rundb, ["3", "1", "2"], "events", "bbbbbbbbbb")
    assert [query["name"]["$in"] for query, _ in rundb.queries] == [["1", "2"], ["3"]]
    rundb = RunDBOfDocuments()
    straxen(rucio_path="/rucio", places=[]).look_in(rundb, ["1"], "events", "bbbbbbbbbb")
    assert len(rundb.queries) == 1
    straxen(rucio_path="/rucio").look_in(rundb, [], "events", "bbbbbbbbbb")
    assert len(rundb.queries) == 1


def test_what_rucio_has_is_not_looked_for_elsewhere_and_the_first_entry_counts(tmp_path: Path) -> None:
    def entry(run: str, **changes: Any) -> dict[str, Any]:
        data = {"did": f"xnt_{run}:events-bbbbbbbbbb", "host": "rucio-catalogue", **changes}
        return {"name": run, "number": int(run), "data": [data]}

    by_did = [entry("000001"), entry("000001", did="another"), entry("000002", did="another"), entry("000003")]
    elsewhere = {"host": "here", "protocol": "FileSytemBackend", "location": str(tmp_path / "absent")}
    by_lineage = [entry("000002"), entry("000004", **elsewhere)]
    rundb = RunDBOfDocuments(by_did, by_lineage)
    metadata = Path(rucio_path(str(tmp_path), "000001", "events-bbbbbbbbbb-metadata.json"))
    metadata.parent.mkdir(parents=True)
    metadata.write_text('{"writing_ended": 1}')
    runs = [f"{number:06d}" for number in range(1, 5)]
    found = straxen(rucio_path="/rucio", rucio_backend=str(tmp_path)).look_in(rundb, runs, "events", "bbbbbbbbbb")
    assert found == LookupResult(complete={"000001"}, broken={"000004"})
    assert [query["name"]["$in"] for query, _ in rundb.queries] == [runs, ["000002", "000004"]]
    rundb = RunDBOfDocuments([entry("000001")])
    straxen(rucio_path="/rucio", rucio_backend=str(tmp_path)).look_in(rundb, ["000001"], "events", "bbbbbbbbbb")
    assert len(rundb.queries) == 1, "nothing is left to ask about"


@pytest.mark.parametrize(
    ("field", "document"), [("name", {"name": "052894"}), ("number", {"name": "of old", "number": 52894.0})]
)
def test_a_run_is_known_by_the_field_by_which_it_was_found(field: str, document: dict[str, Any]) -> None:
    entry = {"host": "here", "protocol": "S3"}
    rundb = RunDBOfDocuments([{**document, "data": [entry]}])
    found = straxen(runid_field=field).look_in(rundb, ["052894"], "events", "bbbbbbbbbb")
    assert found == LookupResult(broken={"052894"})


def test_what_is_being_written_is_no_other_lineage() -> None:
    hashes = {"events": "bbbbbbbbbb"}
    for folders, words in (
        ({("events", "cccccccccc_temp"): False}, "events is not at this site"),
        ({("events", "bbbbbbbbbb_temp"): False}, "events is being written, or was left unfinished"),
        ({("events", "bbbbbbbbbb"): False}, "events is here but broken: writing it went wrong"),
        (
            {("events", name): True for name in ("dddddddddd", "cccccccccc", "aaaaaaaaaa_temp")},
            "events is here with another lineage (cccccccccc, wanted bbbbbbbbbb)",
        ),
    ):
        said = describe_missing([["events"]], [], folders, hashes, {"events": " (on tape)"})
        assert said == f"waiting for events: nothing of the run can be read here, {words} (on tape)"


def test_metadata_that_are_not_in_rucio_are_unfinished_and_a_folder_without_them_unreadable(tmp_path: Path) -> None:
    assert rucio_metadata(str(tmp_path), "052894", "events", "bbbbbbbbbb") is FolderState.UNFINISHED
    place = Path(rucio_path(str(tmp_path), "052894", "events-bbbbbbbbbb-metadata.json"))
    place.parent.mkdir(parents=True)
    assert rucio_metadata(str(tmp_path), "052894", "events", "bbbbbbbbbb") is FolderState.UNREADABLE
    place.mkdir()
    assert rucio_metadata(str(tmp_path), "052894", "events", "bbbbbbbbbb") is FolderState.UNREADABLE
    folders = SimpleNamespace(names=lambda _: {"xnt_052895"})
    sources: Any = Sources(folders)  # type: ignore[arg-type]
    assert RucioLocal((), (), str(tmp_path)).look(sources, ["052894"], "events", "bbbbbbbbbb") == LookupResult()


def test_the_stamp_of_a_program_that_is_not_there_is_its_path() -> None:
    assert context_probe._stamp_of(Program(Path("/no/where"))) == ["/no/where"]
