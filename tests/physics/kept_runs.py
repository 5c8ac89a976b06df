"""Runs of the study that are done, in files: they are not done again as long as the code that made them is the same."""

import ast
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ANALYSES = ROOT / "scripts" / "analyses"
_COUNTED = (ROOT / "src" / "xomphysics", ROOT / "src" / "mini_xenonnt", ANALYSES, HERE)
_NOT_COUNTED = (
    "study.py",
    "kept_runs.py",
    "physics_page.py",
    "grid_table.py",
    "figures.py",
    "figure.py",
    "_renamed.py",
)
_LOADING = ("load", "load_truths", "scenario")

Found = dict[str, dict[str, list[float]]]


def code_of(analysis: str) -> str:
    """Return a digest of the code that makes and analyses the runs of an analysis: its truths and all they import."""
    files = sorted(sources(HERE / "truths" / f"{analysis}.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def sources(start: Path) -> set[Path]:
    """Return a file and those of the project that it uses, directly or not; what only draws or counts is left out."""
    found, todo = set(), [start]
    while todo:
        path = todo.pop()
        if path not in found and path.name not in _NOT_COUNTED:
            found.add(path)
            todo += _used(path)
    return found


@cache
def _used(path: Path) -> list[Path]:
    """Return the files of the project that a file names: modules in imports, and in tests analyses in texts."""
    names = _names(ast.parse(path.read_text()), texts=path.is_relative_to(HERE))
    return [file for name in names for file in _files(name)]


def _names(tree: ast.AST, texts: bool) -> Iterator[str]:
    elsewhere = set(_passed_on(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif texts and isinstance(node, ast.Constant) and id(node) not in elsewhere and _may_name(node.value):
            yield f"analysis {node.value}"


def _may_name(value: object) -> bool:
    return isinstance(value, str) and value.isidentifier()


def _passed_on(tree: ast.AST) -> Iterator[int]:
    """Return arguments of calls that load nothing, and what fields become: there "busy" is the type of a veto."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name not in _LOADING:
                yield from map(id, [*node.args, *(keyword.value for keyword in node.keywords)])
        elif isinstance(node, ast.Assign) and all(isinstance(one, ast.Subscript | ast.Tuple) for one in node.targets):
            yield from map(id, [node.value, *getattr(node.value, "elts", ())])


def _files(name: str) -> Iterator[Path]:
    """Return the files of a module, or of an analysis, whose truths belong to it."""
    if name.startswith("analysis "):
        stem = name.removeprefix("analysis ") + ".py"
        places = [ANALYSES / stem, HERE / "truths" / stem]
    else:
        parts = name.split(".")
        places = [ROOT.joinpath("src", *parts[:i], "__init__.py") for i in range(1, len(parts) + 1)]
        places += [ROOT.joinpath("src", *parts).with_suffix(".py"), HERE / f"{parts[0]}.py"]
    yield from (place for place in places if place.is_file() and any(place.is_relative_to(one) for one in _COUNTED))


def kept_at(keep: Path, analysis: str, scenario: str, seed: int) -> Path:
    """Return the file in which the runs of a scenario are kept."""
    return keep / f"{analysis} {code_of(analysis)}" / f"{scenario.replace('/', ' per ')} {seed}.json"


def read(place: Path | None) -> tuple[int, list[Found]]:
    """Return the number of runs that a file has, and what they gave; none without the file."""
    if place is None or not place.exists():
        return 0, []
    kept = json.loads(place.read_text())
    return kept["runs"], [kept["found"]]


def write(place: Path | None, runs: int, found: Found) -> None:
    """Keep so many runs."""
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.with_suffix(".new")
        temporary.write_text(json.dumps({"runs": runs, "found": found}))
        temporary.replace(place)


def joined(parts: Sequence[Found]) -> Found:
    """Return the runs of all parts as one."""
    out: Found = {}
    for part in parts:
        for variable, columns in part.items():
            own = out.setdefault(variable, {key: [] for key in columns})
            for key, values in columns.items():
                own[key] += values
    return out
