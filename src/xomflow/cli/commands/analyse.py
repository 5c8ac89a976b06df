"""Commands for analysts: they read results, or try and begin analyses."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from xomflow.cli.arguments import add_runs, analysis_name, positive, wanted_runs
from xomflow.cli.command import Command
from xomflow.cli.conventions import add_json
from xomflow.cli.table import say_json, say_table
from xomflow.config.model import Config
from xomflow.core.errors import UsageError
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import ROOT
from xomlib.files import dump_json
from xomlib.printing import say

if TYPE_CHECKING:
    from xomflow.workflow.requests.analysing.try_runs import Tried


def new_analysis(config: Config, options: argparse.Namespace) -> int:
    """Begin an analysis: script, rule, block of the configuration, page, truth and test, ready to run."""
    from xomflow.workflow.requests.analysing.new_analysis import new_analysis as begin

    folder = options.folder or next(iter(config.analysis_folders), ROOT)
    begun = begin(options.analysis, options.config, folder.expanduser().absolute())
    if options.dry_run:
        say(*map(str, begun.files), f"{options.config}: analyses.{options.analysis}", "nothing was written")
        return ExitCode.OK
    begun.write()
    say(*map(str, begun.files), f"{options.config}: analyses.{options.analysis}")
    say(f"try it with: xom try {options.analysis} RUN; docs/analyst.md describes what to change")
    return ExitCode.OK


def try_(config: Config, options: argparse.Namespace) -> int:
    """Try an analysis on a run as a tick does, without a trace in the site, and compare with the published results."""
    from xomflow.cli.tried import HEADINGS, lines_about, rows_of
    from xomflow.workflow.requests.analysing.try_runs import newest_runs

    if (options.run is None) == (options.last is None):
        raise UsageError("xom try needs either a run or --last N")
    if options.slurm and options.save is None:
        raise UsageError("with --slurm give --save FOLDER, a folder that the nodes see too")
    runs = [options.run] if options.run else newest_runs(config, options.analysis, options.last)
    tried = []
    for one in _attempts(config, options, runs):
        tried.append(one)
        if not options.json:
            say(*lines_about(one, config.analyses[options.analysis]), file=sys.stderr)
    if options.report is not None:  # a process waits for it
        dump_json(options.report, [one.to_json() for one in tried])
    if options.json:
        say_json([one.to_json() for one in tried])
    elif rows := list(rows_of(tried)):
        say_table(HEADINGS, rows)
    return ExitCode.FAILED_RUNS if any(one.attempt.failure for one in tried) else ExitCode.OK


def site_check(config: Config, options: argparse.Namespace) -> int:
    """Try all analyses on a run and print what would be published, with columns and versions; leaves no trace."""
    from xomflow.cli.checked import HEADINGS, lines_about, rows_of
    from xomflow.workflow.requests.analysing.check_site import check_site

    save = options.save or Path(tempfile.mkdtemp(prefix="xom-check-"))
    checked = list(check_site(config, options.run, str(options.config), save))
    if options.json:
        say_json([one.to_json() for one in checked])
    else:
        say_table(HEADINGS, list(rows_of(checked)))
        say(*lines_about(checked), f"results and figures are in {save}")
    return ExitCode.FAILED_RUNS if any(one.failure for one in checked) else ExitCode.OK


def _attempts(config: Config, options: argparse.Namespace, runs: list[str]) -> Iterator[Tried]:
    from xomflow.slurm.open_batch_system import open_batch_system
    from xomflow.workflow.requests.analysing.try_in_slurm import try_in_slurm
    from xomflow.workflow.requests.analysing.try_runs import try_here

    if options.slurm:
        batch = open_batch_system(config)
        place = (options.config, options.save)
        yield from try_in_slurm(config, batch, options.analysis, runs, *place, lambda line: say(line, file=sys.stderr))
        return
    save = options.save or Path(tempfile.mkdtemp(prefix="xom-try-"))
    for run in runs:
        yield try_here(config, options.analysis, run, str(options.config), save)


def export(config: Config, options: argparse.Namespace) -> int:
    """Print the current results of an analysis as CSV, or write them to a file; reads only."""
    from xomflow.workflow.requests.analysing.tables import make_table

    more = ["--version", options.version, *(["--vetoed"] if options.vetoed else [])]
    return make_table(config, "export", options.analysis, wanted_runs(options), options.output, *more)


def compare(config: Config, options: argparse.Namespace) -> int:
    """Compare two versions of an analysis run by run: a sentence for each variable, a table and a figure."""
    from xomflow.workflow.requests.analysing.tables import make_table

    more = ["--first", options.first, "--second", options.second]
    return make_table(config, "compare", options.analysis, wanted_runs(options), options.output, *more)


def _of_new_analysis(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("analysis", type=analysis_name, help="its name: small letters, digits, underscores")
    parser.add_argument(
        "--folder",
        type=_absolute,
        help="where the files go; default: the first of analysis_folders, else the project, which gets tests too",
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would be written")


def _of_try(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("analysis", type=analysis_name)
    parser.add_argument("run", nargs="?", help="number of a run, or the id of a campaign")
    parser.add_argument("--last", type=positive, metavar="N", help="the newest N runs whose data can be read")
    parser.add_argument("--slurm", action="store_true", help="as a job of Slurm for each run; Ctrl-C cancels them")
    parser.add_argument("--save", type=_absolute, help="folder for results and figures; default: a temporary one")
    parser.add_argument("--report", type=_absolute, help=argparse.SUPPRESS)
    add_json(parser)


def _of_site_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="number of a run, as of straxen's test run 012882")
    parser.add_argument("--save", type=_absolute, help="folder for results and figures; default: a temporary one")
    add_json(parser)


def _of_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("analysis", type=analysis_name)
    add_runs(parser)
    parser.add_argument("--version", default="newest", help="a version, several with commas, or all; default: newest")
    parser.add_argument("--vetoed", action="store_true", help="also of vetoed runs, with the reason in a column")
    parser.add_argument(
        "--output", type=_absolute, help="file that ends with .csv or .parquet; default: CSV on standard output"
    )


def _of_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("analysis", type=analysis_name)
    parser.add_argument("first", help="a version")
    parser.add_argument("second", help="the version that is compared with it")
    add_runs(parser)
    parser.add_argument(
        "--output", type=_absolute, default=".", help="folder for table and figure; default: the working directory"
    )


def _absolute(text: str) -> Path:
    # Commands work in the folder of the site.
    return Path(text).absolute()


COMMANDS = (
    Command(new_analysis, _of_new_analysis),
    Command(try_, _of_try),
    Command(site_check, _of_site_check),
    Command(export, _of_export),
    Command(compare, _of_compare),
)
