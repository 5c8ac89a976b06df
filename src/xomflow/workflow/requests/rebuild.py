"""Fill a store again: with the results, and with what boards show, from a survey of the present."""

from __future__ import annotations

from xomflow.config.model import Config
from xomflow.core.errors import XomError
from xomflow.core.files.file_lock import exclusive
from xomflow.core.paths import Paths
from xomflow.core.tick_summary import Receipt
from xomflow.outcomes.groups import GroupsOfAll
from xomflow.publishing import publish
from xomflow.publishing.store import Store
from xomflow.workflow.boards import publish_boards
from xomflow.workflow.discover import as_listed, survey_document, survey_now
from xomflow.workflow.summary import with_records


def rebuild(config: Config, store: Store, groups: GroupsOfAll | None) -> Receipt:
    """Publish everything to a store, which may be empty; return the receipt.

    The results come from the outcomes alone. If the run database or the store cannot be asked, the receipt has a
    sentence about it, and the next tick publishes the rest.
    """
    paths = Paths(config.work)
    receipt = publish.rebuild(paths, store, config.store.prefix, groups, config.page.url)
    if receipt.away:
        return receipt
    try:
        survey = survey_now(config, may_write=False)
        listed = with_records(paths, map(as_listed, survey.undone))
        with exclusive(paths.publishing_lock):
            publish_boards(paths, store, survey_document(survey, config, []), listed)
    except (XomError, OSError) as error:
        receipt.problems.append(str(error))
    return receipt
