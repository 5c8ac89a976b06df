"""The judge of one version of an analysis: its verdicts follow from results, decisions and settings alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xomflow.core.verdicts import Verdict
from xomflow.expected.bank import Bank, RunResults
from xomflow.expected.event import Event
from xomflow.expected.method.settings import Settings
from xomflow.expected.seed import Seed


class Judge:
    """Judges the results of one version of an analysis in the order of its runs.

    Parameters
    ----------
    settings
        Of the analysis.
    seeds
        What was learned from the version before, by group.
    """

    def __init__(self, settings: Settings, seeds: Mapping[str, Seed] | None = None) -> None:
        self._settings = settings
        self._banks: dict[str, Bank] = {}
        for group, seed in (seeds or {}).items():
            bank = self._banks[group] = Bank(settings)
            for results in seed.results:
                bank.take(results)
            bank.end_all()
            bank.widen(seed.variances)

    def to_json(self) -> dict[str, Any]:
        """Return the state; it has to be written before the next run is judged."""
        return {group: bank.to_json() for group, bank in self._banks.items()}

    def read(self, content: Mapping[str, Any]) -> Judge:
        """Take over the state that `to_json` returned, and return the judge."""
        self._banks = {group: Bank(self._settings).read(one) for group, one in content.items()}
        return self

    def take(self, group: str, results: RunResults) -> list[tuple[str, Verdict]]:
        """Judge the results of the next run, by variable."""
        if group not in self._banks:
            self._banks[group] = Bank(self._settings)
        return self._banks[group].take(results)

    def drain(self) -> list[tuple[str, Event]]:
        """Return the events that ended since the last call, with their groups."""
        ended = [(group, event) for group, bank in self._banks.items() for event in bank.finished]
        for bank in self._banks.values():
            bank.finished = []
        return ended

    def open_events(self) -> list[tuple[str, Event]]:
        """Return the events that go on, with their groups."""
        return [(group, event) for group, bank in self._banks.items() for event in bank.events]
