"""Change the source at random, one place at a time, and list the changes that no test notices. For developers.

    work/envs/workflow/bin/python scripts/mutants.py --sample 30 --modules 'xomflow/storage/*'

Each mutant lives in a copy of the tree. First ``--tests`` are run without a mutant, to see which of them run which
lines. Then those that run a changed line are run until one fails; if there are none, since the line runs at an import
or in another process only, the unit tests that import the module, then all of ``--tests``. What survives is tried with
``--wider``. Programs of this environment that tests start have xomlib from the checkout: a mutant of it that only they
would notice survives. A mutant that changes nothing that can be observed is listed, with the reason, in
``tests/equivalent_mutants.txt``; such mutants are left out.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import fnmatch
import itertools
import os
import queue
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from coverage import CoverageData

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENT = ROOT / "tests/equivalent_mutants.txt"
_OPPOSITES: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    **{ast.Lt: [ast.LtE, ast.GtE], ast.LtE: [ast.Lt, ast.Gt], ast.Gt: [ast.GtE, ast.LtE], ast.GtE: [ast.Gt, ast.Lt]},
    **{ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.Is: [ast.IsNot], ast.IsNot: [ast.Is]},
    **{ast.In: [ast.NotIn], ast.NotIn: [ast.In]},
}
_OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module.

    Parameters
    ----------
    path
        The module, below the project's folder.
    line
        Number of the first changed line, from 1.
    kind
        What was changed, in words.
    before, after
        The whole text of the module.
    """

    path: str
    line: int
    kind: str
    before: str
    after: str

    @property
    def changes(self) -> tuple[str, ...]:
        """The changed lines without indentation, those before with ``-`` in front, those after with ``+``."""
        before, after = self.before.splitlines(), self.after.splitlines()
        begin, longer = self.line - 1, len(before) - len(after)
        end = next(at for at in range(len(after), begin, -1) if after[at - 1] != before[at - 1 + longer])
        changed = [f"- {line.strip()}" for line in before[begin : end + longer]]
        return (*changed, *(f"+ {line.strip()}" for line in after[begin:end]))

    @property
    def lines(self) -> range:
        """The changed lines of the module as it is."""
        return range(self.line, self.line + max(1, sum(one.startswith("- ") for one in self.changes)))

    @property
    def signature(self) -> str:
        """The line by which `EQUIVALENT` names it; without line number, which moves."""
        return " :: ".join((self.path, *self.changes))

    def __str__(self) -> str:
        return "\n    ".join((f"{self.path}:{self.line}: {self.kind}", *self.changes))


def mutants_of(path: str, text: str) -> Iterator[Mutant]:
    """Yield every mutant of the module at ``path``, below the project's folder, whose source is ``text``."""
    for node in _code(ast.parse(text)):
        for kind, old, new in _variants(node):
            after = _replaced(text, old, new)
            if after != text:
                yield Mutant(path, old.lineno, kind, text, after)


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a program does: no annotations, decorators, assertions, formatted texts, imports for types."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            for_types = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            if isinstance(child, ast.AST) and not isinstance(child, ast.Assert | ast.JoinedStr) and not for_types:
                yield child
                yield from _code(child)


def _variants(node: ast.AST) -> Iterator[tuple[str, ast.expr | ast.stmt, ast.AST]]:
    """Yield the kind of each change at a node, what goes, and what takes its place."""
    match node:
        case ast.Compare(ops=operators):
            for index, operator in enumerate(operators):
                for other in _OPPOSITES[type(operator)]:
                    yield "comparison", node, _with(node, "ops", [*operators[:index], other(), *operators[index + 1 :]])
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "dropped not", node, operand
        case ast.BoolOp(op=operator, values=values):
            yield "and/or", node, _with(node, "op", ast.Or() if isinstance(operator, ast.And) else ast.And())
            for index in range(len(values)):
                rest = values[:index] + values[index + 1 :]
                yield "dropped condition", node, rest[0] if len(rest) == 1 else _with(node, "values", rest)
        case ast.IfExp(body=body, orelse=other):
            yield "dropped conditional", node, body
            yield "dropped conditional", node, other
        case ast.If(test=ast.Name() | ast.Attribute() | ast.Call() as test):
            yield "condition", test, ast.UnaryOp(ast.Not(), test)
        case ast.Constant(value=bool(value)):
            yield "constant", node, ast.Constant(not value)
        case ast.Constant(value=int(number) | float(number)):
            yield "constant", node, ast.Constant(number + 1)
        case ast.BinOp(op=operator) if type(operator) in _OPERATORS and not _has_text(node):
            yield "operator", node, _with(node, "op", _OPERATORS[type(operator)]())
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            for number, generator in enumerate(node.generators):
                for index in range(len(generator.ifs)):
                    changed = copy.deepcopy(node)
                    del changed.generators[number].ifs[index]
                    yield "dropped filter", node, changed
        case ast.ExceptHandler(type=ast.Tuple(elts=errors) as kinds):
            for index in range(len(errors)):
                yield "dropped exception", kinds, _with(kinds, "elts", errors[:index] + errors[index + 1 :])
        case ast.Expr(value=ast.Call() | ast.YieldFrom()) | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "removed statement", node, ast.Pass()
        case ast.AugAssign() | ast.Raise() | ast.Delete() | ast.Continue() | ast.Break():
            yield "removed statement", node, ast.Pass()


