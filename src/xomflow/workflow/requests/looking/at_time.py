"""Why a run was not done at an earlier time, as the tick saw it that had looked last."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.key import Key, run_id
from xomflow.core.paths import Paths
from xomflow.outcomes.reading import read_outcome
from xomflow.workflow.upkeep.past_ticks import PastTick, past_ticks

_SECOND = timedelta(seconds=1)


def why_at(config: Config, number: int, moment: datetime) -> list[str]:
    """Return a line for each analysis: the state of a run at an earlier time, as a tick had seen it.

    The lines before these give the tick, and why later ones could not look for work.

    Parameters
    ----------
    config
        The configuration.
    number
        Run number.
    moment
        The time.
    """
    paths, problems = Paths(config.work), list[str]()
    missed: list[str] = []
    for tick in past_ticks(paths, problems, until=moment):
        analyses = _analyses(tick)
        lists = {name: text for name in analyses if (text := tick.read(tick.files.run_list(name))) is not None}
        if lists:
            keys = [Key(name, str(analyses[name].get("version", "")), run_id(number)) for name in lists]
            lines = [_line(paths, tick, key, lists[key.analysis]) for key in keys]
            return [_about(paths, tick, moment), *missed, *lines, *problems]
        missed.append(_without_look(tick))
    return [_no_tick(paths, moment), *missed, *problems]


def _analyses(tick: PastTick) -> Mapping[str, Any]:
    """Return the blocks of the analyses in the configuration of a tick."""
    settings = tick.read_json(tick.files.settings)
    try:
        return dict(settings["configuration"]["analyses"])
    except (TypeError, LookupError, ValueError):
        return {}


def _about(paths: Paths, tick: PastTick, moment: datetime) -> str:
    then = _later(paths, moment)
    before = times.span((moment - tick.began).total_seconds())
    after = "none began since"
    if then:
        after = f"the next tick began {times.span((then.began - moment).total_seconds())} later"
    return f"tick {tick.name} had looked {before} before {times.text(moment)}; {after}"


def _later(paths: Paths, moment: datetime) -> PastTick | None:
    """Return the first tick that began later."""
    return next(past_ticks(paths, [], since=moment + _SECOND, newest_first=False), None)


def _no_tick(paths: Paths, moment: datetime) -> str:
    then = _later(paths, moment)
    oldest = f"the oldest that is kept began at {times.text(then.began)}" if then else "none is kept"
    return f"no tick that began before {times.text(moment)} is kept and has looked for work; {oldest}"


def _without_look(tick: PastTick) -> str:
    trouble = tick.read_json(tick.files.trouble)
    why = trouble.get("sentence") if isinstance(trouble, dict) else None
    return f"tick {tick.name} did not look for work: {why or 'it ended before'}"


def _line(paths: Paths, tick: PastTick, key: Key, run_list: str) -> str:
    rows = list(csv.DictReader(run_list.splitlines(), dialect="excel-tab"))
    for row in rows:
        if row["run"].partition("-")[0] == key.run:
            then = f"; next try {row['next_try']}" if row.get("next_try") else ""
            return f"{key.analysis} {key.version} run {row['run']}: {row['state']}: {row['reason']}{then}"
    if (ended := _ended(paths, key)) and ended <= tick.began:
        return f"{key}: done: its outcome was there since {times.text(ended)}"
    if between := "; ".join(row["reason"] for row in rows if row["run"] == "..."):
        return f"{key}: not listed by itself: {between}, or it was not selected then"
    return f"{key}: not in the run list: it was not selected then, or the run database did not have it"


def _ended(paths: Paths, key: Key) -> datetime | None:
    try:
        return times.moment(read_outcome(paths.outcome(key)).ended)
    except (OSError, ValueError):
        return None
