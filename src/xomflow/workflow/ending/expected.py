"""Judge the results of all analyses, as far as there is time, and keep the alarms."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from zlib import crc32

from xomflow.core import times
from xomflow.core.errors import STOPS
from xomflow.core.files.file_lock import exclusive
from xomflow.core.files.kept_json import read_kept, write_kept
from xomflow.core.paths import Paths
from xomflow.core.verdicts import Alarm, Learning, read_alarms
from xomflow.decisions.files import read_decisions
from xomflow.decisions.model import Decision, standing
from xomflow.expected.alarms import Facts, Origin, alarms_of
from xomflow.expected.event import Event
from xomflow.expected.versions.decided import decided_about
from xomflow.expected.versions.history import History
from xomflow.expected.versions.judged import JudgedVersion
from xomflow.outcomes.cache import OutcomeCache
from xomflow.outcomes.campaigns.groups import CurrentResults, GroupsOfAll
from xomflow.workflow.documents import ReportConfig
from xomlib.files import read_bytes

# Raised when the same events give other alarms.
_FORM = 1
# What reading a damaged file of the cache may end with.
_DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def judge_results(paths: Paths, config: ReportConfig) -> list[str]:
    """Judge new results for as long as a tick may; return a sentence if that failed.

    An error in it costs no more than that: what is expected is found anew by a later tick. What is kept and damaged is
    removed, and all is judged anew.
    """
    try:
        with exclusive(paths.publishing_lock, config.longest_wait_s):
            _judge_for_a_while(paths, config)
    except STOPS:
        raise
    except Exception as error:
        return [f"results cannot be judged: {type(error).__name__}: {error}; the next tick tries again"]
    return []


def _judge_for_a_while(paths: Paths, config: ReportConfig) -> None:
    is_over = _timer(config.expected.time_per_tick_s)
    try:
        judge_until(paths, config, is_over)
    except _DAMAGE:
        for folder in (paths.all_bands, paths.all_judged):
            shutil.rmtree(folder, ignore_errors=True)
        judge_until(paths, config, is_over)


def judge_all(paths: Paths, config: ReportConfig, groups: GroupsOfAll | None = None) -> None:
    """Judge all results, however long it takes.

    Parameters
    ----------
    paths, config
        Where everything is, and the configuration.
    groups
        What decides which outcomes of groups are current; None: what the last tick left.
    """
    with exclusive(paths.publishing_lock, config.longest_wait_s):
        judge_until(paths, config, lambda: False, groups)


def judge_until(
    paths: Paths, config: ReportConfig, is_over: Callable[[], bool], groups: GroupsOfAll | None = None
) -> bool:
    """Judge results until it is over, keep the alarms; return whether all is done.

    Parameters
    ----------
    paths, config, groups
        As for `judge_all`.
    is_over
        Whether to stop; asked after each run.
    """
    settings = functools.cache(config.expected.of)
    history = History(
        OutcomeCache(paths), CurrentResults(paths, groups), lambda analysis, mode: settings(analysis).group_of(mode)
    )
    made, now, versions = read_decisions(paths).made, times.now(), list[JudgedVersion]()
    for analysis, version in _turns(paths, config):
        decided = decided_about(made, analysis, now)
        versions.append(JudgedVersion(paths, history, analysis, version, settings(analysis), decided))
    is_done = _judge_in_turn(versions, is_over)
    _keep_learning(paths, versions)
    contacts = {name: block.contact for name, block in config.analyses.items()}
    _renew_alarms(paths, versions, contacts, standing(made, now))
    return is_done


def _renew_alarms(
    paths: Paths, versions: Sequence[JudgedVersion], contacts: Mapping[str, str], decisions: Sequence[Decision]
) -> None:
    """Keep the alarms, if what they follow from has changed; to find them takes longer the more events there were."""
    judged = sorted((one.analysis, one.version, _checksum(one.kept_in)) for one in versions)
    source = [_FORM, judged, contacts, [one.to_json() for one in decisions]]
    digest = hashlib.sha256(json.dumps(source, sort_keys=True).encode()).hexdigest()
    if read_kept(paths.alarms_source, list) == [digest, _checksum(paths.alarms)]:
        return
    units = {(one.analysis, one.version, variable): unit for one in versions for variable, unit in one.units.items()}
    alarms = alarms_of(dict(_events(versions)), Facts(units, contacts), decisions)
    if alarms != read_alarms(paths) or not paths.alarms.exists():
        write_kept(paths.alarms, json.dumps([one.to_json() for one in alarms], indent=1))
    write_kept(paths.alarms_source, json.dumps([digest, _checksum(paths.alarms)]))


def _checksum(file: Path) -> int:
    """Return a number that changes with the content of a file; 0: there is none that can be read."""
    try:
        return crc32(read_bytes(file))
    except OSError:
        return 0


def _judge_in_turn(versions: Iterable[JudgedVersion], is_over: Callable[[], bool]) -> bool:
    """Judge the new runs of all versions, then what is left of their histories; return whether all is done.

    Each time the first version has its turn whether there is time or not, so that everything is judged some day.
    """
    unfinished, is_done = list[JudgedVersion](), True
    for i, one in enumerate(versions):
        if i and is_over():
            is_done = False
        elif not one.judge_new(is_over):
            unfinished.append(one)
    for i, one in enumerate(unfinished):
        is_done &= not (i and is_over()) and one.judge_rest(is_over)
    return is_done


def _keep_learning(paths: Paths, versions: Iterable[JudgedVersion]) -> None:
    """Keep which histories are being learned, for people."""
    found = [Learning(one.analysis, one.version, *one.learned) for one in versions if one.learned]
    if found:
        write_kept(paths.learning, json.dumps(sorted(found)))
    else:
        paths.learning.unlink(missing_ok=True)


def open_alarms(paths: Paths) -> list[Alarm]:
    """Return the alarms that a person should know: open ones, and accepted ones to which no reason was given."""
    return [one for one in read_alarms(paths) if one.needs_reason]


def _timer(seconds: float) -> Callable[[], bool]:
    """Return the test whether a time is over."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def _turns(paths: Paths, config: ReportConfig) -> list[tuple[str, str]]:
    """Return the versions, the one that was judged longest ago first, so that each has its turn."""
    methods = sorted(config.methods | config.methods_on_trial)

    def last(method: tuple[str, str]) -> float:
        try:
            return (paths.judged(*method) / "newest.json").stat().st_mtime
        except OSError:
            return 0.0

    return sorted(methods, key=last)


def _events(versions: Iterable[JudgedVersion]) -> Iterable[tuple[Origin, list[Event]]]:
    for one in versions:
        for group, events in one.events.items():
            yield Origin(one.analysis, one.version, group), events
