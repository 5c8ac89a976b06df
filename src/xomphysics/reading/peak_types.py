"""Types of peaks: their numbers in straxen, and how many peaks have another."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Types = Mapping[str, Sequence[int]]

# Numbers 0 to 2: every straxen. 3: S1s of straxen's PeakletClassificationSOM (from 2.1 on). 20 and 22: S2s whose parts
# lie far apart in position, from straxen's MergedS2s (from 3 on); the electrons after an S2 may be such.
DEFAULTS: dict[str, Any] = {"types": {"unknown": [0], "s1": [1, 3], "s2": [2, 20, 22]}}
"""Settings of the analyses that use this module."""


def check(types: Any) -> None:
    """Check the types of the settings.

    Raises
    ------
    ValueError
        If a type has no list of whole numbers, or two types have one number.
    """
    if not isinstance(types, Mapping) or not types:
        raise ValueError(f"settings.types is {types!r}, names of types with their numbers are needed")
    for name, numbers in types.items():
        if not isinstance(numbers, list | tuple) or not numbers or not all(type(one) is int for one in numbers):
            raise ValueError(f"settings.types.{name} is {numbers!r}, a list of straxen's numbers is needed")
    number, times = Counter(one for numbers in types.values() for one in numbers).most_common(1)[0]
    if times > 1:
        raise ValueError(f"settings.types has the number {number} {times} times, a peak can have only one type")


def is_one(seen: ArrayLike, numbers: Sequence[int]) -> NDArray[np.bool_]:
    """Return which of the types ``seen`` are one of ``numbers``."""
    types = np.asarray(seen)
    found = np.zeros(types.shape, dtype=bool)
    for number in numbers:  # few: many times faster than np.isin
        found |= types == number
    return found


class UnknownTypes:
    """Counts the peaks whose type is none of the settings'.

    Parameters
    ----------
    types
        See `DEFAULTS`.
    """

    def __init__(self, types: Types) -> None:
        self.known = [number for numbers in types.values() for number in numbers]
        self.found: Counter[int] = Counter()

    def add(self, seen: ArrayLike) -> None:
        """Count the types of one chunk."""
        other = np.asarray(seen)[~is_one(seen, self.known)]
        self.found.update({int(one): int(n) for one, n in zip(*np.unique(other, return_counts=True), strict=True)})

    @property
    def warning(self) -> str:
        """Why a result may lack peaks, or empty."""
        if not self.found:
            return ""
        numbers = ", ".join(f"{n} of type {number}" for number, n in sorted(self.found.items()))
        return f"there are peaks of types that settings.types does not have: {numbers}"
