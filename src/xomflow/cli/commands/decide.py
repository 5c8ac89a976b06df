"""Commands that write decisions."""

from __future__ import annotations

import argparse

from xomflow.cli.arguments import add_reason
from xomflow.cli.command import Command
from xomflow.config.model import Config
from xomflow.core.exit_code import ExitCode
from xomlib.printing import say


def accept(config: Config, options: argparse.Namespace) -> int:
    """Let a tick make the mass change before which it stopped; asks for the reason with --why."""
    from xomflow.workflow.requests.accept import accept as accept_changes

    say(*accept_changes(config, options.why, options.dry_run))
    return ExitCode.OK


def _of_accept(parser: argparse.ArgumentParser) -> None:
    add_reason(parser)
    parser.add_argument("--dry-run", action="store_true", help="print what would be accepted")


COMMANDS = (Command(accept, _of_accept),)
