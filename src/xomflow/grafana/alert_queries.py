"""What the alert rules ask: exactly one number for each series, and always one series.

Some versions of Grafana report an answer without rows as an error of the query, and all versions a text column.
Therefore every answer has a series of the analysis `NONE`, whose number is 0. If there are no points at all, only the
rule about missing ticks alerts. No rule contains an analysis or a limit: Grafana reads rules only when it starts, and
these need no change for a new analysis or limit.
"""

from __future__ import annotations

from collections.abc import Iterable

from xomflow.core.state import State
from xomflow.grafana.flux import EVER, PIVOT, filtered, listed, one_of, otherwise, piped, points, quoted

# Stands where an analysis would, in the series that is always there.
NONE = "none"
# Most of the newest results that a limit can be about.
MOST_RESULTS = 50
_LATELY = "range(start: -1d)"
_RECENT = "range(start: -90d)"
_METHOD = ("analysis", "version", "variable")
_SERIES = ("analysis", "variable", "of")


def _always(rows: str) -> str:
    """Return numbers in ``_value``, a series for each analysis, and that of no analysis."""
    numbers = piped(
        rows,
        "group()",
        "filter(fn: (r) => exists r._value)",  # the sum of no rows is missing, not 0
        _map(["analysis"], _value="float(v: r._value)"),
    )
    return "\n".join(
        [
            'import "array"',
            f"none = array.from(rows: [{{analysis: {quoted(NONE)}, _value: 0.0}}])",
            f"numbers = {numbers}",
            piped("union(tables: [none, numbers])", 'group(columns: ["analysis"])'),
        ]
    )


def _of_ticks(prefix: str, fields: list[str]) -> str:
    condition = f"{one_of('_measurement', [f'{prefix}xom'])} and r.analysis != {quoted('all')}"
    return filtered(condition, fields, _LATELY)


def more(prefix: str, state: State) -> str:
    """Ask by how much the number of runs in a state grew within a day, for each analysis; falls do not count."""
    steps = ('keep(columns: ["_time", "_value", "analysis"])', "difference(nonNegative: true)", "sum()")
    return _always(piped(_of_ticks(prefix, [state.field]), *steps))


def now(prefix: str, state: State) -> str:
    """Ask for the number of runs in a state at the newest tick, for each analysis."""
    return _always(piped(_of_ticks(prefix, [state.field]), "last()"))


def share_of_failures(prefix: str, least: int) -> str:
    """Ask for the percentage of the runs taken within a day that failed, for each analysis with enough of them."""
    steps = (
        'group(columns: ["analysis", "_field"])',
        "sum()",
        'pivot(rowKey: ["analysis"], columnKey: ["_field"], valueColumn: "_value")',
        f"filter(fn: (r) => r.taken >= {least})",
        _map(["analysis"], _value="100.0 * float(v: r.failures) / float(v: r.taken)"),
    )
    return _always(piped(_of_ticks(prefix, ["failures", "taken"]), *steps))


def open_alarms(prefix: str) -> str:
    """Ask for the number of alarms that go on and of which no person has taken note, for each analysis."""
    alarms = points(f"{prefix}events", ["title", "end", "state"], EVER, kind="alarm")
    steps = (
        PIVOT,
        f"filter(fn: (r) => not exists r.end and {otherwise('state', quoted('open'))} == {quoted('open')})",
        'group(columns: ["analysis"])',
        'count(column: "title")',
        'rename(columns: {title: "_value"})',
    )
    return _always(piped(alarms, *steps))


def outside(prefix: str, kind: str) -> str:
    """Ask how many of the newest results of each variable are outside limits; 0 if too few are.

    Parameters
    ----------
    prefix
        What measurements begin with.
    kind
        The limits: ``warn`` or ``error``.
    """
    low, high = f"{kind}_low", f"{kind}_high"
    limits = piped(
        points(f"{prefix}expected", [low, high, "runs", "of"], EVER, kind="limits"),
        PIVOT,
        "group()",
        _map(
            _METHOD,
            least="float(v: r.runs)",
            of="float(v: r.of)",
            low=otherwise(low, _number("-Inf")),
            high=otherwise(high, _number("+Inf")),
        ),
    )
    newest = piped(
        filtered(f"r._measurement =~ /^{prefix}/ and exists r.variable", ["value", "limit"], _RECENT),
        PIVOT,
        "filter(fn: (r) => exists r.value and not exists r.limit)",
        'group(columns: ["_measurement", "version", "variable"])',
        'sort(columns: ["_time"], desc: true)',
        f"limit(n: {MOST_RESULTS})",
        "map(fn: (r) => ({r with place: 1.0}))",
        'cumulativeSum(columns: ["place"])',
        "group()",
        _map(
            ("version", "variable", "value", "place"),
            analysis=f"strings.trimPrefix(v: r._measurement, prefix: {quoted(prefix)})",
        ),
    )
    none = ", ".join(f"{name}: {quoted(NONE)}" for name in _METHOD)
    return "\n".join(
        [
            *(f"import {quoted(name)}" for name in ("array", "join", "strings")),
            f"limits = {limits}",
            f"newest = {newest}",
            # Two tables without rows cannot be joined, and these two give the series of no analysis.
            f"no_limits = array.from(rows: [{{{none}, least: 1.0, of: 1.0, low: 0.0, high: 0.0}}])",
            f"no_result = array.from(rows: [{{{none}, value: 0.0, place: 1.0}}])",
            piped(
                "join.inner(left: union(tables: [no_result, newest]), right: union(tables: [no_limits, limits]), "
                f"on: (l, r) => {' and '.join(f'l.{name} == r.{name}' for name in _METHOD)}, "
                "as: (l, r) => ({analysis: l.analysis, variable: l.variable, of: string(v: r.of), least: r.least, "
                "_value: if l.place <= r.of and (l.value < r.low or l.value > r.high) then 1.0 else 0.0}))",
                f"group(columns: {listed([*_SERIES, 'least'])})",
                "sum()",
                _map(_SERIES, _value="if r._value >= r.least then r._value else 0.0"),
                f"group(columns: {listed(_SERIES)})",
            ),
        ]
    )


def _map(kept: Iterable[str], **made: str) -> str:
    """Return a step that keeps some columns and makes others."""
    columns = {name: f"r.{name}" for name in kept} | made
    return f"map(fn: (r) => ({{{', '.join(f'{name}: {value}' for name, value in columns.items())}}}))"


def _number(text: str) -> str:
    return f"float(v: {quoted(text)})"
