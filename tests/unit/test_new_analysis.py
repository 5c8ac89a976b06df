"""`xom new-analysis`: an analysis that runs at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support import mini as mini_set
from support.in_process import FastSite
from support.site import RULE
from xomflow.config.load import load_configuration
from xomflow.core.errors import ConfigurationError, UsageError
from xomflow.core.paths import ROOT
from xomflow.workflow.requests.analysing import new_analysis as module
from xomflow.workflow.requests.analysing.new_analysis import new_analysis

CONFIG = """# The site.
work: work
rundb: {kind: file, file: runs.jsonl}
context: {function: "nobody:asks"}
software:
  - interpreter: python3
analyses:
  # the first one
  kr83m:
    version: v1 # as it is

"""
FIXTURES = """# What tests/conftest.py gives to the tests of physics.
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.fixture(scope="session")
def straxen_python() -> Path:
    return Path(os.environ["XOM_ANALYSIS_PYTHON"])
"""
PIECES = ("scripts/analyses/fast_drift.py", "rules/analyses/fast_drift.smk", "docs/analyses/fast_drift.md")


@pytest.mark.parametrize("rest", ["", "# No more.\n", "# Where it goes.\nstore:\n  kind: local\n", "store: {}\n"])
def test_the_block_stands_at_the_end_of_the_analyses_and_nothing_else_changes(tmp_path: Path, rest: str) -> None:
    source = tmp_path / "config.yaml"
    source.write_text(CONFIG + rest)
    begun = new_analysis("fast_drift", source, tmp_path)
    begun.write()
    after = source.read_text()
    block = after[after.index("  fast_drift:") : after.index("minimum_events: 50") + len("minimum_events: 50\n")]
    assert [line for line in after.replace(block, "").split("\n") if line] == [
        line for line in (CONFIG + rest).split("\n") if line
    ]
    assert rest.startswith("# No more.") or after.endswith(f"\n{rest}")
    assert list(yaml.safe_load(after)["analyses"]) == ["kr83m", "fast_drift"]
    assert yaml.safe_load(after)["analyses"]["fast_drift"]["title"] == "Fast drift"
    assert [str(path.relative_to(tmp_path)) for path in begun.files] == [*PIECES]
    assert all(path.exists() for path in begun.files)


def test_the_first_analysis_of_a_new_site_goes_below_an_empty_key(tmp_path: Path) -> None:
    source = tmp_path / "config.yaml"
    source.write_text(CONFIG.partition("  # the first one")[0])
    assert load_configuration(source, check_files=False).analyses == {}
    new_analysis("fast_drift", source, tmp_path).write()
    assert list(load_configuration(source, check_files=False).analyses) == ["fast_drift"]


def test_the_configuration_of_the_project_takes_another_analysis(tmp_path: Path) -> None:
    before = (ROOT / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(before)
    changed = new_analysis("fast_drift", tmp_path / "config.yaml", tmp_path).configuration
    assert changed.startswith(before.rstrip("\n")) and len(yaml.safe_load(changed)["analyses"]) == 1 + len(
        yaml.safe_load(before)["analyses"]
    )


def test_the_rule_is_that_of_all_analyses(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    files = new_analysis("fast_drift", tmp_path / "config.yaml", tmp_path).files
    own = (ROOT / "rules/analyses/event_rate.smk").read_text()
    assert files[tmp_path / PIECES[1]] == own.replace("event_rate", "fast_drift")


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    source = tmp_path / "config.yaml"
    source.write_text(CONFIG)
    (tmp_path / "docs/analyses").mkdir(parents=True)
    (tmp_path / "docs/analyses/mine.md").write_text("mine")
    with pytest.raises(UsageError, match=r"mine\.md is there already; take another name, nothing was written"):
        new_analysis("mine", source, tmp_path)
    with pytest.raises(ConfigurationError, match=r"has analyses\.kr83m already"):
        new_analysis("kr83m", source, tmp_path)
    with pytest.raises(UsageError, match="signal is the name of a module of Python"):
        new_analysis("signal", source, tmp_path)
    beginning = CONFIG.partition("analyses:\n")[0]
    for form in (
        "analyses: {a: {version: v1}}\nx:\n",
        "analyses:\n    a:\n        version: v1\n",
        "analyses:\n a: {version: v1}\n",
    ):
        source.write_text(beginning + form)
        with pytest.raises(ConfigurationError, match="has another form than indented blocks, so add this block"):
            new_analysis("mine2", source, tmp_path)
    source.write_text(f"wrok: 1\n{CONFIG}")
    with pytest.raises(ConfigurationError, match="wrok"):
        new_analysis("mine2", source, tmp_path)
    assert not (tmp_path / "scripts").exists()


def test_a_folder_or_no_text_in_the_place_of_a_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "docs/analyses/folder.md").mkdir(parents=True)
    (tmp_path / "docs/analyses/picture.md").write_bytes(b"\xff")
    for name in ("folder", "picture"):
        with pytest.raises(UsageError, match=rf"{name}\.md is there already"):
            new_analysis(name, tmp_path / "config.yaml", tmp_path)


def test_a_file_that_appeared_meanwhile_is_left_and_nothing_else_stays(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    begun = new_analysis("fast_drift", tmp_path / "config.yaml", tmp_path)
    last = tmp_path / PIECES[-1]
    last.parent.mkdir(parents=True)
    last.write_text("mine")
    with pytest.raises(UsageError, match=f"{last} is there already; take another name, nothing was written"):
        begun.write()
    assert [path for path in begun.files if path.exists()] == [last] and last.read_text() == "mine"
    assert (tmp_path / "config.yaml").read_text() == CONFIG


def test_what_a_killed_command_has_left_is_taken_up(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    begun = new_analysis("fast_drift", tmp_path / "config.yaml", tmp_path)
    first = tmp_path / PIECES[0]
    first.parent.mkdir(parents=True)
    first.write_text(begun.files[first])
    begun.write()
    (tmp_path / "config.yaml").write_text(CONFIG)
    new_analysis("fast_drift", tmp_path / "config.yaml", tmp_path).write()
    assert "fast_drift" in (tmp_path / "config.yaml").read_text()


def test_in_the_project_it_gets_a_truth_and_a_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG)
    files = new_analysis("fast_drift", tmp_path / "config.yaml", tmp_path).files
    names = ("truths/fast_drift.py", "fast_drift_cases.py", "test_fast_drift.py")
    tests = [tmp_path / "tests/physics" / name for name in names]
    assert list(files)[len(PIECES) :] == tests
    assert all("fast_drift" in files[path] and "NAME" not in files[path] for path in tests)


def test_a_disk_that_takes_nothing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    begun = new_analysis("fast_drift", tmp_path / "config.yaml", tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_atomically", full)
    with pytest.raises(OSError, match="No space left"):
        begun.write()
    assert not any(path.exists() for path in begun.files)
    assert (tmp_path / "config.yaml").read_text() == CONFIG


def test_the_files_go_to_the_first_folder_of_analyses(site: FastSite) -> None:
    site.analysis("kr83m", "pass")
    shown = site.xom("new-analysis", "fast_drift", "--dry-run")
    assert shown.stdout.splitlines()[-1] == "nothing was written"
    done = site.xom("new-analysis", "fast_drift")
    assert done.returncode == 0, done.stderr
    assert [str(site.folder / "extra" / piece) for piece in PIECES] == done.stdout.splitlines()[:3]
    assert done.stdout.splitlines()[-1].startswith("try it with: xom try fast_drift RUN")
    assert RULE.splitlines()[1].format(name="fast_drift") in (site.folder / "extra" / PIECES[1]).read_text()
    done = site.xom("new-analysis", "slow_drift", "--folder", str(site.folder / "own"), "--dry-run")
    assert done.stdout.splitlines()[0] == f"{site.folder}/own/scripts/analyses/slow_drift.py"


@pytest.mark.slow
def test_it_runs_at_once_on_the_mini_xenonnt(site: FastSite, mini: Path, straxen_python: Path) -> None:
    mini_set.point(site, mini, straxen_python)
    site.tree["analyses"] = {"daq_rate": {"version": "v1"}}
    site.write_config()
    assert site.xom("new-analysis", "fast_drift").returncode == 0
    site.tree["analyses"] = yaml.safe_load((site.folder / "config.yaml").read_text())["analyses"]
    done = site.xom("try", "fast_drift", "52801", "--json")
    assert done.returncode == 0, done.stderr
    (tried,) = json.loads(done.stdout)
    assert tried["document"]["results"][0]["variable"] == "mean_drift_time"


@pytest.mark.slow
def test_its_truth_and_its_test_hold_at_once(
    tmp_path: Path, analysis_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG)
    shutil.copytree(ROOT / "tests/physics", tmp_path / "tests/physics", ignore=shutil.ignore_patterns("truths"))
    new_analysis("fast_drift", tmp_path / "config.yaml", tmp_path).write()
    place = tmp_path / "tests/physics"
    place.with_name("conftest.py").write_text(FIXTURES)
    options = ["study.py", "--fast", "--only", "fast_drift", "--processes", "1"]
    study = subprocess.run([analysis_python, *options], cwd=place, capture_output=True, text=True, check=True)
    (row,) = json.loads(study.stdout.splitlines()[-1])
    assert row["ok"] and row["numbers"] == 100
    test = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(place.parent), "test_fast_drift.py"],
        cwd=place,
        env={**os.environ, "XOM_ANALYSIS_PYTHON": str(analysis_python)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert test.returncode == 0, test.stdout
