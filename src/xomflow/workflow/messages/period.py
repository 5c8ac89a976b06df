"""The facts of a period, from outcomes, verdicts, ticks and decisions; reads only."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from datetime import datetime, timedelta

from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.core.tick_summary import Summary
from xomflow.core.verdicts import Alarm, read_alarms
from xomflow.decisions.files import read_decisions
from xomflow.planning.same_reason import group_by_reason
from xomflow.publishing.boards import events
from xomflow.publishing.boards.uses import Uses
from xomflow.reports.facts import Change, Facts, Missing, Period
from xomflow.workflow.documents import ReportConfig
from xomflow.workflow.messages.results import Results
from xomflow.workflow.upkeep.past_ticks import past_ticks

# A tick that began so long before its end is not looked for.
_LONGEST_TICK = timedelta(days=1)
# An alarm that nobody gave a reason for stays in reports for so long after its end.
_ASKED_FOR = timedelta(days=14)


def facts_of(paths: Paths, config: ReportConfig, period: Period, since: datetime | None = None) -> Facts:
    """Return the facts of a period.

    Parameters
    ----------
    paths, config
        Of the site.
    period
        The period.
    since
        Start of the first run whose results are wanted too; None: none are, which is faster.
    """
    ends, newest = _ticks(paths, period)
    is_older = next(past_ticks(paths, [], until=period.begin), None) is not None
    moments = [*([period.begin] if is_older or not ends else []), *ends, period.end]
    summary = newest or Summary("", period.begin, period.end)
    results = Results(paths, period)
    return Facts(
        f"{paths.work.absolute()} on {os.uname().nodename}",
        period,
        [results.of(name, block, dict(summary.counts.get(name, {})), since) for name, block in config.analyses.items()],
        [one for one in read_alarms(paths) if _concerns(one, period)],
        [one for name, block in config.analyses.items() for one in results.marks(name, block.version)],
        list(_missing(summary)),
        sorted(_changes(paths, period), key=lambda one: one.when),
        len(ends),
        max((after - before).total_seconds() for before, after in itertools.pairwise(moments)),
        [*summary.for_person, *summary.configuration_errors, *summary.site_errors],
    )


def _concerns(one: Alarm, period: Period) -> bool:
    began = times.moment(one.began)
    ended = times.moment_or_none(one.ended)
    since = period.begin - _ASKED_FOR if one.needs_reason else period.begin
    return began < period.end and (ended is None or ended >= since)


def _ticks(paths: Paths, period: Period) -> tuple[list[datetime], Summary | None]:
    """Return when the ticks of a period ended, in order, and the summary of the last one."""
    ends, newest = list[datetime](), None
    for tick in past_ticks(paths, [], period.begin - _LONGEST_TICK, period.end):
        with contextlib.suppress(LookupError, TypeError, ValueError, AttributeError):
            summary = Summary.from_json(tick.read_json(tick.files.summary))
            if period.has(summary.ended):
                ends.append(summary.ended)
                newest = newest or summary
    return sorted(ends), newest


def _stores(paths: Paths) -> list[str]:
    try:
        return sorted(os.listdir(paths.ledger))
    except OSError:
        return []


def _missing(summary: Summary) -> Iterator[Missing]:
    for one in group_by_reason(summary.listed):
        yield Missing(one.state, len(one.keys), one.analyses(summary.counts), one.example.key.run, one.example.reason)


def _changes(paths: Paths, period: Period) -> Iterator[Change]:
    made = [Change(one.when, one.title, str(one.words)) for one in read_decisions(paths).made if period.has(one.when)]
    yield from made
    happened = (one for store in _stores(paths) for one in events.changes(Uses(paths.uses(store)).by_version()))
    for event in dict.fromkeys(happened):
        with contextlib.suppress(ValueError):
            if period.has(when := times.moment(event.start)):
                yield Change(when, f"{event.kind}: {event.title}", event.text)
