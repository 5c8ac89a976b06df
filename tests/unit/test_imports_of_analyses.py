"""The shipped analyses import only what the collaboration's environments have."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OWN = {"xomlib", "xomphysics"}
COMMON = {"numpy", "scipy", "pandas", "matplotlib", "iminuit", "statsmodels", "strax", "straxen"}
SOURCES = [*(ROOT / "scripts" / "analyses").glob("*.py"), *(ROOT / "src" / "xomphysics").rglob("*.py")]


def imported(source: str) -> Iterator[str]:
    """Yield the packages that a module imports, at its top or in a function."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_analysis_imports_only_common_packages(path: Path) -> None:
    assert set(imported(path.read_text())) <= sys.stdlib_module_names | OWN | COMMON


def test_an_import_within_a_function_is_seen() -> None:
    assert set(imported("import a.b\ndef f():\n    from c.d import e\n")) == {"a", "c"}
