"""The command for the shell: what completes the words of the others."""

from __future__ import annotations

import argparse
import contextlib
import os

from xomflow.cli.command import Command, Needs
from xomflow.core.errors import XomError
from xomflow.core.exit_code import ExitCode
from xomlib.printing import say


def completion(options: argparse.Namespace) -> int:
    """Print what completes commands in a shell: source <(xom completion bash)."""
    from xomflow.cli.completion import bash_script, words_of, zsh_script

    if options.shell == "analyses":
        with contextlib.suppress(XomError, OSError):  # a shell that completes a word has no use for a sentence
            say(" ".join(_analyses(options)))
        return ExitCode.OK
    script = {"bash": bash_script, "zsh": zsh_script}[options.shell]
    say(*script(words_of(options.parser)).split("\n"))
    return ExitCode.OK


def _analyses(options: argparse.Namespace) -> list[str]:
    from xomflow.cli.site import find_site
    from xomflow.config.load import load_configuration

    os.chdir(find_site(options.site, options.config))
    return list(load_configuration(options.config, check_files=False).blocks)


def _of_completion(parser: argparse.ArgumentParser) -> None:
    shells = ("bash", "zsh", "analyses")
    parser.add_argument("shell", choices=shells, help="the shell; or analyses: the names of those of the site")


COMMANDS = (Command(completion, _of_completion, needs=Needs.NOTHING),)
