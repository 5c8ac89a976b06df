"""What the developers' script takes for a mutant, and that it finds those that no test notices."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from xomflow.core.paths import ROOT


@pytest.fixture(scope="module")
def mutants() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutants", ROOT / "scripts/mutants.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["mutants"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES = {
    "a < b": {"comparison": ["(a <= b)", "(a >= b)"]},
    "a in b": {"comparison": ["(a not in b)"]},
    "not a": {"dropped not": ["a"]},
    "not (a + b)": {"dropped not": ["(a + b)"], "operator": ["not ((a - b))"]},
    "a and b": {"and/or": ["(a or b)"], "dropped condition": ["b", "a"]},
    "a if b else c": {"dropped conditional": ["a", "c"]},
    "f(True)": {"constant": ["f(False)"], "removed statement": ["pass"]},
    "x = 1.5": {"constant": ["x = 2.5"]},
    "[a for a in b if a]": {"dropped filter": ["[a for a in b]"]},
    "if a: b": {"condition": ["if (not a): b"]},
    "try: a\nexcept (E, F): b": {"dropped exception": ["try: a\nexcept (F,): b", "try: a\nexcept (E,): b"]},
    "raise E": {"removed statement": ["pass"]},
    "a.b = c": {"removed statement": ["pass"]},
    "é = 2  # ü": {"constant": ["é = 3  # ü"]},
}


@pytest.mark.parametrize("text", CASES)
def test_each_kind_of_change_is_made_at_its_place(mutants: ModuleType, text: str) -> None:
    found: dict[str, list[str]] = {}
    for one in mutants.mutants_of("src/a.py", text):
        found.setdefault(one.kind, []).append(one.after)
    assert found == CASES[text]


@pytest.mark.parametrize("text", ["x: a[1]", "@f(1)\nclass A: ...", "assert 1", "f'{1}'", "'text'", "a / 'b'"])
def test_what_does_nothing_that_a_test_could_see_is_left_alone(mutants: ModuleType, text: str) -> None:
    assert list(mutants.mutants_of("src/a.py", text)) == []


def test_every_mutant_of_the_project_is_a_program(mutants: ModuleType) -> None:
    for one in mutants.sample(["xomflow/*", "xomlib/*"], 200, 1):
        compile(one.after, one.path, "exec")
        assert one.changes


def test_a_choice_can_be_repeated_and_leaves_out_what_is_listed_as_equivalent(
    mutants: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutants, "EQUIVALENT", tmp_path / "equivalent.txt")
    every = mutants.sample(["xomlib/files.py"], 0, 1)
    assert mutants.sample(["xomlib/files.py"], 0, 1) == every
    (tmp_path / "equivalent.txt").write_text(f"{every[0].signature} :: a reason\n")
    assert every[0].signature not in [one.signature for one in mutants.sample(["xomlib/files.py"], 0, 1)]


def test_the_unit_tests_that_import_a_module_or_have_its_name_come_first(mutants: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "tests/unit").mkdir(parents=True)
    lines = {
        "a": "from xomflow.jobs import lost, runner",
        "b": "import xomflow.jobs.runner",
        "c": "import xomflow.jobs",
        "runner": "",
    }
    for name, line in lines.items():
        (tmp_path / f"tests/unit/test_{name}.py").write_text(line)
    found = mutants.nearest(tmp_path, "src/xomflow/jobs/runner.py")
    assert found == [f"tests/unit/test_{name}.py" for name in ("a", "b", "runner")]


@pytest.fixture
def tree(mutants: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A copy of a project with one test, of a package that programs of this environment have from elsewhere."""
    project = tmp_path / "project"
    (project / "work/envs").mkdir(parents=True)
    for name, text in {
        "src/xomlib/worker.py": "",
        "src/xomlib/__init__.py": "",
        "src/xomlib/sums.py": "def add(a, b):\n    return a + b\n\ndef no(a):\n    return not a\n",
        "tests/unit/test_sums.py": "from xomlib.sums import add\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    }.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    monkeypatch.setattr(mutants, "ROOT", project)
    return mutants.Tree(tmp_path / "copy", "tests/unit", "", 60)


def test_a_mutant_is_caught_by_the_step_that_fails(mutants: ModuleType, tmp_path: Path, tree: Any) -> None:
    assert not (tree.folder / "work").exists()
    assert (tree.folder / "src/xomlib/worker.py").exists()
    every = mutants.sample(["xomlib/*"], 0, 1)
    assert {one.kind: tree.try_mutant(one, {}) for one in every} == {"operator": "nearest", "dropped not": ""}
    source = tmp_path / "project/src/xomlib/sums.py"
    assert (tree.folder / "src/xomlib/sums.py").read_text() == source.read_text()


def test_the_tests_that_run_a_line_are_found_and_alone_decide(mutants: ModuleType, tree: Any) -> None:
    runners = tree.measure(1)
    assert runners["src/xomlib/sums.py"][2] == ["tests/unit/test_sums.py::test_add"]
    steps = {one.kind: tree.try_mutant(one, runners) for one in mutants.sample(["xomlib/*"], 0, 1)}
    assert steps == {"operator": "line", "dropped not": ""}


def test_a_case_whose_name_a_mutant_changed_does_not_catch_it(tree: Any) -> None:
    assert not tree.passes("tests/unit/test_sums.py::test_of_another_name tests/unit/test_nothing.py::test_add")
    assert tree.passes("tests/unit/test_sums.py::test_of_another_name")
    (tree.folder / "tests/unit/test_sums.py").write_text("def test_add():\n    assert 0\n")
    assert not tree.passes("tests/unit/test_sums.py::test_of_another_name")


def test_nothing_is_measured_where_a_test_fails_without_a_mutant(tree: Any) -> None:
    (tree.folder / "tests/unit/test_sums.py").write_text("def test_add():\n    assert 0\n")
    assert tree.measure(1) is None


def test_what_is_listed_as_equivalent_still_is_a_mutant(mutants: ModuleType) -> None:
    for line in mutants.EQUIVALENT.read_text(encoding="utf-8").splitlines():
        signature, _, reason = line.rpartition(" :: ")
        path = signature.partition(" :: ")[0]
        assert signature in {
            one.signature for one in mutants.mutants_of(path, (ROOT / path).read_text(encoding="utf-8"))
        }
        assert reason
