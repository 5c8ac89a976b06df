"""What waits for a person is news when it begins, changes or ends, and once a day while it lasts.

systemd and cron mail each tick that ends with another exit code than 0 and 7. A tick with news ends with 8; one without
ends with 7, though its last lines have the sentences all the same. So nothing but the exit code decides about a mail.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.reason import subject_of
from xomflow.planning.claims import is_overtaken

_AGAIN_AFTER = timedelta(days=1)

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
        What was reported and waits no more.
    reported
        What is reported then.
    """

    is_due: bool
    ended: tuple[str, ...]
    reported: Reported

    @property
    def lines(self) -> list[str]:
        """Sentences about what has ended."""
        return [f"no person is needed any more: {sentence}" for sentence in self.ended]


def news_of(reported: Reported, waiting: Collection[str], now: datetime, is_all: bool = True) -> News:
    """Return what is new: a pure decision.

    Parameters
    ----------
    reported
        What was reported, and when.
    waiting
        Sentences about what waits. One with other numbers is the same: more jobs that are held are no news.
    now
        The present.
    is_all
        Whether nothing else waits; False for a tick that was stopped before it could look.
    """
    present, before = {subject_of(one) for one in waiting}, {subject_of(one): when for one, when in reported.items()}
    ended = tuple(one for one in reported if is_all and subject_of(one) not in present)
    began = present - before.keys()
    lasts = any(not timedelta() <= now - before[one] < _AGAIN_AFTER for one in present & before.keys())
    if not (ended or began or lasts):
        return News(False, (), reported)
    others = {one: when for one, when in reported.items() if not is_all and subject_of(one) not in present}
    return News(True, ended, others | dict.fromkeys(waiting, now))


def note_news(paths: Paths, tick: TickPaths, waiting: Collection[str], is_all: bool = True) -> News:
    """Return what is new at the end of a tick, and note that it is reported now.

    Parameters
    ----------
    paths, tick, waiting, is_all
        Where it is noted, the tick, and what waits, see `news_of`.
    """
    now = times.now().replace(microsecond=0)  # as it will be read again
    if is_overtaken(paths, tick, now):  # a later tick has reported what is so now
        return News(False, (), read_kept(paths.reported, _parsed) or {})
    return note_waiting(paths, waiting, now, is_all)


def note_waiting(paths: Paths, waiting: Collection[str], now: datetime, is_all: bool) -> News:
    """Return what is new about what waits for a person, and note that it is reported now; see `news_of`."""
    reported = read_kept(paths.reported, _parsed) or {}
    found = news_of(reported, waiting, now, is_all)
    if found.reported != reported:
        with contextlib.suppress(OSError):  # a full disk: then it is reported again
            write_kept(paths.reported, json.dumps({one: times.text(when) for one, when in found.reported.items()}))
    return found


def code_in_trouble(paths: Paths, tick: TickPaths, sentence: str, code: ExitCode) -> ExitCode:
    """Return the exit code of a tick that a step has stopped with this sentence and code."""
    if code != ExitCode.WAITS_FOR_PERSON or note_news(paths, tick, sentence.splitlines(), is_all=False).is_due:
        return code
    return ExitCode.FAILED_RUNS


def _parsed(content: Any) -> dict[str, datetime]:
    return {str(sentence): times.moment(when) for sentence, when in content.items()}
