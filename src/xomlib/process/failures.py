"""How an exception of a script counts: its failure class and a sentence."""

import difflib
import errno
import re
import traceback
from pathlib import Path
from typing import Any, Optional

from xomlib.errors import BadResult, DataBroken, DiskTrouble, JobError
from xomlib.printing import shortened
from xomlib.process.reads import chain, failed_read, text_of

# By name, so that strax need not be imported for its exceptions.
_BROKEN_DATA = {"DataNotAvailable", "DataCorrupted"}
_MOST_COLUMNS = 40
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
        return "disk", f"{full.filename or 'a file of the script'} cannot be written: {full.strerror}"
    if isinstance(error, DiskTrouble):
        return "disk", _sentence(error, script)
    read = failed_read(error)
    if read and (lacking := read.lacking(needs)):
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
        return f"the script ended itself with exit status {shortened(text_of(error.code))}"
    first_line = shortened(text_of(error).strip().split("\n")[0])
    own = isinstance(error, (BadResult, DataBroken, DiskTrouble, JobError))
    if own and first_line:
        return first_line
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == script]
    place = f" ({Path(script).name}, line {lines[-1]})" if lines else ""
    what = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
    return f"{what}{place}{_columns_instead(error, first_line)}"


def _columns_instead(error: BaseException, message: str) -> str:
    """Return which columns there are, if the error is that an array or a table lacks one; else nothing."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    wanted = _no_column(error, message, frames[-1].f_globals.get("__name__", "") if frames else "")
    for frame in reversed(frames if wanted else []):
        near = [
            found for one in frame.f_locals.values() for found in (_columns(one), _columns(getattr(one, "data", None)))
        ]
        columns: list = max((found for found in near if wanted not in found), key=len, default=[])
        if columns:
            close = difflib.get_close_matches(str(wanted), columns, 1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            shown = ", ".join(columns[:_MOST_COLUMNS]) + (" ..." if len(columns) > _MOST_COLUMNS else "")
            return f"; {hint}The columns are: {shown}"
    return ""


def _no_column(error: BaseException, message: str, module: str) -> Optional[str]:
    """Return the name of the column that there is not; None for another error, such as one of a dictionary."""
    numpy = re.search(r"no field of name (\S+)", message)
    if numpy or not (isinstance(error, KeyError) and module.startswith("pandas.")):
        return numpy[1] if numpy else None
    several = re.match(r"\['(.+?)'", str(error.args[0]))
    return several[1] if several else str(error.args[0])


def _columns(one: Any) -> list:
    """Return the columns of a structured array or of a table of pandas; none of anything else."""
    names = getattr(getattr(one, "dtype", None), "names", None)
    if isinstance(names, tuple):
        return list(names)
    if type(one).__module__.startswith("pandas.") and hasattr(one, "columns"):
        return [name for name in one.columns if isinstance(name, str)]
    return []
