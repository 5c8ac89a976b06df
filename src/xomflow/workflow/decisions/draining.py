"""Whether a site is drained, and waiting until nothing runs."""

from __future__ import annotations

import time
from collections.abc import Iterator

from xomflow.config.model import Config
from xomflow.core.paths import Paths
from xomflow.decisions.effects import drained
from xomflow.decisions.files import standing_decisions
from xomflow.workflow.upkeep.what_runs import what_runs

_SECONDS = 2.0


def is_drained(config: Config) -> bool:
    """Return whether a decision drains the site now."""
    return drained(standing_decisions(Paths(config.work))) is not None


def wait_until_quiet(config: Config, seconds: float = _SECONDS) -> Iterator[str]:
    """Yield sentences about what runs, whenever they change, until nothing runs.

    Parameters
    ----------
    config
        The configuration.
    seconds
        Time between two looks.
    """
    before: list[str] = []
    while now := what_runs(config):
        if now != before:
            yield from now
        before = now
        time.sleep(seconds)
    yield "nothing runs"
