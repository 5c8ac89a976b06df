"""When what needs a person is mailed: when it begins, changes or ends, and once a day while it lasts.

systemd and cron mail the last lines of a tick that ends with another exit code than 0 and 7, unless it prints that no
mail is due, and of one that prints that something has ended. So the exit code is that of the tick, reported or not.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.reason import subject_of
from xomflow.planning.progress.claims import is_overtaken

# deploy/mail-if-due.sh and deploy/xom-failed@.service look for these words.
NO_MAIL = "no mail is due: "
ENDED = "it has ended: "
# In the site's folder, where Snakemake keeps its notes: what is wrong may be that `work` is away.
REPORTED = Path(".snakemake/xom-reported.json")
_AGAIN_AFTER = timedelta(days=1)
# A person who types a wrong word sees it at once.
_NOT_NOTED = frozenset({ExitCode.OK, ExitCode.USAGE})

# The sentences that were reported, with the time.
Reported = Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class News:
    """What is new for a person at the end of a tick.

    Parameters
    ----------
    is_due
        Whether there is anything to report.
    ended
        What was reported and is no more.
    reported
        What is reported then.
    """

    is_due: bool
    ended: tuple[str, ...]
    reported: Reported

    def lines(self, code: ExitCode) -> list[str]:
        """Return sentences about what has ended, and whether the exit code is one that was reported."""
        ended = [f"{ENDED}{sentence}" for sentence in self.ended]
        if self.is_due or code in (ExitCode.OK, ExitCode.FAILED_RUNS) or not self.reported:
            return ended
        return [*ended, f"{NO_MAIL}what needs a person was reported at {times.text(max(self.reported.values()))}"]


def news_of(
    reported: Reported, troubles: Collection[str], now: datetime, is_all: bool = True, has_event: bool = False
) -> News:
    """Return what is new: a pure decision.

    Parameters
    ----------
    reported
        What was reported, and when.
    troubles
        Sentences about what needs a person. One with other numbers is the same: more jobs that are held are no news.
    now
        The present.
    is_all
        Whether there is nothing else; False for a tick that was stopped before it could look.
    has_event
        Whether something happened that does not last.
    """
    present, before = {subject_of(one) for one in troubles}, {subject_of(one): when for one, when in reported.items()}
    ended = tuple(one for one in reported if is_all and subject_of(one) not in present)
    began = present - before.keys()
    lasts = any(not timedelta() <= now - before[one] < _AGAIN_AFTER for one in present & before.keys())
    if not (ended or began or lasts or has_event):
        return News(False, (), reported)
    others = {one: when for one, when in reported.items() if not is_all and subject_of(one) not in present}
    return News(True, ended, others | dict.fromkeys(troubles, now))


def note_news(
    troubles: Collection[str], of: tuple[Paths, TickPaths] | None = None, is_all: bool = True, has_event: bool = False
) -> News:
    """Return what is new at the end of a tick, and note in the site's folder that it is reported now.

    Parameters
    ----------
    troubles, is_all, has_event
        What needs a person, see `news_of`.
    of
        The paths and the tick; None if it ended before it was one.
    """
    now = times.now().replace(microsecond=0)  # as it will be read again
    if of is not None and is_overtaken(*of, now):  # a later tick has reported what is so now
        return News(False, (), read_kept(REPORTED, _parsed) or {})
    return note_troubles(troubles, now, is_all, has_event)


def note_troubles(troubles: Collection[str], now: datetime, is_all: bool, has_event: bool = False) -> News:
    """Return what is new, and note in the site's folder that it is reported now; see `news_of`."""
    reported = read_kept(REPORTED, _parsed) or {}
    found = news_of(reported, troubles, now, is_all, has_event)
    if found.reported != reported:
        with contextlib.suppress(OSError):  # a full disk: then it is reported again
            write_kept(REPORTED, json.dumps({one: times.text(when) for one, when in found.reported.items()}))
    return found


def with_news(sentence: str, code: ExitCode, of: tuple[Paths, TickPaths] | None = None) -> str:
    """Return the sentences with which a tick stops, and whether they are news, which is noted."""
    if code in _NOT_NOTED:
        return sentence
    return "\n".join([sentence, *note_news(sentence.splitlines(), of, is_all=False).lines(code)])


def _parsed(content: Any) -> dict[str, datetime]:
    return {str(sentence): times.moment(when) for sentence, when in content.items()}
