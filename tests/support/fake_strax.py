"""A stand-in for strax, to be imported under its name: what `xomlib.process.reads` watches, and how strax fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

__version__ = "0.0"


class DataNotAvailable(Exception):
    """No storage has it."""


class DataCorrupted(Exception):
    """It is there and cannot be read."""


class Key(NamedTuple):
    run_id: str
    data_type: str
    lineage: dict[str, Any]


class StorageBackend:
    def loader(self, backend_key: str) -> Iterator[str]:
        for chunk in Path(backend_key).read_text().split():
            metadata = {"data_type": Path(backend_key).name.split("-")[1], "lineage_hash": backend_key[-10:]}
            info = {"n": chunk, "run_id": Path(backend_key).name.split("-")[0]}
            yield self._read_and_format_chunk(backend_key=backend_key, metadata=metadata, chunk_info=info)

    def _read_and_format_chunk(self, *, backend_key: str, metadata: dict[str, Any], chunk_info: dict[str, Any]) -> str:
        if chunk_info["n"] == "memory":
            try:
                raise MemoryError
            except MemoryError:
                raise DataCorrupted("Fatal Error")  # noqa: B904, as strax does
        if chunk_info["n"] == "codec":
            raise DataCorrupted("Fatal Error: Traceback (most recent call last):\n  in f\ncodec.error: Error -1\n")
        return str(chunk_info["n"])


class StorageFrontend:
    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def find(self, key: Key) -> Path:
        found = list(self.folder.glob(f"{key.run_id}-{key.data_type}-*"))
        if not found:
            raise DataNotAvailable(f"{key.data_type} is nowhere")
        if found[0].read_text() == "":
            raise DataCorrupted(f"Cannot open metadata for {found[0]}")
        return found[0]

    def loader(self, key: Key) -> Iterator[str]:
        return StorageBackend().loader(str(self.find(key)))


class Context:
    def __init__(self, folder: str, below: dict[str, list[str]] | None = None) -> None:
        self.storage = [StorageFrontend(folder)]
        self.below = below or {}

    def key_for(self, run_id: str, target: str) -> Key:
        return Key(run_id, target, dict.fromkeys([target, *self.below.get(target, [])]))

    def is_stored(self, run_id: str, target: str) -> bool:
        try:
            return bool(self.storage[0].find(self.key_for(run_id, target)))
        except DataNotAvailable:
            return False

    def get_components(self, run_id: str, targets: Any = ()) -> list[Any]:
        names = [targets] if isinstance(targets, str) else list(targets)
        keys = [self.key_for(run_id, name) for name in names]
        for key in keys:
            self.storage[0].find(key)
        return [self.storage[0].loader(key) for key in keys]

    def get_iter(self, run_id: str, targets: Any) -> Iterator[str]:
        for loader in self.get_components(run_id, targets):
            yield from loader
