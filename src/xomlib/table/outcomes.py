"""The finished outcomes of one version of an analysis, read from their files or from a cache of one's own."""

import os
import re
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple, Optional

from xomlib.files import digest, parse_json, read_bytes, read_json, write_atomically

_DONE = re.compile(r"\d{6}(?:-[0-9a-f]{4})?\.json", re.ASCII)
_SHELF = re.compile(r"\d{3}", re.ASCII)
_FORMS = ("xom-outcome-1", "xom-outcome-2")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SETTLED_NS = 2_000_000_000  # coarse file systems count full seconds
_FORM = 2  # of the cache; another number when the entries below change


class Row(NamedTuple):
    """One outcome, as far as a table needs it.

    Parameters
    ----------
    run_id
        Id of the run or campaign.
    members
        Numbers of the run, or of all runs of the campaign.
    start
        Nanoseconds since 1970.
    mode, tags
        When the run was analysed; tags separated by commas.
    ended
        When the attempt ended, UTC.
    figure
        Path of the first figure below ``work``; None: it has none.
    lineage
        Data types with their lineage hashes.
    results
        For each variable: name, value, error, unit, n, limit, insufficient, data, both sides of the error if they
        differ, else None.
    """

    run_id: str
    members: list
    start: int
    mode: str
    tags: str
    ended: str
    figure: Optional[str]
    lineage: str
    results: list


def names_in(folder: Path) -> list:
    """Return the names of the folders in a folder, in order; none if it is not there."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except FileNotFoundError:
        return []


class Outcomes:
    """The outcomes of one version of an analysis.

    Parameters
    ----------
    work
        The folder with all.
    analysis, version
        Which.

    Attributes
    ----------
    problems
        A sentence for each file that is left out.
    """

    def __init__(self, work: Path, analysis: str, version: str) -> None:
        self._folder = work / "outcomes" / analysis / version
        self._cache = _cache_of(work) / analysis / version
        self._key = (analysis, version)
        self.problems: list = []

    def rows(self) -> list:
        """Return all of them that have not been superseded, in the order of their runs."""
        shelves = [name for name in names_in(self._folder) if _SHELF.fullmatch(name)]
        return _without_overlaps([row for shelf in shelves for row in self._shelf(shelf)])

    def _shelf(self, name: str) -> list:
        """Return the outcomes of a shelf; if its folder has not changed, as they were read before."""
        status = os.stat(self._folder / name)
        stamp = [_FORM, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        kept = self._cache / f"{name}.json"
        try:
            before, rows = read_json(kept)
            if before == stamp:
                return [Row(*row) for row in rows]
        except (OSError, ValueError, TypeError):
            pass
        known = len(self.problems)
        rows = [row for path in self._files(name) if (row := self._read(path)) is not None]
        if len(self.problems) == known and time.time_ns() - max(stamp[1:3]) > _SETTLED_NS:
            _keep(kept, [stamp, rows])
        return rows

    def _files(self, shelf: str) -> Iterator[Path]:
        folder = self._folder / shelf
        return (folder / name for name in sorted(os.listdir(folder)) if _DONE.fullmatch(name))

    def _read(self, path: Path) -> Optional[Row]:
        try:
            document = parse_json(read_bytes(path))
            key = document["key"]
            if document["schema"] not in _FORMS or document["status"] != "done":
                raise ValueError("it is not the outcome of a finished run")
            if (key["analysis"], key["version"], key["run"]) != (*self._key, path.stem):
                raise ValueError(f"it is the outcome of {key['analysis']} {key['version']} {key['run']}")
            return _row(document, "/".join(("figures", *self._key, path.parent.name)))
        except FileNotFoundError:
            return None  # a tick has renamed it meanwhile
        except OSError as error:
            self.problems.append(f"{path} is left out, it cannot be read: {error.strerror}")
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            why = f"it lacks {error}" if isinstance(error, KeyError) else error
            self.problems.append(f"{path} is left out: {why}")
        return None


def _row(document: Any, figures: str) -> Row:
    key, run = document["key"]["run"], document["run"]
    moment = datetime.fromisoformat(run["start"].replace("Z", "+00:00")) - _EPOCH
    seconds, part = moment.days * 86_400 + moment.seconds, moment.microseconds
    names = ("variable", "value", "error", "unit", "n", "limit", "insufficient", "data")
    sides = ("error_low", "error_high")
    return Row(
        key,
        [int(one) for one in run.get("runs") or [run["number"]]],
        (seconds * 1_000_000 + part) * 1000,
        run["mode"],
        ",".join(run["tags"]),
        document["ended"],
        f"{figures}/{key}.{document['figures'][0]}" if document["figures"] else None,
        ", ".join(f"{name}:{one}" for name, one in sorted(document["provenance"]["lineage"].items())),
        [[*(result[name] for name in names), *map(result.get, sides)] for result in document["results"]],
    )


def _without_overlaps(rows: list) -> list:
    """Return what is published: a tick has renamed what it superseded, and what overlaps still comes with the next one.

    So of those that share a run, the one that was made first is the one that is published now.
    """
    if not any("-" in row.run_id for row in rows):
        return rows
    taken: set = set()
    for row in sorted(rows, key=lambda one: (one.ended, one.run_id)):
        if taken.isdisjoint(row.members):
            taken.update(row.members)
        else:
            rows = [one for one in rows if one is not row]
    return rows


def _cache_of(work: Path) -> Path:
    """Return where a person's own cache of a ``work`` folder is; everything in it can be deleted."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base, "xom", "results", digest(str(work.resolve()).encode()))


def _keep(place: Path, content: list) -> None:
    import contextlib
    import json

    with contextlib.suppress(OSError, ValueError):  # without a cache all files are read again
        write_atomically(place, json.dumps(content, separators=(",", ":")))
