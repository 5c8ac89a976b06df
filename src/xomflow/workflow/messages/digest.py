"""The digest of the day before a moment, as a message."""

from __future__ import annotations

from datetime import datetime, timedelta

from xomflow.core.paths import Paths
from xomflow.notify.letter import Letter
from xomflow.reports.digest import digest_text, digest_title
from xomflow.reports.facts import Period
from xomflow.workflow.documents import ReportConfig
from xomflow.workflow.messages.period import facts_of

_DAY = timedelta(days=1)


def digest_of(paths: Paths, config: ReportConfig, now: datetime) -> Letter:
    """Return the digest of the last 24 hours."""
    facts = facts_of(paths, config, Period(now - _DAY, now))
    return Letter(digest_title(facts), digest_text(facts))
