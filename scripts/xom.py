"""The command line behind the rules, and what an operator types: ``python scripts/xom.py status``."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from xomflow.errors import EXIT_CONFIGURATION, EXIT_FAILED, XomError, for_user  # noqa: E402
from xomflow.keys import Key  # noqa: E402
from xomflow.paths import Paths, TickPaths  # noqa: E402
from xomlib.files import dump_json, read_json  # noqa: E402

# Each command imports what it needs: a run's job must not pay for the model of the configuration.


def discover(options: argparse.Namespace) -> int:
    """Look for work and claim it."""
    from xomflow import tick

    try:
        survey = tick.discover(options.tick)
    except XomError as error:
        dump_json(options.tick.trouble, {"sentence": str(error), "exit_code": error.exit_code})
        raise
    print(f"{len(survey.chosen)} runs to analyse")
    return 0


def run(options: argparse.Namespace) -> int:
    """Run one analysis for one run."""
    from xomflow import runner

    paths = Paths(options.tick.folder.parent.parent)
    return runner.run(paths, options.tick, Key(options.analysis, options.version, options.run), options.slurm)


def publish(options: argparse.Namespace) -> int:
    """Publish what the store does not have; problems go into the receipt and the tick's report, not into the status."""
    from dataclasses import asdict

    from xomflow import publishing, stores

    settings = read_json(options.tick.survey)["settings"]
    paths, store = Paths(Path(settings["work"])), settings["store"]
    try:
        with closing(stores.open_store(store, paths)) as opened:
            receipt = publishing.publish(paths, opened, store["prefix"])
    except XomError as error:
        receipt = publishing.Receipt(away=True, problems=[str(error)])
    dump_json(options.tick.published, asdict(receipt))
    print("\n".join([f"{receipt.outcomes} outcomes, {receipt.points} points published", *receipt.problems]))
    return 0


def report(options: argparse.Namespace) -> int:
    """Write the summary of the tick and renew the page."""
    from xomflow import report

    report.write_report(options.tick)
    return 0


def rebuild(options: argparse.Namespace) -> int:
    """Publish all outcomes to the store, which may be empty."""
    from xomflow import configuration, publishing, stores

    settings = configuration.load(options.config)
    paths = Paths(settings.work)
    with closing(stores.open_store(settings.store.model_dump(mode="json"), paths)) as store:
        receipt = publishing.rebuild(paths, store, settings.store.prefix)
    print("\n".join([f"{receipt.outcomes} outcomes, {receipt.points} points are in the store", *receipt.problems]))
    return EXIT_FAILED if receipt.problems else 0


def verify(options: argparse.Namespace) -> int:
    """Compare what the store has with the outcomes; exit code 1 where they differ."""
    from xomflow import configuration, publishing, stores

    settings = configuration.load(options.config)
    paths = Paths(settings.work)
    with closing(stores.open_store(settings.store.model_dump(mode="json"), paths)) as store:
        found = list(publishing.verify(paths, store, settings.store.prefix))
    print(*found, f"{len(found)} differences" if found else "the store has what the outcomes say", sep="\n")
    return EXIT_FAILED if found else 0


def status(options: argparse.Namespace) -> int:
    """Say where everything stands now; reads only."""
    from xomflow import configuration, report, tick

    settings = configuration.load(options.config)
    survey = tick.look(settings, may_write=False)
    print("\n".join(report.status_words(survey, Paths(settings.work))))
    return EXIT_CONFIGURATION if survey.mistakes else 0


def cancel(options: argparse.Namespace) -> int:
    """End the jobs that ticks left in Slurm, all or those of some runs; a later tick tries these runs again."""
    from xomflow import configuration, slurm, submissions
    from xomflow.keys import run_id

    paths = Paths(configuration.load(options.config).work)
    wanted = {run_id(number) for number in options.run}
    found = [one for key, one in submissions.noted(paths).items() if one.job and (not wanted or key.run in wanted)]
    slurm.cancel([one.job for one in found])
    print("\n".join([f"cancelled job {one.job}: {one.key}" for one in found] or ["no such job is known"]))
    return 0


def why(options: argparse.Namespace) -> int:
    """Say for each analysis what state a run is in, or why it is not selected; reads only."""
    from xomflow import configuration, tick

    print("\n".join(tick.why(configuration.load(options.config), options.run)))
    return 0


def run_number(text: str) -> int:
    """Return the number in a run id, or that of the first run in the id of a group."""
    return int(text.partition("-")[0])


def main(argv: list[str]) -> int:
    """Parse, call, and return the exit code."""
    parser = argparse.ArgumentParser(prog="xom.py", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for function in (discover, run, publish, report):
        command = commands.add_parser(function.__name__, help=f"(for rules) {function.__doc__}")
        command.add_argument("tick", type=lambda text: TickPaths(Path(text)), help="folder of the tick")
        command.set_defaults(function=function)
        if function is run:
            for name in ("analysis", "version", "run"):
                command.add_argument(name)
            command.add_argument("--slurm", action="store_true", help="as a job of Slurm")
    for function in (status, why, cancel, rebuild, verify):
        command = commands.add_parser(function.__name__, help=function.__doc__)
        command.add_argument("--config", type=Path, default=Path("config.yaml"), help="default: %(default)s")
        command.set_defaults(function=function)
        if function is why:
            command.add_argument("run", type=run_number, help="run number, or the id of a group of runs")
        if function is cancel:
            command.add_argument("run", type=int, nargs="*", help="run numbers; nothing: all runs")
    options = parser.parse_args(argv)
    try:
        return options.function(options)
    except BrokenPipeError:
        sys.stdout = None  # whoever read this has seen enough
        return 0
    except (XomError, OSError) as error:
        told = for_user(error)
        if told is None:
            raise
        print(told[0], file=sys.stderr)
        return told[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
