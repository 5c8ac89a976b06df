"""The data files of the page: scripts with one statement, behind two lines of comment about its content."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from xomflow.page.chunk import non_finite
from xomlib.files import open_file, read_bytes, write_atomically

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# Changes with what a data file has in its head, or in its statement.
FORM = "xom-page-2"
_HEAD = re.compile(rf"// {FORM} ([0-9a-f]{{12}}) (.*)")
_LONGEST = 1_000_000  # characters of a head; a shelf with 500 variables has 100,000


class Head(NamedTuple):
    """What the first lines of a data file hold.

    Parameters
    ----------
    stamp
        Changes with the content.
    source
        What the file was made of, in the words of its writer.
    facts
        What is known without reading the rest.
    """

    stamp: str
    source: str
    facts: dict[str, Any]


def chunk_path(folder: Path, analysis: str, version: str, shelf: str, kind: str = "") -> Path:
    """Return the place of the points of a shelf, or of something else about the same runs.

    Raises
    ------
    ValueError
        If a name can be no name of a file.
    """
    for what, name in (("analysis", analysis), ("version", version), ("shelf", shelf)):
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"the page cannot name a file after the {what} {name!r}: letters, digits, '_', '.' and '-' only"
            )
    return folder / "data" / analysis / version / f"{shelf}{kind}.js"


def statement(kind: str, content: Any, place: str) -> str:
    """Return the one statement of a data file: JSON inside a JavaScript string, ASCII only, without a "<"."""
    literal = _json(content, place).replace("<", "\\u003c").replace("\\", "\\\\").replace("'", "\\'")
    return f"xom.receive('{kind}','{literal}');\n"


def with_head(body: str, facts: dict[str, Any], place: str, source: str = "") -> bytes:
    """Return a data file with its head."""
    stamp = hashlib.sha256(body.encode()).hexdigest()[:12]
    return f"// {FORM} {stamp} {source}\n// {_json(facts, place)}\n{body}".encode()


def read_source(path: Path) -> str | None:
    """Return the source in the head of a data file; None if there is no good one, as in files of an older version."""
    try:
        with open_file(path, "r", encoding="ascii") as file:
            found = _HEAD.match(file.readline(_LONGEST))
    except (OSError, ValueError):
        return None
    return found and found[2]


def read_head(path: Path) -> Head | None:
    """Return the head of a data file; None if there is no good one."""
    try:
        with open_file(path, "r", encoding="ascii") as file:
            found = _HEAD.match(file.readline(_LONGEST))
            facts = json.loads(file.readline(_LONGEST).removeprefix("// "))
    except (OSError, ValueError):
        return None
    return Head(found[1], found[2], facts) if found and isinstance(facts, dict) else None


def write_if_new(path: Path, content: bytes) -> None:
    """Write a file unless it has this content already."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)  # the page can be made again, so what is in its way has no worth
    try:
        if read_bytes(path) == content:
            return
    except (FileNotFoundError, IsADirectoryError):  # it is a link to a folder
        pass
    write_atomically(path, content)


def _json(content: Any, place: str) -> str:
    try:
        return json.dumps(content, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise ValueError(f"{place}: {non_finite(content) or error}, which the page cannot show") from error
