"""The watch: a timer of its own checks that ticks still end. A tick that does not run sends no message itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.errors import XomError, sentence_of
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.file_lock import exclusive
from xomflow.core.files.kept_json import read_kept
from xomflow.core.paths import Paths
from xomflow.core.tick_summary import Summary
from xomflow.notify.addresses import read_addresses
from xomflow.notify.deliver import Situation, deliver
from xomflow.notify.letter import Letter
from xomflow.notify.matter import of_persons
from xomflow.notify.settings import NotifySettings
from xomflow.workflow.ending.reported import note_troubles
from xomflow.workflow.messages.of_tick import place_of
from xomflow.workflow.upkeep.past_ticks import PastTick, past_ticks

# Ticks that are missing before a person is told, as on the page, and the shortest time for that.
_MISSING = 3
_SHORTEST = timedelta(hours=1)


class Watched(NamedTuple):
    """The sentence of the watch, and its exit code: that of a tick with this news."""

    sentences: list[str]
    code: ExitCode


def longest_silence(config: Config) -> timedelta:
    """Return the time without the end of a tick after which a person is told, unless one is given."""
    return max(_MISSING * timedelta(seconds=config.page.interval), _SHORTEST)


def watch(config: Config, longest: timedelta, now: datetime) -> Watched:
    """Look when a tick last came to its end, and send people a message if that is too long ago.

    Parameters
    ----------
    config
        Of the site.
    longest
        The longest time that is not.
    now
        The present.
    """
    paths = Paths(config.work)
    silence = _silence(paths, longest, now)
    if silence is None:
        return Watched([], ExitCode.OK)
    news = note_troubles([silence], now, is_all=False)
    code = ExitCode.WAITS_FOR_PERSON if news.is_due else ExitCode.FAILED_RUNS
    return Watched([silence, *_why(paths), *_send(config, silence, now)], code)


def _silence(paths: Paths, longest: timedelta, now: datetime) -> str | None:
    """Return a sentence that stays the same as long as no tick ends; None if one ended in time."""
    ends = (_end(tick) for tick in past_ticks(paths, []))
    last = next((end for end in ends if end is not None), None)
    if last is not None and now - last <= longest:
        return None
    since = f"the last one ended {times.text(last)}" if last else "there was none yet"
    return f"no tick has come to its end within {times.span(longest.total_seconds())}: {since}"


def _end(tick: PastTick) -> datetime | None:
    """Return when a tick came to its end; None if it did not, as one that could not read the run database."""
    try:
        return Summary.from_json(tick.read_json(tick.files.summary)).ended
    except (LookupError, TypeError, ValueError, AttributeError, XomError):
        return None


def _why(paths: Paths) -> list[str]:
    newest = next(past_ticks(paths, []), None)
    if newest is None:
        return ["look at the timer: xom doctor"]
    trouble = read_kept(newest.files.trouble, lambda content: str(content["sentence"]))
    words = (
        f"could not look for work: {trouble}" if trouble else "has no summary" if _end(newest) is None else "was good"
    )
    return [f"the newest tick, {newest.name}, {words}", "look at the timer: xom doctor"]


def _send(config: Config, silence: str, now: datetime) -> list[str]:
    """Tell people by mail or chat, if that is configured; return what did not work."""
    settings = NotifySettings.of(config)
    if settings.addresses is None:
        return []
    paths = Paths(config.work)
    # Nothing else was looked at: only a tick can find that this is over, or anything else.
    situation = Situation(of_persons([silence], now), frozenset(), now, place_of(paths, settings))
    try:
        with exclusive(paths.telling_lock):
            return deliver(paths, read_addresses(settings.addresses), situation, None, _no_digest)
    except (XomError, OSError) as error:
        return [f"notify: no message was sent: {sentence_of(error)}"]


def _no_digest() -> Letter:
    raise AssertionError("a digest without an hour")
