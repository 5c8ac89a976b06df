"""The kept states of a judge: the newest one, and older ones from which judging can go on after a change."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.expected.judge import Judge
from xomflow.expected.method.settings import Settings
from xomlib.files import open_file

# Runs between two kept states; how many of the newest are kept all, and of the older ones, one in how many.
EVERY, _NEWEST, _ONE_IN = 50, 4, 20
_HEAD = 100  # characters of a file with the id of its last run


class Reached(NamedTuple):
    """How far a judge has come.

    Parameters
    ----------
    last
        Id of the last run; empty: none.
    runs
        How many runs it has judged.
    """

    last: str = ""
    runs: int = 0


class States:
    """The states of one version of an analysis.

    Parameters
    ----------
    folder
        Where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, judge: Judge, reached: Reached, is_newest: bool) -> None:
        """Keep the state of a judge."""
        name = "newest" if is_newest else str(reached.runs)
        write_kept(self._folder / f"{name}.json", json.dumps([*reached, judge.to_json()], separators=(",", ":")))
        for file in self._older()[:-_NEWEST]:
            if int(file.stem) % (EVERY * _ONE_IN):
                file.unlink(missing_ok=True)

    def newest(self, settings: Settings) -> tuple[Judge, Reached] | None:
        """Return the judge as it was when judging stopped; None if that is not known."""
        return _read(self._folder / "newest.json", settings)

    def before(self, run: str, settings: Settings) -> tuple[Judge, Reached] | None:
        """Return the judge as it was before a run, some runs before that; None if it has to begin."""
        for file in reversed(self._older()):
            if _last_in(file) < run and (one := _read(file, settings)) is not None:
                return one
        return None

    def forget_after(self, reached: Reached) -> None:
        """Remove the states of later runs."""
        for file in self._older():
            if int(file.stem) > reached.runs:
                file.unlink(missing_ok=True)

    def _older(self) -> list[Path]:
        """Return the files of the older states, the oldest first."""
        files = (one for one in self._folder.glob("*.json") if one.stem.isdecimal())
        return sorted(files, key=lambda one: int(one.stem))


def _read(file: Path, settings: Settings) -> tuple[Judge, Reached] | None:
    kept = read_kept(file, _checked)
    if kept is not None:
        last, runs, state = kept
        with contextlib.suppress(ValueError, TypeError, LookupError):
            return Judge(settings).read(state), Reached(last, runs)
    return None


def _last_in(file: Path) -> str:
    """Return the run at the beginning of a state, which is long to read whole; empty if there is none."""
    with contextlib.suppress(OSError, ValueError, IndexError), open_file(file, "r", encoding="utf-8") as text:
        return text.read(_HEAD).split('"', 2)[1]
    return ""


def _checked(content: Any) -> tuple[str, int, Any]:
    last, runs, state = content
    return str(last), int(runs), dict(state)
