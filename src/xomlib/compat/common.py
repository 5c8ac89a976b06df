"""What the modules of the calls share, so that they need not import each other."""

from typing import Any

from xomlib.errors import JobError


def refused(name: str, instead: str) -> JobError:
    """Return the error of a call that has no place in a job, with what to do instead of it."""
    return JobError(f"{name} of the first XOM has no place in a job: {instead}")


def construct_filename(meas_name: str, an_name: str, an_version: str, an_var: str, runid: Any) -> str:
    """Return the name of the file of a result."""
    return "_".join([meas_name, an_name, an_version, an_var, str(runid)]) + ".json"
