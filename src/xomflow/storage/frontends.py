"""The kinds of storage frontends, by the name that `xomlib.probe.describe` gives them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from xomflow.storage.data_directory import DataDirectory
from xomflow.storage.frontend import Frontend, Sources
from xomflow.storage.rucio import RucioLocal
from xomflow.storage.straxen_rundb import StraxenRunDB


@dataclass(frozen=True)
class ThroughStrax(Frontend):
    """A frontend of any other kind: only strax itself can look into it."""

    def look(self, sources: Sources, runs: Collection[str], name: str, digest: str) -> None:
        """Return None."""


KINDS: dict[str, type[Frontend]] = {
    "folder": DataDirectory,
    "rucio_local": RucioLocal,
    "rundb": StraxenRunDB,
    "other": ThroughStrax,
}


def frontend_in(document: dict[str, Any]) -> Frontend:
    """Return the frontend that `xomlib.probe.describe` described; `KeyError` or `TypeError` for another form."""
    return KINDS[document["kind"]].from_json(document)
