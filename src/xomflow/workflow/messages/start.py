"""Send the messages of a tick at its end, by a process of its own: a mail server that hangs delays no tick."""

from __future__ import annotations

import json
import subprocess
import sys

from xomflow.config.model import Config
from xomflow.core.paths import TickPaths
from xomflow.notify.settings import NotifySettings
from xomflow.workflow.commands import notify_command
from xomlib.printing import say

# Seconds: the process itself waits less for each server; this is for what no time limit ends, such as a name server.
LONGEST = 90.0


def send_messages(config: Config, tick: TickPaths, code: int) -> None:
    """Start the process that sends the messages of a tick, and wait for it; never raises.

    Parameters
    ----------
    config
        The configuration.
    tick
        The tick.
    code
        Its exit code.
    """
    if config.notify.addresses is None:
        return
    handed = json.dumps(NotifySettings.of(config).to_json())
    try:
        subprocess.run(notify_command(tick, code), input=handed, text=True, check=False, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        say(f"notify: no server answered within {LONGEST:.0f} s; the next tick tries again", file=sys.stderr)
    except (OSError, ValueError) as error:
        say(f"notify: no message was sent: {error}; the next tick tries again", file=sys.stderr)
