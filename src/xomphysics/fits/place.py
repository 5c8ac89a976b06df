"""Where a line is, before it is fitted."""

import numpy as np
from numpy.typing import NDArray

_NEAR = 0.2  # of ln of the area: the widest line, 9.4 keV at a small light yield, has a width of 0.19
_ENOUGH = 4000  # areas for finding a line


def densest(areas: NDArray[np.float64]) -> float:
    """Return where a line stands out: most areas within a fifth, less those that its neighbourhood lets expect.

    The mean of the neighbourhoods below and above is more than a flat or falling background has between them.
    """
    logs = np.sort(np.log(areas[:: 1 + len(areas) // _ENOUGH]))
    places = [np.searchsorted(logs, logs + step * _NEAR) for step in (-3, -1, 1, 3)]
    own, around = places[2] - places[1], places[3] - places[2] + places[1] - places[0]
    best = int(np.argmax(own - around / 2))
    return float(np.exp(np.median(logs[places[1][best] : places[2][best]])))
