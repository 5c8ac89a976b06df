"""What a script reads through strax is taken down, and a read that fails is known as the cause."""

from __future__ import annotations

import importlib
import os
import pickle
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import fake_strax
from xomlib.process.failures import failure_of
from xomlib.process.reads import JOURNAL, Journal, failed_read, lineage_in, watch


@pytest.fixture
def strax(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A watched strax with one run: events of two chunks, and peaks that are damaged in several ways."""
    place = tmp_path / "site" / "strax"
    place.mkdir(parents=True)
    shutil.copy(fake_strax.__file__, place / "__init__.py")
    monkeypatch.syspath_prepend(str(place.parent))
    monkeypatch.delitem(sys.modules, "strax", raising=False)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
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
