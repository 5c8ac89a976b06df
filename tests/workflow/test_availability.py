"""The batch answer, which opens a few files, is that of ``st.is_stored``, asked run by run and type by type."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mini_xenonnt.schedule import STORED_TYPES
from support import forks
from support import mini as mini_set
from xomflow.config.load import check_configuration
from xomflow.config.model import Context
from xomflow.config.software import Program
from xomflow.core.paths import Paths
from xomflow.planning.survey import Survey, take_survey
from xomflow.rundb.database import open_rundb
from xomflow.storage.availability import Availability
from xomflow.storage.context_probe import ContextProbe
from xomflow.workflow.discover import open_context_probe

pytestmark = pytest.mark.slow

KEPT = sorted(STORED_TYPES)
TYPES = [*KEPT, "corrected_areas", "event_positions", "peaks", "raw_records"]
Pair = tuple[str, str]


# --- folders as crashes, copies and old versions leave them ---------------------------------------------------------
def metadata(folder: Path) -> Path:
    return folder / f"{folder.name.split('-', 1)[1]}-metadata.json"


def change(folder: Path, **changes: Any) -> None:
    content = json.loads(metadata(folder).read_text()) | changes
    metadata(folder).write_text(json.dumps({name: value for name, value in content.items() if value is not ...}))


def cut(folder: Path) -> None:
    text = metadata(folder).read_text()
    metadata(folder).write_text(text[: len(text) // 2])


def into_temp(folder: Path, **changes: Any) -> None:
    change(folder, **changes)
    sibling = folder.with_name(f"{folder.name}_temp")
    sibling.mkdir()
    shutil.move(metadata(folder), sibling)


def keep_elsewhere(folder: Path) -> None:
    shutil.copytree(folder, folder.parents[1] / "elsewhere" / folder.name)


def plain_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not a folder")


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def link(folder: Path, nowhere: bool = False) -> None:
    target = folder.rename(folder.with_name(f"target of {folder.name}"))
    folder.symlink_to(folder.with_name("nothing") if nowhere else target)


class Odd(NamedTuple):
    """A hand-made case: what is done to a good folder, and what strax says of it then."""

    make: Callable[[Path], object]
    strax: bool | str


ODD = {
    "untouched": Odd(lambda folder: None, True),
    "metadata missing": Odd(lambda folder: metadata(folder).unlink(), "raises"),
    "metadata cut in the middle": Odd(cut, "raises"),
    "metadata empty": Odd(lambda folder: metadata(folder).write_text(""), "raises"),
    "metadata a list": Odd(lambda folder: metadata(folder).write_text("[]"), False),
    "metadata only in the _temp sibling": Odd(into_temp, True),
    "metadata in the _temp sibling, not ended": Odd(lambda folder: into_temp(folder, writing_ended=...), False),
    "old name of the metadata": Odd(lambda folder: metadata(folder).rename(folder / "metadata.json"), True),
    "other lineage": Odd(lambda folder: folder.rename(f"{folder.parent}/{folder.name[:-10]}aaaaaaaaaa"), False),
    "exception": Odd(lambda folder: change(folder, exception="it broke"), False),
    "exception that is null": Odd(lambda folder: change(folder, exception=None), False),
    "no writing_ended": Odd(lambda folder: change(folder, writing_ended=...), False),
    "only the _temp folder": Odd(lambda folder: folder.rename(f"{folder}_temp"), False),
    "empty folder": Odd(empty, "raises"),
    "plain file": Odd(plain_file, "raises"),
    "link to a folder": Odd(lambda folder: link(folder), True),
    "link to nowhere": Odd(lambda folder: link(folder, nowhere=True), False),
    "good only elsewhere": Odd(lambda folder: (keep_elsewhere(folder), shutil.rmtree(folder)), True),
    "exception, good elsewhere": Odd(lambda folder: (keep_elsewhere(folder), change(folder, exception="x")), True),
    # Reading would raise as well, so a good copy is of no use.
    "metadata cut, good elsewhere": Odd(lambda folder: (keep_elsewhere(folder), cut(folder)), "raises"),
}


class Answers(NamedTuple):
    """What strax and the batch say about one context: for each (run, type)."""

    strax: dict[Pair, bool | str]
    batch: dict[Pair, bool]


class Odds(NamedTuple):
    """A copy of the set with the hand-made cases, and where each is."""

    folder: Path
    places: dict[str, Pair]


@pytest.fixture(scope="module")
def odds(mini: Path, tmp_path_factory: pytest.TempPathFactory) -> Odds:
    folder = tmp_path_factory.mktemp("odds") / "strax_data"
    shutil.copytree(mini / "strax_data", folder)
    excluded = set(mini_set.odd(mini).values())
    good = [place for place in sorted(folder.iterdir()) if place.name[:6] not in excluded and place.is_dir()]
    places = {}
    for (name, case), place in zip(ODD.items(), good[:: len(good) // len(ODD)], strict=False):
        case.make(place)
        run, kind, _ = place.name.split("-")
        places[name] = (run, kind)
    return Odds(folder, places)


@pytest.fixture(scope="module")
def interpreter(analysis_python: Path, straxen_server: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The analysis interpreter, which also finds the contexts of the tests, with straxen imported once."""
    path = tmp_path_factory.mktemp("interpreter") / "python"
    return forks.interpreter(path, analysis_python, straxen_server, mini_set.SITE_PACKAGES)


