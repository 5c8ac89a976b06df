"""Channels with far too few or far too many hits, found with a low rate of false alarms per detector."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaincc

from xomphysics import figures

DEFAULTS: dict[str, Any] = {
    "silent_below": 0.1,  # of the median channel's rate
    "loud_above": 5.0,
    "false_alarm": 0.01,  # probability that a run with ordinary channels only has a false alarm
}
"""Settings of the analyses that use this module."""


@dataclass(frozen=True)
class OddChannels:
    """Result of `find_odd_channels`.

    Attributes
    ----------
    silent, loud
        Indices of the channels.
    median
        Median count of the channels.
    """

    silent: NDArray[np.int64]
    loud: NDArray[np.int64]
    median: float


def minimum_median(n: int, silent_below: float, false_alarm: float) -> float:
    """Return the smallest median count at which a channel without any hit is significantly silent."""
    return float(-np.log(false_alarm / n) / silent_below)


def find_odd_channels(counts: ArrayLike, silent_below: float, loud_above: float, false_alarm: float) -> OddChannels:
    """Find channels whose rate is significantly below or above limits relative to the median channel.

    A channel is silent if a rate of ``silent_below`` times the median would give its count, or fewer, with a
    probability of less than ``false_alarm / n`` (Poisson); loud in the same way. So if all n channels are within
    the limits, at most a share ``false_alarm`` of the runs has any silent channel, and the same for loud ones
    (Bonferroni's inequality: this is the look-elsewhere effect). The error of the median is neglected.

    Parameters
    ----------
    counts
        Hits of each channel, shape (n,).
    silent_below, loud_above
        Limits of an ordinary channel, as multiples of the median.
    false_alarm
        Probability per run.
    """
    hits = np.asarray(counts, dtype=float)
    median = float(np.median(hits)) if len(hits) else 0.0
    if not median > 0:
        none = np.zeros(0, dtype=np.int64)
        return OddChannels(none, none, median)
    least = false_alarm / len(hits)
    at_most = gammaincc(hits + 1, silent_below * median)
    at_least = np.where(hits > 0, gammainc(np.maximum(hits, 1), loud_above * median), 1.0)
    return OddChannels(np.flatnonzero(at_most < least), np.flatnonzero(at_least < least), median)


def check(settings: Mapping[str, Any]) -> None:
    """Check the settings.

    Raises
    ------
    ValueError
        If the probability is not between 0 and 1, or the limits of an ordinary channel do not enclose 1.
    """
    if not 0 < float(settings["false_alarm"]) < 1:
        raise ValueError(f"settings.false_alarm is {settings['false_alarm']!r}, a number between 0 and 1 is needed")
    if not 0 < settings["silent_below"] < 1 < settings["loud_above"]:
        limits = f"{settings['silent_below']!r} and {settings['loud_above']!r}"
        raise ValueError(f"settings.silent_below and loud_above are {limits}; 1 has to lie between them, and 0 below")


def find(hits: ArrayLike, settings: Mapping[str, Any]) -> OddChannels:
    """Call `find_odd_channels` with the settings of `DEFAULTS`."""
    below, above, alarm = (float(settings[key]) for key in DEFAULTS)
    return find_odd_channels(hits, below, above, alarm)


def lack(median: float, channels: int, settings: Mapping[str, Any]) -> str:
    """Return why silent channels cannot be found, or empty: a median channel has too few hits."""
    needed = minimum_median(max(channels, 1), float(settings["silent_below"]), float(settings["false_alarm"]))
    return f"the median channel has {median:g} hits, {needed:.0f} needed" if median < needed else ""


def results(hits: NDArray[np.int64], first_channel: int, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return ``silent_channels`` and ``loud_channels`` as keywords of `xomlib.Xomresult`.

    Parameters
    ----------
    hits
        Hits of each channel, shape (n,).
    first_channel
        Number of the first of them.
    settings
        With the keys of `DEFAULTS`.
    """
    odd = find(hits, settings)
    missing = lack(odd.median, len(hits), settings)
    out = []
    for name, found in (("silent_channels", odd.silent), ("loud_channels", odd.loud)):
        result: dict[str, Any] = {"variable_name": name, "unit": "channels", "n": int(hits.sum())}
        data: dict[str, Any] = {"median_hits": odd.median, "false_alarm": float(settings["false_alarm"])}
        if missing:
            out.append(result | {"insufficient": missing, "data": data})
            continue
        if len(found):
            data["channels"] = listed(found + first_channel)
        out.append(result | {"variable_value": len(found), "data": data})
    return out


def listed(channels: Iterable[int], most: int = 20) -> str:
    """Return channel numbers as text, the first ``most`` of them."""
    numbers = [str(int(channel)) for channel in channels]
    more = f" and {len(numbers) - most} more" if len(numbers) > most else ""
    return " ".join(numbers[:most]) + more


def draw(axes: Any, hits: NDArray[np.int64], first_channel: int, settings: Mapping[str, Any]) -> None:
    """Draw the hits of each channel, and mark those that are silent or loud."""
    numbers = first_channel + np.arange(len(hits))
    axes.stairs(hits, np.append(numbers, numbers[-1] + 1) - 0.5 if len(hits) else [0], color=figures.INK, lw=1)
    odd = find(hits, settings)
    if lack(odd.median, len(hits), settings):
        figures.say_empty(axes, f"too few to judge: median {odd.median:g} hits", 0.9)
        return
    for found, colour, label in ((odd.silent, figures.ORANGE, "silent"), (odd.loud, figures.BANDS[4], "loud")):
        words = f"{label}: {listed(numbers[found], 5) or 'none'}"
        axes.plot(numbers[found], np.maximum(hits[found], 0.7), "v", color=colour, ms=6, label=words)
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5)
    axes.legend(fontsize=8, framealpha=1, edgecolor="none", loc="center right")
