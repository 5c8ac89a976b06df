"""The settings of an analysis: its defaults, overridden by the configuration."""

import difflib
from typing import Any


def merge(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the defaults, overridden by the given settings.

    Raises
    ------
    ValueError
        If a given key is not in the defaults.
    """
    for key in given:
        if key not in defaults:
            near = difflib.get_close_matches(str(key), list(defaults), n=1, cutoff=0.0)
            nearest = f"; the nearest is {near[0]}" if near else ""
            raise ValueError(f"settings.{key} = {given[key]!r} is not a setting of this analysis{nearest}")
    return {**defaults, **given}
