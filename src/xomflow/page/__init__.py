"""The offline page: one folder that shows results and states in a browser, from disk, without a server or a network.

The folder holds the frame (HTML, style sheet, scripts; copied from ``assets``) and ``data/``: a status that each tick
writes, an index, and one chunk of points per (analysis, version, shelf), so that a tick rewrites only the chunks whose
runs changed. A page opened from disk cannot fetch, so every data file is a script with one statement,
``xom.receive(kind, text)``, whose text is JSON: the browser parses data and never runs them.

May import: outcomes, rundb, config, core. Must never decide anything about runs, or write outside its folder.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xomflow.outcomes.model import Outcome
from xomflow.page.chunk import NO_MARKS, chunk_of, non_finite
from xomlib.files import write_atomically

__all__ = ["has_chunk", "remove_chunks", "write_chunk", "write_frame", "write_index", "write_status"]

ASSETS = Path(__file__).parent / "assets"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_HEAD = re.compile(r"// xom-page-1 ([0-9a-f]{12}) (\d+) (-?\d+) (-?\d+)")


def write_frame(folder: Path) -> None:
    """Copy the page's own files into its folder; a file that has the same content already is not touched.

    Parameters
    ----------
    folder
        The page's folder; made if it does not exist.
    """
    for asset in sorted(ASSETS.iterdir()):
        if asset.is_file():
            _write_if_new(folder / asset.name, asset.read_bytes())


def write_chunk(
    folder: Path,
    analysis: str,
    version: str,
    shelf: str,
    outcomes: Iterable[Outcome],
    marks: Mapping[str, str] = NO_MARKS,
) -> None:
    """Write the points of one shelf of one version of an analysis.

    Parameters
    ----------
    folder
        The page's folder.
    analysis, version
        Which analysis the outcomes are from.
    shelf
        First three digits of the run ids, so at most 1000 runs.
    outcomes
        Outcomes with status "done", in any order. None at all removes the chunk.
    marks
        Why some of them are not made of what their groups of runs are now, by id.

    Raises
    ------
    ValueError
        If an outcome is not done, belongs to another chunk, comes twice, or holds NaN or infinity.
    """
    path = _chunk_path(folder, analysis, version, shelf)
    chunk = chunk_of(analysis, version, shelf, outcomes, marks)
    runs = chunk["runs"]["number"]
    if not runs:
        path.unlink(missing_ok=True)
        return
    body = _statement("chunk", chunk, f"{analysis} {version} shelf {shelf}")
    dated = [start for start in chunk["runs"]["start"] if start is not None] or [0]
    head = f"// xom-page-1 {_stamp(body)} {len(runs)} {min(dated)} {max(dated)}\n"
    _write_if_new(path, (head + body).encode())


def has_chunk(folder: Path, analysis: str, version: str, shelf: str) -> bool:
    """Return whether there is a good chunk of a shelf."""
    return _index_row(folder, (analysis, version, shelf)) is not None


def remove_chunks(folder: Path, analysis: str) -> None:
    """Remove all chunks of an analysis, which the next `write_index` leaves out."""
    shutil.rmtree(folder / "data" / analysis, ignore_errors=True)


def write_index(folder: Path, chunks: Sequence[tuple[str, str, str]]) -> None:
    """Write the list of chunks that the page loads.

    Each is listed with a stamp of its content (so that no browser shows an old one), its number of runs and the first
    and last start, all read from the first line of the chunk; a chunk without a good file is left out.

    Parameters
    ----------
    folder
        The page's folder.
    chunks
        (analysis, version, shelf) of each.

    """
    rows = [row for key in sorted(set(chunks)) if (row := _index_row(folder, key)) is not None]
    _write_if_new(folder / "data" / "index.js", _statement("index", {"chunks": rows}, "index").encode())


def write_status(folder: Path, status: dict[str, Any]) -> None:
    """Write the status of the last tick and of the runs.

    Parameters
    ----------
    folder
        The page's folder.
    status
        ``generated``, ``tick``, ``states`` (name, meaning, urgency), ``counts``, ``attention``, ``problems``,
        ``titles`` and, where there are any, ``science_runs`` (name, start, end).

    Raises
    ------
    ValueError
        If a number is NaN or infinite.
    """
    _write_if_new(folder / "data" / "status.js", _statement("status", status, "status").encode())


def _index_row(folder: Path, key: tuple[str, str, str]) -> list[Any] | None:
    path = _chunk_path(folder, *key)
    try:
        with path.open(encoding="ascii") as file:
            head = file.readline(200)
    except (OSError, ValueError):
        return None
    found = _HEAD.match(head)
    if found is None:
        return None
    stamp, runs, first, last = found.groups()
    return [*key, stamp, int(runs), int(first), int(last)]


def _chunk_path(folder: Path, analysis: str, version: str, shelf: str) -> Path:
    for what, name in (("analysis", analysis), ("version", version), ("shelf", shelf)):
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"the page cannot name a file after the {what} {name!r}: letters, digits, '_', '.' and '-' only"
            )
    return folder / "data" / analysis / version / f"{shelf}.js"


def _statement(kind: str, content: Any, place: str) -> str:
    """Return the one statement of a data file: JSON inside a JavaScript string, ASCII only, without a "<"."""
    try:
        text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise ValueError(f"{place}: {non_finite(content) or error}, which the page cannot show") from error
    literal = text.replace("<", "\\u003c").replace("\\", "\\\\").replace("'", "\\'")
    return f"xom.receive('{kind}','{literal}');\n"


def _stamp(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _write_if_new(path: Path, content: bytes) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)  # the page can be made again, so what is in its way has no worth
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    write_atomically(path, content)
