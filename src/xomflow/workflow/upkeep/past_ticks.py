"""The ticks of the past: their files are in a folder for each tick or, after a day, in an archive for each day."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xomflow.core.files.archive import DamagedArchiveError, names_in_archive, read_all_from_archive, read_from_archive
from xomflow.core.files.kept_json import UNREADABLE
from xomflow.core.paths import Paths, TickPaths
from xomflow.outcomes.files import names_in
from xomflow.planning.progress.claims import Claim, began_at, claims_in
from xomlib.files import read_bytes, read_text

# Bytes of a file without claims, which most ticks have.
_EMPTY = 3
_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PastTick:
    """A tick that has begun.

    Parameters
    ----------
    files
        Where its files are, or were.
    began
        When it began.
    archive
        Where they are after a day.
    """

    files: TickPaths
    began: datetime
    archive: Path

    @property
    def name(self) -> str:
        """The name of the tick, which is that of its folder."""
        return self.files.folder.name

    def read(self, file: Path) -> str | None:
        """Return the content of one of its files; None if it has no such file.

        Raises
        ------
        DamagedArchiveError
            If the file may be in an archive that cannot be read.
        """
        try:
            return read_text(file, errors="replace")
        except (FileNotFoundError, NotADirectoryError):  # a file is in the archive before it is removed
            content = read_from_archive(self.archive, str(file.relative_to(self.files.folder.parent)))
            return None if content is None else content.decode(errors="replace")

    def read_json(self, file: Path) -> Any:
        """Return the JSON value in one of its files; None if it has no such file, or a damaged one."""
        try:
            return json.loads(self.read(file) or "null")
        except ValueError:
            return None


def past_ticks(
    paths: Paths,
    problems: list[str],
    since: datetime = _ALWAYS,
    until: datetime | None = None,
    newest_first: bool = True,
) -> Iterator[PastTick]:
    """Yield the ticks that began in a period, in order; the archives of further days are not opened for the next one.

    Parameters
    ----------
    paths
        Where they are.
    problems
        Gets a sentence for each archive that cannot be read; its ticks are left out.
    since, until
        The period, both ends included; default: since ever, and until now.
    newest_first
        Whether the order is that.
    """
    there = set(names_in(paths.ticks))
    for day in sorted({name[:8] for name in there}, reverse=newest_first):
        if day < f"{since:%Y%m%d}" or (until and day > f"{until:%Y%m%d}"):
            continue
        archive = paths.tick_archive(f"{day}T")
        names = {name for name in there if name.startswith(day)} | _names(archive, problems)
        for name in sorted(names, reverse=newest_first):
            began = began_at(name)
            if began and since <= began and (until is None or began <= until):
                yield PastTick(TickPaths(paths.tick(name)), began, archive)


def claims_of_ticks(paths: Paths, problems: list[str]) -> Iterator[tuple[datetime, str, Claim]]:
    """Yield all claims of all ticks that are kept, with the time and the name of the tick; damaged ones are left out.

    Parameters
    ----------
    paths
        Where they are.
    problems
        Gets a sentence for each archive that cannot be read.
    """
    found = {name: _read(TickPaths(paths.tick(name)).claims) for name in names_in(paths.ticks)}
    for archive in (paths.ticks / name for name in names_in(paths.ticks) if name.endswith(".zip")):
        try:
            files = read_all_from_archive(archive, _has_claims)
        except DamagedArchiveError as error:
            problems.append(str(error))
        else:
            found = {name.partition("/")[0]: content for name, content in files.items()} | found
    for tick, content in found.items():
        began = began_at(tick)
        with contextlib.suppress(*UNREADABLE):
            if began:
                yield from ((began, tick, claim) for claim in claims_in(json.loads(content)))


def _has_claims(name: str, size: int) -> bool:
    return size > _EMPTY and name.partition("/")[2] == TickPaths(Path()).claims.name


def _read(file: Path) -> bytes:
    try:
        return read_bytes(file)
    except OSError:
        return b""


def _names(archive: Path, problems: list[str]) -> set[str]:
    try:
        return {name.partition("/")[0] for name in names_in_archive(archive)}
    except DamagedArchiveError as error:
        problems.append(str(error))
        return set()
