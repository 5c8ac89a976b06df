"""The exit codes of ticks and of the command ``xom``, one table for all of them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What an exit code means; docs/operator.md has what a person does about each.

    Python and Snakemake end with 1 for anything that they did not expect, so no expected end has this code.
    """

    OK = 0
    UNFORESEEN = 1
    USAGE = 2  # as of Python's argparse
    CONFIGURATION = 3
    RUN_DATABASE = 4
    SLURM = 5
    STORE_OR_DISK = 6
    FAILED_RUNS = 7  # XOM tries them again; of the codes but 0 the one without a mail
    WAITS_FOR_PERSON = 8
    STORE_DIFFERS = 9
