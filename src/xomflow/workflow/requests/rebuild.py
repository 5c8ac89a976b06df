"""Fill a store again: with the results, and with what boards show, from a survey of the present."""

from __future__ import annotations

import shutil
from contextlib import closing

from xomflow.config.model import Config
from xomflow.core.errors import XomError, sentence_of
from xomflow.core.files.file_lock import exclusive
from xomflow.core.paths import Paths
from xomflow.core.tick_summary import Receipt
from xomflow.outcomes.campaigns.groups import GroupsOfAll
from xomflow.publishing import publish
from xomflow.publishing.open_store import open_store
from xomflow.publishing.stores.store import Store
from xomflow.workflow.discover import as_listed, survey_document, survey_now
from xomflow.workflow.documents import ReportConfig
from xomflow.workflow.ending.boards import happened, publish_boards
from xomflow.workflow.ending.expected import judge_all
from xomflow.workflow.ending.summary import with_records
from xomflow.workflow.trials import stores_of


def rebuild(config: Config, groups: GroupsOfAll | None) -> Receipt:
    """Publish everything to the stores, which may be empty; return the receipt.

    The results come from the outcomes alone, and they are judged anew. If the run database or a store cannot be asked,
    the receipt has a sentence about it, and the next tick publishes the rest.
    """
    paths, receipt = Paths(config.work), Receipt()
    shutil.rmtree(paths.expected, ignore_errors=True)
    judge_all(paths, ReportConfig.of(config), groups)
    for where, scope in stores_of(config):
        with closing(open_store(where, paths)) as store:
            of_store = publish.rebuild(paths, store, where.prefix, groups, config.page.url, scope)
            if not of_store.away and scope.only is None and not where.is_mirror:
                of_store.problems += _boards(config, store)
            receipt = publish.joined(receipt, of_store)
    return receipt


def _boards(config: Config, store: Store) -> list[str]:
    """Publish what boards show; return a sentence if that failed."""
    paths = Paths(config.work)
    try:
        survey = survey_now(config, may_write=False)
        listed = with_records(paths, map(as_listed, survey.undone))
        with exclusive(paths.publishing_lock):
            document = survey_document(survey, config, [])
            publish_boards(paths, store, document, listed, happened(paths, document, store.name))
    except (XomError, OSError) as error:
        return [sentence_of(error)]
    return []
