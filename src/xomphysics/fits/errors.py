"""The error that the estimators share."""


class FitFailed(Exception):
    """The data do not allow the estimate; the text says why, in words for a person."""
