"""The errors of xomlib; each has a failure class of its own in the outcome."""


class XomError(Exception):
    """Base of the errors that xomlib raises."""


class BadResult(XomError):
    """A result that cannot be saved: not a number, of another run, or saved twice."""


class DataBroken(XomError):
    """The data of the run are damaged or incomplete; a later attempt may succeed."""


class JobError(XomError):
    """The job cannot be set up, for instance because its script or context function is missing."""


# By name, so that strax need not be imported for its exceptions.
_BROKEN_DATA = {"DataNotAvailable", "DataCorrupted"}


def failure_class(error: BaseException) -> str:
    """Return the failure class of an exception in the outcome."""
    if isinstance(error, BadResult):
        return "bad_result"
    if isinstance(error, JobError):
        return "setup"
    if isinstance(error, MemoryError):
        return "out_of_memory"
    names = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.split(".")[0] == "strax"}
    if isinstance(error, DataBroken) or names & _BROKEN_DATA:
        return "data_broken"
    return "raised"
