"""The layout of ``work``: one number in ``work/format``, so that no version works on a layout newer than itself.

A change of the layout raises `FORMAT`, adds a converter from the number before to `CONVERTERS`, and keeps a small
``work`` of the old layout as a test. A tick converts; commands that only read do not.

Jobs of an older version go on after an upgrade, in its own checkout: they write the old layout and refuse the new
number. Therefore this version also works on the layouts since `OLDEST`. As long as such jobs are left, each tick
converts what they wrote, and leaves the number.

1. A folder for the figures of each outcome.
2. One file for each figure. Logs of finished runs and old ticks are in archives, which layout 1 does not have, but
   whose absence is allowed (`workflow/upkeep/archives.py`).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from xomflow.core.errors import ConfigurationError
from xomflow.core.files.file_lock import exclusive
from xomflow.core.key import ID
from xomflow.core.paths import Paths
from xomlib.files import read_text, write_atomically

FORMAT = 2
# The oldest layout on which this version works as it is.
OLDEST = 1
# The layout of a folder without the file: version 1.0 wrote none.
WITHOUT_FILE = 1

Converter = Callable[[Paths], None]


def _one_file_for_each_figure(paths: Paths) -> None:
    """Move each figure out of the folder of its run; one that is at its place already is of a newer attempt."""
    for folder in (one for shelf in paths.all_figures.glob("*/*/*/") for one in _folders_of_runs(shelf)):
        for figure in list(folder.iterdir()):
            place = folder.with_name(f"{folder.name}.{figure.name}")
            if place.exists() and place.stat().st_mtime >= figure.stat().st_mtime:
                figure.unlink()
            else:
                figure.replace(place)
        with contextlib.suppress(OSError):  # a job of an older version writes into it
            folder.rmdir()


def _folders_of_runs(shelf: Path) -> list[Path]:
    with os.scandir(shelf) as entries:
        folders = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    return [folder for folder in folders if re.fullmatch(ID, folder.name)]


# From each older layout to the next one. A converter may be killed, may run again, and may find nothing to do.
CONVERTERS: Mapping[int, Converter] = {1: _one_file_for_each_figure}


def format_of(paths: Paths) -> int:
    """Return the layout of ``work``; the present one if the folder has nothing of XOM yet.

    Raises
    ------
    ConfigurationError
        If the file does not hold a number.
    """
    try:
        text = read_text(paths.format, errors="replace").strip()
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            raise ConfigurationError(f"{paths.format}: cannot be read: {error.strerror}") from None
        return WITHOUT_FILE if paths.outcomes.exists() or paths.ticks.exists() else FORMAT
    if not (text.isascii() and text.isdecimal()):
        raise ConfigurationError(f"{paths.format}: is {text[:40]!r}: the number of a layout is needed, as {FORMAT}")
    return int(text)


def check_format(paths: Paths, present: int = FORMAT, oldest: int = OLDEST, will_convert: bool = False) -> None:
    """Refuse a ``work`` of another layout; reads only.

    Parameters
    ----------
    paths
        Of the folder.
    present
        The layout that this version writes.
    oldest
        The oldest layout on which it works as it is.
    will_convert
        Whether an older layout is accepted, since the caller will convert it.

    Raises
    ------
    ConfigurationError
        If the layout is newer, or older and not accepted.
    """
    found = format_of(paths)
    if found > present:
        raise ConfigurationError(
            f"{paths.format}: {paths.work} has layout {found}, and this version of XOM reads layouts up to {present}: "
            "start the newer version that wrote it"
        )
    if found < oldest and not will_convert:
        raise ConfigurationError(
            f"{paths.format}: {paths.work} has layout {found}, this version of XOM needs {present}: "
            "run `snakemake`, which converts it"
        )


def bring_up_to_date(
    paths: Paths,
    has_older_jobs: Callable[[Paths], bool] = lambda _: False,
    present: int = FORMAT,
    converters: Mapping[int, Converter] = CONVERTERS,
) -> None:
    """Convert ``work`` to the present layout and write its number.

    Parameters
    ----------
    paths
        Of the folder.
    has_older_jobs
        Whether jobs of an older version are left, which would refuse the number: then it is not written.
    present
        The layout that this version writes.
    converters
        From each older layout to the next one.

    Raises
    ------
    ConfigurationError
        If the layout is newer.
    """
    if not paths.format.exists() or format_of(paths) < present:
        with exclusive(paths.discovery_lock):  # another tick may be converting; from here on it is no new folder
            may_raise = not has_older_jobs(paths)
            for older in range(format_of(paths), present):
                converters[older](paths)
                if may_raise:
                    write_atomically(paths.format, f"{older + 1}\n")
    check_format(paths, present)
