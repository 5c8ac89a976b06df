"""What all commands have in common that change something: how many keys, a dry-run, a question before many."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from xomflow.cli.table import say_json
from xomflow.core.errors import UsageError
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import Key
from xomflow.core.messages import some_of
from xomlib.printing import say

# More keys than this are not touched without a question.
MANY = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What a command is about to do.

    Parameters
    ----------
    what
        A phrase that follows a number of keys, such as ``to be tried again now``.
    keys
        What it touches.
    act
        Does it; returns a sentence for each thing that it has done.
    notes
        Sentences that are printed before, such as what is passed over.
    may_be_many
        Whether it does not ask, however many keys it touches: it changes none of them.
    about
        What is printed instead of a number of keys, for what is about none; empty: that number.
    """

    what: str
    keys: Sequence[Key]
    act: Callable[[], Iterable[str]]
    notes: Sequence[str] = ()
    may_be_many: bool = False
    about: str = ""

    @property
    def sentence(self) -> str:
        """How many keys are touched, how, and some of them."""
        if self.about:
            return f"{self.about} {self.what}"
        number = len(self.keys)
        some = f": {some_of([str(key).strip() for key in self.keys])}" if self.keys else ""
        return f"{number} {'key' if number == 1 else 'keys'} {self.what}{some}"


def nothing(what: str, about: str) -> Plan:
    """Return the plan of a command that has nothing to do; see `Plan`."""
    return Plan(what, (), lambda: (), about=about)


def add_conventions(parser: argparse.ArgumentParser) -> None:
    """Add the options that each command has that changes something."""
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and do nothing")
    parser.add_argument("--yes", action="store_true", help=f"do not ask, however many keys are touched (above {MANY})")
    add_json(parser)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def carry_out(plan: Plan, options: argparse.Namespace) -> int:
    """Print what a command is about to do and, unless it is a dry-run or a person declines, do it.

    Raises
    ------
    UsageError
        If it touches many keys, and there is neither ``--yes`` nor a terminal to ask, or the question is interrupted.
    """
    if not options.json:
        say(*plan.notes, plan.sentence)
    goes_on = not options.dry_run and _agreed(plan, options)
    done = list(plan.act()) if goes_on else []
    if options.json:
        keys = [key.as_dict() for key in plan.keys]
        say_json(
            {
                "what": plan.sentence if plan.about else plan.what,
                "keys": keys,
                "notes": list(plan.notes),
                "done": done,
                "dry_run": options.dry_run,
            }
        )
    elif not goes_on:
        say("nothing was done")
    elif done:
        say(*done)
    return ExitCode.OK


def _agreed(plan: Plan, options: argparse.Namespace) -> bool:
    if len(plan.keys) <= MANY or options.yes or plan.may_be_many:
        return True
    if options.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"{len(plan.keys)} keys are more than {MANY}, and there is no terminal to ask: look at it with --dry-run, "
            "then add --yes; nothing was done"
        )
    say("go on? [y/N]", file=sys.stderr)
    try:
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except KeyboardInterrupt:
        raise UsageError("\ninterrupted; nothing was done") from None
