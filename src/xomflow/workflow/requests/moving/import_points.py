"""Take the results of the first XOM over as outcomes with a version of their own, ``history.v0.1``.

So page, tables, comparisons, boards and store show them as they show any version, and no tick takes them for its own.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.key import Key, run_id
from xomflow.core.paths import Paths
from xomflow.outcomes.files import write_outcome
from xomflow.outcomes.history import as_history
from xomflow.outcomes.model import Outcome, Provenance, Resources, Result, RunFacts, to_document
from xomflow.publishing.stores.influx_client import InfluxClient, read_credentials
from xomflow.rundb.database import open_rundb
from xomflow.rundb.run import Run
from xomflow.workflow.requests.moving.former_points import FormerPoint, former_points, when
from xomlib.compat.xomresult import plain_name
from xomlib.files import read_json

_LINEAGE = re.compile(r"[a-z2-7]{10}")  # a lineage hash of strax
_OF_RESULT = ("runid", "variable_value", "variable_error")
_NAME = re.compile(r'[^\x00-\x1f"\\]+')


@dataclass(frozen=True, slots=True)
class History:
    """The results of the first XOM, as outcomes to write.

    Parameters
    ----------
    outcomes
        Outcomes that are new or have changed.
    notes
        Sentences about what is left out, or was there already.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def write(self, paths: Paths) -> list[str]:
        """Write the outcomes; return sentences for the person."""
        for one in self.outcomes:
            write_outcome(paths.outcome(one.key), one)
        return [f"{len(self.outcomes)} outcomes were written; the next tick publishes and shows them"]


def read_history(config: Config, measurement: str) -> History:
    """Return what there is to take over from a measurement of the first XOM, on the server of ``store.credentials``.

    Raises
    ------
    XomError
        If server or run database do not answer.
    """
    with closing(InfluxClient(read_credentials(config.store.credentials))) as server:
        points = list(former_points(server, measurement, times.now()))
    numbers = {number for one in points if (number := one.run) is not None}
    runs = open_rundb(config.rundb).runs(min(numbers), max(numbers)).runs if numbers else {}
    made = history_of(points, runs, measurement)
    paths = Paths(config.work)
    new = [one for one in made.outcomes if not _is_there(paths, one)]
    there = len(made.outcomes) - len(new)
    return History(new, [*made.notes, *([f"{there} outcomes are there already"] if there else [])])


def history_of(points: Iterable[FormerPoint], runs: Mapping[int, Run], measurement: str) -> History:
    """Return the outcomes that results of the first XOM become.

    Parameters
    ----------
    points
        The results; of several of one variable and run, the latest counts.
    runs
        Runs by number; results of others are left out, since their start is not known.
    measurement
        Where they were, for the message of the outcomes.
    """
    by_key: dict[Key, dict[str, FormerPoint]] = {}
    left_out: Counter[str] = Counter()
    for point in points:
        if reason := _why_not(point, runs):
            left_out[reason] += 1
            continue
        version = re.sub(r"[^A-Za-z0-9._]", "_", point.version) or "none"
        key = Key(plain_name(point.analysis), as_history(version), run_id(point.run or 0))
        of_run = by_key.setdefault(key, {})
        if point.variable in of_run:
            left_out["an earlier result of the same run and variable"] += 1
        if point.variable not in of_run or of_run[point.variable].time < point.time:
            of_run[point.variable] = point
    made = [
        _outcome(key, [by_key[key][name] for name in sorted(by_key[key])], runs[int(key.run)], measurement)
        for key in sorted(by_key)
    ]
    return History(made, [f"{count} points are left out: {reason}" for reason, count in sorted(left_out.items())])


def _why_not(point: FormerPoint, runs: Mapping[int, Run]) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", plain_name(point.analysis)):
        return "their analysis has no usable name"
    if point.run is None:
        return "they have no run"
    if point.run not in runs:
        return "the run database does not have their run"
    if point.value is None or not math.isfinite(point.value) or not _NAME.fullmatch(point.variable):
        return "they have no number"
    return ""


def _outcome(key: Key, points: list[FormerPoint], run: Run, measurement: str) -> Outcome:
    newest = max(points, key=lambda one: one.time)
    texts = {name: text for one in points for name, text in one.fields.items() if _is_lineage(text)}
    version = newest.tags.get("xom_version")
    made_with = Provenance(
        lineage={name: str(text) for name, text in texts.items()},
        software=newest.tags.get("container", "not known"),
        versions={"xomlib": version} if version else {},
        git=None,
        host="not known",
        batch_job=None,
    )
    return Outcome(
        schema="xom-outcome-2",
        key=key,
        status="done",
        attempt=1,
        message=f"taken over from {measurement} of the first XOM",
        failure=None,
        results=[_result(one) for one in points],
        figures=[],
        run=RunFacts(**run.as_dict()),
        provenance=made_with,
        resources=Resources(0.0, None, None),
        started=when(newest),
        ended=when(newest),
    )


def _result(point: FormerPoint) -> Result:
    error = point.fields.get("variable_error")
    return Result(
        variable=point.variable,
        value=point.value,
        error=error if isinstance(error, float) and 0 <= error < math.inf else None,
        unit="",
        n=None,
        limit=None,
        insufficient=None,
        data=dict(_data(point)),
    )


def _data(point: FormerPoint) -> Iterator[tuple[str, float | str | bool]]:
    for name, one in sorted(point.fields.items()):
        if name in (*_OF_RESULT, point.variable) or _is_lineage(one) or not _NAME.fullmatch(name):
            continue
        if not isinstance(one, float) or math.isfinite(one):
            yield name, one


def _is_lineage(text: float | str | bool) -> bool:
    return isinstance(text, str) and _LINEAGE.fullmatch(text) is not None


def _is_there(paths: Paths, outcome: Outcome) -> bool:
    """Return whether the file of an outcome has its results already; the run document may have changed since."""
    try:
        before = read_json(paths.outcome(outcome.key))
    except (OSError, ValueError):
        return False
    now, parts = to_document(outcome), ("results", "ended", "provenance")
    return isinstance(before, dict) and all(before.get(name) == now[name] for name in parts)
