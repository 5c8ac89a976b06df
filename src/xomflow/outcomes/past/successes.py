"""When the newest success of an analysis was: asked only about an analysis of which many runs failed in the same way.

Names do not contain when an outcome was made. The time stamps of files show which ones may be new enough; only these
are opened, and what they contain is kept, so each is opened once. What is kept can be deleted.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from xomflow.core import times
from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.core.paths import Paths
from xomflow.outcomes.files import is_done_name, shelf_stamps

# By how much the clocks of machines and of the file server may differ.
_CLOCKS_DIFFER = timedelta(minutes=10)


class Success(NamedTuple):
    """The times of an outcome.

    Parameters
    ----------
    ended
        When the attempt ended that made it.
    run_ended
        When its run ended; of a run without an end, when it started.
    """

    ended: datetime
    run_ended: datetime


class Successes:
    """Finds when an analysis last succeeded, and keeps the times of the outcomes that it has read.

    Parameters
    ----------
    paths
        Where they are.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._kept = read_kept(paths.successes, _parsed) or {}
        self._fresh: dict[str, tuple[int, Success]] = {}

    def newest(
        self, analysis: str, version: str, since: datetime, belongs: Callable[[str, datetime], bool]
    ) -> datetime | None:
        """Return when the newest outcome was made; None if none was made since a moment.

        Parameters
        ----------
        analysis, version
            Of these outcomes.
        since
            The moment.
        belongs
            Whether the outcome of a run or campaign counts, by its id and the end of the run.
        """
        least, newest = _ns(since - _CLOCKS_DIFFER), None
        stamps = shelf_stamps(self._paths, analysis, version)
        for name, (changed, _) in sorted(stamps.items(), key=lambda entry: entry[1], reverse=True):
            if changed < (least if newest is None else max(least, _ns(newest))):
                break  # nothing on this shelf and on the others is newer
            folder = self._paths.shelves(analysis, version) / name
            made = self._read(folder, least)
            found = (one.ended for run, one in made if one.ended >= since and belongs(run, one.run_ended))
            newest = max(filter(None, (newest, next(found, None))), default=None)
        return newest

    def keep(self) -> None:
        """Keep what was read."""
        if self._fresh != self._kept:
            content = {name: [stamp, *map(times.text, one)] for name, (stamp, one) in self._fresh.items()}
            write_kept(self._paths.successes, json.dumps(content, separators=(",", ":")))

    def _read(self, folder: Path, least: int) -> Iterator[tuple[str, Success]]:
        """Yield the outcomes in a folder whose files are not older, with the ids of their runs, the newest first."""
        files = []
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                if is_done_name(entry.name):
                    with contextlib.suppress(FileNotFoundError):  # it goes at this moment
                        files.append((entry.stat().st_mtime_ns, entry.path))
        for stamp, path in sorted(files, reverse=True):
            if stamp < least:
                return
            name = str(Path(path).relative_to(self._paths.outcomes))
            kept = self._kept.get(name)
            found = kept[1] if kept and kept[0] == stamp else read_kept(Path(path), _success_in)
            if found:  # a damaged file is no success; publishing sets it aside
                self._fresh[name] = (stamp, found)
                yield Path(path).stem, found


def _success_in(document: Any) -> Success:
    ended = times.moment(document["ended"])
    run = document["run"]
    return Success(ended, times.moment(run["end"] or run["start"] or document["ended"]))


def _parsed(content: Any) -> dict[str, tuple[int, Success]]:
    return {
        name: (int(stamp), Success(times.moment(ended), times.moment(run_ended)))
        for name, (stamp, ended, run_ended) in content.items()
    }


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000
