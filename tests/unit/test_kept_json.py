"""Kept JSON files: whatever their damage, the answer is that of a missing file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xomflow.core.files.kept_json import dict_of, list_of, read_kept
from xomlib.files import dump_json

DAMAGED = [
    b"",
    b"{",
    b'{"a": "x", "b": ',
    b"null",
    b"5",
    b"true",
    b'"text"',
    b"[]",
    b'["a"]',
    b"[[]]",
    b'{"a": null}',
    b'{"a": 5}',
    b'{"a": true}',
    b'{"a": ["x"]}',
    b'{"a": {"a": "x"}}',
    b'{"a": "x", "b": 1}',
    b"\xff\xfe",
    b"\x00" * 100,
    b"[" * 100_000,
]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_counts_as_missing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "kept.json"
    path.write_bytes(content)
    assert read_kept(path, dict_of(str)) is None


def test_a_missing_file_a_folder_and_a_file_in_the_way_of_the_folder_count_as_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none.json", tmp_path, tmp_path / "file/kept.json"):
        assert read_kept(path, dict_of(str)) is None


def parse_deeply(value: Any) -> int:
    """A parser without checks of its own: it raises something else for every form."""
    return sum(int(one["number"]) // len(one["parts"]) for one in value["entries"].values())


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["entries", "number", "parts"]), inner),
        max_leaves=6,
    )
)
def test_no_form_of_json_raises(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = tmp_path_factory.mktemp("kept") / "kept.json"
    dump_json(path, value)
    assert isinstance(read_kept(path, parse_deeply), int | None)


@pytest.mark.parametrize(
    ("value", "parse"),
    [
        ({}, dict_of(str)),
        ({"a": "x"}, dict_of(str)),
        ({"a": {}}, dict_of(dict)),
        ([], list_of(str)),
        (["a"], list_of(str)),
    ],
)
def test_a_whole_file_is_returned(tmp_path: Path, value: Any, parse: Any) -> None:
    dump_json(tmp_path / "kept.json", value)
    assert read_kept(tmp_path / "kept.json", parse) == value


def test_a_text_and_an_object_are_no_array(tmp_path: Path) -> None:
    for value in ("ab", {"a": "b"}):
        dump_json(tmp_path / "kept.json", value)
        assert read_kept(tmp_path / "kept.json", list_of(str)) is None


def test_a_true_is_not_a_number(tmp_path: Path) -> None:
    dump_json(tmp_path / "kept.json", [1, True])
    assert read_kept(tmp_path / "kept.json", list_of(int)) is None