def _with(node: ast.AST, field: str, value: object) -> ast.AST:
    changed = copy.copy(node)
    setattr(changed, field, value)
    return changed


def _has_text(node: ast.AST) -> bool:
    """Return whether an operation is one of texts or paths, whose change is a `TypeError`, which every test notices."""
    return any(isinstance(one, ast.JoinedStr) or isinstance(getattr(one, "value", 0), str) for one in ast.walk(node))


def _replaced(text: str, old: ast.expr | ast.stmt, new: ast.AST) -> str:
    lines = text.encode().splitlines(keepends=True)
    assert old.end_lineno is not None
    begin = sum(map(len, lines[: old.lineno - 1])) + old.col_offset
    end = sum(map(len, lines[: old.end_lineno - 1])) + (old.end_col_offset or 0)
    code = ast.unparse(new)
    if isinstance(new, ast.BoolOp | ast.Compare | ast.UnaryOp | ast.BinOp | ast.IfExp):
        code = f"({code})"
    whole = b"".join(lines)
    return (whole[:begin] + code.encode() + whole[end:]).decode()


# The tests that run each line of each module, below the project's folder.
Runners = Mapping[str, Mapping[int, Sequence[str]]]


class Tree:
    """A copy of the project in which one mutant at a time is tried."""

    # Compiled files are told apart by whole seconds and size: each content of a module gets a time of its own.
    _seconds = itertools.count(int(time.time()))

    def __init__(self, folder: Path, tests: str, wider: str, limit: float) -> None:
        self.folder = folder / "xom"
        self.output = folder / "output"
        self._temporary = folder / "t"
        self._selections = {"all": tests, "wider": wider}
        self._limit = limit
        shutil.copytree(ROOT, self.folder, ignore=_not_copied)

    def try_mutant(self, mutant: Mutant, runners: Runners) -> str:
        """Return the name of the step that noticed a mutant: ``line``, ``nearest``, ``all``, ``wider``; empty: none."""
        lines = runners.get(mutant.path, {})
        own = sorted({test for line in mutant.lines for test in lines.get(line, ())})
        if own:
            steps = {"line": shlex.join(own), "wider": self._selections["wider"]}
        else:
            steps = {"nearest": " ".join(nearest(self.folder, mutant.path)), **self._selections}
        self._write(mutant.path, mutant.after)
        try:
            return next((name for name, tests in steps.items() if tests and not self.passes(tests)), "")
        finally:
            self._write(mutant.path, mutant.before)

    def _write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text, encoding="utf-8")
        second = next(self._seconds)
        os.utime(self.folder / path, (second, second))

    def measure(self, processes: int) -> Runners | None:
        """Return which of the tests run which lines, in the process of the tests; None if not all pass."""
        options = "--cov=src --cov-context=test --cov-report= --dist=loadfile"
        if not self.passes(f"{self._selections['all']} {options} -n {processes}"):
            return None
        data = CoverageData(str(self.folder / ".coverage"))
        data.read()
        return {
            Path(file).relative_to(self.folder).as_posix(): {
                line: [test.rpartition("|")[0] for test in tests if test]
                for line, tests in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }

    def passes(self, tests: str) -> bool:
        """Return whether tests pass, within the time limit."""
        options = ["-q", "-x", "-p", "no:cacheprovider", "-n", "0", f"--basetemp={self._temporary}"]
        # First of all: programs of this environment look into PYTHONPATH last, see `xomflow.start`.
        options += ["-o", "pythonpath=src tests tests/page"]
        command = [sys.executable, "-m", "pytest", *options, *shlex.split(tests)]
        with self.output.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=self.folder, env=_environment(self.folder), stdout=out, stderr=out, start_new_session=True
            )
        try:
            code = process.wait(self._limit)
        except subprocess.TimeoutExpired:
            return False
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if code == pytest.ExitCode.USAGE_ERROR and "::" in tests:  # the mutant changed the name of a case
            return self.passes(shlex.join(sorted({test.partition("::")[0] for test in shlex.split(tests)})))
        return code == pytest.ExitCode.OK


