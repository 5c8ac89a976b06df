"""Commands as a person types them, in the test's own process: such a command takes milliseconds."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from support.in_process import FastSite
from xomflow.cli import main
from xomflow.decisions.files import account


class Typed(NamedTuple):
    """What a command has printed, line by line, and its exit code."""

    out: Sequence[str]
    err: Sequence[str] = ()
    code: int = 0


class Console:
    """A person at a site; who it is, when it is and where the site lies have the same words in each test."""

    def __init__(self, site: FastSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.site = site
        self._capsys, self._patch = capsys, monkeypatch

    def __call__(self, *words: str) -> Typed:
        """Type one command; a single text has all of its words."""
        self.site.write_config()
        self.site.work.mkdir(exist_ok=True)
        with self._patch.context() as patch:
            patch.chdir(self.site.folder)
            patch.setattr("sys.excepthook", None)
            self._capsys.readouterr()
            code = main(words[0].split() if len(words) == 1 else list(words))
        found = self._capsys.readouterr()
        return Typed(self._plain(found.out), self._plain(found.err), code)

    def _plain(self, text: str) -> list[str]:
        """Return lines in which the columns of a table are divided by a bar."""
        text = text.replace(str(self.site.folder), "SITE").replace(account(os.geteuid()), "WHO")
        text = re.sub(r"20\d{6}T\d{6}Z-([a-z-]+)-WHO(-\d)?", r"TIME-\1-WHO", text)  # the second one of a second
        text = re.sub(r"20\d\d-\d\d-\d\dT[\d:.]+Z", "TIME", text)
        return [re.sub(r"(?<=\S) {2,}(?=\S)", " | ", line) for line in text.splitlines()]
