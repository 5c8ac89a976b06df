"""Commands that measure a site: what takes time and space, and what is out of date; they only read."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import Any

from xomflow.cli.arguments import positive
from xomflow.cli.command import Command
from xomflow.cli.conventions import add_json
from xomflow.cli.table import say_json, say_table
from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import Paths
from xomlib.printing import say


def slow(config: Config, options: argparse.Namespace) -> int:
    """Print which analyses and runs take longest, against what is expected of them; reads only."""
    from xomflow.workflow.requests.looking.slow import SlowRun, slow_now

    found = slow_now(config, times.now(), options.most)
    if options.json:
        runs = {name: [_as_json(one) for one in getattr(found, name)] for name in ("done", "running")}
        say_json({"analyses": [asdict(one) for one in found.analyses], **runs})
        return ExitCode.OK

    def row(one: SlowRun) -> tuple[Any, ...]:
        ratio = f"{one.ratio:.1f} times" if one.ratio else None
        return one.key.run, f"{one.key.analysis} {one.key.version}", times.span(one.wall_s), ratio

    headings = ("analysis", "results", "expected", "mean", "all together", "processor")
    rows = [
        (
            f"{one.analysis} {one.version}",
            one.runs,
            None if one.expected_s is None else times.span(one.expected_s),
            times.span(one.mean_s),
            times.span(one.wall_s),
            times.span(one.cpu_s),
        )
        for one in found.analyses
    ]
    say_table(headings, rows)
    for title, ones in (("longest results", found.done), ("running now", found.running)):
        if ones:
            say("")
            say_table((title, "analysis", "took", "of what is expected"), list(map(row, ones)))
    return ExitCode.OK


def outdated(config: Config, options: argparse.Namespace) -> int:
    """Print how many results were made by another lineage, software, script or settings than today's; reads only."""
    from xomflow.workflow.requests.looking.outdated import PARTS, outdated_runs
    from xomflow.workflow.requests.looking.outdated import outdated as find_outdated

    if options.runs:
        runs, problems = outdated_runs(config)
        headings: tuple[str, ...] = ("analysis", "version", "run", "differs in")
        rows: list[tuple[Any, ...]] = [(one.analysis, one.version, one.run, ", ".join(one.parts)) for one in runs]
    else:
        found, problems = find_outdated(config)
        headings = ("analysis", "version", "results", "outdated", *PARTS, "such as")
        rows = [
            (one.analysis, one.version, one.results, one.outdated, *(one.parts[part] for part in PARTS), one.example)
            for one in found
        ]
    say_table(headings, rows, options.json)
    if problems:
        say(*problems, file=sys.stderr)
    return ExitCode.OK


def du(config: Config, options: argparse.Namespace) -> int:
    """Print how many files and bytes there are, by analysis and kind, and what a year of runs adds; reads only."""
    from xomflow.workflow.requests.looking.space import space_of, total

    found, missed = space_of(Paths(config.work), options.exact)
    rows = [*found, total(found)]
    if options.json:
        say_json([asdict(one) for one in rows])
    else:
        headings = ("analysis", "kind", "files", "size", "files a year", "size a year")
        say_table(
            headings,
            [
                (one.analysis, one.kind, one.files, _bytes(one.size), _whole(one.files_a_year), _bytes(one.size_a_year))
                for one in rows
            ],
        )
    if missed:
        say(*missed, file=sys.stderr)
    return ExitCode.OK


def _as_json(one: Any) -> dict[str, Any]:
    return {**one.key.as_dict(), "wall_s": one.wall_s, "expected_s": one.expected_s, "ratio": one.ratio}


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)


def _bytes(number: float | None) -> str | None:
    """Return a number of bytes for people, such as ``12 kB``."""
    if number is None:
        return None
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5:  # which has three digits
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"


def _of_slow(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--most", type=positive, default=10, help="how many results are listed; default: %(default)s")
    add_json(parser)


def _of_outdated(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", action="store_true", help="list each of these results")
    add_json(parser)


def _of_du(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exact", action="store_true", help="look at each file, not only at some of a large folder")
    add_json(parser)


COMMANDS = (Command(slow, _of_slow), Command(outdated, _of_outdated), Command(du, _of_du))
