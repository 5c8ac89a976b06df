"""The errors an analysis may meet; each becomes a failure class of its own in the outcome."""


class XomError(Exception):
    """Base of the errors that xomlib raises."""


class BadResult(XomError):
    """A result that cannot stand: not a number, of another run, or said twice."""


class DataBroken(XomError):
    """The data of the run are wrong or not all there; worth another try later."""


class JobError(XomError):
    """The job cannot be set up: no such script, context function or setting."""


# strax and its kin are never imported here just to name their exceptions.
_BROKEN_DATA = {"DataNotAvailable", "DataCorrupted"}


def failure_class(error: BaseException) -> str:
    """Return the class that an exception counts as in the outcome."""
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
