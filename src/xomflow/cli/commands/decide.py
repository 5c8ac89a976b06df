"""Commands that write decisions, and list them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from xomflow.cli.arguments import (
    add_reason,
    add_runs,
    add_until,
    failure_class,
    named_analyses,
    positive,
    run_number,
    until,
    wanted_runs,
)
from xomflow.cli.command import Command
from xomflow.cli.conventions import Plan, add_conventions, add_json, carry_out, nothing
from xomflow.cli.table import say_table
from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomlib.printing import say

if TYPE_CHECKING:
    from xomflow.workflow.decisions.proposal import Proposal


def accept(config: Config, options: argparse.Namespace) -> int:
    """Let a tick make the mass change before which it stopped; asks for the reason with --why."""
    from xomflow.workflow.decisions.acceptance import accept as accept_changes

    if proposal := accept_changes(config):
        return _decide(config, options, proposal)
    return carry_out(nothing("to be accepted", "no tick waits: nothing is"), options)


def retry(config: Config, options: argparse.Namespace) -> int:
    """Try runs again now whose last attempt failed, whatever the limits are."""
    from xomflow.workflow.decisions.orders import retry as order

    proposal = order(config, options.analysis, wanted_runs(options), options.kind, options.attempts)
    return _decide(config, options, proposal)


def redo(config: Config, options: argparse.Namespace) -> int:
    """Make the outcomes of runs again; a complete new one replaces the old one, a failed attempt leaves it."""
    from xomflow.workflow.decisions.orders import redo as order

    return _decide(config, options, order(config, options.analysis, wanted_runs(options)))


def veto(config: Config, options: argparse.Namespace) -> int:
    """Decide that runs have no results that count, for all analyses or for those that are named."""
    from xomflow.workflow.decisions.standing import veto as veto_runs

    return _decide(config, options, veto_runs(config, wanted_runs(options), named_analyses(options)))


def unveto(config: Config, options: argparse.Namespace) -> int:
    """Take the vetoes of runs back."""
    from xomflow.workflow.decisions.standing import unveto as unveto_runs

    return _decide(config, options, unveto_runs(config, wanted_runs(options), named_analyses(options)))


def pause(config: Config, options: argparse.Namespace) -> int:
    """Take no run of an analysis; what runs goes on."""
    from xomflow.workflow.decisions.standing import pause as pause_analysis

    return _decide(config, options, pause_analysis(config, options.analysis), may_be_many=True)


def resume(config: Config, options: argparse.Namespace) -> int:
    """Take the pause of an analysis back."""
    from xomflow.workflow.decisions.standing import resume as resume_analysis

    return _decide(config, options, resume_analysis(config, options.analysis), may_be_many=True)


def drain(config: Config, options: argparse.Namespace) -> int:
    """Take no run of any analysis, as before an upgrade; what runs goes on, and is published."""
    from xomflow.workflow.decisions.draining import is_drained, wait_until_quiet
    from xomflow.workflow.decisions.standing import drain as drain_site

    if not (options.wait and is_drained(config)):
        _decide(config, options, drain_site(config), may_be_many=True)
    if options.wait and not options.dry_run:
        sys.stdout.flush()  # also where it is not a terminal: this may last
        for sentence in wait_until_quiet(config):
            say(sentence, file=sys.stderr if options.json else None)
            sys.stdout.flush()
    return ExitCode.OK


def undrain(config: Config, options: argparse.Namespace) -> int:
    """Let ticks take runs again."""
    from xomflow.workflow.decisions.standing import undrain as undrain_site

    return _decide(config, options, undrain_site(config), may_be_many=True)


def promote(config: Config, options: argparse.Namespace) -> int:
    """Make the trial of an analysis its published version, which ticks analyse from then on."""
    from xomflow.workflow.decisions.promote import promote as promote_trial

    proposal = promote_trial(config, options.analysis, options.version)
    return _decide(config, options, proposal, may_be_many=True)


def backfill(config: Config, options: argparse.Namespace) -> int:
    """Analyse old runs beside the others, after them and few at a time, also those outside min_run of the analysis."""
    from xomflow.workflow.decisions.backfill import backfill as order

    proposal = order(config, options.analysis, wanted_runs(options), options.at_once, options.nice)
    return _decide(config, options, proposal)


def acknowledge(config: Config, options: argparse.Namespace) -> int:
    """Give the reason of alarms, which are listed until then."""
    from xomflow.workflow.decisions.about_alarms import acknowledge as acknowledge_alarms

    return _decide(config, options, acknowledge_alarms(config, options.alarms))


def expect(config: Config, options: argparse.Namespace) -> int:
    """Expect a new level of an analysis or variable from a run on, as after a change of the source: it is no alarm."""
    from xomflow.workflow.decisions.about_alarms import expect as expect_change

    return _decide(config, options, expect_change(config, options.analysis, options.variable, options.run))


def mute(config: Config, options: argparse.Namespace) -> int:
    """Send no messages about the alarms of an analysis or variable until a time; they are found and listed."""
    from xomflow.workflow.decisions.about_alarms import mute as mute_alarms

    return _decide(config, options, mute_alarms(config, options.analysis, options.variable))


def bad_run(config: Config, options: argparse.Namespace) -> int:
    """Decide that runs are bad: their results stay, and nothing is expected from them."""
    from xomflow.workflow.decisions.about_alarms import bad_run as name_bad

    return _decide(config, options, name_bad(config, wanted_runs(options)))


def withdraw(config: Config, options: argparse.Namespace) -> int:
    """Take decisions back by their names: standing ones at any time, orders until they have begun."""
    from xomflow.workflow.decisions.listing import withdraw as take_back

    return _decide(config, options, take_back(config, options.names))


def decisions(config: Config, options: argparse.Namespace) -> int:
    """List the decisions that hold, the newest first; reads only."""
    from xomflow.workflow.decisions.listing import HEADINGS, decision_rows

    say_table(HEADINGS, decision_rows(config, options.all), options.json)
    return ExitCode.OK


def _decide(config: Config, options: argparse.Namespace, proposal: Proposal, may_be_many: bool = False) -> int:
    """Write what a person decided, in the way of all commands."""
    from xomflow.workflow.decisions.proposal import write

    ends = until(options, times.now())
    act = partial(write, config, proposal, options.why, ends)
    return carry_out(Plan(proposal.phrase, proposal.keys, act, proposal.notes, may_be_many, proposal.about), options)


def _taking(*adds: Callable[[argparse.ArgumentParser], None]) -> Callable[[argparse.ArgumentParser], None]:
    """Return what adds the arguments of a decision."""

    def add(parser: argparse.ArgumentParser) -> None:
        for one in (*adds, add_reason, add_conventions):
            one(parser)

    return add


def _analysis(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("analysis", metavar="ANALYSIS")


def _attempts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--class", dest="kind", type=failure_class, help="only runs whose last attempt failed with this class"
    )
    parser.add_argument("--attempts", type=positive, default=1, help="how many attempts; default: %(default)s")


def _version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", metavar="VERSION", help="that of the trial")


def _of_backfill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--at-once", type=positive, help="how many of them are in progress at a time; default: as many as a tick takes"
    )
    parser.add_argument(
        "--nice", type=positive, default=0, help="--nice of their jobs in Slurm; default: slurm.nice_if_old"
    )


def _runs_and_analyses(parser: argparse.ArgumentParser) -> None:
    add_runs(parser, analyses=True)


def _wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="end when nothing runs any more")


def _alarms(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("alarms", nargs="+", metavar="ALARM", help="id of an alarm, as xom alarms prints it")


def _analysis_and_variable(parser: argparse.ArgumentParser) -> None:
    _analysis(parser)
    parser.add_argument("variable", nargs="?", default="", metavar="VARIABLE", help="default: all of the analysis")


def _from(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="run", type=run_number, required=True, help="first run with the new level")


def _until(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--until", required=True, help="when it ends by itself, as 2026-11-20, 2026-11-20T12:00 or '3 d'"
    )


def _names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="+", metavar="NAME", help="name of a decision, as xom decisions prints it")


def _of_decisions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="also those that have begun, ended or were taken back")
    add_json(parser)


COMMANDS = (
    Command(accept, _taking()),
    Command(retry, _taking(_analysis, add_runs, _attempts, add_until)),
    Command(redo, _taking(_analysis, add_runs, add_until)),
    Command(promote, _taking(_analysis, _version)),
    Command(backfill, _taking(_analysis, add_runs, _of_backfill, add_until)),
    Command(veto, _taking(_runs_and_analyses, add_until)),
    Command(unveto, _taking(_runs_and_analyses)),
    Command(pause, _taking(_analysis, add_until)),
    Command(resume, _taking(_analysis)),
    Command(drain, _taking(_wait, add_until)),
    Command(undrain, _taking()),
    Command(acknowledge, _taking(_alarms)),
    Command(expect, _taking(_analysis_and_variable, _from)),
    Command(mute, _taking(_analysis_and_variable, _until)),
    Command(bad_run, _taking(add_runs)),
    Command(withdraw, _taking(_names)),
    Command(decisions, _of_decisions),
)
