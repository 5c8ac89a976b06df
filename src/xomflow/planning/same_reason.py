"""Keys that are not done for the same reason: one mistake is one line, however many runs it concerns. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from xomflow.core.messages import some_of
from xomflow.core.reason import form_of
from xomflow.core.state import State
from xomflow.core.tick_summary import ListedKey, name_among


@dataclass(frozen=True, slots=True)
class SameReason:
    """Keys in the same state whose reasons differ in numbers only.

    Parameters
    ----------
    keys
        At least one, in the order in which they were listed.
    """

    keys: tuple[ListedKey, ...]

    @property
    def example(self) -> ListedKey:
        """The first of them."""
        return self.keys[0]

    @property
    def state(self) -> State:
        """The state of all."""
        return self.example.state

    def analyses(self, counts: Mapping[str, object]) -> str:
        """Return the names of their analyses and trials, as those are called under which all keys were counted."""
        return some_of(sorted({name_among(counts, one.key) for one in self.keys}))

    @property
    def next_try(self) -> datetime | None:
        """When the first of them is tried again; None if none is."""
        return min((one.next_try for one in self.keys if one.next_try), default=None)


def group_by_reason(listed: Iterable[ListedKey]) -> list[SameReason]:
    """Return keys by state and form of their reason: the most urgent first, of these the largest groups."""
    groups: dict[tuple[State, str], list[ListedKey]] = {}
    for one in listed:
        groups.setdefault((one.state, form_of(one.reason)), []).append(one)
    found = [SameReason(tuple(keys)) for keys in groups.values()]
    return sorted(found, key=lambda group: (-group.state.urgency, -len(group.keys)))
