"""The error of all estimators."""


class FitFailed(Exception):
    """The data do not allow the estimate; the message is the reason."""
