"""Commands about messages and reports to people."""

from __future__ import annotations

import argparse
from datetime import timedelta
from pathlib import Path

from xomflow.cli.arguments import past_moment, positive
from xomflow.cli.command import Command
from xomflow.cli.conventions import add_json
from xomflow.cli.table import say_table
from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.given_times import seconds_of
from xomlib.printing import say


def notify(config: Config, options: argparse.Namespace) -> int:
    """List the recipients of messages by mail or chat, and what did not arrive; with --test send each one a message."""
    from xomflow.workflow.messages.looking import recipients_now, send_test

    if options.test:
        rows, code = send_test(config, times.now())
        say_table(("recipient", "server", "problem"), rows, options.json)
        return code
    say_table(("recipient", "told", "problem"), recipients_now(config), options.json)
    return ExitCode.OK


def watch(config: Config, options: argparse.Namespace) -> int:
    """Send a message if no tick has ended for too long; for a timer of its own, beside that of ticks."""
    from xomflow.workflow.messages.watch import longest_silence
    from xomflow.workflow.messages.watch import watch as look

    longest = longest_silence(config) if options.older_than is None else timedelta(seconds=options.older_than)
    found = look(config, longest, times.now().replace(microsecond=0))
    if found.sentences:
        say(*found.sentences)
    return found.code


def _of_watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--older-than",
        type=_length,
        metavar="TIME",
        help="the longest time without the end of a tick, as '2 h'; default: three times page.interval, at least 1 h",
    )


def _length(text: str) -> float:
    try:
        return seconds_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None


def report(config: Config, options: argparse.Namespace) -> int:
    """Write the report of a week for a meeting, one HTML file and its PDF; reads the site only."""
    from xomflow.reports.facts import Period
    from xomflow.workflow.messages.week import write_report

    until = (options.until or times.now()).replace(microsecond=0)
    period = Period(until - timedelta(days=7 if options.week else options.days), until)
    file = options.output / f"xom-{until:%Y-%m-%d}.html" if options.output.is_dir() else options.output
    say(*write_report(config, period, file))
    return ExitCode.OK


def _of_report(parser: argparse.ArgumentParser) -> None:
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--week", action="store_true", help="of seven days")
    length.add_argument("--days", type=positive, help="of so many days")
    parser.add_argument(
        "--until", type=past_moment, metavar="DATE", help="their end, as 2026-11-20 or 2026-11-20T12:00; default: now"
    )
    # Of the working directory when it is typed: a command itself works in the folder of the site.
    parser.add_argument(
        "--output", type=_here, default=".", metavar="FILE", help="file, or folder for xom-<date>.html; default: here"
    )


def _here(text: str) -> Path:
    return Path(text).absolute()


def _of_notify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--test", action="store_true", help="send a test message to all, and call up the heartbeat")
    add_json(parser)


COMMANDS = (Command(notify, _of_notify), Command(watch, _of_watch, by_owner=True), Command(report, _of_report))
