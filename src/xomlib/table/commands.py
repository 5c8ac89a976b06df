"""The parts of ``xom export`` and ``xom compare`` that need pandas: ``python -m xomlib.table.commands``."""

import argparse
import io
import json
import os
import sys
import warnings
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xomlib.errors import ResultsError
from xomlib.files import write_atomically
from xomlib.printing import say
from xomlib.table.compare import draw, merged, sentences
from xomlib.table.results import results

if TYPE_CHECKING:
    import pandas

_PARQUET = ".parquet"


def export(options: argparse.Namespace) -> None:
    """Write results as CSV or Parquet, or print them as CSV."""
    frame = _chosen(options, options.version if options.version in ("newest", "all") else options.version.split(","))
    _write(frame.assign(data=[json.dumps(one, sort_keys=True) for one in frame["data"]]), options.output)


def compare(options: argparse.Namespace) -> None:
    """Write the differences between two versions as CSV and as a figure, and print a sentence for each variable."""
    one, two = (_chosen(options, version) for version in (options.first, options.second))
    names = (options.name, options.first, options.second)
    both = merged(one, two)
    base = Path(options.output, "-".join(names))
    _write(both, str(base.with_name(f"{base.name}.csv")))
    picture = io.BytesIO()
    draw(*names, both).savefig(picture, format="png")
    write_atomically(base.with_name(f"{base.name}.png"), picture.getvalue())
    say(*sentences(*names, one, two), f"the differences are in {base}.csv, a figure in {base}.png")


def _chosen(options: argparse.Namespace, version: Any) -> "pandas.DataFrame":
    """Return the results that the options ask for."""
    import pandas

    frame = results(options.name, version, options.run or None, site=options.work, vetoed=options.vetoed)
    if options.mode:
        frame = frame[[_fits(mode, options.mode) for mode in frame["mode"]]]
    if options.tag:
        frame = frame[[any(_fits(tag, options.tag) for tag in tags.split(",")) for tags in frame["tags"]]]
    if options.since:
        frame = frame[frame["start"] >= pandas.Timestamp(options.since)]
    return frame


def _fits(name: str, patterns: list) -> bool:
    """Return whether a name is one of some patterns, in which ``*`` stands for any text."""
    return any(fnmatchcase(name, one.replace("[", "[[]").replace("?", "[?]")) for one in patterns)


def _write(frame: "pandas.DataFrame", output: str) -> None:
    if output.endswith(_PARQUET):
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise ResultsError(
                f"{output}: Parquet needs pyarrow, which {sys.executable} lacks; name a file that ends with .csv"
            ) from None
        content = io.BytesIO()
        frame.to_parquet(content, index=False)
        write_atomically(output, content.getvalue())
    elif output:
        write_atomically(output, frame.to_csv(index=False))
    else:
        frame.to_csv(sys.stdout, index=False)


def main(words: list) -> int:
    """Run one of the two and return the exit code; 2, with a sentence, for what cannot be done."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for function in (export, compare):
        command = commands.add_parser(function.__name__)
        command.set_defaults(function=function)
        command.add_argument("work")
        command.add_argument("name")
        for option in ("run", "mode", "tag"):
            command.add_argument(f"--{option}", action="append", default=[])
        command.add_argument("--since")
        command.add_argument("--vetoed", action="store_true")
        command.add_argument("--output", default="")
        for option in ("--version",) if function is export else ("--first", "--second"):
            command.add_argument(option)
    options = parser.parse_args(words)
    warnings.showwarning = lambda message, *_, **__: say(str(message), file=sys.stderr)
    try:
        options.function(options)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader has closed the pipe, as ``head`` does
    except ImportError as error:
        say(f"{sys.executable} lacks {error.name}, which this command needs", file=sys.stderr)
        return 2
    except (ResultsError, OSError) as error:
        say(str(error), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
