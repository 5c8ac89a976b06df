"""Commands that look at a site; they only read."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterable, Mapping

from xomflow.cli.arguments import add_runs, past_moment, run_number, run_or_campaign, wanted_runs
from xomflow.cli.command import Command
from xomflow.cli.conventions import add_json
from xomflow.cli.table import Table, say_json, say_lines, say_table, terminal_width
from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import run_id
from xomflow.core.paths import Paths
from xomflow.core.state import ATTENTION, FAILURES, WAITINGS
from xomflow.core.tick_summary import ListedKey, name_among
from xomflow.core.verdicts import read_alarms
from xomlib.printing import say


def status(config: Config, options: argparse.Namespace) -> int:
    """Print the state of all runs, by analysis, and why runs need attention; reads only."""
    from xomflow.workflow.ending.terminal import count_lines
    from xomflow.workflow.requests.explain import document_problems
    from xomflow.workflow.requests.looking.states_now import states_now

    if options.documents:
        say_lines("problem", document_problems(config), options.json)
        return ExitCode.OK
    is_filtered = options.failed or options.waiting
    states = (
        {*(FAILURES if options.failed else ()), *(WAITINGS if options.waiting else ())} if is_filtered else ATTENTION
    )
    found = states_now(config, states, wanted_runs(options))
    headings, rows = (by_run if options.run else by_reason)(found.listed, found.counts)
    if options.json:
        listed = [dict(zip(headings, row, strict=True)) for row in rows]
        say_json({"counts": found.counts, "not_done": listed, "sentences": found.sentences})
        return found.exit_code
    if not is_filtered:
        say(*count_lines(found.counts, terminal_width()), "")
    if rows:
        say_table(headings, rows)
    elif is_filtered:
        asked = [word for word, is_asked in (("failed", options.failed), ("waits", options.waiting)) if is_asked]
        say(f"none of the runs {' or '.join(asked)}")
    if found.sentences and not is_filtered:
        say(*found.sentences)
    return found.exit_code


def _follow(config: Config, options: argparse.Namespace) -> int:
    """Print the log of a run until nothing works on it; Ctrl-C ends it too."""
    from xomflow.workflow.requests.looking.follow import follow
    from xomflow.workflow.requests.show_log import key_of_log

    key, before = key_of_log(config, options.analysis, options.run, options.version), ""
    with contextlib.suppress(KeyboardInterrupt):
        for words, lines in follow(config, key):
            if words != before:
                say(f"{key}: {words}", file=sys.stderr)
                before = words
            if lines:
                say(*lines)
                sys.stdout.flush()
    return ExitCode.OK


def history(config: Config, options: argparse.Namespace) -> int:
    """Print what happened to a run: attempts, decisions and ticks, in the order of time; reads only."""
    from xomflow.workflow.requests.looking.history import history as history_of

    events, problems = history_of(Paths(config.work), options.run, times.now())
    rows = [(times.text(one.when), one.about, one.what, one.details) for one in events]
    if rows or options.json:
        say_table(("time", "about", "event", "details"), rows, options.json)
    else:
        say(f"nothing has happened to run {run_id(options.run)}; its state: xom why {options.run}")
    if problems:
        say(*problems, file=sys.stderr)
    return ExitCode.OK


def by_run(listed: Iterable[ListedKey], counts: Mapping[str, object]) -> Table:
    """Return a table of keys, the newest runs first, with the names under which they were counted."""
    rows = sorted(listed, key=lambda one: one.key.run, reverse=True)
    headings = ("run", "state", "analysis", "reason", "next try", "log")
    return headings, [
        (one.key.run, one.state, name_among(counts, one.key), one.reason, times.text_or_none(one.next_try), one.log)
        for one in rows
    ]


def by_reason(listed: Iterable[ListedKey], counts: Mapping[str, object]) -> Table:
    """Return a table of the reasons why keys are not done, the most urgent first; names as in `by_run`."""
    from xomflow.planning.same_reason import group_by_reason

    headings = ("state", "runs", "analysis", "such as", "reason", "next try")
    return headings, [
        (
            one.state,
            len(one.keys),
            one.analyses(counts),
            one.example.key.run,
            one.example.reason,
            times.text_or_none(one.next_try),
        )
        for one in group_by_reason(listed)
    ]


def why(config: Config, options: argparse.Namespace) -> int:
    """Print the state of a run for each analysis, now or at an earlier time, with its reason; reads only."""
    from xomflow.workflow.requests.explain import why as explain
    from xomflow.workflow.requests.looking.at_time import why_at

    lines = explain(config, options.run) if options.at is None else why_at(config, options.run, options.at)
    say_lines("sentence", lines, options.json)
    return ExitCode.OK


def alarms(config: Config, options: argparse.Namespace) -> int:
    """List the alarms that need a person, the newest first: what changed, since when, how surely; reads only."""
    from xomflow.workflow.ending.expected import open_alarms

    found = read_alarms(Paths(config.work)) if options.all else open_alarms(Paths(config.work))
    headings = ("began", "run", "alarm", "state", "what", "reason")
    rows = [(one.began, one.first_run, one.id, one.state, one.sentence, one.reason) for one in found]
    if options.json:
        say_json([one.to_json() for one in found])
    elif rows:
        say_table(headings, rows)
    else:
        say("no alarm needs a person")
    return ExitCode.OK


def log(config: Config, options: argparse.Namespace) -> int:
    """Print the log of a run, wherever it is, and with -f what is added to it; reads only."""
    from xomflow.workflow.requests.show_log import log_of

    if options.follow:
        return _follow(config, options)
    place, lines = log_of(config, options.analysis, options.run, options.version, options.attempt)
    say(place, file=sys.stderr)
    say(*lines)
    return ExitCode.OK


def _of_status(parser: argparse.ArgumentParser) -> None:
    add_runs(parser)
    parser.add_argument("--run", action="store_true", help="list each run by itself instead of runs by their reason")
    parser.add_argument("--failed", action="store_true", help="only runs that failed")
    parser.add_argument("--waiting", action="store_true", help="only runs that wait for data")
    add_json(parser)
    parser.add_argument(
        "--documents", action="store_true", help="list each run document that cannot be understood instead"
    )


def _of_why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=run_number, help="run number, or the id of a campaign")
    parser.add_argument("--at", type=past_moment, metavar="TIME", help="as a tick saw it that had looked by this time")
    add_json(parser)


def _of_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("analysis")
    parser.add_argument("run", type=run_or_campaign, help="run number, or the id of a campaign")
    parser.add_argument("--version", help="version of the analysis; default: the configured one")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--attempt", type=int, help="number of a failed attempt; default: the newest log")
    which.add_argument("-f", "--follow", action="store_true", help="go on until nothing works on the run")


def _of_alarms(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="also those that ended, are muted or have their reason")
    add_json(parser)


def _of_history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=run_number, help="run number, or the id of a campaign")
    add_json(parser)


COMMANDS = (
    Command(status, _of_status),
    Command(alarms, _of_alarms),
    Command(why, _of_why),
    Command(log, _of_log),
    Command(history, _of_history),
)
