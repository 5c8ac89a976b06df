"""straxen's own online context over a run database: the batch answer is that of ``st.is_stored`` in every case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from bson import json_util

from local_servers.mongo import MongoAccess
from support import mini as mini_set
from support import xenon
from support.forks import interpreter, own_server
from xomflow.config import model as config
from xomflow.config.model import Context
from xomflow.config.software import Program
from xomflow.core.paths import Paths
from xomflow.planning.runs.selection import Selector
from xomflow.rundb.database import RunDB, open_rundb
from xomflow.storage.availability import Availability
from xomflow.storage.context_probe import ContextProbe
from xomflow.storage.locations import DataLocations
from xomflow.storage.straxen_rundb import StraxenRunDB

pytestmark = pytest.mark.slow

TYPE = "peak_basics"
TYPES = [TYPE, "event_basics"]
RUNS = xenon.case_runs()
STORAGES = ["true", "dali", "rucio local", "unknown", "no database", "cutax"]


class World(NamedTuple):
    """A server with documents, the account in $XENON_CONFIG, an interpreter that finds the contexts of the tests."""

    access: MongoAccess
    database: str
    program: Program
    folder: Path

    @property
    def rundb(self) -> RunDB:
        """The workflow's own view of the run database, whose account is where XENON people have it."""
        return open_rundb(config.RunDB.model_validate({"kind": "mongodb"}))

    def fill(self, documents: list[dict[str, Any]]) -> None:
        with self.access.client() as client:
            client[self.database].runs.delete_many({})
            client[self.database].runs.insert_many(
                [
                    json_util.loads(json.dumps(one), json_options=json_util.JSONOptions(tz_aware=False))
                    for one in documents
                ]
            )


@pytest.fixture(scope="module")
def world(mongo: MongoAccess, analysis_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    database = f"xom_test_{folder.name}"
    with pytest.MonkeyPatch.context() as patch, xenon.xedocs(mongo):
        patch.setenv("XENON_CONFIG", str(xenon.xenon_config(folder / "xenon_config", mongo, database)))
        with own_server(analysis_python) as server:  # straxen reads $XENON_CONFIG at its import
            found = interpreter(folder / "python", analysis_python, server, mini_set.SITE_PACKAGES)
            yield World(mongo, database, Program(found), folder)
    with mongo.client() as client:
        client.drop_database(database)


def arguments(folder: Path, **changes: Any) -> dict[str, Any]:
    """Of straxen's online context, with nothing that is at its own sites only."""
    paths = {"output_folder": "", "_raw_paths": [], "_processed_paths": [str(folder / "processed")]}
    return {**paths, "_auto_append_rucio_local": False, "_rucio_path": str(folder / "rucio"), **changes}


@pytest.fixture(scope="module")
def contexts(world: World) -> dict[str, Context]:
    local = {"include_rucio_local": True, "_rucio_local_path": str(world.folder / "rucio")}
    plain = arguments(world.folder)
    return {
        "true": Context(function="straxen.contexts:xenonnt_online", arguments=plain),
        "dali": Context(function="site_contexts:online", arguments={**plain, "host": xenon.DALI}),
        "rucio local": Context(
            function="straxen.contexts:xenonnt_online",
            arguments=arguments(world.folder, **local, _processed_paths=[]),
            storage=[str(world.folder / "processed")],
        ),
        "unknown": Context(function="site_contexts:unknown", arguments=plain),
        "no database": Context(
            function="straxen.contexts:xenonnt_online", arguments={**plain, **local, "_database_init": False}
        ),
        "cutax": Context(
            function="cutax.contexts:xenonnt_online",
            arguments={"include_rucio_local": True, "_rucio_local_path": str(world.folder / "processed")},
        ),
    }


class Answers(NamedTuple):
    """What strax and the batch say of each (run, type) in one context, and how often strax was asked."""

    strax: dict[tuple[str, str], Any]
    batch: dict[tuple[str, str], bool]
    asked: int


@pytest.fixture(scope="module")
def answers(world: World, contexts: dict[str, Context]) -> dict[str, Answers]:
    probe = ContextProbe(Paths(world.folder / "work"), may_write=True)
    described = probe.describe(world.program, contexts["true"], TYPES)
    (rundb,) = [one for one in described.storage if isinstance(one, StraxenRunDB)]
    places = xenon.Places(world.folder, TYPE, described.hashes[TYPE], rundb.lineages[TYPE])
    world.fill(xenon.make_cases(places))
    runs = list(RUNS.values())
    asked = [{"context": one.model_dump(), "runs": runs, "types": TYPES} for one in contexts.values()]
    found = {}
    answers = mini_set.ask_strax(world.program.interpreter, asked, world.folder)
    for (name, one), said in zip(contexts.items(), answers, strict=True):
        probe.describe(world.program, one, TYPES)
        before = probe.asked
        stored = Availability(probe, world.rundb).stored(world.program, one, runs, TYPES)
        batch = {(run, kind): kind in stored[run] for run in runs for kind in TYPES}
        found[name] = Answers({(run, kind): state for run, kind, state in said}, batch, probe.asked - before)
    return found


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("case", RUNS)
def test_the_batch_says_what_strax_says(answers: dict[str, Answers], storage: str, case: str) -> None:
    for kind in TYPES:
        pair = RUNS[case], kind
        assert answers[storage].batch[pair] is (answers[storage].strax[pair] is True)


@pytest.mark.parametrize(
    ("storage", "case", "state"),
    [
        ("true", "registered at this host", True),
        ("true", "registered at another host", False),
        ("true", "registered under the host's alias", False),
        ("dali", "registered under the host's alias", True),
        ("true", "registered here and elsewhere", True),
        ("true", "another lineage", False),
        ("true", "metadata missing", "raises"),
        ("true", "registered, not there", "raises"),
        ("true", "registered without metadata, good in a folder", "raises"),
        ("no database", "registered without metadata, good in a folder", True),
        ("true", "registered with an exception, good in a folder", True),
        ("true", "protocol of another kind", "raises"),
        ("true", "in rucio here", False),
        ("dali", "in rucio here", True),
        ("dali", "in rucio here, nothing there", False),
        ("dali", "in rucio here, metadata missing", "raises"),
        ("dali", "in rucio, not transferred", False),
        ("dali", "in rucio, another lineage", False),
        ("rucio local", "rucio's files alone", True),
        ("rucio local", "rucio's files, one missing", False),
        ("rucio local", "rucio's files, metadata cut", False),
        ("true", "deleted", False),
    ],
)
def test_strax_says_of_each_case_what_we_think_it_does(
    answers: dict[str, Answers], storage: str, case: str, state: Any
) -> None:
    assert answers[storage].strax[RUNS[case], TYPE] == state


def test_strax_is_asked_only_where_nobody_else_can_tell(answers: dict[str, Answers]) -> None:
    assert {name for name, one in answers.items() if one.asked} == {"unknown"}


def test_nothing_secret_is_kept(answers: dict[str, Answers], world: World) -> None:
    kept = list(Paths(world.folder / "work").cache.glob("context-*.json"))
    assert len(kept) == len(answers)
    for path in kept:
        assert not any(secret in path.read_text() for secret in (world.access.password, "pa55"))


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("registered at another host", "(it is at event builder eb3.xenon.local"),
        ("in rucio here", "(it is in rucio at UC_DALI_USERDISK)"),
        ("in rucio, not transferred", "(it is in rucio at UC_DALI_USERDISK, transferring)"),
        ("in rucio on tape", "(it is on tape at CNAF_TAPE3_USERDISK)"),
        ("in rucio, another lineage", "(it is in rucio at UC_DALI_USERDISK, with another lineage)"),
        ("deleted", "(it was deleted, and had been in rucio at UC_DALI_USERDISK)"),
        ("nothing known", "(the run database has no entry of it)"),
    ],
)
def test_a_waiting_run_says_where_its_data_are(
    answers: dict[str, Answers], world: World, contexts: dict[str, Context], tmp_path: Path, case: str, words: str
) -> None:
    probe = ContextProbe(Paths(world.folder / "work"), may_write=True)
    where = DataLocations(world.rundb, (0, None), tmp_path / "kept.json", may_write=False)
    available = Availability(probe, world.rundb, locations=where)
    poor = available.lacking(world.program, contexts["true"], list(RUNS.values()), [[TYPE]])
    said = available.describe(world.program, contexts["true"], poor, [[TYPE]])
    assert said[RUNS[case]].startswith(f"waiting for {TYPE}: nothing of the run can be read here, ")
    assert f"{TYPE} is not at this site {words}" in said[RUNS[case]]


