"""Open the store that the configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xomflow.core.paths import Paths
from xomflow.publishing.stores.local_store import LocalStore
from xomflow.publishing.stores.store import Store

if TYPE_CHECKING:  # publishing and reporting start faster without the model of the configuration
    from xomflow.config.model import Store as Block


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """The configuration's ``store``, without the model of the configuration; its entries are described there."""

    kind: str
    prefix: str
    credentials: Path
    batch: int
    mirror: str = ""
    is_mirror: bool = False

    @classmethod
    def of(cls, block: Block) -> StoreConfig:
        """Return this part of the configuration."""
        return cls(block.kind, block.prefix, block.credentials, block.batch, block.mirror or "")

    @property
    def is_local(self) -> bool:
        """Whether results are published to files below ``work``."""
        return self.kind == "local"

    def to_json(self) -> dict[str, Any]:
        """Return the form in files."""
        content = {**asdict(self), "credentials": str(self.credentials)}
        del content["is_mirror"]  # a survey has the configured store only
        if not self.mirror:
            del content["mirror"]
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> StoreConfig:
        """Return what `to_json` wrote."""
        mirror = content.get("mirror", "")
        return cls(content["kind"], content["prefix"], Path(content["credentials"]), content["batch"], mirror)

    def with_mirror(self) -> list[StoreConfig]:
        """Return this store and, if there is one, its mirror."""
        return [self, replace(self, is_mirror=True)] if self.mirror else [self]


def local_stores(paths: Paths) -> list[LocalStore]:
    """Return the local stores of all prefixes that have a ledger, whether they are configured or not."""
    prefixes = (folder.name.removeprefix("local-") for folder in paths.ledger.glob("local-*"))
    return [LocalStore(paths, prefix) for prefix in sorted(prefixes)]


def open_store(config: StoreConfig, paths: Paths) -> Store:
    """Return the store that the configuration names."""
    if config.is_local and config.is_mirror:
        from xomflow.publishing.mirror.xomdata import MEASUREMENT, mirrored

        return LocalStore(paths, config.prefix + MEASUREMENT, mirrored)
    if config.is_local:
        return LocalStore(paths, config.prefix)
    if config.is_mirror:
        from xomflow.publishing.mirror.influx_mirror import InfluxMirror

        return InfluxMirror(config.credentials, config.prefix, config.batch)
    from xomflow.publishing.stores.influx_store import InfluxStore

    return InfluxStore(config.credentials, config.prefix, config.batch)
