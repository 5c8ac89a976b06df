"""The errors of xomlib; each has a failure class of its own in the outcome."""


class XomError(Exception):
    """Base of the errors that xomlib raises."""


class BadResult(XomError):
    """A result that cannot be saved: not a number, of another run, or saved twice."""


class DataBroken(XomError):
    """The data of the run are damaged or incomplete; a later attempt may succeed."""


class DiskTrouble(XomError):
    """A file of the job cannot be written: the disk is full, read-only or away, which is not the script's fault."""


class JobError(XomError):
    """The job cannot be set up, for instance because its script or context function is missing."""


class ResultsError(XomError):
    """Results cannot be read as they are asked for."""
