"""The values that a fit uses."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xomphysics.fits.errors import FitFailed


def sample_in(values: ArrayLike, low: float, high: float, least: int) -> NDArray[np.float64]:
    """Return the values from ``low`` to below ``high``.

    Raises
    ------
    FitFailed
        If they are fewer than ``least``.
    """
    sample = np.asarray(values, dtype=float)
    sample = sample[(sample >= low) & (sample < high)]
    if len(sample) < least:
        raise FitFailed(f"{len(sample)} events between {low:.5g} and {high:.5g}, at least {least} are needed")
    return sample
