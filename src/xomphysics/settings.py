"""An analysis' settings: its defaults, and what the configuration says otherwise."""

import difflib
from typing import Any


def merge(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the defaults with what is given in their place.

    Raises
    ------
    ValueError
        If a key is given that the defaults do not have.
    """
    for key in given:
        if key not in defaults:
            near = difflib.get_close_matches(str(key), list(defaults), n=1, cutoff=0.0)
            raise ValueError(f"settings.{key} = {given[key]!r} is not known; the nearest is {near[0] if near else '-'}")
    return {**defaults, **given}
