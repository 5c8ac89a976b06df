"""How an exception of a script counts: its failure class and a sentence."""

import errno
import traceback
from pathlib import Path
from typing import Optional

from xomlib.errors import BadResult, DataBroken, DiskTrouble, JobError
from xomlib.process.reads import chain, failed_read

# By name, so that strax need not be imported for its exceptions.
_BROKEN_DATA = {"DataNotAvailable", "DataCorrupted"}
_FULL = {errno.ENOSPC, errno.EDQUOT}


def failure_of(error: BaseException, script: str = "", needs: Optional[list] = None) -> tuple:
    """Return the failure class of an exception in the outcome, and what happened in a sentence.

    Parameters
    ----------
    error
        The exception.
    script
        Path of the script, whose line the sentence names.
    needs
        The data types that the analysis needs; None: not known.
    """
    if isinstance(error, BadResult):
        return "bad_result", _sentence(error, script)
    if any(isinstance(one, MemoryError) for one in chain(error)):  # strax makes damaged data of it
        return "out_of_memory", _sentence(error, script)
    full = next((one for one in chain(error) if isinstance(one, OSError) and one.errno in _FULL), None)
    if full is not None:
        return "disk", f"{full.filename or 'a file of the script'} takes nothing: {full.strerror}"
    if isinstance(error, DiskTrouble):
        return "disk", _sentence(error, script)
    read = failed_read(error)
    lacking = read.lacking(needs) if read else []
    if read and lacking:
        return "setup", f"needs lacks {', '.join(lacking)}, which the script reads: {read.reason}"
    if isinstance(error, JobError):
        return "setup", _sentence(error, script)
    if isinstance(error, DataBroken):
        return "data_broken", _sentence(error, script)
    if read:
        return "data_broken", str(read)
    names = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.split(".")[0] == "strax"}
    return "data_broken" if names & _BROKEN_DATA else "raised", _sentence(error, script)


def _sentence(error: BaseException, script: str) -> str:
    if isinstance(error, SystemExit):
        return f"the script ended itself with exit status {error.code}"
    first_line = str(error).strip().split("\n")[0]
    own = isinstance(error, (BadResult, DataBroken, DiskTrouble, JobError))
    if own and first_line:
        return first_line
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == script]
    place = f" ({Path(script).name}, line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {first_line}{place}"