@pytest.fixture(scope="module")
def contexts(mini: Path, odds: Odds) -> dict[str, Context]:
    whole, copy = str(mini / "strax_data"), str(odds.folder)
    mini_xenonnt = "mini_xenonnt.context:mini_xenonnt"
    elsewhere = [str(odds.folder.parent / "elsewhere"), str(odds.folder.parent / "no such folder")]
    return {
        "the set": Context(function=mini_xenonnt, arguments={"output_folder": whole}),
        "odd folders, several places": Context(
            function=mini_xenonnt, arguments={"output_folder": copy}, storage=elsewhere
        ),
        "take_only and exclude": Context(function="odd_contexts:taking", arguments={"first": copy, "second": whole}),
        "unknown kind": Context(function="odd_contexts:unknown", arguments={"folder": copy}),
        "unknown kind beside a folder": Context(
            function="odd_contexts:mixed", arguments={"first": copy, "second": whole}
        ),
    }


@pytest.fixture(scope="module")
def answers(
    mini: Path, contexts: dict[str, Context], interpreter: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Answers]:
    runs = [json.loads(line)["name"] for line in (mini / "runs.jsonl").read_text().splitlines()]
    assert len(runs) == 24
    folder = tmp_path_factory.mktemp("answers")
    asked = [{"context": one.model_dump(), "runs": runs, "types": TYPES} for one in contexts.values()]
    said = mini_set.ask_strax(interpreter, asked, folder)
    program, probe = Program(interpreter), ContextProbe(Paths(folder / "work"), may_write=False)
    found = {}
    for (name, one), strax in zip(contexts.items(), said, strict=True):
        stored = Availability(probe).stored(program, one, runs, TYPES)
        batch = {(run, kind): kind in stored[run] for run in runs for kind in TYPES}
        found[name] = Answers({(run, kind): state for run, kind, state in strax}, batch)
    return found


@pytest.mark.parametrize(
    "name",
    ["the set", "odd folders, several places", "take_only and exclude", "unknown kind", "unknown kind beside a folder"],
)
def test_the_batch_agrees_with_strax_on_every_run_and_type(answers: dict[str, Answers], name: str) -> None:
    strax, batch = answers[name]
    assert len(strax) == 24 * len(TYPES)
    assert {pair for pair in batch if batch[pair]} == {pair for pair in strax if strax[pair] is True}
    assert 20 < sum(batch.values()) < len(batch) - 20, "the case is too simple to show anything"


@pytest.mark.parametrize("case", ODD)
def test_strax_says_of_each_odd_folder_what_we_think_it_does(
    answers: dict[str, Answers], odds: Odds, case: str
) -> None:
    assert answers["odd folders, several places"].strax[odds.places[case]] == ODD[case].strax


@pytest.mark.parametrize("case", ODD)
def test_each_odd_folder_is_judged_right(answers: dict[str, Answers], odds: Odds, case: str) -> None:
    assert answers["odd folders, several places"].batch[odds.places[case]] == (ODD[case].strax is True)


def test_a_type_that_a_folder_does_not_take_is_not_in_it(answers: dict[str, Answers]) -> None:
    there = {kind for (_, kind), is_there in answers["take_only and exclude"].batch.items() if is_there}
    assert there == set(KEPT) - {"event_basics"}


# --- what a survey makes of it ----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def survey(mini: Path, interpreter: Path, tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """The project's own configuration over the set, at the set's present, without any file written."""
    folder = tmp_path_factory.mktemp("survey")
    settings = check_configuration(mini_set.tree(mini, interpreter) | {"work": str(folder / "work")}, "test")
    found = take_survey(
        settings, open_rundb(settings.rundb), open_context_probe(settings, may_write=False), mini_set.NOW
    )
    assert not list(folder.iterdir())
    return found


