"""Judge all results of one version of an analysis: a pure function of them, of decisions and of the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xomflow.core.verdicts import SeriesId, Verdict
from xomflow.expected.bank import Bank, RunResults
from xomflow.expected.event import Event
from xomflow.expected.method.settings import Settings
from xomflow.expected.seed import Seed


@dataclass(frozen=True, slots=True)
class Judged:
    """What came out.

    Parameters
    ----------
    verdicts
        The verdicts by group of run modes and variable, in the order of runs.
    events
        All events, those that go on last, by group.
    """

    verdicts: dict[tuple[str, str], list[Verdict]] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)

    def of(self, analysis: str, version: str) -> dict[SeriesId, list[Verdict]]:
        """Return the verdicts by series."""
        return {SeriesId(analysis, version, *one): verdicts for one, verdicts in self.verdicts.items()}


class Judge:
    """Judges the results of one version of an analysis in the order of its runs.

    Parameters
    ----------
    settings
        Of the analysis.
    seeds
        What the version before knew, by group.
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


def judge(
    results: Iterable[tuple[str, RunResults]], settings: Settings, seeds: Mapping[str, Seed] | None = None
) -> Judged:
    """Judge results.

    Parameters
    ----------
    results
        The results of each run with the group of its mode, in the order of runs; decisions are in them.
    settings
        Of the analysis.
    seeds
        What the version before knew, by group.
    """
    one, judged = Judge(settings, seeds), Judged()
    for group, of_run in results:
        for variable, verdict in one.take(group, of_run):
            judged.verdicts.setdefault((group, variable), []).append(verdict)
    for group, event in [*one.drain(), *one.open_events()]:
        judged.events.setdefault(group, []).append(event)
    return judged
