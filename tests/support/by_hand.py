"""A script that a person tries, as a fork of the test's process: four interpreters take a second of CPU."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.forked_steps import start
from support.in_fork import Done, be_new, in_fork
from xomflow.cli import main as xom
from xomlib.process import launch


def try_script(words: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Done:
    """Do what ``python SCRIPT ARGUMENTS`` does in a folder, with these variables only.

    The command ``xom job describe`` and the process of the analysis are forks too.

    Parameters
    ----------
    words
        The script and its arguments.
    """

    def work() -> None:
        _begin(variables)
        sys.argv = list(words)
        sys.path.append(str(Path(words[0]).parent.absolute()))
        vars(launch)["start"] = start
        vars(subprocess)["run"] = _describe
        runpy.run_path(words[0], run_name="__main__")

    return in_fork(work, folder)


def _describe(command: Sequence[str], *, env: Mapping[str, str], cwd: Path | None, **_: Any) -> Done:
    """Do what `subprocess.run` does with ``xom job describe``."""
    assert command[1:3] == ["job", "describe"]

    def work() -> int:
        _begin(env)
        return xom([*command[1:]])

    return in_fork(work, cwd or Path.cwd())


def _begin(variables: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)
    be_new()
