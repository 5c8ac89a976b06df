"""The command that examines a site, whatever is wrong with it; it only reads."""

from __future__ import annotations

import argparse

from xomflow.cli.command import Command, Needs
from xomflow.cli.conventions import add_json
from xomflow.cli.table import say_table


def doctor(options: argparse.Namespace) -> int:
    """Examine accounts, files, locks, clocks, servers, disk and timers: a line for each, with what to do."""
    from xomflow.workflow.requests.doctor.finding import worst
    from xomflow.workflow.requests.doctor.site import examine_site

    found = list(examine_site(options.config))
    rows = [(name, one.state, one.seen, one.to_do or None) for name, one in found]
    say_table(("about", "state", "seen", "what to do"), rows, options.json)
    return worst(one for _, one in found)


COMMANDS = (Command(doctor, add_json, needs=Needs.FOLDER),)
