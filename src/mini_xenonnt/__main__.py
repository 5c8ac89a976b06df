"""Command line: `python -m mini_xenonnt make`, `... take` and `... slow-control`."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mini_xenonnt import slow_control
from mini_xenonnt.folder import FolderError
from mini_xenonnt.make import ProductionError, make, take
from mini_xenonnt.schedule import MODES, ScheduleError
from mini_xenonnt.truth import TruthError, read_specs

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def _time(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not an ISO time: {text!r}") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"not a positive whole number: {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mini_xenonnt", description="The mini-XENONnT: runs, data, truths.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("make", help="make a set of runs, or its missing runs")
    one.add_argument("--runs", type=_positive, help="number of runs (default 48; from 24 on with every odd case)")
    one.add_argument("--seed", type=int, help="seed of all random numbers (default 1)")
    one.add_argument("--now", type=_time, help="the simulated present, ISO time (default: the time of the first make)")
    one.add_argument("--truth", type=Path, help="JSON file with own truths")
    one.add_argument("--decays", type=_positive, help="mean number of decays in a Kr83m run (default 12000)")
    one.add_argument("--seconds", type=_positive, help="length of all other runs in s (default 600)")
    other = commands.add_parser("take", help="take one more run, as the DAQ would; prints its run number")
    other.add_argument("--mode", required=True, choices=list(MODES), help="run mode")
    other.add_argument("--tags", nargs="*", default=[], help="tags of the run")
    other.add_argument("--decays", type=_positive, help="mean number of Kr83m decays (default: as in the set)")
    other.add_argument("--now", type=_time, help="the time on the DAQ's clock, ISO (default: now)")
    server = commands.add_parser("slow-control", help="serve the readings of the slow control until you stop it")
    for command in (one, other, server):
        command.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the set")
    for command in (one, other):
        command.add_argument("--jobs", type=_positive, default=2, help="worker processes (default 2)")
    return parser


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _run(options: argparse.Namespace) -> None:
    if options.command == "slow-control":
        slow_control.serve(options.output, lambda line: print(line, flush=True))
        return
    if options.command == "take":
        now = options.now or datetime.now(UTC)
        run = take(options.output, options.mode, tuple(options.tags), options.decays, now, options.jobs, _report)
        print(run.run_id)
        return
    asked: dict[str, Any] = {name: getattr(options, name) for name in ("runs", "seed", "now", "decays", "seconds")}
    if options.truth:
        asked["truth"] = read_specs(options.truth)
    make(options.output, {name: value for name, value in asked.items() if value is not None}, options.jobs, _report)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        Without the name of the program; those of the process by default.

    Returns
    -------
    int
        0, 1 if some data could not be made, 2 for wrong input, 130 if interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except (FolderError, ScheduleError, TruthError, OSError) as error:
        _report(f"mini_xenonnt: {error}")
        return EXIT_USAGE
    except ProductionError as error:
        _report(f"mini_xenonnt: {error}")
        return EXIT_FAILED
    except KeyboardInterrupt:
        _report("mini_xenonnt: interrupted; run the same command again to make the missing runs")
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
