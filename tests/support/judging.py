"""Judge results at once, as a replay of all ticks does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from xomflow.core.verdicts import SeriesId, Verdict
from xomflow.expected.bank import RunResults
from xomflow.expected.event import Event
from xomflow.expected.judge import Judge
from xomflow.expected.method.settings import Settings
from xomflow.expected.seed import Seed


@dataclass
class Judged:
    """The verdicts by group and variable, in the order of runs, and the events by group, those that go on last."""

    verdicts: dict[tuple[str, str], list[Verdict]] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)

    def of(self, analysis: str, version: str) -> dict[SeriesId, list[Verdict]]:
        return {SeriesId(analysis, version, *one): verdicts for one, verdicts in self.verdicts.items()}


def judge(
    results: Iterable[tuple[str, RunResults]], settings: Settings, seeds: Mapping[str, Seed] | None = None
) -> Judged:
    """Judge the results of each run, given with its group; `seeds` are what the version before knew, by group."""
    one, judged = Judge(settings, seeds), Judged()
    for group, of_run in results:
        for variable, verdict in one.take(group, of_run):
            judged.verdicts.setdefault((group, variable), []).append(verdict)
    for group, event in [*one.drain(), *one.open_events()]:
        judged.events.setdefault(group, []).append(event)
    return judged
