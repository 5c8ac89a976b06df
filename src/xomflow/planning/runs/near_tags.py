"""Tags that nearly match an excluded one: they exclude nothing, so a warning names them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import SequenceMatcher

from xomflow.config.model import Config

_LIKE = 0.85  # 1 is equal; `mesy` and `messy` have 0.89, `ramp_up` and `ramp_down` 0.53


def describe_near_tags(config: Config, tagged: Mapping[str, tuple[int, str]]) -> list[str]:
    """Return a sentence for each tag of runs that is not in the configuration and nearly matches an excluded one.

    Parameters
    ----------
    config
        The configuration.
    tagged
        The number of runs with each tag, and the id of the newest.
    """
    blocks = config.analyses.values()
    excluded = sorted({*config.selection.excluded_tags, *(tag for block in blocks for tag in block.excluded_tags)})
    known = {*excluded, *(tag for block in blocks for tag in block.included_tags)}
    sentences = []
    for tag in sorted(tagged.keys() - known):
        near = next((one for one in excluded if nearly_matches(tag, one)), None)
        if near is not None:
            number, newest = tagged[tag]
            count = f"{number} run{'s' * (number > 1)}, the newest {newest}"
            sentences.append(
                f"the tag '{tag}' ({count}) excludes nothing, unlike '{near}': "
                "correct it in the run database, or add it to excluded_tags"
            )
    return sentences


def nearly_matches(tag: str, excluded: str) -> bool:
    """Return whether a person may have meant the excluded tag: other case or separators, or a slip in a long word."""
    left, right = _letters(tag), _letters(excluded)
    if re.sub(r"\D", "", left) != re.sub(r"\D", "", right):
        return False  # `hot_spot_1` and `hot_spot_2` are two tags
    return bool(left) and (left == right or SequenceMatcher(None, left, right, autojunk=False).ratio() >= _LIKE)


def _letters(tag: str) -> str:
    words = re.findall(r"[^\W_]+", tag.casefold())
    return "".join([word for word in words if word not in ("run", "runs")])
