"""Snakemake has what XOM uses of it beside its documented interface."""

from __future__ import annotations

import ast
import inspect
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake.common import get_function_params
from snakemake.iocontainers import Params
from snakemake.jobs import Job
from snakemake.resources import Resource, Resources
from snakemake.shell import shell

from support.seam import rule, unmet_uses_of, workflow
from xomflow.core.paths import SOURCE
from xomflow.workflow.snakemake.seam import USES, Position, RuleText, Snakemake, shell_script, unmet_uses


def test_the_installed_snakemake_has_all_of_it(tmp_path: Path) -> None:
    assert unmet_uses_of(Path(sys.executable).with_name("snakemake"), tmp_path) == []


def with_default(**attributes: Any) -> dict[str, Any]:
    """A Snakemake with one default resource."""
    defaults = {"disk": SimpleNamespace(**attributes)}
    return {"resource_settings": SimpleNamespace(nodes=None, _parsed_default_resources=defaults)}


def test_what_is_missing_or_has_another_form_is_named_with_its_purpose() -> None:
    assert unmet_uses(workflow(), running=True) == []
    assert unmet_uses(workflow(**with_default(name="disk", raw=1)), running=True) == []
    of_defaults = "workflow.resource_settings._parsed_default_resources"
    cases: list[tuple[dict[str, Any], str]] = [
        ({"_rules": ...}, "workflow._rules"),
        *(({"linemaps": one}, "workflow.linemaps") for one in ([1], {1: {}}, {"Snakefile": 1})),
        *(({"rules": [rule(output=one)]}, "rule.output") for one in (None, [1])),
        *((with_default(**one), of_defaults) for one in ({"name": "disk"}, {"name": "another", "raw": 1})),
    ]
    for changes, attribute in cases:
        (sentence,) = unmet_uses(workflow(**changes), running=False)
        purpose = next(use.purpose for use in USES if use.attribute == attribute)
        assert sentence.startswith(f"{attribute}, which XOM needs {purpose}, ")


def test_a_function_of_snakemake_that_takes_no_names_is_one_of_another_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Resource, "evaluate", lambda self: None)
    (sentence,) = unmet_uses(workflow(), running=False)
    assert sentence.startswith("resource.evaluate, which XOM needs ")


def test_what_exists_only_while_jobs_run_is_asked_then() -> None:
    early = workflow(scheduler=None, persistence=None)
    assert unmet_uses(early, running=False) == []
    assert len(unmet_uses(early, running=True)) == 4


def test_of_several_config_options_snakemake_takes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for words, lost in (
        ("--config a=1 b=2", False),
        ("--config a=1 --config b=2", True),
        ("-Ca=1 --config=b=2", True),
        ("--configfile more.yaml --config a=1", False),
    ):
        monkeypatch.setattr(sys, "argv", ["snakemake", *words.split()])
        assert Snakemake(workflow()).has_lost_arguments == lost, words
    monkeypatch.setattr(sys, "argv", ["snakemake", "-C", "a=1", "-C", "b=2"])
    assert not Snakemake(workflow(is_main_process=False)).has_lost_arguments


def test_a_job_of_a_dry_run_or_in_a_folder_without_notes_is_none_of_these(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/proc/self")
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    dry = SimpleNamespace(dryrun=True)
    tick, job = (
        Snakemake(workflow(output_settings=dry)),
        Snakemake(workflow(is_main_process=False, output_settings=dry)),
    )
    assert [(one.is_dry_run, one.lacks_folder) for one in (tick, job)] == [(True, True), (False, False)]


def test_the_handler_and_the_failed_outputs_are_those_of_the_scheduler() -> None:
    snakemake = Snakemake(workflow())
    assert snakemake.is_own_handler(print)
    assert not snakemake.is_own_handler(repr)
    snakemake._workflow.scheduler.failed = [SimpleNamespace(output=[Path("a"), "b"]), SimpleNamespace(output=["c"])]
    assert snakemake.failed_outputs() == {"a", "b", "c"}


def test_the_most_jobs_are_those_of_a_batch_system() -> None:
    of_profile = SimpleNamespace(nodes=10)
    assert Snakemake(workflow(resource_settings=of_profile)).most_jobs is None
    assert Snakemake(workflow(resource_settings=of_profile, local_exec=False)).most_jobs == 10


def test_no_other_module_uses_these_attributes() -> None:
    names = {use.attribute.split(".")[1] for use in USES if use.attribute.startswith("workflow.")}
    found = {
        f"{file.name}: {node.attr}"
        for file in (SOURCE / "xomflow").rglob("*.py")
        if file.name != "seam.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in names
    }
    assert found == set()


def test_the_job_of_one_rule_asks_for_no_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Job, "is_pipe_or_service_input", lambda job, path: bool(asked.append(path)) or True)
    Snakemake(workflow()).reads_no_pipes("publish")
    answers = [
        Job.is_pipe_or_service_input(SimpleNamespace(rule=SimpleNamespace(name=name)), name)
        for name in ("publish", "one")
    ]
    assert (answers, asked) == ([False, True], ["one"])


