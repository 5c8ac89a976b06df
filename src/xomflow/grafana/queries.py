"""What tables, numbers and annotations ask, see docs/points.md for the points.

A missing column in a formula gives a row without a value and no error, therefore ``exists``. ``map`` orders columns
differently in every answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from xomflow.core.state import ATTENTION, State
from xomflow.grafana.flux import (
    BUCKET,
    EVER,
    NEWEST_FIRST,
    PIVOT,
    filtered,
    one_of,
    piped,
    points,
    quoted,
)

# Rows of a table; more would be slow in the browser.
_ROWS = 300
_OF_TABLE = ("value", "error", "unit", "n", "quality", "insufficient", "limit", "run_mode")
_OF_RUN = ("figure_url", "message", "run_mode", "source", "run_tags", "comments", "detectors", "end", "duration_s")
_OF_ATTEMPT = ("ended", "lag_s", "wall_s", "peak_memory_mb", "attempt", "software")
_OF_ATTENTION = ("state", "reason", "class", "attempt", "since", "next_try", "contact")
# The columns of tables, in order.
NEWEST_COLUMNS = ("_time", "run_id", "variable", *_OF_TABLE)
ATTENTION_COLUMNS = ("analysis", "version", "run_id", *_OF_ATTENTION)
RESULT_COLUMNS = ("analysis", "version", "variable", "run_id", *_OF_TABLE)
DETAIL_COLUMNS = ("analysis", "version", "run_id", *_OF_RUN, *_OF_ATTEMPT)


def newest_results(measurement: str, version: str) -> str:
    """Ask for the newest results of all variables as a table."""
    return piped(
        points(measurement, [*_OF_TABLE, "run_id"], version=version),
        PIVOT,
        NEWEST_FIRST,
        f"limit(n: {_ROWS})",
        'drop(columns: ["_start", "_stop", "_measurement", "version"])',
    )


def versions(measurement: str) -> str:
    """Ask for the versions of an analysis; without a start only those of 30 days would be found."""
    return (
        'import "influxdata/influxdb/schema"\n'
        f"schema.measurementTagValues(bucket: {BUCKET}, measurement: {quoted(measurement)}, "
        'tag: "version", start: 1970-01-01T00:00:00Z)'
    )


def modes(measurement: str, variable: str) -> str:
    """Ask for the modes of the runs that are shown; those of one variable are enough, and fast."""
    return piped(points(measurement, ["run_mode"], variable=variable), "group()", "distinct()", "sort()")


def events(prefix: str, analysis: str = "", alarms: bool = False) -> str:
    """Ask for what happened, for annotations; of one analysis and of all of them, or everything.

    What has no end ends when it begins: then Grafana draws a line. An alarm without an end goes on.

    Parameters
    ----------
    prefix
        What measurements begin with.
    analysis
        The analysis; empty: all.
    alarms
        Whether alarms are asked for; else everything but them.
    """
    tags = f" and ({one_of('analysis', [analysis, 'all'])})" if analysis else ""
    kind = f"r.kind {'==' if alarms else '!='} {quoted('alarm')}"
    condition = f"{one_of('_measurement', [f'{prefix}events'])} and {kind}{tags}"
    return piped(
        filtered(condition, ["title", "text", "end"], EVER),
        PIVOT,
        "group()",
        'sort(columns: ["_time"])',
        f"map(fn: (r) => ({{r with tags: r.kind, timeEnd: string(v: int(v: if exists r.end then time(v: r.end) "
        f"else {'now()' if alarms else 'r._time'}) / 1000000)}}))",
        'keep(columns: ["_time", "title", "text", "tags", "timeEnd"])',
    )


def attention(prefix: str, states: Iterable[State] = ATTENTION, analysis: str = "") -> str:
    """Ask for the runs that need attention, the most urgent and newest first."""
    tags = {"analysis": analysis} if analysis else {}
    return piped(
        points(f"{prefix}attention", [*_OF_ATTENTION, "run_id", "urgency"], EVER, **tags),
        PIVOT,
        f"filter(fn: (r) => {one_of('state', map(str, states))})",
        "group()",
        'sort(columns: ["urgency", "_time"], desc: true)',
        f"limit(n: {_ROWS})",
        'drop(columns: ["_start", "_stop", "_time", "_measurement", "urgency"])',
    )


def own(prefix: str, fields: Iterable[str], analysis: str = "all") -> str:
    """Ask for numbers of the ticks, one series for each; where a pixel has several ticks, the largest of them."""
    return piped(
        points(f"{prefix}xom", fields, analysis=analysis),
        "aggregateWindow(every: v.windowPeriod, fn: max, createEmpty: false)",
        'keep(columns: ["_time", "_value", "_field"])',
    )


def states_now(prefix: str, analyses: Iterable[str]) -> str:
    """Ask for the number of runs in each state at the newest tick, a line for each analysis."""
    names = list(analyses)
    condition = f"{one_of('_measurement', [f'{prefix}xom'])} and ({one_of('analysis', names)})"
    return piped(
        filtered(condition, [state.field for state in State]),
        "last()",
        'keep(columns: ["analysis", "_field", "_value"])',
        "group()",
        'pivot(rowKey: ["analysis"], columnKey: ["_field"], valueColumn: "_value")',
        'sort(columns: ["analysis"])',
    )


def of_all_results(prefix: str, field: str, every: str, function: str) -> str:
    """Ask for a number that stands once for each run, over windows of time, a series for each analysis."""
    return "\n".join(
        [
            'import "strings"',
            piped(
                filtered(f"r._measurement =~ /^{prefix}/", [field]),
                f"map(fn: (r) => ({{_time: r._time, _value: r._value, _start: r._start, _stop: r._stop, "
                f"analysis: strings.trimPrefix(v: r._measurement, prefix: {quoted(prefix)})}}))",
                'group(columns: ["analysis", "_start", "_stop"])',
                f"aggregateWindow(every: {every}, fn: {function}, createEmpty: false)",
                'keep(columns: ["_time", "_value", "analysis"])',
                'group(columns: ["analysis"])',
            ),
        ]
    )


def _of_run(prefix: str, fields: Iterable[str]) -> str:
    """Begin with all points of the chosen run: find its second by the field ``run``, then read this second.

    For a run that no analysis has, the answer is empty and no error.
    """
    hit = piped(
        filtered(f"r._measurement =~ /^{prefix}/", ["run"]),
        "filter(fn: (r) => r._value == ${run:raw})",
        "group()",
        'min(column: "_time")',
        "findRecord(fn: (key) => true, idx: 0)",
    )
    rows = piped(
        filtered(f"r._measurement =~ /^{prefix}/", [*fields, "run"], "range(start: at, stop: date.add(d: 1s, to: at))"),
        'drop(columns: ["_start", "_stop"])',
    )
    at = "at = date.truncate(t: if exists hit._time then hit._time else 1970-01-01T00:00:00Z, unit: 1s)"
    return "\n".join(['import "date"', 'import "strings"', f"hit = {hit}", at, rows])


def _analysis(prefix: str) -> str:
    return f"map(fn: (r) => ({{r with analysis: strings.trimPrefix(v: r._measurement, prefix: {quoted(prefix)})}}))"


def run_results(prefix: str) -> str:
    """Ask for all results of the chosen run."""
    return piped(
        _of_run(prefix, [*_OF_TABLE, "run_id"]),
        PIVOT,
        "group()",
        "filter(fn: (r) => exists r.variable and r.run == ${run:raw})",
        _analysis(prefix),
        'sort(columns: ["analysis", "version", "variable"])',
        'drop(columns: ["_time", "_measurement", "run"])',
    )


def run_details(prefix: str) -> str:
    """Ask for what stands once for each analysis of the chosen run: the run itself, figure, software, cost."""
    return piped(
        _of_run(prefix, [*_OF_RUN, *_OF_ATTEMPT, "run_id"]),
        PIVOT,
        "group()",
        "filter(fn: (r) => exists r.variable and exists r.software and r.run == ${run:raw})",
        _analysis(prefix),
        'drop(columns: ["_time", "_measurement", "variable", "run"])',
    )


def run_attention(prefix: str) -> str:
    """Ask why an analysis has no result of the chosen run."""
    return piped(
        points(f"{prefix}attention", [*_OF_ATTENTION, "run_id", "run"], EVER),
        PIVOT,
        "group()",
        "filter(fn: (r) => r.run == ${run:raw})",
        'drop(columns: ["_start", "_stop", "_time", "_measurement", "run"])',
    )


def since_last_tick(prefix: str) -> str:
    """Ask for the minutes since the last tick began: always one row, also if there was none in 30 days."""
    return "\n".join(
        [
            'import "array"',
            'import "date"',
            "ticks = "
            + piped(
                points(f"{prefix}xom", ["duration_s"], "range(start: -30d)", analysis="all"),
                'keep(columns: ["_time"])',
            ),
            "never = array.from(rows: [{_time: date.sub(d: 30d, from: now())}])",
            piped(
                "union(tables: [ticks, never])",
                "group()",
                'max(column: "_time")',
                "map(fn: (r) => ({_value: float(v: int(v: now()) - int(v: r._time)) / 60000000000.0}))",
            ),
        ]
    )
