"""What a panel with the results of one variable asks: values, boxes of their errors, and what was expected.

Grafana keeps milliseconds only, so the number of a run has to be a column. A missing column in a formula gives a row
without a value and no error, therefore ``exists``. All is in one table, or the links of a point would lead to the run
of another row.
"""

from __future__ import annotations

from xomflow.grafana.flux import PIVOT, filtered, one_of, otherwise, piped, quoted

# The run modes that the reader of a board chooses.
CHOSEN_MODES = "${mode:regex}"
# What stands beside a value and its box: for the mouse and for links.
OF_ROW = ("run", "n", "deviation", "run_id", "quality")
# The columns that are drawn: value and box, expected value and band.
DRAWN = ("value", "lo", "hi", "expected", "low", "high")

_NONE = quoted("none")  # stands where a text is missing: an empty one would be lost, see `quoted`
_OF_RESULT = ("value", "error", "error_low", "error_high", "n", "run", "run_id", "run_mode", "quality")
_OF_BAND = ("expected", "low", "high", "deviation")
_TAGS = '|> drop(columns: ["_start", "_stop", "_measurement", "analysis", "kind", "group", "version", "variable"])'
_MILLISECOND = 1_000_000


def results(prefix: str, analysis: str, variable: str, version: str, modes: str = "") -> str:
    """Ask for the values of a variable, each with a box of its error and the band in which it was expected.

    A box is three pixels wide, from ``lo`` to ``hi``: a row at its left, the result, a row at its right. Before the
    next run a row without both ends it, unless that run is so near that the boxes touch: a box alone between two such
    rows would be drawn as a dot. Result and band of a run have the same time, so `pivot` brings them into one row.

    Parameters
    ----------
    prefix, analysis, variable, version
        What is asked for.
    modes
        Regular expression of the run modes; empty: all.
    """
    of_results = f"{one_of('_measurement', [prefix + analysis])} and {_of(variable, version)}"
    of_bands = (
        f"{one_of('_measurement', [f'{prefix}expected'])} and {one_of('kind', ['band'])} and "
        f"{one_of('analysis', [analysis])} and {_of(variable, version)}"
    )
    mode = f" and {otherwise('run_mode', _NONE)} =~ /^{modes}$/" if modes else ""
    return "\n".join(
        [
            "runs = "
            + piped(
                filtered(f"({of_results}) or ({of_bands})", [*_OF_RESULT, *_OF_BAND]),
                _TAGS,
                PIVOT,
                f"filter(fn: (r) => exists r.value{mode})",
                "group()",
                'sort(columns: ["_time"])',
                f"map(fn: (r) => ({{r with n: {otherwise('n', '0')}, quality: {otherwise('quality', _NONE)}, "
                f"lo: r.value - {_side('low')}, hi: r.value + {_side('high')}}}))",
                'drop(columns: ["error", "error_low", "error_high", "run_mode"])',
            ),
            "half = int(v: v.windowPeriod) * 3 / 2",
            # Not `map`, which takes ten times as long.
            'moved = (tables=<-, by) => tables |> timeShift(duration: duration(v: by), columns: ["_time"])',
            'left = runs |> moved(by: -half) |> drop(columns: ["value"])',
            'right = runs |> moved(by: half) |> drop(columns: ["value"])',
            "ends = "
            + piped(
                "runs",
                "elapsed(unit: 1ns)",
                f"filter(fn: (r) => r.elapsed > 2 * half + {4 * _MILLISECOND})",
                f"moved(by: -half - {2 * _MILLISECOND})",
                f'drop(columns: [{", ".join(map(quoted, DRAWN))}, "elapsed"])',
            ),
            piped("union(tables: [left, runs, right, ends])", 'sort(columns: ["_time"])'),
        ]
    )


def _of(variable: str, version: str) -> str:
    return f"{one_of('variable', [variable])} and {one_of('version', [version])}"


def _side(name: str) -> str:
    return otherwise(f"error_{name}", otherwise("error", "0.0"))
