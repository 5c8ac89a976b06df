"""What every command of the operator has: a dry-run that does nothing, JSON, a yes for many keys, a reason."""

from __future__ import annotations

import argparse
import json
import re
import shutil
from pathlib import Path

import pytest

from support.in_process import FastSite
from xomflow.cli.command_line import COMMANDS, make_parser
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import ROOT

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
WHY = ("--why", "a valve")
# What is typed, and how many keys it touches at the site below.
DECISIONS = {
    "retry": (("good", "52002"), 1),
    "redo": (("good", "52001"), 1),
    "veto": (("52001", "good"), 2),
    "unveto": (("52004",), 3),
    "pause": (("good",), 4),
    "resume": (("asleep",), 1),
    "backfill": (("good", "52003"), 1),
    "drain": ((), 5),
    "undrain": ((), 5),
    "promote": (("good", "v2"), 0),
    "accept": ((), 5),
}
AT_ONCE = {"rename": (("kept", "moved"), 1), "remove": (("left",), 1)}
LOOKS = {
    "status": (),
    "why": ("52001",),
    "history": ("52001",),
    "slow": (),
    "du": (),
    "outdated": (),
    "doctor": (),
    "decisions": (),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> FastSite:
    """A site with a run that is done, one that failed, one that is ready and a vetoed one; one analysis is paused."""
    site = FastSite(tmp_path_factory.mktemp("site"))
    site.runs([52001, 52002])
    site.tree["retries"] = {"first_wait": "30 d"}
    site.analysis("good", f"if run_id == '052002': raise ValueError('broken')\n{GOOD}", trial={"version": "v2"})
    site.analysis("asleep", GOOD, min_run=52003)
    site.tick()
    site.xom("pause", "asleep", *WHY)
    site.runs([52003, 52004])
    site.xom("veto", "52004", *WHY)
    return site


@pytest.fixture
def site(template: FastSite, tmp_path: Path) -> FastSite:
    return template.copy(tmp_path)


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def dry(site: FastSite, *words: str) -> dict[str, object]:
    """Return what a dry-run prints as JSON; it leaves every file as it is."""
    before = files_in(site.paths.work)
    done = site.xom(*words, "--dry-run", "--json")
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    assert files_in(site.paths.work) == before
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", [name for name in DECISIONS if name not in ("undrain", "accept")])
def test_a_dry_run_of_a_decision_decides_nothing(site: FastSite, name: str) -> None:
    words, keys = DECISIONS[name]
    found = dry(site, name, *words, *WHY)
    assert (len(found["keys"]), found["done"], found["dry_run"]) == (keys, [], True), found  # type: ignore[arg-type]


def test_a_dry_run_of_undrain_and_accept_decides_nothing(site: FastSite) -> None:
    site.xom("drain", *WHY)
    assert len(dry(site, "undrain", *WHY)["keys"]) == DECISIONS["undrain"][1]  # type: ignore[arg-type]
    site.xom("undrain", *WHY)
    site.runs(range(52005, 52010))
    site.tick()
    shutil.rmtree(site.paths.shelves("good", "v1"))
    assert site.tick().returncode == ExitCode.WAITS_FOR_PERSON
    assert len(dry(site, "accept", *WHY)["keys"]) >= DECISIONS["accept"][1]  # type: ignore[arg-type]


def test_a_dry_run_of_a_removal_removes_nothing(site: FastSite) -> None:
    del site.tree["analyses"]["good"]
    site.xom("drain", *WHY)
    assert len(dry(site, "remove", "good")["keys"]) > 0  # type: ignore[arg-type]
    assert dry(site, "cancel")["keys"] == []


@pytest.mark.parametrize("name", LOOKS)
def test_a_listing_is_json_for_programs(site: FastSite, name: str) -> None:
    done = site.xom(name, *LOOKS[name], "--json")
    assert json.loads(done.stdout), done.stderr


def options_of(name: str) -> set[str]:
    (commands,) = (one for one in make_parser()._actions if isinstance(one, argparse._SubParsersAction))
    return {option for action in commands.choices[name]._actions for option in action.option_strings}


@pytest.mark.parametrize("name", [*DECISIONS, *AT_ONCE, "cancel"])
def test_what_changes_something_has_the_same_options(name: str) -> None:
    assert {"--dry-run", "--yes", "--json"} <= options_of(name)
    assert ("--why" in options_of(name)) == (name in DECISIONS)
    assert ("--until" in options_of(name)) == (name in {"retry", "redo", "veto", "pause", "backfill", "drain"})


@pytest.mark.parametrize("name", ["retry", "redo", "veto", "unveto", "backfill", "status"])
def test_runs_are_narrowed_down_alike(name: str) -> None:
    assert {"--mode", "--tag", "--since"} <= options_of(name)


def test_every_command_has_a_line_in_the_operators_page() -> None:
    text = (ROOT / "docs/operator.md").read_text(encoding="utf-8")
    assert [one.name for one in COMMANDS if f"xom {one.name}" not in text] == []


@pytest.mark.parametrize("page", ["operator", "playbook", "moving"])
def test_no_procedure_deletes_files(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w-])(?:rm|rmdir|unlink|shred)(?= )|-delete\b|rmtree", text) == []
