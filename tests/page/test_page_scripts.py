"""The page's scripts: their own tests, under node."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from xomflow.core.state import State
from xomflow.page import ASSETS

SCRIPTS = Path(__file__).parent / "js"


def test_scripts_pass_their_own_tests() -> None:
    node = shutil.which("node")
    if node is None:
        reason = "node is not on PATH (Debian: apt-get install nodejs)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    run = subprocess.run(
        [node, "--test", *sorted(SCRIPTS.glob("*.test.js"))], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, f"{run.stdout}{run.stderr}"


def test_page_loads_each_of_its_scripts_once() -> None:
    frame = (ASSETS / "index.html").read_text()
    scripts = [str(path.relative_to(ASSETS)) for path in ASSETS.rglob("*.js")]
    assert {name: frame.count(f'src="{name}"') for name in scripts} == dict.fromkeys(scripts, 1)


def test_each_state_has_a_colour() -> None:
    style = (ASSETS / "page.css").read_text()
    assert [state for state in State if f".state-{state.replace(' ', '-')} {{" not in style] == []
