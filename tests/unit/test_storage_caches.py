"""What is kept about storage and contexts may be damaged in any way: the answer is that of a missing file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xomflow.config.model import Context
from xomflow.config.software import Program
from xomflow.core.paths import Paths
from xomflow.storage.context_probe import ContextProbe
from xomflow.storage.folder_listings import FolderListings
from xomflow.storage.locations import DataLocations

RUN = "052894"
DIGEST = "bbbbbbbbbb"
CONTEXT = Context(function="nobody:asks")
PROGRAM = Program(Path(sys.executable))
ODD = [None, True, 5, 1.5, "x", [], {}, [5], ["x"], [[]], [None], {"a": []}, {"x": [9_999_999_999, None]}]
ODD += [
    {RUN: [9_999_999_999, [["a", 2, "x", True]]]},
    {RUN: [9_999_999_999, [["a", "", "x", 5]]]},
    {RUN: 5},
    {RUN: [5, [["a"]]]},
    {RUN: [9_999_999_999, [[1, 2, 3, 4]]]},
]


def damages(content: bytes) -> list[bytes]:
    """Return forms of damage: odd texts, odd JSON, and every entry missing or of another type, two levels deep."""
    texts = [b"", b"{", b"\xff\xfe", b"[" * 100_000, content[: len(content) // 2]]
    whole = json.loads(content)
    trees: list[Any] = list(ODD)
    for name, value in whole.items():
        trees.append({other: one for other, one in whole.items() if other != name})
        trees += [{**whole, name: odd} for odd in ODD if type(odd) is not type(value)]
        for inner, one in value.items() if isinstance(value, dict) else ():
            trees += [{**whole, name: {**value, inner: odd}} for odd in ODD if type(odd) is not type(one)]
            trees += [{**whole, name: {**value, **odd}} for odd in ODD if isinstance(odd, dict)]
    return texts + [json.dumps(tree).encode() for tree in trees if tree != whole]


def check(place: Path, ask: Callable[[], Any]) -> None:
    """Ask without what is kept, with it, and with every damage of it."""
    expected = ask()
    content = place.read_bytes()
    assert ask() == expected
    for damage in damages(content):
        place.write_bytes(damage)
        assert ask() == expected, damage[:200]


def test_which_folders_are_complete(tmp_path: Path) -> None:
    root, paths = tmp_path / "data", Paths(tmp_path / "work")
    folder = root / f"{RUN}-event_info-{DIGEST}"
    folder.mkdir(parents=True)
    (folder / f"event_info-{DIGEST}-metadata.json").write_text('{"writing_ended": 1}')

    def ask() -> Any:
        folders = FolderListings(paths, may_write=True)
        found = folders.look(str(root), [RUN, "052895"], "event_info", DIGEST)
        folders.keep()
        return found

    ask()
    (place,) = paths.cache.glob("complete-*.json")
    check(place, ask)


class Documents:
    """A run database that has one document, and does not change."""

    def fingerprint(self, _first: int, _last: int | None) -> str:
        return "the first"

    def data_of(self, _numbers: Any) -> dict[int, dict[str, Any]]:
        return {52894: {"data": [{"type": "event_info", "host": "eb0", "location": "here", "status": "transferred"}]}}


def test_where_data_are(tmp_path: Path) -> None:
    place = tmp_path / "whereabouts.json"

    def ask() -> Any:
        locations = DataLocations(Documents(), (0, None), place, may_write=True)  # type: ignore[arg-type]
        found = locations.of([RUN])
        locations.keep()
        return [tuple(entry) for entry in found[RUN] or ()]

    ask()
    check(place, ask)


class Probe(ContextProbe):
    """A probe whose context answers without a process."""

    def _ask(self, _program: Program, _request: dict[str, Any]) -> dict[str, Any]:
        hashes, versions = {"event_info": DIGEST}, {"strax": "2.2.3"}
        storage = [{"kind": "folder", "path": "/data", "take_only": [], "exclude": []}]
        answer = {"hashes": hashes, "without": {"broken": "no option"}, "storage": storage, "versions": versions}
        return {**answer, "files": {sys.executable: Path(sys.executable).stat().st_mtime_ns}, "keep": True}


def test_what_a_context_says(tmp_path: Path) -> None:
    paths = Paths(tmp_path)

    def ask() -> Any:
        return Probe(paths, may_write=True).describe(PROGRAM, CONTEXT, ["event_info"])

    ask()
    (place,) = paths.cache.glob("context-*.json")
    check(place, ask)


@pytest.mark.parametrize("change", [{"hashes": {}}, {"storage": [5]}, {"storage": [{"kind": "folder"}]}])
def test_an_answer_of_a_context_that_lacks_something_is_asked_anew(tmp_path: Path, change: dict[str, Any]) -> None:
    paths = Paths(tmp_path)
    expected = Probe(paths, may_write=True).describe(PROGRAM, CONTEXT, ["event_info"])
    (place,) = paths.cache.glob("context-*.json")
    place.write_text(json.dumps({**json.loads(place.read_text()), **change}))
    assert Probe(paths, may_write=True).describe(PROGRAM, CONTEXT, ["event_info"]) == expected
