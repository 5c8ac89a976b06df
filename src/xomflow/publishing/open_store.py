"""Open the store that the configuration names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xomflow.core.paths import Paths
from xomflow.publishing.local_store import LocalStore
from xomflow.publishing.store import Store


def open_store(block: dict[str, Any], paths: Paths) -> Store:
    """Return the store that the configuration's block ``store`` names."""
    if block["kind"] == "local":
        return LocalStore(paths, block["prefix"])
    from xomflow.publishing.influx_store import InfluxStore

    return InfluxStore(Path(block["credentials"]), block["prefix"], block["batch"])
