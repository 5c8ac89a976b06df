"""Commands for analysts: they read results, or try and begin analyses."""

from __future__ import annotations

import argparse
from pathlib import Path

from xomflow.cli.arguments import add_runs, analysis_name, wanted_runs
from xomflow.cli.command import Command
from xomflow.config.model import Config


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


COMMANDS = (Command(export, _of_export), Command(compare, _of_compare))
