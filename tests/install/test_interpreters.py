"""An interpreter that XOM cannot use gets one sentence at once, which names what to type; nothing is made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from checkouts import ROOT, clean_environment


def pretended(folder: Path, version: tuple[int, int], implementation: str = "cpython") -> str:
    """An interpreter that takes itself for another one."""
    place = folder / f"python{version[0]}.{version[1]}"
    lies = f"sys.version_info = {(*version, 0)}; sys.implementation.name = {implementation!r}"
    code = f"import sys; {lies}; exec(sys.argv[2])"
    place.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
    place.chmod(0o755)
    return str(place)


def made_with(python: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What `make` does with an interpreter."""
    command = ["make", "--no-print-directory", *(words or ("envs",)), f"WORK={folder / 'work'}", f"PYTHON={python}"]
    environment = clean_environment(folder / "home")
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("version", [(2, 7), (3, 9), (3, 10), (3, 14), (3, 15), (4, 0)])
def test_other_versions_are_refused(tmp_path: Path, version: tuple[int, int]) -> None:
    python = pretended(tmp_path, version)
    done = made_with(python, tmp_path)
    said, of_make = done.stderr.splitlines()
    name = f"Python {version[0]}.{version[1]}"
    assert said.startswith(
        f"XOM needs Python 3.11, 3.12 or 3.13, and {python} is {name}: type: make envs PYTHON=python3."
    )
    assert of_make.startswith("make: ***")
    assert done.stdout == ""
    assert not (tmp_path / "work").exists()


def test_other_implementations_are_refused(tmp_path: Path) -> None:
    python = pretended(tmp_path, (3, 11), "pypy")
    assert f"{python} is another Python than the usual CPython" in made_with(python, tmp_path).stderr


def test_one_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = made_with("/no/such/python3", tmp_path, "demo").stderr
    assert said.startswith(
        "XOM needs Python 3.11, 3.12 or 3.13, and /no/such/python3 does not start: type: make demo PYTHON="
    )


def test_a_machine_without_a_usable_python_is_told_how_to_get_one(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "dirname"):
        (programs / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    command = [str(programs / "bash"), str(ROOT / "envs/make.sh"), str(tmp_path / "work"), "workflow"]
    done = subprocess.run(command, env={"PATH": str(programs)}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "XOM needs Python 3.11, 3.12 or 3.13, and python3 does not start: install one of them "
        "(Debian: apt-get install python3 python3-venv) and type: make envs PYTHON=<its path>\n"
    )


def test_a_missing_wheelhouse_is_named(tmp_path: Path) -> None:
    done = made_with(sys.executable, tmp_path, "envs", "WHEELHOUSE=/no/such/folder")
    assert done.stderr.startswith("there is no wheelhouse /no/such/folder: make it where there is internet")
