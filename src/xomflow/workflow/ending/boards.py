"""The points beside the results, of one survey: what needs attention, what happened, what is expected."""

from __future__ import annotations

from collections.abc import Iterable

from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.core.tick_summary import ListedKey
from xomflow.core.verdicts import Alarm, read_alarms
from xomflow.decisions.files import read_decisions
from xomflow.decisions.model import Decision
from xomflow.planning.runs.science_runs import ScienceRunTimes
from xomflow.publishing.boards import attention, events, expected
from xomflow.publishing.boards.bands import publish_bands
from xomflow.publishing.boards.events import Event
from xomflow.publishing.boards.uses import Uses
from xomflow.publishing.stores.store import Store
from xomflow.workflow.documents import ReportConfig
from xomflow.workflow.survey_document import SurveyDocument


def publish_boards(
    paths: Paths, store: Store, survey: SurveyDocument, listed: Iterable[ListedKey], past: Iterable[Event]
) -> None:
    """Make the store have the points that are so now, and no others.

    Parameters
    ----------
    paths
        Where ledgers and decisions are.
    store
        Where the points go.
    survey
        The survey.
    listed
        The keys that need attention as they are now, the failed ones with their failures.
    past
        What may explain a change of the results, see `happened`.

    Raises
    ------
    StoreError
        If not everything has arrived; the next tick tries again.
    """
    prefix = survey.config.store.prefix
    known = [*past, *map(of_alarm, read_alarms(paths))]
    contacts = {name: one.contact for name, one in survey.config.analyses.items()}
    store.replace(attention.TABLE, attention.attention_points(listed, prefix, contacts))
    store.replace(events.TABLE, events.event_points(known, prefix))
    store.replace(expected.TABLE, expected.expected_points(limits_of(survey.config), prefix))
    publish_bands(paths, store, prefix)


def happened(paths: Paths, survey: SurveyDocument, store: str) -> list[Event]:
    """Return what may explain a change of the results: science runs, versions, software and decisions.

    Parameters
    ----------
    paths
        Where ledgers and decisions are.
    survey
        The survey.
    store
        Name of the store whose ledger has the software of the results.
    """
    return [
        *map(of_science_run, survey.science_runs),
        *events.changes(Uses(paths.uses(store)).by_version()),
        *map(of_decision, read_decisions(paths).made),
    ]


def of_science_run(one: ScienceRunTimes) -> Event:
    """Return a science run as an event."""
    return Event("science_run", one.name, "", one.start, one.end)


def of_decision(one: Decision) -> Event:
    """Return a decision as an event."""
    end = times.text_or_none(one.until)
    return Event("decision", one.title, one.words, times.text(one.when), end, one.subject.analysis or "all")


def of_alarm(one: Alarm) -> Event:
    """Return an alarm as an event, from the run with which the change began."""
    asked = f"Contact: {one.contact}" if one.contact else ""
    text = ". ".join(filter(None, [f"{one.kind} since run {one.first_run}", one.how_ended, one.reason, asked]))
    return Event("alarm", one.sentence, text, one.began, one.ended, one.main.analysis, one.state)


def limits_of(config: ReportConfig) -> dict[tuple[str, str, str], expected.Limits]:
    """Return the configured limits, by analysis, version and variable."""
    return {
        (name, analysis.version, variable): one
        for name, analysis in config.analyses.items()
        for variable, one in analysis.limits.items()
    }
