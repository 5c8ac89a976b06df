"""Tables that fit the terminal, and the same as JSON."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from xomlib.printing import printable, say

_GAP = "  "
_LEAST = 6

# Headings and rows.
Table = tuple[Sequence[str], Sequence[Sequence[Any]]]


def say_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], as_json: bool = False) -> None:
    """Print a table; in a terminal it is not wider than that.

    Parameters
    ----------
    headings
        Of the columns; in JSON the names of the entries.
    rows
        A cell for each column; None is an empty one.
    as_json
        Whether a list of JSON objects is printed instead.
    """
    if as_json:
        say_json([dict(zip(headings, row, strict=True)) for row in rows])
        return
    say(*table(headings, rows, terminal_width()))


def terminal_width() -> int | None:
    """Return how long a line may be; None if the output is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def say_lines(heading: str, lines: Iterable[str], as_json: bool = False) -> None:
    """Print lines, or a list of JSON objects with one entry each."""
    if as_json:
        say_json([{heading: line} for line in lines])
    else:
        say(*lines)


def say_json(content: Any) -> None:
    """Print something as JSON."""
    say(*json.dumps(content, indent=1, default=str).split("\n"))


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]], width: int | None = None) -> Iterator[str]:
    """Yield the lines of a table.

    Parameters
    ----------
    headings, rows
        See `say_table`.
    width
        How long a line may be; None: as long as it is. The widest columns are narrowed, and their cells wrapped.
    """
    cells = [[printable("" if cell is None else str(cell)) for cell in row] for row in (headings, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if width is not None:
        widths = _narrowed(widths, width - len(_GAP) * (len(widths) - 1))
    for row in cells:
        wrapped = [_wrapped(cell, size) for cell, size in zip(row, widths, strict=True)]
        for line in zip_longest(*wrapped, fillvalue=""):
            yield _GAP.join(part.ljust(size) for part, size in zip(line, widths, strict=True)).rstrip()


def _narrowed(widths: list[int], most: int) -> list[int]:
    """Return widths with a smaller sum: those above a common bound are cut to it."""
    bound = max(widths)
    while bound > _LEAST and sum(min(size, bound) for size in widths) > most:
        bound -= 1
    return [min(size, bound) for size in widths]


def _wrapped(cell: str, size: int) -> list[str]:
    return [cell] if len(cell) <= size else textwrap.wrap(cell, size)
