"""What a person may type, as a text: a line for each command, and one for each of its words and options.

    python tests/support/interface.py

writes the kept text anew, after a change of commands.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2] / name) for name in ("src", "tests")]

from xomflow.cli.command_line import COMMANDS, make_parser

KEPT = Path(__file__).resolve().parents[1] / "data/commands.txt"


def interface() -> str:
    """Return the whole text."""
    (commands,) = (one for one in make_parser()._actions if isinstance(one, argparse._SubParsersAction))
    lines = [line for command in COMMANDS for line in _lines(command.name, commands.choices[command.name])]
    return "\n".join([*lines, ""])


def _lines(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    command = parser.get_default("command")
    more = [f"needs {command.needs.name.lower()}"]
    more += ["by the owner"] * command.by_owner + ["maintains"] * command.maintains
    yield f"{name}: {command.help} ({', '.join(more)})"
    apart = [set(map(id, group._group_actions)) for group in parser._mutually_exclusive_groups]
    for action in parser._actions:
        if action.dest in ("help", "site", "config"):
            continue
        facts = {
            "type": getattr(action.type, "__name__", None),
            "nargs": action.nargs,
            "choices": action.choices,
            "default": action.default if action.default not in (None, False) else None,
            "required": action.required if action.option_strings else None,
            "one of": next((number for number, ids in enumerate(apart, 1) if id(action) in ids), None),
        }
        given = ", ".join(f"{fact} {value}" for fact, value in facts.items() if value not in (None, False))
        names = " ".join(action.option_strings) or str(action.metavar or action.dest)
        yield f"    {names} -> {action.dest} [{given}]: {'-' if action.help == argparse.SUPPRESS else action.help}"


if __name__ == "__main__":
    KEPT.write_text(interface(), encoding="utf-8")
