"""The command ``xom``: the commands for people, and ``xom job ...`` for rules.

May import: everything below it. Must never decide anything: a command reads its options and calls the workflow. `main`
distinguishes the two kinds without importing either, because the start of a run's job must not import the model of
the configuration.
"""

from __future__ import annotations

import os
import sys

from xomflow.core.errors import XomError, for_user
from xomflow.core.exit_code import ExitCode
from xomlib.printing import say, say_unforeseen


def main(words: list[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    words
        The command line without the program's name; None: that of the process.

    Returns
    -------
    int
        The exit code.
    """
    sys.excepthook = say_unforeseen
    _open_streams()
    words = sys.argv[1:] if words is None else words
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader has closed the pipe, as ``head`` does
        # Python writes what is left when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except (XomError, OSError) as error:
        message = for_user(error)
        if message is None:
            raise
        say(*message[0].split("\n"), file=sys.stderr)
        return message[1]


def _open_streams() -> None:
    """Let standard streams that were closed, as by ``>&-``, lead to nothing."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+"))  # noqa: SIM115, PTH123 - as long as the process


def _run(words: list[str]) -> int:
    if words[:1] == ["job"]:
        from xomflow.cli import job

        return job.main(words[1:])
    from xomflow.cli import command_line

    try:
        return command_line.main(words)
    except KeyboardInterrupt:
        say("", "interrupted; the same command does what is left", file=sys.stderr)
        return ExitCode.UNFORESEEN
