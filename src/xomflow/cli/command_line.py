"""The command line of people: all commands in groups, their parser, and what is checked before one of them runs."""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xomflow.cli.command import Command, Needs
from xomflow.cli.commands import (
    analyse,
    dashboards,
    decide,
    examine,
    look,
    maintain,
    measure,
    messages,
    move,
    publish,
    shell,
)
from xomflow.cli.site import find_site
from xomflow.config.load import load_configuration
from xomflow.core.account import must_own, other_owner, whose
from xomflow.core.errors import UsageError
from xomflow.core.files.folder_marks import check_folders
from xomflow.core.files.maintenance import check_finished
from xomflow.core.files.work_format import check_format
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import Paths
from xomflow.workflow.trials import as_decided
from xomlib.printing import say

GROUPS: dict[str, tuple[Command, ...]] = {
    "look": (*look.COMMANDS, *measure.COMMANDS, *examine.COMMANDS),
    "decide, with a reason": decide.COMMANDS,
    "act": (*maintain.COMMANDS, *publish.COMMANDS, *dashboards.COMMANDS, *messages.COMMANDS),
    "analyse": analyse.COMMANDS,
    "move over from the first XOM": move.COMMANDS,
    "this shell": shell.COMMANDS,
}
COMMANDS: tuple[Command, ...] = tuple(command for commands in GROUPS.values() for command in commands)


class _Parser(argparse.ArgumentParser):
    """A parser of one command, which takes options between the words of RUNS too."""

    _inside = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse options first, then the other words."""
        if self._inside:
            return super().parse_known_args(args, namespace)
        self._inside = True  # the next method calls this one
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._inside = False


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; what it reads has its `Command` in ``command``, itself in ``parser``."""
    parser = argparse.ArgumentParser(
        prog="xom",
        usage="xom COMMAND ...",
        description="XENONnT Offline Monitoring: look at a site and act on it.",
        epilog=_overview(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    site = _Parser(add_help=False)
    site.add_argument(
        "--site", type=Path, help="folder with config.yaml; default: $XOM_SITE, else here or the nearest folder above"
    )
    site.add_argument(
        "--config", type=Path, default=Path("config.yaml"), help="configuration, within the site; default: %(default)s"
    )
    overview = argparse.SUPPRESS  # stands in the epilog
    parsers = parser.add_subparsers(required=True, metavar="COMMAND", prog="xom", parser_class=_Parser, help=overview)
    for command in COMMANDS:
        own = parsers.add_parser(command.name, description=command.help, parents=[site])
        own.set_defaults(command=command, parser=parser)
        command.add_arguments(own)
    return parser


def _overview() -> str:
    """Return all commands by group, each with its help, in lines that fit the terminal."""
    room = max(60, shutil.get_terminal_size().columns)
    widest = max(len(command.name) for command in COMMANDS)
    wrap = functools.partial(textwrap.fill, width=room, subsequent_indent=" " * (widest + 4))
    groups = (
        "\n".join([f"{title}:", *(wrap(f"  {one.name:{widest}}  {one.help}") for one in commands)])
        for title, commands in GROUPS.items()
    )
    return "\n\n".join([*groups, "xom COMMAND --help describes the words and options of a command."])


def _check_command(words: list[str]) -> None:
    """Raise `UsageError` where the first word is no command; argparse would list them all."""
    first, names = (words or ["--help"])[0], [command.name for command in COMMANDS]
    if first in ("-h", "--help", *names):
        return
    if first.startswith("-"):
        raise UsageError(f"{first} stands before the command: write xom COMMAND first, and options after it")
    raise UsageError(f"xom has no command {first!r}{did_you_mean(first, names)} (xom --help lists them)")


def main(words: list[str]) -> int:
    """Run one of these commands in the folder of its site and return its exit code."""
    _check_command(words)
    options = make_parser().parse_args(words)
    command: Command = options.command
    run: Callable[..., int] = command.run
    if command.needs is Needs.NOTHING:
        return run(options)
    os.chdir(find_site(options.site, options.config))  # a configuration's relative paths begin there
    if command.needs is Needs.FOLDER:
        return run(options)
    config = load_configuration(options.config)
    if command.by_owner:
        must_own(config.work)
    elif owner := other_owner(config.work):
        say(whose(config.work, owner), file=sys.stderr)
    check_folders(Paths(config.work))
    check_format(Paths(config.work))
    if not command.maintains:
        check_finished(Paths(config.work))
    return run(as_decided(config), options)
