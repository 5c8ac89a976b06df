"""The errors an analysis may meet; each becomes a failure class of its own in the outcome."""


class XomError(Exception):
    """Base of the errors that xomlib raises."""


class BadResult(XomError):
    """A result that cannot stand: not a number, of another run, or said twice."""


class DataBroken(XomError):
    """The data of the run are wrong or not all there; worth another try later."""


class JobError(XomError):
    """The job cannot be set up: no such script, context function or setting."""
