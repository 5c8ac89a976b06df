"""The command ``xom``: the commands for people, and ``xom job ...`` for rules.

May import: everything below it. Must never decide anything: a command reads its options and calls the workflow. `main`
chooses between the two kinds without importing either, because the start of a run's job must not import the model of
the configuration.
"""

from __future__ import annotations

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
    words = sys.argv[1:] if words is None else words
    try:
        if words[:1] == ["job"]:
            from xomflow.cli import job

            return job.main(words[1:])
        from xomflow.cli import operator

        return operator.main(words)
    except BrokenPipeError:
        sys.stdout = None  # the reader has closed the pipe, as ``head`` does
        return ExitCode.OK
    except (XomError, OSError) as error:
        message = for_user(error)
        if message is None:
            raise
        say(*message[0].split("\n"), file=sys.stderr)
        return message[1]
