"""What a script reads through strax is taken down, and a read that fails is known as the cause."""

from __future__ import annotations

import importlib
import os
import pickle
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support import fake_strax
from xomlib.process.damage import LARGEST, damaged_block
from xomlib.process.failures import failure_of
from xomlib.process.reads import JOURNAL, FailedRead, Journal, _Finder, _mark, failed_read, lineage_in, watch


@pytest.fixture
def strax(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A watched strax with one run: events of two chunks, and peaks that are damaged in several ways."""
    place = tmp_path / "site" / "strax"
    place.mkdir(parents=True)
    shutil.copy(fake_strax.__file__, place / "__init__.py")
    monkeypatch.syspath_prepend(str(place.parent))
    monkeypatch.delitem(sys.modules, "strax", raising=False)
    monkeypatch.setattr(sys, "meta_path", [one for one in sys.meta_path if not isinstance(one, _Finder)])
    watch(Journal(tmp_path / JOURNAL))
    assert not (tmp_path / JOURNAL).exists()
    data = tmp_path / "data"
    data.mkdir()
    for name, content in {"events": "one two", "peaks": "one codec", "rest": "", "big": "memory"}.items():
        (data / f"052801-{name}-abcdefghij").write_text(content)
    yield importlib.import_module("strax")
    monkeypatch.delitem(sys.modules, "strax", raising=False)


def read(strax: Any, folder: Path, targets: Any, below: Any = None) -> BaseException | None:
    """Read, and return the exception that came."""
    try:
        list(strax.Context(str(folder / "data"), below).get_iter("052801", targets))
    except Exception as error:
        return error
    return None


def test_what_is_loaded_is_taken_down_once_with_its_lineage(strax: Any, tmp_path: Path) -> None:
    assert lineage_in(tmp_path / JOURNAL) == {}, "from the import on all is known"
    for _ in range(2):
        assert read(strax, tmp_path, "events") is None
    assert (tmp_path / JOURNAL).read_text().count("\n") == 1
    assert lineage_in(tmp_path / JOURNAL) == {"events": "abcdefghij"}


def test_what_a_child_loads_is_taken_down_too(strax: Any, tmp_path: Path) -> None:
    if (child := os.fork()) == 0:
        os._exit(read(strax, tmp_path, "events") is not None)
    assert os.waitpid(child, 0)[1] == 0
    assert lineage_in(tmp_path / JOURNAL) == {"events": "abcdefghij"}


def test_strax_that_was_loaded_before_is_watched_too_and_only_once(strax: Any, tmp_path: Path) -> None:
    before = strax.Context.get_components
    watch(Journal(tmp_path / "other"))
    assert strax.Context.get_components is before


FAILURES: dict[str, tuple[Any, list[str], str, str]] = {
    "a codec": ("peaks", ["peaks"], "data_broken", "peaks of run 052801 cannot be read: codec.error: Error -1"),
    "a codec, not named": ("peaks", [], "data_broken", "peaks of run 052801 cannot be read: codec.error: Error -1"),
    "metadata": ("rest", ["rest"], "data_broken", "rest of run 052801 cannot be read: Cannot open metadata for "),
    "absent": ("none", ["none"], "data_broken", "none of run 052801 cannot be read: none is nowhere"),
    "absent, not named": ("none", ["events"], "setup", "needs lacks none, which the script reads: none is nowhere"),
    "one of two is absent": (("events", "none"), ["events"], "setup", "needs lacks none, which the script reads"),
    "made of what is absent": ("cuts", ["veto"], "data_broken", "cuts of run 052801 cannot be read: cuts is nowhere"),
}


def test_a_read_that_fails_has_its_class_and_names_type_and_run(strax: Any, tmp_path: Path) -> None:
    wrong = {}
    for name, (targets, needs, kind, words) in FAILURES.items():
        error = read(strax, tmp_path, targets, {"cuts": ["veto"]})
        assert error is not None
        found = failure_of(error, "script.py", needs)
        if found[0] != kind or not found[1].startswith(words) or "\n" in found[1]:
            wrong[name] = found
    assert wrong == {}


def test_an_exception_stays_as_strax_raised_it_and_is_known_after_pickling(strax: Any, tmp_path: Path) -> None:
    error = read(strax, tmp_path, "peaks")
    assert type(error) is strax.DataCorrupted
    again = failed_read(pickle.loads(pickle.dumps(error)))
    assert again is not None
    assert str(again) == "peaks of run 052801 cannot be read: codec.error: Error -1"


def test_the_cause_is_found_below_the_exception_of_a_script(strax: Any, tmp_path: Path) -> None:
    try:
        try:
            raise read(strax, tmp_path, "peaks") or AssertionError
        except strax.DataCorrupted as error:
            raise RuntimeError("cannot go on") from error
    except RuntimeError as error:
        assert failure_of(error)[0] == "data_broken"
    assert failure_of(RuntimeError("of its own"))[0] == "raised"


def test_no_memory_while_strax_reads_is_no_damage(strax: Any, tmp_path: Path) -> None:
    error = read(strax, tmp_path, "big")
    assert type(error) is strax.DataCorrupted
    assert failure_of(error)[0] == "out_of_memory"


def test_an_error_of_who_reads_is_not_one_of_the_data(strax: Any, tmp_path: Path) -> None:
    (chunks,) = strax.Context(str(tmp_path / "data")).get_components("052801", "events")
    next(chunks)
    with pytest.raises(ZeroDivisionError) as caught:
        chunks.throw(ZeroDivisionError())
    assert failure_of(caught.value)[0] == "raised"
    assert failed_read(caught.value) is None


# --- one method of strax at a time ------------------------------------------------------------------------------------


def watched(monkeypatch: pytest.MonkeyPatch, folder: Path, kind: type) -> Any:
    """An object of a class of strax, the only one that this version has, after it is watched."""
    monkeypatch.setitem(sys.modules, "strax", SimpleNamespace(**{kind.__name__: kind}))  # type: ignore[arg-type]
    watch(Journal(folder / JOURNAL))
    return kind()


def cause(error: BaseException) -> tuple[list[str], str, list[str], str]:
    found = failed_read(error)
    assert found is not None
    return found.data_types, found.run_id, found.below, found.reason


def test_the_lineage_of_a_chunk_is_in_its_metadata_or_else_in_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StorageBackend:
        def _read_and_format_chunk(self, **_: Any) -> str:
            return "chunk"

    read_chunk = watched(monkeypatch, tmp_path, StorageBackend)._read_and_format_chunk
    whole = {"data_type": "peaks", "lineage_hash": "abcdefghij"}
    assert read_chunk(metadata=whole, backend_key="052801-peaks-other", chunk_info={}) == "chunk"
    read_chunk(metadata={"data_type": "events"}, backend_key="052801-events-klmnopqrst")
    assert lineage_in(tmp_path / JOURNAL) == {"peaks": "abcdefghij", "events": "klmnopqrst"}


def test_a_chunk_that_cannot_be_read_has_its_own_run_or_else_that_of_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StorageBackend:
        def _read_and_format_chunk(self, **_: Any) -> None:
            raise ValueError("\n  \n  no chunk \nat all")

    read_chunk = watched(monkeypatch, tmp_path, StorageBackend)._read_and_format_chunk
    for chunk, run in (({"run_id": "052802"}, "052802"), (None, "052801")):
        with pytest.raises(ValueError) as caught:
            read_chunk(metadata={"data_type": "peaks", "run_id": "052801"}, chunk_info=chunk)
        assert cause(caught.value) == (["peaks"], run, [], "no chunk")
    assert lineage_in(tmp_path / JOURNAL) == {}


def test_data_that_cannot_be_opened_have_type_and_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class StorageFrontend:
        def loader(self, key: Any) -> Iterator[Any]:
            raise ValueError("no metadata")

    loader = watched(monkeypatch, tmp_path, StorageFrontend).loader
    with pytest.raises(ValueError) as caught:
        list(loader(SimpleNamespace(data_type="peaks", run_id="052801")))
    assert cause(caught.value) == (["peaks"], "052801", [], "no metadata")
    assert not (tmp_path / JOURNAL).exists(), "a journal would claim that all reads are in it"


def test_of_what_is_asked_for_that_is_named_which_is_not_there_with_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = type("DataNotAvailable", (Exception,), {"__module__": "strax.storage"})

    class Context:
        stored = ("events", "raw")

        def get_components(self, run_id: str, targets: Any) -> None:
            raise absent("not there")

        def is_stored(self, run_id: str, target: str) -> bool:
            if target == "broken":
                raise ValueError("no metadata")
            return target in self.stored

        def key_for(self, run_id: str, target: str) -> Any:
            return SimpleNamespace(lineage=dict.fromkeys(["raw", "hits", target]))

    context = watched(monkeypatch, tmp_path, Context)
    for targets, named, below in (
        (["events", "peaks"], ["peaks"], ["hits", "peaks"]),
        ("peaks", ["peaks"], ["hits", "peaks"]),
        (["events"], ["events"], ["hits"]),
        (["events", "broken"], ["broken"], ["broken", "hits"]),
    ):
        with pytest.raises(absent) as caught:
            context.get_components("052801", targets)
        data_types, run, lacking, _ = cause(caught.value)
        assert (data_types, run, sorted(lacking)) == (named, "052801", below)


def test_a_line_that_a_full_disk_has_cut_costs_only_itself(tmp_path: Path) -> None:
    whole = '{"type": "peaks", "lineage": "abcdefghij"}'
    (tmp_path / JOURNAL).write_text(f'{{"type": "ev\n{whole}\n{{}}\n5\n[]\n{whole}\n')
    assert lineage_in(tmp_path / JOURNAL) == {"peaks": "abcdefghij"}


def test_without_a_journal_failed_reads_are_marked_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    class StorageBackend:
        def _read_and_format_chunk(self, **_: Any) -> None:
            raise ValueError("no chunk")

    monkeypatch.setitem(sys.modules, "strax", SimpleNamespace(StorageBackend=StorageBackend))  # type: ignore[arg-type]
    watch(None)
    with pytest.raises(ValueError) as caught:
        StorageBackend()._read_and_format_chunk(metadata={"data_type": "peaks"}, chunk_info={"run_id": "052801"})
    assert cause(caught.value)[:2] == (["peaks"], "052801")


def test_a_read_that_a_script_has_left_behind_is_no_cause() -> None:
    read, other = ValueError("no chunk"), RuntimeError("of its own")
    _mark(read, ["peaks"], "052801")
    other.__context__ = read
    assert failed_read(other) is not None
    other.__suppress_context__ = True
    assert failed_read(other) is None
    other.__cause__, other.__context__ = KeyError("a"), None
    other.__cause__.__cause__ = other
    assert failed_read(other) is None, "a circle ends"


def test_what_strax_lacks_and_needs_does_not_name_is_a_fault_of_the_configuration() -> None:
    absent = FailedRead(["peaks", "events"], "052801", ["raw"], True, "nowhere")
    assert [absent.lacking(needs) for needs in (["events"], ["raw"], [], None)] == [
        ["peaks"],
        [],
        ["peaks", "events"],
        [],
    ]
    assert FailedRead(["peaks"], "052801", [], False, "damaged").lacking([]) == []


# --- a wrong bit in a chunk -------------------------------------------------------------------------------------------
def blosc_of(*blocks: bytes, flags: int = 0, size: int = 25, order: int = 1) -> bytes:
    """A buffer of blosc with blocks of ten bytes of content, in the order in which threads have written them."""
    at = 16 + 4 * len(blocks)
    starts = [at + sum(map(len, blocks[:place])) for place in range(len(blocks))]
    head = struct.pack("<4B3I", 2, 1, flags, 1, size, 10, at + sum(map(len, blocks)))
    return head + struct.pack(f"<{len(blocks)}I", *starts[::order]) + b"".join(blocks)


WELL = blosc_of(b"one", b"two", b"three")


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        (WELL, None),
        (blosc_of(b"0ne", b"two", b"three"), 0),
        (blosc_of(b"one", b"tw0", b"three"), 1),
        (blosc_of(b"one", b"two", b"thre3"), 2),
        (blosc_of(b"0ne", b"tw0", b"three"), None),  # of another version of blosc
        (blosc_of(b"one", b"twotwo", b"three", b"x", size=35), None),
        (blosc_of(b"one", b"tw0", b"three", flags=0x2), None),  # not compressed
        (blosc_of(b"one", b"tw0", b"three", order=-1), None),  # of several threads
        (blosc_of(b"one", b"tw0", b"three")[:-1], None),
        (b"", None),
        (WELL[:12] + bytes(4) + WELL[16:], None),
    ],
)
def test_the_one_block_of_a_chunk_that_differs_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: bytes, found: int | None
) -> None:
    monkeypatch.setitem(sys.modules, "blosc", SimpleNamespace(compress=lambda data, shuffle: data.content))
    (tmp_path / "chunk").write_bytes(stored)
    data = SimpleNamespace(content=WELL, nbytes=25)
    assert damaged_block(tmp_path / "chunk", data, "blosc") == found


def test_of_a_chunk_that_cannot_be_compared_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = SimpleNamespace(content=WELL, nbytes=25)
    short = SimpleNamespace(content=blosc_of(b"one", b"two", size=20), nbytes=20)
    fake = SimpleNamespace(compress=lambda data, shuffle: data.content)
    file = tmp_path / "chunk"
    file.write_bytes(blosc_of(b"one", b"tw0", b"three"))
    monkeypatch.delitem(sys.modules, "blosc", raising=False)
    assert damaged_block(file, data, "blosc") is None
    monkeypatch.setitem(sys.modules, "blosc", fake)
    assert damaged_block(file, data, "zstd") is None
    assert damaged_block(tmp_path / "none", data, "blosc") is None
    assert [damaged_block(file, SimpleNamespace(content=WELL, nbytes=n), "blosc") for n in (0, 1, LARGEST)] == [
        None,
        1,
        1,
    ]
    assert damaged_block(file, SimpleNamespace(content=WELL, nbytes=LARGEST + 1), "blosc") is None
    file.write_bytes(blosc_of(b"one", b"tw0", size=20))
    assert damaged_block(file, short, "blosc") is None, "of two blocks one may differ in another version too"
