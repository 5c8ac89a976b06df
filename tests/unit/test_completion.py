"""`xom completion` prints what completes commands in a real shell."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.in_process import FastSite
from support.patience import PATIENCE
from xomflow.cli.command_line import COMMANDS, make_parser
from xomflow.cli.completion import bash_script, words_of, zsh_script


@pytest.fixture
def site(site: FastSite) -> FastSite:
    site.analysis("moody", "pass")
    site.analysis("mild", "pass")
    site.write_config()
    return site


def path_with_xom(folder: Path) -> str:
    """A PATH whose `xom` is this one."""
    program = folder / "bin/xom"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m xomflow "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def test_bash_completes_commands_options_values_and_names_of_analyses(site: FastSite) -> None:
    lines = [["xom", "st"], ["xom", "status", "--fa"], ["xom", "log", "m"], ["xom", "completion", "z"]]
    lines += [["xom", "status", "--site", ""], ["xom", "history", "--j"]]
    script = "source <(xom completion bash)\n"
    for words in lines:
        quoted = " ".join(f"'{word}'" for word in words)
        script += f'COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _xom; echo "${{COMPREPLY[@]}}"\n'
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=site.folder,
        env={**os.environ, "PATH": path_with_xom(site.folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.split("\n") == ["status", "--failed", "moody mild", "zsh", "", "--json", ""]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_zsh_completes_commands_options_and_names_of_analyses(site: FastSite) -> None:
    environment = {**os.environ, "PATH": path_with_xom(site.folder), "TERM": "dumb", "PS1": "", "PROMPT": ""}
    terminal = Terminal(["zsh", "-f", "-i"], site.folder, environment)
    terminal.type("autoload -U compinit; compinit -u -D; source <(xom completion zsh); echo re''ady\n")
    terminal.wait_for("ready")
    for typed, completed in (
        ("xom hist\t", "history "),
        ("xom status --fai\t", "--failed "),
        ("xom log moo\t", "moody "),
    ):
        terminal.type(f"{typed}'end' \x01echo \n")
        terminal.wait_for(f"{completed}end")
    terminal.close()


def test_every_command_is_completed_in_both_shells() -> None:
    words = words_of(make_parser())
    assert list(words) == [command.name for command in COMMANDS]
    assert [one.help for one in words.values()] == [command.help for command in COMMANDS]
    assert all({"--site", "--config", "--help"} <= one.options.keys() for one in words.values())
    for script in (bash_script(words), zsh_script(words)):
        assert all(f"{name})" in script for name in words)


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._end, other = pty.openpty()
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=other, stdout=other, stderr=other, start_new_session=True
        )
        os.close(other)
        self._shown = ""

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def wait_for(self, text: str) -> None:
        until = time.monotonic() + PATIENCE
        while text not in self._shown:
            assert select.select([self._end], [], [], until - time.monotonic())[0], self._shown
            self._shown += os.read(self._end, 4096).decode(errors="replace")
        self._shown = self._shown.partition(text)[2]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._end)