def test_the_rules_of_a_file_are_what_a_profile_and_the_file_give_them() -> None:
    snakemake = Snakemake(workflow(linemaps={"a.smk": {7: 3}}))
    before = snakemake.position()
    more = rule(name="two", snakefile="a.smk", lineno=7, output=["{run,[0-9]+}.x"], log=["log"], benchmark="times")
    more.params, more.resources = Params(fromdict={"command": "c"}), {"mem_mb": 1}
    more.message, more.wildcard_names = "m", {"run"}
    snakemake._workflow._rules["two"] = more
    assert snakemake.rules_since(before) == [
        RuleText(
            "two",
            {"outcome": ["{run}.x"], "log": ["log"], "benchmark": ["times"]},
            {"shell": "true", "message": "m"},
            ["c"],
            {"params": frozenset({"command"}), "wildcards": frozenset({"run"})},
            frozenset({"mem_mb"}),
            3,
        )
    ]
    (one,) = snakemake.rules_since(Position(0, frozenset({"two"})))
    assert (one.files["benchmark"], one.line) == ([], None)


def test_a_command_is_run_by_the_shell_of_its_rule_or_that_of_all_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    for of_all, of_rule, expected in (("zsh", "dash", "dash"), ("zsh", None, "zsh"), (None, None, "/bin/sh")):
        monkeypatch.setattr(shell, "get_executable", lambda of_all=of_all: of_all)
        assert shell_script("a", 1, of_rule)[0] == expected


def test_only_the_path_of_a_program_with_its_arguments_takes_the_place_of_the_shell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def is_in_its_place(command: str) -> bool:
        line = shell_script(command, 1, "/bin/sh")[1].splitlines()[1]
        assert line.endswith(f"{command.strip()} {shell._process_suffix}".strip())
        return " exec " in f" {line}"

    commands = ("/bin/a b 'c d'\n", "a b", "/bin/a | b", "/bin/a $B", "/bin/a 'b")
    assert [is_in_its_place(one) for one in commands] == [True, False, False, False, False]
    monkeypatch.setattr(shell, "_process_suffix", "; true")
    assert not is_in_its_place("/bin/a b")


@pytest.mark.parametrize("is_here", [True, False])
def test_the_folder_for_temporary_files_is_found_once_for_jobs_here_unless_people_gave_one(is_here: bool) -> None:
    of_snakemake = Resources.default("bare")
    of_people = Resources.parse(["tmpdir=shutil.which('sh')"], allow_expressions=True)
    for defaults in (of_snakemake, of_people, Resources()):
        settings = SimpleNamespace(nodes=None, _parsed_default_resources=defaults)
        Snakemake(workflow(resource_settings=settings, local_exec=is_here)).finds_resources_with_less_work()
    assert of_people["tmpdir"].is_evaluable()
    if is_here:
        assert of_snakemake["tmpdir"].value == tempfile.gettempdir()
    else:
        assert of_snakemake["tmpdir"].is_evaluable()


def test_snakemake_does_not_look_for_the_parameters_of_its_own_function(monkeypatch: pytest.MonkeyPatch) -> None:
    Snakemake(workflow()).finds_resources_with_less_work()
    monkeypatch.delattr(inspect, "signature")
    (given,) = (
        one for one in get_function_params(Resource("memory", 1).evaluate).values() if one.kind is one.VAR_KEYWORD
    )
    assert given.name == "kwargs"
