"""What a check finds, and how checks are carried out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from xomflow.core import times
from xomflow.core.errors import in_words
from xomflow.core.exit_code import ExitCode

# The first one that is found is the worst.
_WORST = (
    ExitCode.CONFIGURATION,
    ExitCode.RUN_DATABASE,
    ExitCode.SLURM,
    ExitCode.STORE_OR_DISK,
    ExitCode.WAITS_FOR_PERSON,
    ExitCode.USAGE,
    ExitCode.UNFORESEEN,
)
_DEADLINE = 20.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Parameters
    ----------
    seen
        What it saw, in words.
    to_do
        What a person does about it; empty: nothing.
    code
        What it means for ticks; 0: they work.
    """

    seen: str
    to_do: str = ""
    code: ExitCode = ExitCode.OK

    @property
    def state(self) -> str:
        """In one word: ``wrong`` if ticks do not work, ``look`` if a person may have to do something."""
        if self.code is not ExitCode.OK:
            return "wrong"
        return "look" if self.to_do else "ok"


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a site.

    Parameters
    ----------
    name
        What it is about, in a word or two.
    look
        Looks, and yields what it finds; it may raise any error.
    deadline
        Seconds after which it is given up.
    """

    name: str
    look: Callable[[], Iterable[Finding]]
    deadline: float = _DEADLINE


def examine(checks: Sequence[Check]) -> Iterator[tuple[str, Finding]]:
    """Carry out checks at the same time; yield their names and findings in order. It never raises."""
    found: dict[Check, list[Finding]] = {}
    began = time.monotonic()
    threads = {check: threading.Thread(target=_look, args=(check, found), daemon=True) for check in checks}
    for thread in threads.values():
        thread.start()
    for check, thread in threads.items():
        thread.join(max(0.0, check.deadline - (time.monotonic() - began)))
        for finding in found.get(check) or [_late(check)]:
            yield check.name, finding


def worst(findings: Iterable[Finding]) -> ExitCode:
    """Return the exit code of the worst finding."""
    codes = {finding.code for finding in findings}
    return next((code for code in _WORST if code in codes), ExitCode.OK)


def _look(check: Check, found: dict[Check, list[Finding]]) -> None:
    try:
        findings = list(check.look())
    except Exception as error:  # whatever is wrong with one thing, the others are looked at
        sentence, code = in_words(error)
        findings = [Finding(sentence, "do what the sentence names, or find its words in docs/playbook.md", code)]
    found[check] = findings or [Finding("nothing to complain about")]


def _late(check: Check) -> Finding:
    to_do = "find out what hangs: a mount, a server or a command"
    return Finding(f"no answer within {times.span(check.deadline)}", to_do, ExitCode.STORE_OR_DISK)
