"""The interface of scripts is imported name by name, and looks as if it were there at once."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import xomlib
from xomlib import saving


def printed_by(code: str) -> str:
    """Run code in an interpreter of its own and return what it prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_every_name_is_there() -> None:
    assert set(xomlib.__all__) <= set(dir(xomlib))
    assert all(getattr(xomlib, name) for name in xomlib.__all__)
    assert xomlib.Xomresult is saving.Xomresult


def test_a_star_imports_every_name() -> None:
    assert printed_by("from xomlib import *; import xomlib; print(set(xomlib.__all__) - set(globals()))") == "set()"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'xomlib' has no attribute 'reslts'"):
        xomlib.reslts  # noqa: B018
    with pytest.raises(ImportError, match="reslts"):
        exec("from xomlib import reslts")


def test_the_context_stays_a_function_once_its_module_is_imported() -> None:
    code = "import xomlib; from xomlib.context import build; import xomlib.context; print(callable(xomlib.context))"
    assert printed_by(code) == "True"


def test_importing_the_interface_imports_no_part_of_it() -> None:
    code = "import sys, xomlib; print([name for name in ('xomlib.saving', 'xomlib.by_hand') if name in sys.modules])"
    assert printed_by(code) == "[]"
    assert importlib.import_module("xomlib.by_hand").cli is xomlib.cli


def test_a_name_is_imported_once() -> None:
    vars(xomlib).pop("figure", None)
    first = xomlib.figure
    assert vars(xomlib)["figure"] is first
