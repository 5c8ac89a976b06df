"""Call up an address at the end of ticks: if the call does not come, its server alerts people."""

from __future__ import annotations

import urllib.error
import urllib.request

from xomflow.core.exit_code import ExitCode
from xomflow.notify.post import clean

# Failed runs and what waits for a person have messages of their own; such a tick is a good one.
GOOD = frozenset({ExitCode.OK, ExitCode.FAILED_RUNS, ExitCode.WAITS_FOR_PERSON})
_CODE = "{code}"
_TIMEOUT = 10.0


def address_for(heartbeat: str, code: int) -> str:
    """Return the address to call up after a tick; empty if there is none.

    Parameters
    ----------
    heartbeat
        The address of the file. With ``{code}`` in it every tick calls, with its exit code there, and 0 for a good one;
        without it only a good one.
    code
        The exit code of the tick.
    """
    good = code in GOOD
    if _CODE in heartbeat:
        return heartbeat.replace(_CODE, "0" if good else str(int(code)))
    return heartbeat if good else ""


def beat(heartbeat: str, code: int) -> str:
    """Call up the address; return why it did not answer, without its secrets; empty if it did, or is none."""
    address = address_for(heartbeat, code)
    if not address:
        return ""
    try:
        request = urllib.request.Request(address, headers={"User-Agent": "XOM"})
        urllib.request.urlopen(request, timeout=_TIMEOUT).close()
    except urllib.error.HTTPError as error:
        with error:
            return f"it answers {error.code}"
    except Exception as error:  # whatever it is, it stops no tick
        return clean(str(getattr(error, "reason", error)) or type(error).__name__, address)
    return ""
