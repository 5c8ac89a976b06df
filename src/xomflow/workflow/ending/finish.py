"""The last step of a tick: publish, write the summary, renew the page, remove what is old."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from xomflow.core.collector import uncollected
from xomflow.core.errors import STOPS, XomError
from xomflow.core.files.folder_marks import mark_folders
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.tick_summary import Receipt
from xomflow.decisions.effects import promoted
from xomflow.decisions.files import read_decisions, standing_decisions
from xomflow.outcomes.trial_marks import on_trial
from xomflow.page.refresh import PageRefresh
from xomflow.publishing.current_points import OnRead
from xomflow.publishing.open_store import open_store
from xomflow.publishing.publish import joined, publish
from xomflow.publishing.scope import scopes
from xomflow.workflow.ending.summary import claimed_shelves, write_report
from xomflow.workflow.mass_changes import mass_changes, stop_before
from xomflow.workflow.survey_document import SurveyDocument
from xomflow.workflow.upkeep.sweep import sweep
from xomlib.files import dump_json, read_json


def finish(tick: TickPaths) -> list[str]:
    """Do the last step of a tick; return what was published. What was published before is not published again.

    The store's errors stand in the receipt and in the summary. An error that XOM does not expect costs the publication
    only: it is raised when the summary is written.
    """
    survey = SurveyDocument.from_json(read_json(tick.survey))
    with uncollected():
        return _finish(tick, survey)


def _finish(tick: TickPaths, survey: SurveyDocument) -> list[str]:
    paths, said, unforeseen = Paths(survey.config.work), list[str](), None
    renewal = PageRefresh(paths, claimed_shelves(tick))
    try:
        if not tick.published.exists():
            receipt = _publish(tick, paths, survey, renewal.look)
            dump_json(tick.published, receipt.to_json())
            said += [f"{receipt.outcomes} outcomes, {receipt.points} points published", *receipt.problems]
    except STOPS:
        raise
    except Exception as error:
        unforeseen = error
    write_report(tick, survey, renewal)
    sweep(paths, Path(".snakemake"))
    if unforeseen is not None:
        raise unforeseen
    return said


def _publish(tick: TickPaths, paths: Paths, survey: SurveyDocument, on_read: OnRead) -> Receipt:
    config = survey.config
    # What jobs needed hours for may have gone since the tick began.
    stop_before(mass_changes(paths, config.store, read_decisions(paths).made))
    mark_folders(paths, config.store.is_local)
    whole, hidden = Receipt(), on_trial(paths, config.methods, config.methods_on_trial)
    for where, scope in scopes(config.store, hidden, promoted(standing_decisions(paths))):
        more = (config.page_url, config.longest_wait_s, claimed_shelves(tick), scope, on_read)
        try:
            with closing(open_store(where, paths)) as store:
                whole = joined(whole, publish(paths, store, where.prefix, *more))
        except XomError as error:
            whole = joined(whole, Receipt(away=True, problems=[str(error)]))
    return whole
