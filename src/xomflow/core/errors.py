"""Errors that a user has to act on, and their exit codes."""

import errno
from pathlib import Path

from xomflow.core.exit_code import ExitCode

_OF_THE_DISK = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE),
    *(errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ELOOP),
    *(errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.EFBIG),
}


class XomError(Exception):
    """An error with one clear sentence for the user."""

    exit_code = ExitCode.UNFORESEEN


class UsageError(XomError):
    """A command has an argument that it cannot use, or is started by an account that may not use it."""

    exit_code = ExitCode.USAGE


class ConfigurationError(XomError):
    """The configuration is wrong; the sentence has the place, the value, and the nearest known key."""

    exit_code = ExitCode.CONFIGURATION


class RunDBError(XomError):
    """The run database does not answer."""

    exit_code = ExitCode.RUN_DATABASE


class BatchSystemError(XomError):
    """The batch system does not answer, or refuses a job."""

    exit_code = ExitCode.SLURM


class UnclearSubmissionError(BatchSystemError):
    """The batch system may have accepted a job, but has not given its number."""


class ContextError(XomError):
    """A strax context cannot be built or used under the configured software."""

    exit_code = ExitCode.CONFIGURATION


class DiskError(XomError):
    """A disk, a mount or a file system cannot be used as XOM needs it."""

    exit_code = ExitCode.STORE_OR_DISK


class PersonNeededError(XomError):
    """XOM stops before it acts, and goes on when a person has decided."""

    exit_code = ExitCode.WAITS_FOR_PERSON


# What stops a tick stops all of it: nothing more is written.
STOPS = (DiskError, PersonNeededError)


def for_user(error: BaseException | None) -> tuple[str, ExitCode] | None:
    """Return the sentence and the exit code of an error that a user has to act on; None for any other.

    These are XOM's own errors, and those of a disk on which nothing can be written.
    """
    if isinstance(error, XomError):
        return str(error), error.exit_code
    if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
        place, words = cause_of(error, Path.cwd())
        return f"{place}: {words}; nothing that was done is lost", ExitCode.STORE_OR_DISK
    return None


def cause_of(error: OSError, path: Path) -> tuple[Path, str]:
    """Return where a file could not be used, and why; if something stands in the place of a folder, that.

    Parameters
    ----------
    error
        The error of the system, usually with a path.
    path
        Where, if it has none.
    """
    place = Path(error.filename2 or error.filename or path)
    for one in (place, *place.parents) if error.errno in (errno.EEXIST, errno.ENOTDIR) else ():
        if one.is_symlink() and not one.exists():
            return one, "it is a link to nothing: mount its disk, or remove the link"
        if one.exists() and not one.is_dir():
            return one, "it is no folder, where one is needed: move it away"
    return place, error.strerror or str(error)


def sentence_of(error: XomError | OSError) -> str:
    """Return the sentence of an error of XOM's own or of a file."""
    told = for_user(error)
    return told[0] if told else str(error)


def in_words(error: BaseException) -> tuple[str, ExitCode]:
    """Return the sentence and the exit code of any error; one that XOM does not expect has the code for that."""
    return for_user(error) or (f"XOM itself failed: {type(error).__name__}: {error}", ExitCode.UNFORESEEN)
