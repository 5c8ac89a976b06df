"""Snakemake has what XOM uses of it beside its documented interface."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake.jobs import Job

from support.seam import unmet_uses_of
from xomflow.core.paths import SOURCE
from xomflow.workflow.snakemake.seam import USES, Snakemake, unmet_uses


def rule() -> SimpleNamespace:
    texts: dict[str, Any] = {"benchmark": None, "shellcmd": "true", "message": None}
    place = {"lineno": 1, "snakefile": "Snakefile"}
    files = {"output": ["a"], "log": []}
    return SimpleNamespace(name="one", params={}, wildcard_names=set(), resources={}, **files, **place, **texts)


def workflow(**changes: Any) -> Any:
    """A stand-in that has all, but for the changes; an attribute that is changed to ``...`` is missing."""
    scheduler = SimpleNamespace(exit_gracefully=print, failed=set())
    output = SimpleNamespace(dryrun=False)
    made: dict[str, Any] = {"is_main_process": True, "configfiles": [], "output_settings": output, "local_exec": True}
    made["config_settings"] = SimpleNamespace(config_args=[])
    made["resource_settings"] = SimpleNamespace(nodes=None)
    made |= {"included_stack": [], "linemaps": {"Snakefile": {1: 1}}, "_rules": {"one": rule()}, "rules": [rule()]}
    persistence = SimpleNamespace(save_iocache=print, iocache_path=".snakemake/iocache")
    made |= {"scheduler": scheduler, "persistence": persistence, **changes}
    return SimpleNamespace(**{name: value for name, value in made.items() if value is not ...})


def test_the_installed_snakemake_has_all_of_it(tmp_path: Path) -> None:
    assert unmet_uses_of(Path(sys.executable).with_name("snakemake"), tmp_path) == []


def test_what_is_missing_or_has_another_form_is_named_with_its_purpose() -> None:
    assert unmet_uses(workflow(), running=True) == []
    for changes, attribute in (({"_rules": ...}, "workflow._rules"), ({"linemaps": [1]}, "workflow.linemaps")):
        (sentence,) = unmet_uses(workflow(**changes), running=False)
        purpose = next(use.purpose for use in USES if use.attribute == attribute)
        assert sentence.startswith(f"{attribute}, which XOM needs {purpose}, ")


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
    assert not Snakemake(workflow(is_main_process=False)).has_lost_arguments


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
