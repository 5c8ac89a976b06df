"""The command about Grafana."""

from __future__ import annotations

import argparse

from xomflow.cli.command import Command
from xomflow.config.model import Config
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import Paths
from xomlib.printing import say


def dashboards(config: Config, options: argparse.Namespace) -> int:
    """Write dashboards and alert rules for Grafana below work, as each tick does."""
    from xomflow.outcomes.past.makers import by_method, look_at_makers
    from xomflow.workflow.documents import ReportConfig
    from xomflow.workflow.ending.dashboards import names_without_results, write_dashboards

    paths, shown = Paths(config.work), ReportConfig.of(config)
    makers = by_method(look_at_makers(paths).found)
    changed = write_dashboards(paths, shown, makers)
    end = f"{paths.grafana}: {len(changed)} files changed" if changed else f"{paths.grafana} is up to date"
    say(*changed, *names_without_results(shown, makers), end)
    return ExitCode.OK


COMMANDS = (Command(dashboards, by_owner=True),)