# --- the selection ----------------------------------------------------------------------------------------------------
TAGS = [[], ["messy"], ["_messy"], ["bad", "_sr1"], ["_sr1_preliminary"], ["sr1"], ["ramp_up", "_messy", "sr1"]]
QUESTIONS: list[dict[str, Any]] = [
    {},
    {"run_mode": "tpc_kr83m"},
    {"run_mode": ["tpc_*", "background_linked"]},
    {"exclude_tags": ["messy", "bad"]},
    {"include_tags": ["sr1", "sr1_preliminary"]},
    {"run_mode": "tpc_bkg", "include_tags": "sr1", "exclude_tags": "messy"},
    {"include_tags": "ramp_up"},
    {"exclude_tags": "ramp_up", "run_mode": ["none_of_these"]},
]


def test_the_selection_is_that_of_straxen(world: World, tmp_path: Path) -> None:
    """But for tags that are asked for with an underscore: straxen wants it to be there then, XOM never looks at it."""
    modes = ["tpc_bkg", "tpc_kr83m", "background_linked", "tpc_noise"]
    documents = [
        xenon.document(60001 + place, mode=mode, tags=[{"name": name, "user": "x"} for name in tags])
        for place, (mode, tags) in enumerate((mode, tags) for mode in modes for tags in TAGS)
    ]
    world.fill(documents)
    (tmp_path / "asked.json").write_text(json.dumps(QUESTIONS))
    script = mini_set.ASK_STRAX.with_name("ask_selection.py")
    mini_set.call(world.program.interpreter, str(script), str(tmp_path / "asked.json"), str(tmp_path / "said.json"))
    by_straxen = json.loads((tmp_path / "said.json").read_text())
    runs = world.rundb.runs(0, None).runs.values()
    for question, expected in zip(QUESTIONS, by_straxen, strict=True):
        names = {"run_mode": "run_modes", "include_tags": "included_tags", "exclude_tags": "excluded_tags"}
        block = {names[key]: [value] if isinstance(value, str) else value for key, value in question.items()}
        selector = Selector(config.Selection(), config.Analysis.model_validate({"version": "v1", **block}))
        assert sorted(run.id for run in runs if not selector.refusal(run)) == expected, question
    assert len({len(one) for one in by_straxen}) > 5, "the cases are too simple to show anything"
