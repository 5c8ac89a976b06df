"""Errors that a user has to act on, and their exit codes."""

import errno
from pathlib import Path

EXIT_FAILED = 1
EXIT_CONFIGURATION = 3
EXIT_RUNDB = 4
EXIT_SLURM = 5
EXIT_TROUBLE = 6

_OF_THE_DISK = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE),
    *(errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST),
}


class XomError(Exception):
    """An error with one clear sentence for the user."""

    exit_code = EXIT_FAILED


class ConfigurationError(XomError):
    """The configuration is wrong; the sentence has the place, the value, and the nearest known key."""

    exit_code = EXIT_CONFIGURATION


class RunDBError(XomError):
    """The run database does not answer."""

    exit_code = EXIT_RUNDB


class BatchSystemError(XomError):
    """The batch system does not answer, or refuses a job."""

    exit_code = EXIT_SLURM


class ContextError(XomError):
    """A strax context cannot be built or used under the configured software."""

    exit_code = EXIT_CONFIGURATION


def for_user(error: BaseException | None) -> tuple[str, int] | None:
    """Return the sentence and the exit code of an error that a user has to act on; None for any other.

    These are XOM's own errors, and those of a disk on which nothing can be written.
    """
    if isinstance(error, XomError):
        return str(error), error.exit_code
    if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
        return f"{error.filename or Path.cwd()}: {error.strerror}; nothing that was done is lost", EXIT_TROUBLE
    return None
