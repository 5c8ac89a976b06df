"""The messages after a tick: alarms, what waits for a person, what failed; and the call that shows that it ended."""

from __future__ import annotations

import functools
from collections.abc import Collection
from datetime import datetime
from typing import Any

from xomflow.core import times
from xomflow.core.errors import XomError, sentence_of
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.file_lock import if_free
from xomflow.core.files.kept_json import read_kept
from xomflow.core.key import shelf_of
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.tick_summary import Summary
from xomflow.core.verdicts import Alarm, read_alarms, read_bands
from xomflow.notify.addresses import Addresses, read_addresses
from xomflow.notify.deliver import Situation, deliver
from xomflow.notify.heartbeat import beat
from xomflow.notify.letter import Letter
from xomflow.notify.matter import Kind, Matter, of_alarms, of_end, of_given_up, of_persons, of_troubles
from xomflow.notify.news import OLD
from xomflow.notify.settings import NotifySettings
from xomflow.planning.progress.claims import is_overtaken
from xomflow.workflow.survey_document import SurveyDocument


def send_about(tick: TickPaths, settings: NotifySettings, code: int) -> list[str]:
    """Send the messages of a tick; return sentences about what did not work, and never raise.

    Parameters
    ----------
    tick
        The tick, which has ended.
    settings
        Who gets messages, and when.
    code
        The exit code of the tick.
    """
    try:
        return _send_about(tick, settings, code)
    except (XomError, OSError) as error:
        return [f"notify: no message was sent: {sentence_of(error)}"]
    except Exception as error:  # its text may have an address
        return [f"notify: no message was sent: XOM itself failed, {type(error).__name__}"]


def _send_about(tick: TickPaths, settings: NotifySettings, code: int) -> list[str]:
    if settings.addresses is None:
        return []
    paths, now = Paths(tick.folder.parent.parent), times.now().replace(microsecond=0)
    addresses = read_addresses(settings.addresses)
    silent = beat(addresses.heartbeat, code)
    if is_overtaken(paths, tick, now):
        return []  # a later tick sends what is so then
    survey = read_kept(tick.survey, SurveyDocument.from_json)
    matters, looked_at = matters_of(tick, settings.contacts, code, now)
    if survey is not None:
        alarms = alarms_now(paths, survey.config.methods_on_trial, now)
        matters += alarms
        looked_at |= {Kind.ALARM} if alarms else set()  # none at all: they may have to be found again
    if silent:
        matters += of_troubles([f"the heartbeat address does not answer: {silent}"], now)
    situation = Situation(matters, looked_at, now, place_of(paths, settings))
    with if_free(paths.telling_lock) as is_free:
        # If it is not free, another tick sends messages at this moment, and the next one reports what this one found.
        return _send_all(paths, survey, addresses, situation, settings) if is_free else []


def _send_all(
    paths: Paths,
    survey: SurveyDocument | None,
    addresses: Addresses,
    situation: Situation,
    settings: NotifySettings,
) -> list[str]:
    """Send all recipients their news, with a digest if one is due and the tick has looked."""

    def digest() -> Letter:
        from xomflow.workflow.messages.digest import digest_of  # imports what reads outcomes, for once a day

        assert survey is not None  # there is no hour without it
        try:
            return digest_of(paths, survey.config, situation.now)
        except Exception as error:  # the news must not wait for it
            words = f"the digest of the day could not be made: {type(error).__name__}"
            return Letter(f"XOM: {words}", f"{words}; xom report --days 1 shows why.")

    return deliver(paths, addresses, situation, settings.digest_hour if survey else None, digest)


def place_of(paths: Paths, settings: NotifySettings) -> str:
    """Return a sentence about where there is more to see."""
    return f"The page: {settings.page_url or paths.page.absolute() / 'index.html'}"


def matters_of(tick: TickPaths, contacts: dict[str, str], code: int, now: datetime) -> tuple[list[Matter], set[Kind]]:
    """Return the matters after a tick beside alarms, and the kinds of matters that it looked at.

    Parameters
    ----------
    tick
        Where its files are.
    contacts
        The contact of each analysis.
    code
        Its exit code.
    now
        The present.
    """
    trouble = read_kept(tick.trouble, _trouble)
    if trouble is not None:  # it was stopped before it had looked
        of_kind = of_persons if trouble[1] == ExitCode.WAITS_FOR_PERSON else of_troubles
        return of_kind(trouble[0].splitlines(), now), {Kind.TROUBLE}
    summary = read_kept(tick.summary, Summary.from_json)
    if summary is None:
        return of_end(code, [], now), {Kind.TROUBLE}
    matters = [
        *of_persons(summary.for_person, now),
        *of_end(code, [*summary.configuration_errors, *summary.site_errors], now),
        *of_given_up(summary.listed, contacts, now),
    ]
    return matters, {Kind.TROUBLE, Kind.PERSON, Kind.RUNS}


def alarms_now(paths: Paths, on_trial: Collection[tuple[str, str]], now: datetime) -> list[Matter]:
    """Return the alarms of published versions.

    Parameters
    ----------
    paths
        Where they are.
    on_trial
        Analysis and version of trials, whose changes are those of a method.
    now
        The present.
    """
    found = [one for one in read_alarms(paths) if (one.main.analysis, one.main.version) not in on_trial]
    return of_alarms(found, lambda one: noticed(paths, one, now))


def noticed(paths: Paths, alarm: Alarm, now: datetime) -> datetime:
    """Return the start of the run with which an alarm was found; if it is not known, when the alarm began."""
    began = times.moment(alarm.began)
    if now - began <= OLD or (alarm.ended and now - times.moment(alarm.ended) > OLD):
        return began  # both are news, or none is
    series, run = alarm.main, alarm.noticed_run
    start = _starts(paths, series.analysis, series.version, shelf_of(run)).get(run)
    return times.moment(start) if start else began


@functools.lru_cache(maxsize=64)
def _starts(paths: Paths, analysis: str, version: str, shelf: str) -> dict[str, str]:
    """Return the starts of the runs of a shelf with a verdict, as of the first look of this process."""
    bands = read_bands(paths, analysis, version, shelf)
    return {one.run: one.start for verdicts in bands.values() for one in verdicts}


def _trouble(content: Any) -> tuple[str, int]:
    return str(content["sentence"]), int(content["exit_code"])
