"""Maximum-likelihood fits and how well they describe the data: spectral lines, loss of charge, half-lives.

Every fit raises `errors.FitFailed` with a reason in words if the data do not allow it.
"""
