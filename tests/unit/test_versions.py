"""The versions in the provenance are those of what is installed, not of what a process has loaded."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from xomlib import versions as module
from xomlib.versions import version_of, versions


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path of modules; nothing of the collaboration is loaded or installed elsewhere."""
    for name in module._PACKAGES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    importlib.invalidate_caches()
    return tmp_path


def package(path: Path, name: str = "cutax", **files: str) -> None:
    for file, text in {"__init__": "", **files}.items():
        (path / name).mkdir(exist_ok=True)
        (path / name / f"{file}.py").write_text(text)


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"__init__": "import os\n__version__ = '1.2.3'\n"}, "1.2.3"),
        ({"__init__": "from .version import version", "version": 'version: str = "2.0"'}, "2.0"),
        ({"_version": "version = __version__ = '3'\nversion = '3.1'"}, "3.1"),
        ({"__init__": "__version__ = made()"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_a_checkout_that_is_merely_on_the_path_has_the_version_that_it_names(
    path: Path, files: dict[str, str], version: str
) -> None:
    package(path, **files)
    assert versions()["cutax"] == version


def test_what_is_installed_and_names_no_version_has_that_of_its_distribution(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(path, "scipy")
    monkeypatch.setattr(module.importlib.metadata, "version", {"scipy": "1.14.1"}.__getitem__)
    assert versions()["scipy"] == "1.14.1"


def test_a_folder_without_code_has_no_version_whatever_lies_in_the_working_directory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path / "cutax").mkdir()
    (path / "version.py").write_text("__version__ = '9'")
    monkeypatch.chdir(path)
    assert versions()["cutax"] == "unknown"


def test_what_is_loaded_changes_nothing(path: Path) -> None:
    package(path, "cutax", __init__="__version__ = '1.2.3'")
    package(path, "straxen", __init__="from ._version import v as __version__", _version="v = '4'\nversion = '4'")
    before = versions()
    assert before == {**versions(), "cutax": "1.2.3", "straxen": "4"}
    for name in ("cutax", "straxen"):
        assert importlib.import_module(name).__version__ == before[name]
        assert versions() == before
        del sys.modules[name]


def test_what_is_not_there_has_no_version(path: Path) -> None:
    assert set(versions()) == {"python", "xomlib"}
    assert versions()["python"] == ".".join(map(str, sys.version_info[:3]))


def test_a_module_without_a_file_names_its_own_version(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ModuleType("cutax")
    monkeypatch.setitem(sys.modules, "cutax", made)
    assert version_of("cutax") == "unknown"
    made.__version__ = 5  # type: ignore[attr-defined]
    assert version_of("cutax") == "5"