def states(survey: Survey, analysis: str) -> dict[str, str]:
    return {item.key.run: item.state.name for item in survey.items[analysis]}


def reason(survey: Survey, analysis: str, run: str) -> str:
    (words,) = [item.state.reason for item in survey.items[analysis] if item.key.run == run]
    return words


def test_nobody_has_to_mend_anything(survey: Survey) -> None:
    assert (survey.configuration_errors, survey.warnings, survey.foreign) == ([], [], [])


@pytest.mark.parametrize("case", ["messy", "_messy", "bad", "abandon", "not_transferred", "running"])
def test_runs_that_nobody_wants_are_not_selected(survey: Survey, mini: Path, case: str) -> None:
    run = mini_set.odd(mini)[case]
    assert all(run not in states(survey, analysis) for analysis in survey.items)


@pytest.mark.parametrize(
    ("case", "state", "words"),
    [
        ("old_no_data", "stale", "event_info is not at this site"),
        ("no_data_yet", "waiting", "event_info is not at this site"),
        ("partial", "waiting", "event_basics, online_peak_monitor, peak_basics and veto_intervals"),
        ("partial", "waiting", "event_info is not at this site"),
        ("temp", "waiting", "event_info is being written, or was left unfinished"),
        ("exception", "waiting", "event_info is here but broken: writing it went wrong"),
    ],
)
def test_runs_without_their_data_wait_and_say_for_what(
    survey: Survey, mini: Path, case: str, state: str, words: str
) -> None:
    run = mini_set.odd(mini)[case]
    assert states(survey, "event_rate")[run] == state
    assert words in reason(survey, "event_rate", run)


def test_an_analysis_waits_for_its_own_data_types(survey: Survey, mini: Path) -> None:
    run = mini_set.odd(mini)["partial"]
    assert states(survey, "kr83m")[run] == "waiting"
    assert "waiting for event_info_double: " in reason(survey, "kr83m", run)


def test_every_other_run_is_ready(survey: Survey, mini: Path) -> None:
    odd = mini_set.odd(mini)
    left_out = {odd[name] for name in odd.keys() - {"preliminary", "no_rate", "markup"}}
    modes = {one["name"]: one["mode"] for one in map(json.loads, (mini / "runs.jsonl").read_text().splitlines())}
    tpc = {run for run, mode in modes.items() if mode in ("tpc_bkg", "tpc_kr83m", "background_linked")} - left_out
    krypton = {run for run in tpc if modes[run] == "tpc_kr83m"}
    assert {run for run, state in states(survey, "event_rate").items() if state == "ready"} == tpc
    assert {run for run, state in states(survey, "kr83m").items() if state == "ready"} == krypton
    assert len(tpc) > len(krypton) >= 3


# --- contexts by ranges of runs ---------------------------------------------------------------------------------------
def test_each_run_is_asked_about_with_the_context_of_its_software(
    mini: Path, interpreter: Path, tmp_path: Path
) -> None:
    """The second range has another calibration, of which there are no data: all that depends on it waits."""
    numbers = sorted(json.loads(line)["number"] for line in (mini / "runs.jsonl").read_text().splitlines())
    first = numbers[len(numbers) // 2]
    other = {"function": "odd_contexts:other_light_yield", "arguments": {"folder": str(mini / "strax_data")}}
    tree = mini_set.tree(mini, interpreter) | {"work": str(tmp_path / "work")}
    tree["software"] = [
        {"interpreter": str(interpreter), "max_run": first - 1},
        {"interpreter": str(interpreter), "min_run": first, "context": other},
    ]
    tree["analyses"] = {name: tree["analyses"][name] for name in ("event_rate", "peak_rate")}
    tree.pop("expected", None)  # names an analysis that is not here
    settings = check_configuration(tree, "test")
    types = {name for block in settings.analyses.values() for name in block.types}
    probe = ContextProbe(Paths(settings.work), may_write=False, types=types)
    found = take_survey(settings, open_rundb(settings.rundb), probe, mini_set.NOW)
    assert probe.asked == 2
    rates = [item for item in found.items["event_rate"] if item.key.run not in mini_set.odd(mini).values()]
    assert {item.state.name for item in rates if item.run.number < first} == {"ready"}
    newer = [item for item in rates if item.run.number >= first]
    assert all("event_info is here with another lineage (" in item.state.reason for item in newer)
    assert newer
    peaks = [item for item in found.items["peak_rate"] if item.key.run not in mini_set.odd(mini).values()]
    assert {item.state.name for item in peaks} == {"ready"}, "what does not depend on it is there for both"
