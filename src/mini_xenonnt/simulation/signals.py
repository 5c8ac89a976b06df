"""S1 and S2 signals as rows of an array, and detector effects: light patterns, pile-up.

Everything here is a pure function of its arguments; straxen is not needed.
"""

import numpy as np
from numpy.random import Generator

from mini_xenonnt import detector

SIGNAL = np.dtype(
    [
        ("start", np.int64),
        ("end", np.int64),
        ("center", np.int64),
        ("area", np.float64),
        ("kind", np.int8),
        ("x", np.float32),
        ("y", np.float32),
        ("width", np.float32),
        ("top", np.float32),
    ]
)
"""Times in ns since the epoch, area in PE, kind 0 unknown, 1 S1, 2 S2, position in cm, width of the central 50 % of
the area in ns, expected fraction of the area in the top array."""

SAMPLE = 10
S1_BEFORE, S1_AFTER, S1_WIDTH = 60, 140, 60.0
S2_INTRINSIC_WIDTH = 600.0
S2_TOP_FRACTION = 0.75
XY_RESOLUTION = 0.4
SMALL_AREA = 60.0
EVERY_PMT_AREA = 3000.0
"""Above this area every PMT sees light, in proportion; below it, single photoelectrons are thrown on the PMTs."""


def positions(rng: Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw interaction positions, uniform in the sensitive volume, whose depth is not the same everywhere.

    Returns
    -------
    tuple of numpy.ndarray
        x, y, z in cm, each of shape (n,); z is 0 at the gate and negative below.
    """
    r = detector.RADIUS * np.sqrt(rng.random(n))
    phi = rng.uniform(0, 2 * np.pi, n)
    depth = rng.uniform(0, 1, n) * rng.normal(detector.HEIGHT, detector.CATHODE_SPREAD, n)
    return r * np.cos(phi), r * np.sin(phi), -depth


def drift_time(z: np.ndarray, velocity: float) -> np.ndarray:
    """Return the drift time in ns from depth `z` in cm; straxen's event positions invert the same formula.

    Parameters
    ----------
    velocity : float
        Of the electrons, in mm/us.
    """
    return detector.GATE_DRIFT_TIME - z / (1e-4 * velocity)


def times(rng: Generator, rate: float, start: int, end: int) -> np.ndarray:
    """Draw the times of a Poisson process whose events end within the window.

    The count is that of the full window; times are uniform up to one event length before its end.

    Parameters
    ----------
    rate : float
        Rate in Hz.
    start, end : int
        Window in ns since the epoch.

    Returns
    -------
    numpy.ndarray
        Sorted times in ns since the epoch, int64.
    """
    n = rng.poisson(rate * (end - start) / 1e9)
    last = max(start + 1, end - detector.EVENT_LENGTH)
    return np.sort(rng.integers(start, last, n))


def smeared(rng: Generator, mean: np.ndarray, variance: np.ndarray, skewness: float = 0.0) -> np.ndarray:
    """Draw areas; never below 1 PE.

    Parameters
    ----------
    mean, variance : numpy.ndarray
        Of each area, in PE and PE^2; they hold for any skewness.
    skewness : float
        0 draws from normal distributions, so that mean and median agree; else from shifted gamma distributions.
    """
    if skewness == 0:
        return np.maximum(rng.normal(mean, np.sqrt(variance)), 1.0)
    shape = 4 / skewness**2
    unit = (rng.gamma(shape, size=len(mean)) - shape) / np.sqrt(shape)
    return np.maximum(mean + np.sqrt(variance) * unit, 1.0)


def s1(center: np.ndarray, area: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return S1 signals.

    Parameters
    ----------
    center : numpy.ndarray
        Centre times in ns since the epoch.
    area : numpy.ndarray
        Areas in PE.
    z : numpy.ndarray
        Depths in cm; the deeper, the smaller the fraction of light in the top array.

    Returns
    -------
    numpy.ndarray
        Array of dtype `SIGNAL`.
    """
    out = np.zeros(len(center), SIGNAL)
    out["center"], out["area"], out["kind"] = center, area, 1
    out["start"], out["end"] = out["center"] - S1_BEFORE, out["center"] + S1_AFTER
    out["x"] = out["y"] = np.nan
    out["width"] = S1_WIDTH
    out["top"] = 0.55 + 0.47 * np.asarray(z) / detector.HEIGHT
    return out


def s2_width(drift: np.ndarray) -> np.ndarray:
    """Return the width of the central 50 % of an S2, in ns: intrinsic width and longitudinal diffusion.

    Parameters
    ----------
    drift : numpy.ndarray
        Drift times in ns.
    """
    diffusion = np.sqrt(2 * detector.LONGITUDINAL_DIFFUSION * drift) / detector.DRIFT_VELOCITY
    return np.hypot(S2_INTRINSIC_WIDTH, 1.349 * diffusion)


def s2(rng: Generator, center: np.ndarray, area: np.ndarray, drift: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Return S2 signals.

    Parameters
    ----------
    center, area, drift : numpy.ndarray
        Centre times in ns since the epoch, areas in PE, drift times in ns.
    xy : numpy.ndarray
        True positions in cm, shape (2, n); the reconstructed ones are smeared.

    Returns
    -------
    numpy.ndarray
        Array of dtype `SIGNAL`.
    """
    out = np.zeros(len(center), SIGNAL)
    out["center"], out["area"], out["kind"] = center, area, 2
    out["width"] = s2_width(drift)
    half = (2 * out["width"]).astype(np.int64)
    out["start"], out["end"] = out["center"] - half, out["center"] + half
    out["x"], out["y"] = np.asarray(xy) + rng.normal(0, XY_RESOLUTION, (2, len(center)))
    out["top"] = S2_TOP_FRACTION
    return out


def piled_up(signals: np.ndarray) -> np.ndarray:
    """Sort signals by start and make one of those that overlap, as a peak finder would.

    Together they have the area of all, their centre of gravity, and the kind, position and width of the largest.

    Parameters
    ----------
    signals : numpy.ndarray
        Array of dtype `SIGNAL`, in any order.

    Returns
    -------
    numpy.ndarray
        Disjoint signals, by start.
    """
    ordered = signals[np.argsort(signals["start"], kind="stable")]
    if not len(ordered):
        return ordered
    new = np.append(True, ordered["start"][1:] >= np.maximum.accumulate(ordered["end"])[:-1])
    first, group = np.flatnonzero(new), np.cumsum(new) - 1
    by_area = np.lexsort((-ordered["area"], group))
    out = ordered[by_area[first]]
    several = np.flatnonzero(np.diff(np.append(first, len(ordered))) > 1)
    area = np.add.reduceat(ordered["area"], first)
    offset = (ordered["center"] - ordered["start"][first][group]) * ordered["area"]
    center = ordered["start"][first] + (np.add.reduceat(offset, first) / area).astype(np.int64)
    top = np.add.reduceat(ordered["top"] * ordered["area"], first) / area
    out["start"], out["end"] = ordered["start"][first], np.maximum.reduceat(ordered["end"], first)
    for name, values in (("area", area), ("center", center), ("top", top)):
        out[name][several] = values[several]
    return out


def with_map_types(rng: Generator, signals: np.ndarray, share: float) -> np.ndarray:
    """Return signals of which a share has the types that straxen's self-organizing map gives beside 1 and 2.

    Parameters
    ----------
    signals : numpy.ndarray
        Array of dtype `SIGNAL`.
    share : float
        Of the signals below `SMALL_AREA`: S1s become 3, S2s 20 and 22. Larger ones keep their type.
    """
    if not share:
        return signals
    out = signals.copy()
    small = (out["area"] < SMALL_AREA) & (rng.random(len(out)) < share)
    out["kind"][small & (signals["kind"] == 1)] = 3
    s2 = small & (signals["kind"] == 2)
    out["kind"][s2] = rng.choice((20, 22), np.count_nonzero(s2))
    return out


def light_pattern(rng: Generator, signals: np.ndarray) -> np.ndarray:
    """Share the area of each signal among the PMTs.

    Parameters
    ----------
    signals : numpy.ndarray
        Array of dtype `SIGNAL`, shape (n,).

    Returns
    -------
    numpy.ndarray
        Area per PMT in PE, float32, shape (n, 494); each row sums up to the signal's area.
    """
    top, bottom = detector.N_TOP_PMTS, detector.N_PMTS - detector.N_TOP_PMTS
    area, fraction = signals["area"], signals["top"].astype(np.float64)
    hits = np.where(area < EVERY_PMT_AREA, np.maximum(np.rint(area), 2), 0).astype(np.int64)
    row = np.repeat(np.arange(len(signals)), hits)
    is_top = rng.random(len(row)) < fraction[row]
    pmt = np.where(is_top, rng.integers(0, top, len(row)), rng.integers(top, detector.N_PMTS, len(row)))
    counts = np.bincount(row * detector.N_PMTS + pmt, minlength=len(signals) * detector.N_PMTS)
    pattern = counts.reshape(len(signals), detector.N_PMTS) * (area / np.maximum(hits, 1))[:, None]
    large = hits == 0
    pattern[large, :top] = (area * fraction / top)[large, None]
    pattern[large, top:] = (area * (1 - fraction) / bottom)[large, None]
    return pattern.astype(np.float32)
