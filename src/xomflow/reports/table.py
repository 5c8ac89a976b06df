"""Tables in HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

_MOST = 100


class Cell(NamedTuple):
    """A cell that is set apart: ``n`` for numbers, ``open`` and ``far`` for what needs a look."""

    text: str
    kind: str


def table(headings: Sequence[str], rows: Iterable[Sequence[str | Cell]]) -> str:
    """Return a table; a line instead if it has no rows, and only the first rows of very many.

    Parameters
    ----------
    headings
        Of the columns, as text. A column of numbers begins with ``#``.
    rows
        A cell for each column.
    """
    found = list(rows)
    if not found:
        return '<p class="none">nothing</p>'
    columns = [(heading.removeprefix("#"), "n" if heading.startswith("#") else "") for heading in headings]
    head = "".join(_cell("th", *column) for column in columns)
    body = "\n".join(_row(row, [kind for _, kind in columns]) for row in found[:_MOST])
    more = f'<p class="none">and {len(found) - _MOST:,} more</p>' if len(found) > _MOST else ""
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>{more}"


def _row(row: Sequence[str | Cell], kinds: Sequence[str]) -> str:
    cells = (
        _cell("td", one.text, f"{kind} {one.kind}".strip()) if isinstance(one, Cell) else _cell("td", one, kind)
        for one, kind in zip(row, kinds, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _cell(name: str, text: str, kind: str) -> str:
    of_kind = f' class="{kind}"' if kind else ""
    return f"<{name}{of_kind}>{escape(text)}</{name}>"
