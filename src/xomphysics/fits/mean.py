"""Mean of a sample and its standard error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xomphysics.fits.errors import FitFailed

_PIECE = 65536  # values of a large sample that are processed at a time


@dataclass(frozen=True)
class Mean:
    """Mean of a sample, its standard error and the sample's standard deviation."""

    mean: float
    error: float
    deviation: float
    n: int


def sample_mean(values: ArrayLike, times: ArrayLike | None = None) -> Mean:
    """Return mean, standard error s/sqrt(n) and s, with s^2 = sum (x - mean)^2 / (n - 1).

    Parameters
    ----------
    values
        The sample, shape (values,); it may be large and is not copied as a whole.
    times
        Multiplicity of each value, shape (values,); by default 1.

    Raises
    ------
    FitFailed
        If there are fewer than two values, or all are equal, so that their spread gives no error.
    """
    sample = np.asarray(values)
    counts = np.broadcast_to(1, len(sample)) if times is None else np.asarray(times)
    n = int(counts.sum())
    if n < 2:
        raise FitFailed(f"{n} events have no spread to take an error from")
    there = sample if times is None else sample[counts > 0]
    places = [slice(start, start + _PIECE) for start in range(0, len(sample), _PIECE)]
    mean = sum(float(counts[place] @ sample[place].astype(float)) for place in places) / n
    squares = sum(float(counts[place] @ (sample[place].astype(float) - mean) ** 2) for place in places)
    deviation = float(np.sqrt(squares / (n - 1)))
    # Rounding may give equal values a deviation above zero; values that are not finite have none.
    if there.min() == there.max() or not deviation > 0:
        raise FitFailed(f"all {n} values are equal ({there[0]:g})")
    return Mean(mean, deviation / float(np.sqrt(n)), deviation, n)
