"""The files of a run's job beside outcome and failure records: its figures, and its output and log for Snakemake.

Output and log are within the tick's folder. Snakemake deletes them before their job starts, also those that appeared
since it looked, and with ``--force`` those of finished work. So neither the outcome nor the log of the runner may be a
file of a rule.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths
from xomflow.outcomes.files import names_in
from xomlib.files import open_file, read_bytes, write_atomically

# Bytes of a log: more than the longest is not kept but for these at its beginning and its end.
_LONGEST_LOG, _LOG_BEGIN, _LOG_END = 20_000_000, 1_000_000, 10_000_000


def mark_made(tick: TickPaths, key: Key) -> None:
    """Make the output of a job whose outcome is there."""
    place = tick.made(key)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch()


def begin_log(paths: Paths, tick: TickPaths, key: Key) -> None:
    """Remove the log of the attempt before, of which a failure record keeps another name, and link the tick to it."""
    log, link = paths.log(key), tick.log_link(key)
    log.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # without a link Snakemake shows an empty log, and nothing else is different
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(log.absolute(), link.parent.absolute()))


def shorten_log(log: Path) -> None:
    """Leave out the middle of a very long log, so that a script that prints much does not fill the disk run by run."""
    with contextlib.suppress(OSError), open_file(log, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= _LONGEST_LOG:
            return
        file.seek(size - _LOG_END)
        end = file.read()
        file.seek(_LOG_BEGIN)
        file.write(b"\n--- %d bytes were left out here ---\n" % (size - _LOG_BEGIN - len(end)))
        file.write(end)
        file.truncate()


def keep_figures(paths: Paths, key: Key, folder: Path, names: Collection[str]) -> None:
    """Move the figures of an outcome from a folder to their place; those of an earlier outcome there are removed."""
    places = {name: paths.figure(key, name) for name in names}
    for name, place in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            (folder / name).replace(place)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            write_atomically(place, read_bytes(folder / name))
    shelf = paths.figure(key, "").parent
    for place in {shelf / name for name in names_in(shelf) if name.startswith(f"{key.run}.")} - {*places.values()}:
        place.unlink(missing_ok=True)
    shutil.rmtree(paths.figures_of_layout_1(key), ignore_errors=True)
