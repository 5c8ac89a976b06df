"""The offline page: one folder that shows results and states in a browser, from disk, without a server or a network.

The folder holds the frame (HTML, style sheet, scripts; copied from ``assets``) and ``data/``: a status that each tick
writes, the alarms, an index, the newest result of each variable, and for each (analysis, version, shelf) one chunk of
points and one of what was expected of them, so that a tick rewrites only what changed. A page opened from disk cannot
fetch, so every data file is a script with one statement, ``xom.receive(kind, text)``, whose text is JSON: the browser
parses data and never runs them.

May import: outcomes, rundb, config, core. Must never decide anything about runs, or write outside its folder.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xomflow.core.files.stamps import stamp_of
from xomflow.core.verdicts import Alarm, SeriesId, Verdict
from xomflow.outcomes.model import Outcome
from xomflow.page.bands import bands_of
from xomflow.page.chunk import NO_MARKS, chunk_of, modes_of
from xomflow.page.files import FORM, chunk_path, read_head, read_source, statement, with_head, write_if_new
from xomflow.page.newest import merged, newest_results, newest_verdicts

__all__ = [
    "bands_source",
    "has_chunk",
    "look_of",
    "remove_chunks",
    "write_alarms",
    "write_bands",
    "write_chunk",
    "write_frame",
    "write_index",
    "write_status",
]

ASSETS = Path(__file__).parent / "assets"
_BANDS = ".bands"
_MOST_ALARMS = 500


def write_frame(folder: Path) -> None:
    """Copy the page's own files into its folder; a file that has the same content already is not touched.

    Scripts of an older version that the frame does not have any more are removed.

    Parameters
    ----------
    folder
        The page's folder; made if it does not exist.
    """
    assets = [path for path in sorted(ASSETS.rglob("*")) if path.is_file()]
    for asset in assets:
        write_if_new(folder / asset.relative_to(ASSETS), asset.read_bytes())
    for script in folder.glob("*.js"):
        if not (ASSETS / script.name).exists():
            script.unlink()


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
    path = chunk_path(folder, analysis, version, shelf)
    done = list(outcomes)
    chunk = chunk_of(analysis, version, shelf, done, marks)
    runs = chunk["runs"]["number"]
    if not runs:
        for one in (path, chunk_path(folder, analysis, version, shelf, _BANDS)):
            one.unlink(missing_ok=True)
        return
    place = f"{analysis} {version} shelf {shelf}"
    starts = chunk["runs"]["start"]
    facts = {
        "runs": len(runs),
        "first": min(starts),
        "last": max(starts),
        "results": sum(len(one["run"]) for one in chunk["variables"].values()),
        "modes": modes_of(done),
        "newest": newest_results(done),
    }
    write_if_new(path, with_head(statement("chunk", chunk, place), facts, place))


def write_bands(
    folder: Path,
    analysis: str,
    version: str,
    shelf: str,
    bands: Mapping[SeriesId, Sequence[Verdict]],
    source: str,
) -> None:
    """Write what was expected of the results of one shelf.

    Parameters
    ----------
    folder
        The page's folder.
    analysis, version, shelf
        As of the chunk beside it.
    bands
        The verdicts of each series, in the order of runs. None at all removes the file.
    source
        What `bands_source` returns of this file later: it shows whether the verdicts have changed since.
    """
    path = chunk_path(folder, analysis, version, shelf, _BANDS)
    if not bands:
        path.unlink(missing_ok=True)
        return
    place = f"{analysis} {version} shelf {shelf} bands"
    body = statement("bands", bands_of(analysis, version, shelf, bands), place)
    write_if_new(path, with_head(body, {"newest": newest_verdicts(bands)}, place, source))


def bands_source(folder: Path, analysis: str, version: str, shelf: str) -> str:
    """Return the source with which the bands of a shelf were written; empty if there are none."""
    return read_source(chunk_path(folder, analysis, version, shelf, _BANDS)) or ""


def has_chunk(folder: Path, analysis: str, version: str, shelf: str) -> bool:
    """Return whether there is a good chunk of a shelf; one of an older version is none."""
    return read_source(chunk_path(folder, analysis, version, shelf)) is not None


def look_of(folder: Path, analysis: str, version: str, shelf: str) -> str:
    """Return a text that differs whenever a file of a shelf was written or removed; neither is read."""
    place = f"{folder}/data/{analysis}/{version}/{shelf}"
    return f"{FORM} {stamp_of(f'{place}.js')} {stamp_of(f'{place}{_BANDS}.js')}"


def remove_chunks(folder: Path, analysis: str) -> None:
    """Remove all chunks of an analysis, which the next `write_index` leaves out."""
    shutil.rmtree(folder / "data" / analysis, ignore_errors=True)


def write_index(folder: Path, chunks: Sequence[tuple[str, str, str]]) -> None:
    """Write the list of chunks that the page loads, and the newest result of each variable.

    Each chunk is listed with a stamp of its content (so that no browser shows an old one), its number of runs and of
    results, the first and last start, its run modes and the stamp of its bands, all read from heads of files; a chunk
    without a good file is left out. Nothing is read if no file has changed since.

    Parameters
    ----------
    folder
        The page's folder.
    chunks
        (analysis, version, shelf) of each.
    """
    keys = sorted(set(chunks))
    index, digest = folder / "data" / "index.js", hashlib.sha256(repr(keys).encode()).hexdigest()[:12]
    folders = {folder / "data" / analysis / version for analysis, version in dict.fromkeys(key[:2] for key in keys)}
    if read_source(index) == digest and _is_newer(index, folders):
        return
    rows: list[list[Any]] = []
    parts: dict[tuple[str, str], list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for key in keys:
        head = read_head(chunk_path(folder, *key))
        if head is None:
            continue
        facts, bands = head.facts, read_head(chunk_path(folder, *key, _BANDS))
        numbers = [facts[name] for name in ("runs", "first", "last", "results")]
        rows.append([*key, head.stamp, *numbers, facts["modes"], bands.stamp if bands else None])
        judged = bands.facts["newest"] if bands else {}
        parts.setdefault((key[0], key[1]), []).append((facts["newest"], judged))
    newest: dict[str, dict[str, Any]] = {}
    for (analysis, version), of_shelves in parts.items():
        newest.setdefault(analysis, {})[version] = merged(of_shelves)
    write_if_new(folder / "data" / "newest.js", statement("newest", newest, "newest").encode())
    write_if_new(index, with_head(statement("index", {"chunks": rows}, "index"), {}, "index", digest))
    os.utime(index)  # it is as new as what it lists


def _is_newer(file: Path, folders: Iterable[Path]) -> bool:
    """Return whether nothing was written or removed in some folders since a file was written."""
    try:
        return all(folder.stat().st_mtime_ns < file.stat().st_mtime_ns for folder in folders)
    except FileNotFoundError:
        return False


def write_alarms(folder: Path, alarms: Sequence[Alarm]) -> None:
    """Write the alarms, the newest first; of those that need nobody only the newest ones.

    Parameters
    ----------
    folder
        The page's folder.
    alarms
        All alarms, the newest first.
    """
    shown = [one for i, one in enumerate(alarms) if i < _MOST_ALARMS or one.needs_reason]
    content = {"alarms": [one.to_json() for one in shown]}
    write_if_new(folder / "data" / "alarms.js", statement("alarms", content, "alarms").encode())


def write_status(folder: Path, status: dict[str, Any]) -> None:
    """Write the status of the last tick and of the runs.

    Parameters
    ----------
    folder
        The page's folder.
    status
        ``generated``, ``tick``, ``states`` (name, meaning, urgency), ``counts``, ``attention``, ``problems``,
        ``titles`` and, where there are any, ``science_runs`` (name, start, end) and ``events`` (kind, title, text,
        start, end, analysis).

    Raises
    ------
    ValueError
        If a number is NaN or infinite.
    """
    write_if_new(folder / "data" / "status.js", statement("status", status, "status").encode())
