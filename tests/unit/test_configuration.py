"""Every mistake in a configuration is said in one sentence: file, key, value, and what was meant."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from support.factory import any_text, tree
from support.in_process import as_account, in_fork
from xomflow.config.load import check_configuration, load_configuration, read_yaml, rule_of, script_of
from xomflow.config.model import Config
from xomflow.core.account import own_account
from xomflow.core.errors import ConfigurationError
from xomflow.core.paths import ROOT


def lines(made: Any) -> list[str]:
    """What is wrong with a configuration, without the name of the file."""
    with pytest.raises(ConfigurationError) as caught:
        check_configuration(made, "config.yaml")
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    found = str(caught.value).split("\n")
    assert all(line.startswith("config.yaml: ") for line in found)
    return [line.removeprefix("config.yaml: ") for line in found]


def analysis(**changes: Any) -> dict[str, Any]:
    return tree(analyses={"kr83m": {"version": "v1", **changes}})


def test_the_shipped_configuration_loads() -> None:
    made = read_yaml(ROOT / "config.yaml")
    made["software"] = [{"interpreter": sys.executable}]
    assert {"event_rate", "kr83m"} <= set(check_configuration(made, "config.yaml").analyses)


def test_every_shipped_analysis_has_script_rule_block_and_page() -> None:
    blocks = set(read_yaml(ROOT / "config.yaml")["analyses"])
    places = {"scripts/analyses": "*.py", "rules/analyses": "*.smk", "docs/analyses": "*.md"}
    for folder, pattern in places.items():
        assert {path.stem for path in (ROOT / folder).glob(pattern)} == blocks, folder


def test_a_small_configuration_has_defaults_for_the_rest() -> None:
    config = check_configuration(tree(), "config.yaml")
    assert (config.store.kind, config.retries.first_wait, config.stale_after) == ("local", 3600.0, 2 * 86400.0)


# --- unknown keys -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (tree(analysis={}), "analysis = {} is not known; did you mean 'analyses'?"),
        (tree(**{"a\nb": 5}), "'a\\nb' = 5 is not known"),
        (tree(quux=5), "quux = 5 is not known"),
        (tree(**{"a[b": 5}), "a[b = 5 is not known"),
        (tree(str=5), "str = 5 is not known; did you mean 'store'?"),
        (
            tree(selection={"excluded_tag": ["bad"]}),
            "selection.excluded_tag = ['bad'] is not known; did you mean 'excluded_tags'?",
        ),
        (
            analysis(run_mode="tpc_kr83m"),
            "analyses.kr83m.run_mode = 'tpc_kr83m' is not known; did you mean 'run_modes'?",
        ),
        (
            tree(software=[{"interpreter": sys.executable, "minrun": 5}]),
            "software[0].minrun = 5 is not known; did you mean 'min_run'?",
        ),
        (
            analysis(context={"function": "a:b", "argument": {}}),
            "analyses.kr83m.context.argument = {} is not known; did you mean 'arguments'?",
        ),
        (tree(store={"prefx": "test_"}), "store.prefx = 'test_' is not known; did you mean 'prefix'?"),
    ],
)
def test_an_unknown_key_is_named_with_its_value_and_the_nearest_right_one(made: Any, sentence: str) -> None:
    assert lines(made) == [sentence]


# --- missing keys, wrong types, impossible values ---------------------------------------------------------------------


@pytest.mark.parametrize("key", ["rundb", "context", "software", "analyses"])
def test_a_missing_block_is_named(key: str) -> None:
    made = tree()
    del made[key]
    assert lines(made) == [f"{key} is missing"]


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (tree(analyses={"kr83m": {}}), "analyses.kr83m.version is missing"),
        (tree(rundb={}), "rundb.kind is missing"),
        (tree(software=[{}]), "software[0]: an interpreter, an image or a set_up is needed"),
        (tree(rundb={"kind": "file"}), "rundb: kind is 'file', so file must name the file of run documents"),
    ],
)
def test_a_missing_key_within_a_block_is_named(made: Any, sentence: str) -> None:
    assert lines(made) == [sentence]


@pytest.mark.parametrize(
    ("made", "start"),
    [
        (tree(stale_after=5), "stale_after is 5: a length of time is needed"),
        (tree(stale_after="2 days"), "stale_after is '2 days': a length of time is needed"),
        (tree(stale_after="٢ d"), "stale_after is '٢ d': a length of time is needed"),
        (tree(stale_after="9999999 d"), "stale_after is '9999999 d': a length of time of at most 10000 d is needed"),
        (tree(stale_after=None), "stale_after: a length of time is needed"),
        (tree(max_jobs_per_tick=0), "max_jobs_per_tick is 0: input should be greater than or equal to 1"),
        (tree(max_jobs_per_tick="10"), "max_jobs_per_tick is '10': input should be a valid integer"),
        (tree(max_jobs_per_tick=1.5), "max_jobs_per_tick is 1.5: input should be a valid integer"),
        (tree(max_jobs_per_tick=True), "max_jobs_per_tick is True: input should be a valid integer"),
        (tree(rundb={"kind": "mongo"}), "rundb.kind is 'mongo': input should be 'file' or 'mongodb'"),
        (tree() | {"work": None}, "work is empty: the name of a file or folder is needed"),
        (
            tree() | {"work": "w{x}"},
            "work is 'w{x}': the character '{' cannot be in this path: give the folder another name",
        ),
        (
            tree() | {"work": "a\nb"},
            "work is 'a\\nb': the character '\\n' cannot be in this path: give the folder another name",
        ),
        (
            tree() | {"work": "-w"},
            "work is '-w': a path that begins with '-' is taken for an option: give the folder another name",
        ),
        (tree() | {"work": ""}, "work is '': the name of a folder is needed"),
        (
            tree() | {"work": "~/xom"},
            "work is '~/xom': '~' is not replaced here, and may differ between accounts: write it out",
        ),
        (
            tree() | {"work": "/scratch/$USER/xom"},
            "work is '/scratch/$USER/xom': '$USER' is not replaced here, and may differ between accounts: write it out",
        ),
        (tree() | {"work": [1]}, "work is [1]: the name of a file or folder is needed"),
        (tree(software=[]), "software is []: list should have at least 1 item"),
        (tree(software={}), "software is {}: input should be a valid list"),
        (tree(analyses=[]), "analyses is []: input should be a valid dictionary"),
        (tree(analyses=[]), "analyses is []: input should be a valid dictionary"),
        (tree(context="straxen"), "context is 'straxen': input should be a valid dictionary"),
        (tree(context={"function": "straxen"}), "context.function is 'straxen': a text such as 'module:function'"),
        (tree(retries={"factor": 0.5}), "retries.factor is 0.5: input should be greater than or equal to 1"),
        (tree(store={"prefix": "Test"}), "store.prefix is 'Test': lower-case letters and a final _"),
        (tree(warm_start={"enabled": "yes"}), "warm_start.enabled is 'yes': input should be a valid boolean"),
        (analysis(version="../v1"), "analyses.kr83m.version is '../v1': a text such as 'v2'"),
        (analysis(version=1), "analyses.kr83m.version is 1: a text such as 'v2'"),
        (analysis(run_modes="tpc_kr83m"), "analyses.kr83m.run_modes is 'tpc_kr83m': input should be a valid list"),
        (analysis(except_runs=[-1]), "analyses.kr83m.except_runs[0] is -1: input should be greater than or equal to 0"),
        (analysis(needs="event_info"), "analyses.kr83m.needs is 'event_info': a list is needed, such as [event_info]"),
        (
            analysis(slurm={"options": ["--exclusive", "-n1", "exclude=node1"]}),
            "analyses.kr83m.slurm.options[2] is 'exclude=node1': "
            "an option of sbatch, such as '--constraint=skylake', is needed",
        ),
        (
            analysis(slurm={"options": ["--exclude node1"]}),
            "analyses.kr83m.slurm.options[0] is '--exclude node1': "
            "an option of sbatch, such as '--constraint=skylake', is needed",
        ),
        (tree(analyses={"A B": {"version": "v1"}}), "analyses.A B: at most 80 lower-case letters, digits and _"),
    ],
)
def test_a_wrong_value_is_said_with_its_place(made: Any, start: str) -> None:
    found = lines(made)
    assert len(found) == 1
    assert found[0].startswith(start)


@pytest.mark.parametrize("inside", ["", "inside", "inside/deep"])
def test_a_working_folder_that_is_a_file_is_refused(tmp_path: Path, inside: str) -> None:
    file = tmp_path / "config.yaml"
    file.touch()
    assert lines(tree(file / inside)) == [f"work is '{file / inside}', and {file} is a file: a folder is needed"]


def test_a_list_that_is_neither_types_nor_sets_of_types_is_said() -> None:
    assert "analyses.kr83m.needs[1] is ['b']: input should be a valid string" in lines(analysis(needs=["a", ["b"]]))


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (analysis(min_run=5, max_run=4), "analyses.kr83m: max_run is 4, less than min_run, which is 5"),
        (tree(selection={"min_run": 5, "max_run": 4}), "selection: max_run is 4, less than min_run, which is 5"),
        (
            tree(expected={"groups": {"krypton": ["kr83m"], "calibration": ["ar37", "kr83m"]}}),
            "expected: groups: mode kr83m is in krypton and in calibration: leave it in one of them",
        ),
    ],
)
def test_a_range_that_ends_before_it_begins_is_said(made: Any, sentence: str) -> None:
    assert lines(made) == [sentence]


@pytest.mark.parametrize(
    ("ranges", "sentence"),
    [
        ([(0, None), (50, None)], "the configuration: two ranges of software contain run 50"),
        ([(50, None), (0, 60)], "the configuration: two ranges of software contain run 50"),
        ([(0, 49), (51, None)], "the configuration: no range of software contains run 50"),
        ([(51, None), (0, 49)], "the configuration: no range of software contains run 50"),
        ([(1, None)], "the configuration: no range of software contains run 0"),
        ([(0, 70)], "the configuration: no range of software contains run 71"),
    ],
)
def test_software_has_neither_overlap_nor_hole(ranges: list[tuple], sentence: str) -> None:
    software = [{"interpreter": sys.executable, "min_run": first, "max_run": last} for first, last in ranges]
    (line,) = lines(tree(software=software))
    assert line.startswith(sentence)


@pytest.mark.parametrize(
    ("science_runs", "sentence"),
    [
        ([("SR0", 0, 50), ("SR1", 50, None)], "two of science_runs contain run 50: each run belongs to one at most"),
        ([("SR1", 50, 60), ("SR0", 0, None)], "two of science_runs contain run 50: each run belongs to one at most"),
        ([("SR0", 0, 9), ("SR1", 0, 9)], "two of science_runs contain run 0: each run belongs to one at most"),
        ([("SR0", 0, 9), ("SR0", 10, 19)], "two of science_runs have the name 'SR0': each needs a name of its own"),
    ],
)
def test_science_runs_have_no_overlap_and_names_of_their_own(science_runs: list[tuple], sentence: str) -> None:
    blocks = [{"name": name, "min_run": first, "max_run": last} for name, first, last in science_runs]
    assert lines(tree(science_runs=blocks)) == [f"the configuration: {sentence}"]


@pytest.mark.parametrize("name", ["", " ", "SR0 ", 0])
def test_a_science_run_needs_a_text_as_name(name: Any) -> None:
    (line,) = lines(tree(science_runs=[{"name": name}]))
    assert line.startswith("science_runs[0].name is ")
    assert line.endswith("a text such as 'SR1', is needed")


def test_science_runs_may_be_in_any_order_with_runs_between() -> None:
    blocks = [{"name": "SR1", "min_run": 20}, {"name": "SR0", "min_run": 5, "max_run": 9}]
    check_configuration(tree(science_runs=blocks), "config.yaml")


@pytest.mark.parametrize("ranges", [[(0, 49), (51, None)], [(1, None)], [(0, 70)]])
def test_holes_in_software_may_be_allowed(ranges: list[tuple]) -> None:
    software = [{"interpreter": sys.executable, "min_run": first, "max_run": last} for first, last in ranges]
    check_configuration(tree(software=software, software_may_have_holes=True), "config.yaml")


def test_software_need_only_cover_what_is_selected() -> None:
    software = [{"interpreter": sys.executable, "min_run": 10, "max_run": 20}]
    check_configuration(tree(software=software, selection={"min_run": 12, "max_run": 20}), "config.yaml")
    software = [{"interpreter": sys.executable, "min_run": 10}]
    check_configuration(tree(software=software, selection={"min_run": 12, "max_run": 20}), "config.yaml")


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"image": "/no/such.sif"}, "software[0].image is '/no/such.sif', and there is no such file"),
        ({"set_up": "/no/such.sh"}, "software[0].set_up is '/no/such.sh', and there is no such file"),
        ({"image": "a", "set_up": "b"}, "software[0]: image and set_up exclude each other"),
        ({"interpreter": sys.executable, "binds": ["/data"]}, "software[0]: binds are for an image, and there is none"),
    ],
)
def test_what_is_wrong_with_software_is_said(block: dict[str, Any], words: str) -> None:
    assert lines(tree(software=[block])) == [words]


@pytest.mark.parametrize("value", [5, None, "text", [], True, [{"work": "work"}]])
def test_a_configuration_has_keys(value: Any) -> None:
    shown = "empty" if value is None else repr(value)
    assert lines(value) == [f"is {shown}, a configuration with keys is needed"]


def test_several_mistakes_are_all_said() -> None:
    made = tree(stale_after="soon", quux=1, selection={"max_run": -1}, analyses={"kr83m": {}})
    places = {line.split()[0] for line in lines(made)}
    assert places == {"stale_after", "quux", "selection.max_run", "analyses.kr83m.version"}


def test_a_long_value_is_cut() -> None:
    assert len(lines(tree(stale_after="x" * 10_000))[0]) < 300


# --- what only JSON does not know -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "since: 2026-01-01",
            "analyses.kr83m.settings.since is 2026-01-01, which YAML takes for a date: put it in quotes",
        ),
        ("cut: [1, .nan]", "analyses.kr83m.settings.cut[1] is nan: a finite number is needed"),
        ("cut: .inf", "analyses.kr83m.settings.cut is inf: a finite number is needed"),
        ("bands: {1: low}", "analyses.kr83m.settings.bands has the key 1: put it in quotes"),
        ("2026-01-01: 5", "analyses.kr83m.settings has the key datetime.date(2026, 1, 1): put it in quotes"),
        ("x: !!set {a}", "analyses.kr83m.settings.x is {'a'}, which YAML takes for a set: put it in quotes"),
    ],
)
def test_what_no_job_can_be_told_is_said(text: str, sentence: str) -> None:
    assert lines(analysis(settings=yaml.safe_load(text))) == [sentence]


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "interpreter", ["/no/such/python", "no-such", "~nobody-of-this-name/python", "x" * 300, "a\x00b", "/tmp"]
)
def test_an_interpreter_that_does_not_exist_is_said(interpreter: str) -> None:
    assert lines(tree(software=[{"interpreter": interpreter}])) == [
        f"software[0].interpreter is '{interpreter}', and there is no such file"
    ]


def test_an_interpreter_that_cannot_be_executed_is_said(tmp_path: Path) -> None:
    (tmp_path / "python").touch(0o644)
    found = lines(tree(software=[{"interpreter": str(tmp_path / "python")}]))
    assert found == [f"software[0].interpreter is '{tmp_path / 'python'}', which {own_account()} may not execute"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_what_is_in_a_closed_folder_is_told_with_the_folder_its_mode_and_what_to_do() -> None:
    """As an environment that a package manager has put into the home of root, whose links lead there."""
    with tempfile.TemporaryDirectory() as place:
        folder, home = Path(place), Path(place, "home")
        home.mkdir()
        (home / "python").touch(0o755)
        (folder / "python").symlink_to(home / "python")
        folder.chmod(0o755)
        home.chmod(0o700)
        made = tree(software=[{"interpreter": str(folder / "python")}], analysis_folders=[str(home)])
        done = in_fork(lambda: as_account(61003, lambda: print(*lines(made), sep="\n")), folder)
    closed = f"61003 may not enter {home} (mode 0700, of root): allow it with chmod a+x, or"
    assert f"software[0].interpreter is '{folder}/python', and {closed}" in done.stdout, done.stderr
    assert f"analysis_folders[0] is '{home}', and {closed}" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_a_script_in_a_closed_folder_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, home = Path(place), Path(place, "home")
        (home / "scripts").mkdir(parents=True)
        folder.chmod(0o755)
        home.chmod(0o700)
        monkeypatch.setattr("xomflow.config.load.script_of", lambda config, name: home / "scripts" / f"{name}.py")
        done = in_fork(lambda: as_account(61003, lambda: print(*lines(tree()), sep="\n")), folder)
    assert f"{home}/scripts/kr83m.py cannot be looked for, 61003 may not enter {home}" in done.stdout, done.stderr


def test_an_analysis_without_script_and_rule_is_said_with_the_nearest_that_has_them() -> None:
    assert lines(tree(analyses={"kr83n": {"version": "v1"}})) == [
        "analyses.kr83n has no script: scripts/analyses/kr83n.py is missing; did you mean 'kr83m'?",
        "analyses.kr83n has no rule file: rules/analyses/kr83n.smk is missing; did you mean 'kr83m'?",
    ]


def test_names_and_versions_longer_than_files_can_have_are_said() -> None:
    (name,) = lines(tree(analyses={"a" * 81: {"version": "v1"}}))
    assert name.startswith(f"analyses.{'a' * 81}: at most 80 lower-case letters")
    (version,) = lines(analysis(version="v" * 81))
    assert version.endswith("a text such as 'v2': at most 80 letters, digits, dots and _, is needed")
    check_configuration(analysis(version="v" * 80), "config.yaml")


def test_scripts_and_rules_of_more_folders_are_found(tmp_path: Path) -> None:
    made = tree(analyses={"own": {"version": "v1"}}, analysis_folders=[str(tmp_path)])
    assert len(lines(made)) == 2
    for place in ("scripts/analyses/own.py", "rules/analyses/own.smk"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).touch()
    config = check_configuration(made, "config.yaml")
    assert script_of(config, "own") == tmp_path / "scripts/analyses/own.py"
    assert rule_of(config, "own") == tmp_path / "rules/analyses/own.smk"


# --- reading ----------------------------------------------------------------------------------------------------------


def read(folder: Path, content: str | bytes) -> Any:
    path = folder / "config.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_yaml(path)


def refused(folder: Path, content: str | bytes) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(folder, content)
    said = str(caught.value)
    assert said.startswith(f"{folder / 'config.yaml'}: is not YAML: ")
    assert "\n" not in said
    return said


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(tmp_path / "none.yaml")
    assert str(caught.value) == f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory"


@pytest.mark.parametrize(
    "content",
    ["a: [", "a: b: c", "\t", b"\xff", "*a"],
)
def test_what_is_not_yaml_is_said_in_one_line(tmp_path: Path, content: str | bytes) -> None:
    refused(tmp_path, content)


def test_a_list_as_a_key_is_said(tmp_path: Path) -> None:
    refused(tmp_path, "? [a, b]\n: 5")


# --- anything ---------------------------------------------------------------------------------------------------------

BLOCKS = (Config, *(field.annotation for field in Config.model_fields.values()))
NAMES = sorted({name for block in BLOCKS for name in getattr(block, "model_fields", ())})
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | any_text
    | st.sampled_from(["2 d", "1 h", "v1", "local", "file", "~x", "a:b", "test_"])
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | any_text | st.integers() | st.dates(), inner, max_size=4)
    ),
    max_leaves=10,
)


def settings_or_sentences(made: Any) -> None:
    try:
        check_configuration(made, "config.yaml")
    except ConfigurationError as error:
        for line in str(error).split("\n"):
            assert line.startswith("config.yaml: ")


@given(made=anything)
@effort(max_examples=200)
def test_any_tree_gives_settings_or_sentences(made: Any) -> None:
    settings_or_sentences(made)


@given(changes=st.dictionaries(st.sampled_from(sorted(Config.model_fields)), anything, min_size=1, max_size=2))
@effort(max_examples=300)
def test_any_block_in_a_good_configuration_gives_settings_or_sentences(changes: dict[str, Any]) -> None:
    settings_or_sentences(tree(**changes))


@given(
    block=st.dictionaries(st.sampled_from(sorted(Config.model_fields)) | st.sampled_from(NAMES), anything, max_size=3)
)
@effort(max_examples=200)
def test_any_analysis_gives_settings_or_sentences(block: dict[str, Any]) -> None:
    settings_or_sentences(analysis(**block))


@given(content=st.text(max_size=40) | st.text("abc:[]{}-? \n'\"&*!|>%@`#,0123456789.", max_size=40))
@effort(max_examples=300)
def test_any_text_is_read_or_refused_with_a_sentence(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    path = tmp_path_factory.mktemp("yaml") / "config.yaml"
    path.write_text(content, encoding="utf-8")
    try:
        load_configuration(path)
    except ConfigurationError as error:
        assert str(error).startswith((f"{path}: ", f"{path}, line "))


def test_good_settings_can_be_told_to_jobs() -> None:
    made = analysis(settings={"bands": {"low": [1, 10.5]}, "name": None}, needs=[["a"], ["b", "c"]])
    config = check_configuration(made, "config.yaml")
    block = config.analyses["kr83m"]
    assert json.loads(json.dumps(block.settings)) == block.settings
    assert (block.alternatives, block.types) == ((("a",), ("b", "c")), {"a", "b", "c"})


def test_an_address_of_the_page_that_cannot_lead_to_figures_is_refused() -> None:
    needed = "an address such as 'https://xom.example.org/page/', with / or .html at its end, is needed"
    for url in ("xom.example.org/page/", "https://xom.example.org/page", "https://a.org/?page=/", "https:// a/"):
        assert lines(tree(page={"url": url})) == [f"page.url is {url!r}: {needed}"], url


def test_a_page_has_no_address_or_one() -> None:
    addresses = ["", "https://xom.example.org/work/page/", "http://localhost:8000/page/index.html"]
    assert [check_configuration(tree(page={"url": url}), "c").page.url for url in addresses] == addresses
