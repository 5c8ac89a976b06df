"""What runs at a site: nothing may, while it is drained for an upgrade or for maintenance."""

from __future__ import annotations

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.messages import some_of
from xomflow.core.paths import Paths
from xomflow.planning.progress.claims import living_ticks
from xomflow.planning.progress.in_progress import InProgress, read_in_progress


def what_runs(config: Config, in_progress: InProgress | None = None) -> list[str]:
    """Return a sentence for each kind of process or job that runs, or may run; none: nothing runs. Reads only.

    Parameters
    ----------
    config
        The configuration.
    in_progress
        What was found in progress just now; None: it is looked at.
    """
    found = in_progress or read_in_progress(config, times.now())
    ticks = sorted(living_ticks(Paths(config.work)))
    keys = sorted(found.working() | found.claimed.keys())
    sentences = [f"{len(ticks)} ticks run: {some_of(ticks)}"] if ticks else []
    if keys:
        words = [f"{key}: {found.describe(key, ()) or 'it runs'}" for key in keys]
        sentences.append(f"{len(keys)} runs are in progress: {some_of(words)}")
    return [*sentences, *found.unclear.sentences]
