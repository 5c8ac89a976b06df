"""The file with the verdicts on the results of a shelf: a line for each run, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xomflow.core.files.kept_json import write_kept
from xomflow.core.verdicts import run_in
from xomlib.files import open_file, read_text


class BandsFile:
    """The file of one shelf.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def starts(self) -> list[tuple[str, str]]:
        """Return the runs with their starts."""
        return [(run_in(line), line.split('"', 6)[5]) for line in self._lines()]

    @property
    def is_there(self) -> bool:
        """Whether there is a file; it may have no line."""
        return self._path.exists()

    def replace(self, after: str, upto: str, lines: Sequence[str]) -> None:
        """Replace the lines of some runs, and write a file if there is none. A damaged file is written anew.

        Later lines stay, though they are outdated, until their runs are judged again: an old band is better than none.

        Parameters
        ----------
        after, upto
            Ids of the run before the first one of these and of the last one.
        lines
            What stands there from now on.
        """
        before = self._lines()
        early = [line for line in before if run_in(line) <= after]
        late = [line for line in before if run_in(line) > upto]
        if [*early, *lines, *late] == before and self.is_there:
            return
        if before and len(early) == len(before):
            self._append(lines)
        else:
            write_kept(self._path, "".join([*early, *lines, *late]))

    def put(self, lines: Sequence[str]) -> None:
        """Put lines in their places, in place of those of the same runs."""
        there = {run_in(line): line for line in self._lines()}
        if lines and there and max(there) < run_in(lines[0]):
            self._append(lines)
        elif lines:
            there |= {run_in(line): line for line in lines}
            write_kept(self._path, "".join(there[run] for run in sorted(there)))

    def remove(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)

    def _append(self, lines: Sequence[str]) -> None:
        with open_file(self._path, "a", encoding="utf-8") as file:
            file.writelines(lines)

    def _lines(self) -> list[str]:
        try:
            text = read_text(self._path)
        except (OSError, ValueError):
            return []
        lines = text.splitlines(keepends=True)
        if lines and not lines[-1].endswith("]\n"):  # a tick was killed while it wrote it
            lines.pop()
            write_kept(self._path, "".join(lines))
        return lines
