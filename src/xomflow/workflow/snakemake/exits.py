"""Ends of Snakemake's process that a user has to act on: one sentence and an exit code of its own."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

from xomflow.core.errors import for_user
from xomflow.core.exit_code import ExitCode
from xomlib.printing import say


def exit_with(sentence: str, code: ExitCode) -> NoReturn:
    """Print a sentence and exit."""
    say(*sentence.split("\n"), file=sys.stderr)
    sys.exit(code)


@contextlib.contextmanager
def explained(more: Callable[[str, ExitCode], str] | None = None) -> Iterator[None]:
    """Within it, an error that the user has to act on ends Snakemake with its sentence and its exit code.

    Parameters
    ----------
    more
        Makes of sentence and code what is printed; None: the sentence.
    """
    try:
        yield
    except Exception as error:
        if message := for_user(error):
            exit_with(more(*message) if more else message[0], message[1])
        raise
