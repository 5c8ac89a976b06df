"""How an attempt counts: failure class and message, from how its process ended and from what it left."""

import signal
from collections.abc import Iterable
from typing import Any, Optional

from xomlib.printing import WARNING


def failure_of_process(signal_name: str, timed_out: bool, reported: bool, time_limit: str) -> Optional[tuple]:
    """Return class and message if the process of a script did not come to its end; None if it did.

    Parameters
    ----------
    signal_name
        The signal that ended it; empty: none.
    timed_out
        Whether it reached its time limit.
    reported
        Whether it left its report.
    time_limit
        In words.
    """
    if timed_out:
        return "timeout", f"it ran longer than its time limit of {time_limit}"
    if not reported:
        how = f"was ended by {signal_name}" if signal_name else "ended without a report, as by os._exit"
        return "killed", f"the process {how}"
    return None


def failure_of_script(
    problems: list, failure: Optional[tuple], results: list, promised: Optional[dict] = None
) -> Optional[tuple]:
    """Return class and message of the failure of a script that came to its end; None if it is done.

    Parameters
    ----------
    problems
        Sentences about what it could not save.
    failure
        Class and message of its exception.
    results
        What it saved.
    promised
        Units by variable that the configuration promises; a unit that is None may be any.
    """
    if problems:
        return "bad_result", problems[0]
    if failure:
        return failure
    if not results:
        return "no_result", "the script ended well but saved nothing"
    return _broken_promise(results, promised or {})


def _broken_promise(results: list, promised: dict) -> Optional[tuple]:
    units = {result["variable"]: result["unit"] for result in results}
    missing = [name for name in promised if name not in units]
    if missing:
        names = ", ".join(missing)
        return (
            "missing_result",
            f"the script saved no {names}, promised in variables; without a number give insufficient",
        )
    for name, unit in promised.items():
        if unit is not None and units[name] != unit:
            return "bad_result", f"{name} has the unit {units[name]!r}, but variables promises {unit!r}"
    return None


def warnings_of(analysis: str, read: Iterable[str], needs: Optional[list]) -> list:
    """Return a sentence about types that a script read and the configuration lacks; none if there are none.

    Parameters
    ----------
    analysis
        Name of the analysis.
    read
        Data types that it read.
    needs
        Those that it needs; None: not known.
    """
    beyond = [] if needs is None else sorted(set(read) - set(needs))
    place = f"analyses.{analysis}.needs"
    sentence = f"{WARNING}the script reads {', '.join(beyond)}, which {place} lacks: add it, so that runs wait for it"
    return [sentence] if beyond else []


def signal_in(code: int) -> str:
    """Return the name of the signal in the return code of a process; empty if none ended it."""
    return signal.Signals(-code).name if code < 0 else ""


def report_of(end: Any) -> Optional[tuple]:
    """Return class and message of the exception in a worker's report."""
    failure = end.get("failure")
    return (failure["class"], failure["message"]) if failure else None
