"""The quality flag of a result: its goodness of fit and other numbers against the limits of the configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

Limits = Mapping[str, Sequence[float | None]]
GOOD, POOR = "good", "poor"


def flag(data: Mapping[str, Any], limits: Limits, *warnings: str) -> dict[str, str]:
    """Return the quality of a result: compare its numbers with limits.

    Parameters
    ----------
    data
        A result's data, such as ``{"p_value": 0.2, "relative_width": 0.09}``.
    limits
        Key of ``data`` to the lowest and highest value that is good, both inside; None leaves that side open. Keys that
        are not in the data are ignored.
    warnings
        Further reasons against the result, as sentences; empty ones are ignored.

    Returns
    -------
    dict
        ``{"quality": "good"}``, or ``{"quality": "poor", "quality_reason": ...}`` with every number outside its
        limits and the warnings.
    """
    reasons = [words for key, pair in limits.items() if key in data and (words := _out_of(key, data[key], pair))]
    reasons += [warning for warning in warnings if warning]
    return {"quality": POOR, "quality_reason": "; ".join(reasons)} if reasons else {"quality": GOOD}


def judged(results: Sequence[Mapping[str, Any]], limits: Limits, *warnings: str) -> list[dict[str, Any]]:
    """Return results as keywords of `xomlib.Xomresult`, those with a number with their quality in the data.

    Parameters
    ----------
    results
        Keywords of `xomlib.Xomresult`; ``warnings`` beside them are those of this result alone.
    limits, warnings
        See `flag`.
    """
    return [_judged(dict(result), limits, warnings) for result in results]


def _judged(result: dict[str, Any], limits: Limits, warnings: Sequence[str]) -> dict[str, Any]:
    own, data = result.pop("warnings", ()), dict(result.pop("data", None) or {})
    if "insufficient" not in result:
        data |= flag(data, limits, *own, *warnings)
    return result | ({"data": data} if data else {})


def _out_of(key: str, value: float, pair: Sequence[float | None]) -> str:
    low, high = pair
    if low is not None and not value >= low:
        return f"{key} {value:.3g} is below {low:g}"
    if high is not None and not value <= high:
        return f"{key} {value:.3g} is above {high:g}"
    return ""


def check(limits: Mapping[str, Any]) -> None:
    """Check the limits of the settings.

    Raises
    ------
    ValueError
        If a limit is not a pair of rising numbers, of which either may be null.
    """
    for key, pair in limits.items():
        numbers = [side for side in pair if side is not None] if isinstance(pair, list | tuple) else []
        if not isinstance(pair, list | tuple) or len(pair) != 2 or sorted(numbers) != numbers:
            raise ValueError(f"settings.quality.{key} is {pair!r}, a lowest and a highest good value are needed")
