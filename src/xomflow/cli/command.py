"""What a command that a person types is made of."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from xomflow.config.model import Config


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing."""


class Needs(Enum):
    """What a command needs before it runs: nothing, the folder of the site, or the site with its configuration."""

    NOTHING = 1
    FOLDER = 2
    SITE = 3


@dataclass(frozen=True, slots=True)
class Command:
    """One command of ``xom``, as its parser and the call of it need it.

    Parameters
    ----------
    run
        Does it and returns the exit code. Its name is that of the command, its docstring the help. It gets the
        configuration, if it needs the site, and the options.
    add_arguments
        Adds its arguments to its parser.
    by_owner
        Whether only the account that owns ``work`` may use it.
    maintains
        Whether it is maintenance, and finishes one that was interrupted; no other command does anything before that.
    needs
        What has to be there.
    """

    run: Callable[[Config, argparse.Namespace], int] | Callable[[argparse.Namespace], int]
    add_arguments: Callable[[argparse.ArgumentParser], None] = no_arguments
    by_owner: bool = False
    maintains: bool = False
    needs: Needs = Needs.SITE

    @property
    def name(self) -> str:
        """The word that a person types."""
        return self.run.__name__.rstrip("_").replace("_", "-")  # `try` is a word of Python

    @property
    def help(self) -> str:
        """What it does, in one line."""
        return str(self.run.__doc__).splitlines()[0]
