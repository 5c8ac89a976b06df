"""The old names of modules of xomlib and xomphysics work for one release: each warns once and gives the new module."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xomlib import _renamed as of_xomlib
from xomphysics import _renamed

# scipy and matplotlib are in the analysis environment only.
BARE = [old for old in _renamed.MODULES if old.rsplit(".", 1)[1] in ("delayed", "errors", "scada", "stream")]


def run(code: str) -> str:
    """Run code in an interpreter of its own, which shows every warning; return what it prints, warnings included."""
    command = [sys.executable, "-W", "always", "-c", code]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout


@pytest.mark.parametrize(
    "code",
    [
        "import xomphysics.scada as old",
        "from xomphysics import scada as old",
        "from xomphysics.scada import read_account; import sys; old = sys.modules['xomphysics.scada']",
    ],
)
def test_every_way_of_importing_an_old_name_warns_once_and_gives_the_new_module(code: str) -> None:
    said = run(f"{code}\n{code}\nfrom xomphysics import slow_control_client\nprint(old is slow_control_client)")
    assert said.splitlines()[-1] == "True"
    assert said.count("DeprecationWarning") == 1
    assert "<string>:1: DeprecationWarning: xomphysics.scada is now xomphysics.slow_control_client" in said


def test_the_warning_is_shown_for_a_script_in_a_job(tmp_path: Path) -> None:
    script = tmp_path / "analysis.py"
    script.write_text("import xomphysics\nfrom xomphysics.scada import read_account\n")
    command = [sys.executable, "-c", f"import runpy; runpy.run_path({str(script)!r}, run_name='xom_analysis')"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert f"{script}:2: DeprecationWarning: xomphysics.scada is now xomphysics.slow_control_client" in done.stderr


def test_old_names_in_a_renamed_module_are_the_new_things() -> None:
    code = "from xomphysics.scada import Scada; from xomphysics.slow_control_client import SlowControlClient as new"
    assert run(f"{code}; print(Scada is new)").splitlines()[-1] == "True"


@pytest.mark.parametrize("old", BARE)
def test_a_module_keeps_its_own_name_and_place(old: str) -> None:
    said = run(f"import {old}, sys; module = sys.modules['{old}']; print(module.__name__, module.__spec__.name)")
    assert said.splitlines()[-1] == f"{_renamed.MODULES[old]} {_renamed.MODULES[old]}"


def test_new_names_do_not_warn_and_an_unknown_one_is_the_usual_error() -> None:
    said = run(
        "import xomphysics.slow_control_client, xomphysics.reading.chunks\n"
        "try:\n    import xomphysics.scadas\nexcept ModuleNotFoundError as error:\n    print(error)"
    )
    assert said == "No module named 'xomphysics.scadas'\n"


def test_the_finder_of_old_names_is_asked_last() -> None:
    finders = "import xomphysics, sys; print(*(type(one).__module__ for one in sys.meta_path if type(one) is not type))"
    assert run(finders).split()[-1] == "xomlib._renamed"


@pytest.mark.parametrize("old", of_xomlib.MODULES)
def test_the_modules_of_xomlib_have_their_old_names_too(old: str) -> None:
    new = of_xomlib.MODULES[old]
    said = run(f"import sys, {old}, {new}; print(sys.modules['{old}'] is sys.modules['{new}'])")
    assert said.splitlines()[-1] == "True"
    assert said.count(f"DeprecationWarning: {old} is now {new}") == 1


def test_every_old_name_has_a_module_of_the_new_name() -> None:
    for old, new in {**_renamed.MODULES, **of_xomlib.MODULES}.items():
        assert importlib.util.find_spec(new) is not None, (old, new)
