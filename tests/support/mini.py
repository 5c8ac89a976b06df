"""A small set of the mini-XENONnT with every odd case, and how a site is pointed at it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from support.site import Site
from xomflow.core.paths import ROOT

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""The set's present; its newest runs end shortly before."""
SET = ("--runs", "24", "--seconds", "60", "--decays", "300", "--now", NOW.isoformat())
SITE_PACKAGES = Path(__file__).parent / "site_packages"
ASK_STRAX = Path(__file__).parent / "ask_strax.py"
# Compiling anew, in each temporary folder, would take most of the time.
NUMBA = ROOT / "work" / "cache" / "numba"


def make(python: Path, otherwise: Path) -> Path:
    """Make the set, once per user and state of its sources; it is only to be read.

    Parameters
    ----------
    python
        The analysis interpreter.
    otherwise
        Where it is made if the user's cache cannot be written.
    """
    folder = _cached() or otherwise
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.with_suffix(".done").exists():
            call(python, "-m", "mini_xenonnt", "make", "--output", str(folder), *SET)
            folder.with_suffix(".done").touch()
    return folder


def _cached() -> Path | None:
    """Return the set's folder in the user's cache, named by a digest of what it is made from."""
    digest = hashlib.sha256(repr(SET).encode())
    for source in [*sorted((ROOT / "src/mini_xenonnt").rglob("*.py")), ROOT / "envs/analysis.txt"]:
        digest.update(source.read_bytes())
    try:
        place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "xom" / "mini_xenonnt"
        place.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # pathlib's error for an unknown home is a RuntimeError
        return None
    return place / digest.hexdigest()[:16] if os.access(place, os.W_OK) else None


def run(python: Path, *arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the analysis interpreter to its end."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(NUMBA), "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [str(python), *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def call(python: Path, *arguments: str, folder: Path = ROOT) -> str:
    """Run the analysis interpreter and return what it printed."""
    done = run(python, *arguments, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask_strax(python: Path, questions: list[dict[str, Any]], folder: Path) -> list[list[list[Any]]]:
    """Return strax's answer to each question, see `support.ask_strax`."""
    (folder / "asked.json").write_text(json.dumps(questions))
    call(python, str(ASK_STRAX), str(folder / "asked.json"), str(folder / "said.json"))
    return json.loads((folder / "said.json").read_text())


def odd(mini: Path) -> dict[str, str]:
    """The run id of each odd case."""
    found: dict[str, str] = json.loads((mini / "mini.json").read_text())["odd"]
    return found


def context(mini: Path) -> dict[str, Any]:
    """The block of the configuration for the set's context."""
    arguments = {"output_folder": str(mini / "strax_data")}
    return {"function": "mini_xenonnt.context:mini_xenonnt", "arguments": arguments}


def tree(mini: Path, python: Path) -> dict[str, Any]:
    """The project's own configuration, pointed at the set."""
    whole: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    whole["rundb"]["file"] = str(mini / "runs.jsonl")
    whole["context"] = context(mini)
    whole["software"] = [{"interpreter": str(python)}]
    return whole


def point(site: Site, mini: Path, python: Path) -> None:
    """Let a site work on the set, with code that is compiled already."""
    site.tree["rundb"] = {"kind": "file", "file": str(mini / "runs.jsonl")}
    site.tree["context"] = context(mini)
    site.tree["software"] = [{"interpreter": str(python)}]
    NUMBA.mkdir(parents=True, exist_ok=True)
    site.paths.cache.mkdir(parents=True, exist_ok=True)
    site.paths.compiled.symlink_to(NUMBA)


def wrapper(path: Path, python: Path | str, *packages: Path) -> Path:
    """Write an interpreter that finds more packages and notes each start in a file beside it (see `starts`)."""
    found = ":".join(["$PYTHONPATH", *map(str, packages)])
    path.write_text(
        f'#!/bin/sh\necho "$*" >> {shlex.quote(str(path))}.log\nexport PYTHONPATH="{found}"\n'
        f'exec {shlex.quote(str(python))} "$@"\n'
    )
    path.chmod(0o755)
    return path


def starts(wrapper: Path) -> list[str]:
    """What an interpreter made by `wrapper` was started with."""
    log = wrapper.with_name(f"{wrapper.name}.log")
    return log.read_text().splitlines() if log.exists() else []
