"""JSON files that are kept from tick to tick and can be deleted at any time: a damaged one counts as deleted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from xomlib.files import read_json, write_atomically

T = TypeVar("T")

# What reading a document of an unexpected form raises; pydantic's ValidationError is a ValueError.
UNREADABLE = (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


def read_kept(path: Path, parse: Callable[[Any], T]) -> T | None:
    """Return the content of a kept file; None if the file is missing or damaged.

    Parameters
    ----------
    path
        The file.
    parse
        Turns the JSON value into what the caller needs. It checks all that the caller relies on, and may raise
        `ValueError`, `TypeError`, `LookupError`, `AttributeError` or `ArithmeticError` where the value has another
        form.
    """
    try:
        return parse(read_json(path))
    except UNREADABLE:
        return None


def write_kept(path: Path, content: str) -> None:
    """Write a kept file; a folder or another thing in its place is removed, since kept files can be made again."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    write_atomically(path, content)


def dict_of(kind: type[T]) -> Callable[[Any], dict[str, T]]:
    """Return a parser for `read_kept` that accepts a JSON object whose values all have one type.

    Parameters
    ----------
    kind
        The type, exactly: ``True`` is not an ``int``.
    """

    def parse(value: Any) -> dict[str, T]:
        if type(value) is not dict or not all(type(one) is kind for one in value.values()):
            raise TypeError(f"an object of {kind.__name__} is needed")
        return value

    return parse


def list_of(kind: type[T]) -> Callable[[Any], list[T]]:
    """Return a parser for `read_kept` that accepts a JSON array whose items all have one type; see `dict_of`."""

    def parse(value: Any) -> list[T]:
        if type(value) is not list or not all(type(one) is kind for one in value):
            raise TypeError(f"an array of {kind.__name__} is needed")
        return value

    return parse
