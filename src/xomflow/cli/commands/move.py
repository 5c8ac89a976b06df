"""Commands for the way over from the first XOM."""

from __future__ import annotations

import argparse
from pathlib import Path

from xomflow.cli.command import Command, Needs
from xomflow.cli.conventions import Plan, add_conventions, carry_out
from xomflow.config.model import Config
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import Paths
from xomlib.printing import say


def import_config(options: argparse.Namespace) -> int:
    """Make a configuration from that of the first XOM, and name everything that has no counterpart."""
    from xomflow.workflow.requests.moving.import_config import CONFIGURATION
    from xomflow.workflow.requests.moving.import_config import import_config as read

    made = read(options.tool_config, options.analyses)
    say(*made.notes)
    if options.dry_run:
        say(*made.files[CONFIGURATION].splitlines(), "nothing was written")
        return ExitCode.OK
    made.write(options.output)
    say(*(str(options.output / path) for path in made.files), "next: docs/moving.md, and xom doctor in that folder")
    return ExitCode.OK


def import_points(config: Config, options: argparse.Namespace) -> int:
    """Take results of the first XOM over from its measurement, as versions history.v0.1 and so on."""
    from xomflow.workflow.requests.moving.import_points import read_history

    paths, history = Paths(config.work), read_history(config, options.measurement)
    keys = [one.key for one in history.outcomes]
    plan = Plan("to be taken over", keys, lambda: history.write(paths), notes=history.notes)
    return carry_out(plan, options)


def _of_import_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tool_config", type=Path, help="its tool_config.json")
    parser.add_argument("analyses", type=Path, help="its file of analyses, .cfg or .json")
    parser.add_argument(
        "--output", type=Path, default=Path(), help="folder of the new site, which has no config.yaml; default: here"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the configuration instead of writing it")


def _of_import_points(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("measurement", help="its measurement with results, such as prod_xomdata")
    add_conventions(parser)


COMMANDS = (
    Command(import_config, _of_import_config, needs=Needs.NOTHING),
    Command(import_points, _of_import_points, by_owner=True),
)