def _not_copied(folder: str, names: list[str]) -> set[str]:
    patterns = ("work*", ".git", ".snakemake", ".*_cache") if Path(folder) == ROOT else ()
    return shutil.ignore_patterns("__pycache__", "node_modules", *patterns)(folder, names)


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment in which the copy is imported."""
    places = {"XOM_ANALYSIS_PYTHON": "work/envs/analysis/bin/python", "XOM_TEST_SERVICES": "work/services"}
    own = {"PYTHONPATH": str(folder / "src")}
    return {**{name: str(ROOT / path) for name, path in places.items()}, **os.environ, **own}


def nearest(folder: Path, path: str) -> list[str]:
    """Return the unit tests that import a module or have its name."""
    dotted = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    package, _, name = dotted.rpartition(".")
    pattern = re.compile(rf"\b{re.escape(package)}\.{name}\b|from {re.escape(package)} import .*\b{name}\b")
    tests = {test: test.read_text(encoding="utf-8") for test in sorted((folder / "tests/unit").glob("test_*.py"))}
    found = [test for test, text in tests.items() if test.stem == f"test_{name}" or pattern.search(text)]
    return [str(test.relative_to(folder)) for test in found]


def main() -> int:
    """Try a sample and print the survivors; exit code 1 if the tests caught less than is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=30, help="number of mutants; 0: all. default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="of the choice; default: %(default)s")
    parser.add_argument("--modules", nargs="+", default=["xomflow/*", "xomlib/*"], help="patterns below src/")
    parser.add_argument("--tests", default="tests/unit", help="what pytest is given; default: %(default)s")
    parser.add_argument("--wider", default="", help="the same, for what survives; default: nothing")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at a time")
    parser.add_argument("--limit", type=float, default=600, help="seconds for one step; longer counts as caught")
    parser.add_argument("--at-least", type=float, default=0, help="per cent that must be caught")
    parser.add_argument("--list", action="store_true", help="print the sample and try nothing")
    options = parser.parse_args()
    chosen = sample(options.modules, options.sample, options.seed)
    if options.list:
        print(*chosen, sep="\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        Path(folder).chmod(0o755)  # some tests become other accounts
        caught = _try_all(chosen, Path(folder), options)
    return _report(chosen, caught, options.at_least)


def sample(patterns: Sequence[str], number: int, seed: int) -> list[Mutant]:
    """Return a random choice of mutants, without those listed as equivalent."""
    paths = sorted(path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py"))
    wanted = [f"src/{path}" for path in paths if any(fnmatch.fnmatch(path, pattern) for pattern in patterns)]
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines() if EQUIVALENT.exists() else []
    equivalent = {line.rpartition(" :: ")[0] for line in lines}
    every = [one for path in wanted for one in mutants_of(path, (ROOT / path).read_text(encoding="utf-8"))]
    fair = [one for one in every if one.signature not in equivalent]
    return random.Random(seed).sample(fair, min(number or len(fair), len(fair)))


def _try_all(chosen: Sequence[Mutant], folder: Path, options: argparse.Namespace) -> list[str]:
    """Return for each mutant the step that caught it; `SystemExit` if the tests fail without any."""
    trees: queue.SimpleQueue[Tree] = queue.SimpleQueue()
    for number in range(options.jobs):
        trees.put(Tree(folder / str(number), options.tests, options.wider, options.limit))
    tree = trees.get()
    near = " ".join(sorted({test for mutant in chosen for test in nearest(tree.folder, mutant.path)}))
    runners = tree.measure(options.jobs)
    failing = [options.tests] if runners is None else []
    failing += [tests for tests in (near, options.wider) if tests and not failing and not tree.passes(tests)]
    if runners is None or failing:
        print(tree.output.read_text(encoding="utf-8")[-3000:])
        raise SystemExit(f"without any mutant these tests fail, or take longer than {options.limit:g} s: {failing[0]}")
    trees.put(tree)

    def attempt(mutant: Mutant) -> str:
        tree = trees.get()
        try:
            step = tree.try_mutant(mutant, runners)
        finally:
            trees.put(tree)
        print(f"{f'caught by {step}' if step else 'SURVIVED'}: {mutant}", flush=True)
        return step

    with ThreadPoolExecutor(options.jobs) as pool:
        return list(pool.map(attempt, chosen))


def _report(chosen: Sequence[Mutant], caught: Sequence[str], at_least: float) -> int:
    survivors = Counter(mutant.path for mutant, step in zip(chosen, caught, strict=True) if not step)
    share = 100 * (1 - survivors.total() / max(1, len(chosen)))
    steps = ", ".join(f"{number} by {step}" for step, number in Counter(filter(None, caught)).items())
    print(f"{len(chosen)} mutants, {share:.0f} % caught ({steps}); survivors: {survivors.total()}")
    print(*(f"{number:4} {path}" for path, number in survivors.most_common()), sep="\n")
    return int(share < at_least)


if __name__ == "__main__":
    sys.exit(main())
