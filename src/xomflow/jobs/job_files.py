"""The files of a run's job that Snakemake knows: its output and its log, both within the tick's folder.

Snakemake deletes an output and a log before their job starts, also those that appeared since it looked, and with
``--force`` those of finished work. So neither the outcome nor the log of the runner may be a file of a rule.
"""

from __future__ import annotations

import contextlib
import os

from xomflow.core.key import Key
from xomflow.core.paths import Paths, TickPaths


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
