"""What follows from the blocks of a configuration: names, versions, software, contexts, options, limits."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from support.factory import tree
from xomflow.config.load import check_configuration, rule_of, script_of
from xomflow.config.model import Config
from xomflow.config.software import Program, caches, command, environment
from xomflow.core.errors import ConfigurationError
from xomflow.core.paths import ROOT, SOURCE, Paths


def configured(**changes: Any) -> Config:
    return check_configuration(tree(**changes), "config.yaml", check_files=False)


def refused(block: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        configured(analyses={"kr83m": {"version": "v1", **block}})
    return str(caught.value).removeprefix("config.yaml: ")


def test_a_trial_has_a_title_of_its_own_and_stands_after_what_is_published() -> None:
    trial = {"version": "v2", "settings": {"a": 1}}
    config = configured(analyses={"kr83m": {"version": "v1", "trial": trial}, "rate": {"version": "v1"}})
    assert list(config.blocks) == ["kr83m", "rate", "kr83m+v2"]
    assert [config.blocks[name][1].version for name in config.blocks] == ["v1", "v1", "v2"]
    assert config.blocks["kr83m+v2"][0] == "kr83m"
    assert config.methods == {("kr83m", "v1"), ("rate", "v1")}
    titles = [config.title_of(*method) for method in (("kr83m", "v1"), ("kr83m", "v2"), ("gone", "v1"))]
    assert titles == ["kr83m", "kr83m+v2", "gone"]
    assert config.trials and config.trials.methods == {("kr83m", "v2")}
    assert config.promoted([("kr83m", "v2"), ("rate", "v2")]).methods == {("kr83m", "v2"), ("rate", "v1")}
    assert config.promoted([("kr83m", "v3")]).methods == config.methods
    assert configured().trials is None
    block = {"version": "v1", "needs": ["peaks"], "script": "other"}
    tried = configured(analyses={"a": {**block, "trial": {"version": "v2", "needs": ["events"]}}}).analyses["a"].tried
    assert (tried.version, tried.needs, tried.script) == ("v2", ["events"], "other"), "what it does not replace stays"


def test_a_block_replaces_the_common_context_options_and_limit() -> None:
    own = {"context": {"function": "own:one"}, "slurm": {"partition": "long"}, "max_jobs_per_tick": 3}
    software = [
        {"interpreter": sys.executable, "max_run": 9, "context": {"function": "its:one"}},
        {"interpreter": sys.executable, "min_run": 20},
    ]
    blocks = {"a": {"version": "v1"}, "b": {"version": "v1", **own}}
    config = configured(
        *(), software=software, analyses=blocks, slurm={"partition": "short"}, max_jobs_per_tick=7,
        software_may_have_holes=True,
    )  # fmt: skip
    assert [config.slurm_options_of(name).partition for name in "ab"] == ["short", "long"]
    assert [config.limit_of(name) for name in "ab"] == [7, 3]
    contexts = [[config.context_of(name, one).function for one in config.software] for name in "ab"]
    assert contexts == [["its:one", "nobody:asks"], ["own:one", "own:one"]]
    places = [config.software_of(number) for number in (0, 9, 10, 19, 20, 999_999)]
    assert [one and one.min_run for one in places] == [0, 0, None, None, 20, 20]


def test_a_script_is_a_name_or_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"own": {}, "other": {"script": "own"}, "path": {"script": "~/a.py"}, "missing": {}}
    folders = [str(tmp_path / name) for name in ("first", "second")]
    blocks = {name: {"version": "v1", **block} for name, block in names.items()}
    config = configured(analyses=blocks, analysis_folders=folders)
    for place in ("scripts/analyses/own.py", "rules/analyses/own.smk"):
        (tmp_path / "second" / place).parent.mkdir(parents=True)
        (tmp_path / "second" / place).touch()
    monkeypatch.setenv("HOME", "/home/of/one")
    assert script_of(config, "own") == script_of(config, "other") == tmp_path / "second/scripts/analyses/own.py"
    assert script_of(config, "path") == Path("/home/of/one/a.py")
    assert script_of(config, "missing") == ROOT / "scripts/analyses/missing.py"
    assert rule_of(config, "own") == tmp_path / "second/rules/analyses/own.smk"
    assert rule_of(config, "other") == ROOT / "rules/analyses/other.smk"


def test_values_that_nothing_can_be_done_with_are_refused() -> None:
    assert refused({"compat": True, "arguments": ["[run]", "[runs]"]}) == (
        "analyses.kr83m.arguments[1] is '[runs]': [runs] is not known, [run], [result_folder] and [prefix] are"
    )
    assert refused({"limits": {"a": {"runs": 4}}}) == "analyses.kr83m.limits.a: runs is 4, more than of, which is 3"
    assert configured(analyses={"kr83m": {"version": "v1", "limits": {"a": {"runs": 3, "of": 3}}}})
    assert "the lowest value, 2.0, is not below the highest, 2.0" in refused({"limits": {"a": {"warn": [2, 2]}}})
    assert configured(analyses={"kr83m": {"version": "v1", "limits": {"a": {"warn": [2, 3], "error": [None, 4]}}}})
    assert configured(analyses={"kr83m": {"version": "v1", "min_run": 5, "max_run": 5}}), "a range of one run"
    assert refused({"trial": {"version": "v1"}}).endswith(
        "trial.version is v1, that of the analysis: a trial needs another one"
    )
    assert "a name in scripts/analyses without .py is needed" in refused({"script": "A.b"})
    assert "a length of time above zero is needed" in refused({"time_limit": "0 s"})


def test_names_that_a_rule_cannot_have_are_taken() -> None:
    for name in ("discover", "class"):
        with pytest.raises(ConfigurationError, match=f"'{name}' is taken, an analysis needs another name"):
            configured(analyses={name: {"version": "v1"}})


def test_binds_are_for_images(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configured(software=[{"image": "a.sif", "binds": ["/dali"]}]).software[0].binds == ["/dali"]
    with pytest.raises(ConfigurationError, match="binds are for an image, and there is none"):
        configured(software=[{"interpreter": "python", "binds": ["/dali"]}])


def test_a_long_value_is_shortened() -> None:
    for length, shown in ((78, f"'{'x' * 78}'"), (79, f"'{'x' * 76}...")):
        assert refused({"version": "-" if not length else "v1", "odd": "x" * length}) == (
            f"analyses.kr83m.odd = {shown} is not known"
        )


def test_files_that_are_missing_are_named(tmp_path: Path) -> None:
    blocks = {
        "kr83m": {"version": "v1", "trial": {"version": "v2", "script": "/no/such.py"}},
        "rate": {"version": "v1"},
    }
    blocks["rate"]["script"] = str(tmp_path / "a.py")
    (tmp_path / "rules/analyses").mkdir(parents=True)
    (tmp_path / "rules/analyses/rate.smk").touch()
    given = tree(analyses=blocks, analysis_folders=[str(tmp_path)])
    with pytest.raises(ConfigurationError) as caught:
        check_configuration(given, "c")
    assert str(caught.value).splitlines() == [
        "c: analyses.kr83m has no script for its trial: /no/such.py is missing",
        f"c: analyses.rate has no script: {tmp_path}/a.py is missing",
    ]


# --- software ---------------------------------------------------------------------------------------------------------
PATHS = Paths(Path("/site/work"))


def test_the_file_that_shows_a_change_is_that_of_image_set_up_or_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of/one")
    plain, image = Program(Path("~/python")), Program(Path("python"), image="~/a.sif")
    set_up = Program(Path("python3"), set_up="/cvmfs/setup.sh")
    assert [str(one.own_file) for one in (plain, image, set_up)] == [
        *("/home/of/one/python", "/home/of/one/a.sif", "/cvmfs/setup.sh"),
    ]
    assert [one.name for one in (plain, image, set_up)] == [
        *("~/python", "~/a.sif python", "/cvmfs/setup.sh python3"),
    ]
    bound = Program(Path("python"), "a.sif", ("/dali", "/project"), "singularity")
    assert [Program.from_json(one.to_json()) for one in (plain, bound, set_up)] == [plain, bound, set_up]


def test_each_kind_of_software_has_a_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/of/one")
    monkeypatch.setenv("TMPDIR", "/tmp")
    assert command(Program(Path("~/python")), PATHS, "a.b", "x") == ["/home/of/one/python", "-m", "a.b", "x"]
    set_up = command(Program(Path("python3"), set_up="/s.sh"), PATHS, "a.b", "x")
    assert (set_up[:2], set_up[3:]) == (["bash", "-c"], ["xom", "python3", "-m", "a.b", "x"])
    contained = command(Program(Path("python"), "a.sif", ("/dali",), "singularity"), PATHS, "a.b", "x")
    assert contained[:3] == ["singularity", "exec", "--cleanenv"]
    assert contained[3].removeprefix("--bind=").split(",")[:3] == [str(ROOT), "/site/work", str(tmp_path)]
    assert contained[3].endswith(",/dali") and contained[4] == f"--pwd={tmp_path}"
    given = [one for one in contained if one.startswith("--env=")]
    assert given == sorted(given) and not any(one.startswith("--env=PATH=") for one in given)
    assert contained[-5:] == ["a.sif", "python", "-m", "a.b", "x"]


def test_the_environment_of_a_program_has_nothing_of_the_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    own = str(Path(sys.prefix) / "bin")
    monkeypatch.setenv("PATH", os.pathsep.join(["/bin", own, "", "/usr/bin"]))
    plain = environment(Program(Path("/opt/py/bin/python")), PATHS)
    assert plain["PATH"] == os.pathsep.join(["/opt/py/bin", "/bin", "/usr/bin"])
    assert "XOM_SET_UP" not in plain and caches(PATHS).items() <= plain.items()
    for program in (Program(Path("python"), "a.sif"), Program(Path("python"), set_up="/s.sh")):
        assert environment(program, PATHS)["PATH"] == os.pathsep.join(["/bin", "/usr/bin"])
    set_up = environment(Program(Path("python"), set_up="/s.sh"), PATHS)
    assert (set_up["XOM_SET_UP"], set_up["XOM_SOURCE"]) == ("/s.sh", str(SOURCE))
    assert caches(PATHS)["MPLCONFIGDIR"] == f"{PATHS.cache}/matplotlib"
