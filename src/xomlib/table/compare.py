"""Compare the results of two versions of an analysis, run by run."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

from xomlib.table.results import results

if TYPE_CHECKING:
    import pandas


def compare(
    name: str, first: str, second: str, runs: Any = None, *, site: Optional[Union[str, Path]] = None
) -> "pandas.DataFrame":
    """Return the results of two versions side by side, one row for each variable of each run that both have.

    Parameters
    ----------
    name
        Name of the analysis.
    first, second
        The two versions; the difference is second minus first.
    runs, site
        See `xomlib.results`.

    Returns
    -------
    pandas.DataFrame
        ``run``, ``run_id``, ``start``, ``variable``, ``unit`` and ``unit_2``, ``value`` and ``value_2``, ``error`` and
        ``error_2``, ``difference`` (NaN unless both have a number and the same unit), and ``difference_error``: the two
        errors added in quadrature, which is too large if both versions use the same events.

    Raises
    ------
    ResultsError
        See `xomlib.results`.
    """
    return merged(*(results(name, version, runs, site=site) for version in (first, second)))


def merged(one: "pandas.DataFrame", two: "pandas.DataFrame") -> "pandas.DataFrame":
    """Return two tables of results side by side; see `compare`."""
    key, more = ["run", "run_id", "start", "variable"], ["unit", "value", "error"]
    both = one[[*key, *more]].merge(two[["run_id", "variable", *more]], on=["run_id", "variable"], suffixes=("", "_2"))
    both["difference"] = (both.value_2 - both.value).where(both.unit == both.unit_2)
    both["difference_error"] = (both.error**2 + both.error_2**2) ** 0.5
    return both


def sentences(name: str, first: str, second: str, one: "pandas.DataFrame", two: "pandas.DataFrame") -> list:
    """Return a sentence for each variable of two tables of results: how far the second is from the first."""
    both, found = merged(one, two), []
    for variable in dict.fromkeys([*one.variable, *two.variable]):
        rows = both[both.variable == variable]
        counts = [set(table.run_id[(table.variable == variable) & table.value.notna()]) for table in (one, two)]
        only = [len(counts[0] - counts[1]), len(counts[1] - counts[0])]
        rest = f"; a number only in {first}: {only[0]} runs, only in {second}: {only[1]}" if any(only) else ""
        units = set(rows.unit) | set(rows.unit_2)
        numbers = rows.difference.dropna()
        if len(units) > 1:
            words = f"not comparable, the units are {' and '.join(sorted(map(repr, units)))}"
        elif numbers.empty:
            words = "no run has a number in both"
        else:
            words = _shift(first, second, rows, numbers)
        found.append(f"{name} {variable}: {words}{rest}")
    return found


def _shift(first: str, second: str, rows: "pandas.DataFrame", numbers: "pandas.Series") -> str:
    """Return the mean difference in words.

    Its error follows from the scatter, since the errors of two versions that use the same events are related.
    """
    mean, count, unit = numbers.mean(), len(numbers), f" {rows.unit.iloc[0]}".rstrip()
    if (numbers == 0).all():
        return f"{second} and {first} have the same values in {count} runs"
    level = rows.value[numbers.index].mean()
    part = f", {mean / level:+.2%} of the mean" if level else ""
    if count == 1:
        return f"{second} - {first} = {mean:+.4g}{unit} in one run{part}"
    scatter = numbers.std()
    return (
        f"{second} - {first} = {mean:+.4g} ± {scatter / math.sqrt(count):.2g}{unit} in the mean of {count} runs{part}; "
        f"they scatter by {scatter:.2g}{unit}"
    )


def draw(name: str, first: str, second: str, both: "pandas.DataFrame") -> Any:
    """Return a figure of matplotlib with the differences against the start of the runs, a panel for each variable."""
    from matplotlib.figure import Figure

    rows = both.dropna(subset=["difference"])
    variables = list(dict.fromkeys(rows.variable))
    figure = Figure(figsize=(9, 1 + 2.2 * max(1, len(variables))), layout="constrained")
    figure.suptitle(f"{name}: {second} - {first}")
    panels = figure.subplots(max(1, len(variables)), sharex=True, squeeze=False)[:, 0]
    for axes, variable in zip(panels, variables):  # noqa: B905
        here = rows[rows.variable == variable]
        axes.axhline(0, color="grey", linewidth=0.8)
        axes.errorbar(here.start, here.difference, here.difference_error.fillna(0), fmt="o", markersize=3)
        axes.set_ylabel(f"{variable}\n[{here.unit.iloc[0] or '1'}]")
    return figure
