"""The states of a key, one list for Python, the page and the documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # the runner needs no model of the configuration
    pass


StateName = Literal["waiting", "stale", "ready", "running", "done", "failed", "gave up"]
STATES: tuple[StateName, ...] = ("waiting", "stale", "ready", "running", "done", "failed", "gave up")
