"""When the next attempt at a key is due, for its failure record: by the configuration and by decisions."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.outcomes.files import Failure
from xomflow.outcomes.retries import RetryPolicy, next_try

if TYPE_CHECKING:  # jobs need no model of the configuration, and few of them decisions
    from xomflow.config.model import Retries
    from xomflow.decisions.effects import Grant


def next_try_of(paths: Paths, key: Key, failures: Sequence[Failure], retries: Retries | RetryPolicy) -> datetime | None:
    """Return when the next attempt is due after these failures, see `next_try`; None: no more attempts."""
    try:
        changed = paths.decisions.stat().st_mtime_ns
    except FileNotFoundError:
        return next_try(failures, retries)
    return next_try(failures, retries, _grants(paths.work, changed).get(key, ()))


@functools.lru_cache(maxsize=1)
def _grants(work: Path, changed_ns: int) -> dict[Key, tuple[Grant, ...]]:
    """Return what is granted while the folder of decisions has this time stamp: many jobs may have ended at a time."""
    from xomflow.decisions.effects import grants
    from xomflow.decisions.files import standing_decisions

    return grants(standing_decisions(Paths(work)))
