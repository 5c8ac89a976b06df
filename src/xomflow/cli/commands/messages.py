"""Commands about messages to people."""

from __future__ import annotations

import argparse

from xomflow.cli.command import Command
from xomflow.cli.conventions import add_json
from xomflow.cli.table import say_table
from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.exit_code import ExitCode


def notify(config: Config, options: argparse.Namespace) -> int:
    """Print who is told by mail or chat, and what did not arrive; with --test send each a message."""
    from xomflow.workflow.messages.looking import recipients_now, send_test

    if options.test:
        rows, code = send_test(config, times.now())
        say_table(("recipient", "server", "problem"), rows, options.json)
        return code
    say_table(("recipient", "told", "problem"), recipients_now(config), options.json)
    return ExitCode.OK


def _of_notify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--test", action="store_true", help="send a test message to all, and call up the heartbeat")
    add_json(parser)


COMMANDS = (Command(notify, _of_notify),)
