"""Results as a table of pandas."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

from xomlib.errors import ResultsError

if TYPE_CHECKING:
    import pandas


def results(
    name: str,
    version: Union[str, Iterable[str]] = "newest",
    runs: Any = None,
    *,
    site: Optional[Union[str, Path]] = None,
    vetoed: bool = False,
) -> "pandas.DataFrame":
    """Return the current results of an analysis, one row for each variable of each run.

    It reads the outcomes themselves, needs no server, and writes nothing into the site: a copy of the ``work`` folder,
    or one that is mounted read only, does as well. What it has read is kept in ``~/.cache/xom`` for the next call.

    Parameters
    ----------
    name
        Name of the analysis.
    version
        ``"newest"`` (``v10`` is newer than ``v9``), ``"all"``, a version, or several.
    runs
        None: all. Else a run number, a text (``"52894"``, ``"52801-52899"``, or ``"052801-0bea"``, which is the id of a
        campaign), or several of these. A campaign is also found by each of its runs.
    site
        Folder of the site, or a ``work`` folder or a copy of one; None: ``$XOM_SITE``, else the working directory or
        the nearest folder above it that has ``config.yaml``.
    vetoed
        Whether results of vetoed runs are returned too, with the reason in a further column ``vetoed``.

    Returns
    -------
    pandas.DataFrame
        In the order of versions and runs. ``run`` (number; of a campaign that of its first run), ``run_id``, ``start``
        (UTC), ``mode`` and ``tags`` (separated by commas; both as they were when the run was analysed), ``variable``,
        ``value`` and ``error`` (NaN where there is none), ``error_low`` and ``error_high`` (its two sides), ``unit``,
        ``n``, ``limit``, ``insufficient`` (why there is no number), ``quality`` (as in points), ``data`` (a
        dictionary), ``version``, ``figure`` (path of the first one), ``lineage`` (data types with lineage hashes).

    Raises
    ------
    ResultsError
        If there is no such site, analysis or version, or if ``runs`` has another form.
    """
    from datetime import datetime, timezone

    from xomlib.table.outcomes import Outcomes
    from xomlib.table.vetoes import vetoed_runs
    from xomlib.table.wanted import Wanted
    from xomlib.table.work_folder import find_work

    wanted, work = Wanted(runs), find_work(site)
    reasons = vetoed_runs(work, name, datetime.now(timezone.utc))
    chosen = []
    for one in _versions(work, name, version):
        outcomes = Outcomes(work, name, one)
        rows = [row for row in outcomes.rows() if wanted.has(row.run_id, row.members)]
        chosen += [(one, row, reason) for row in rows if not (reason := _reason(row, reasons)) or vetoed]
        for problem in outcomes.problems:
            warnings.warn(problem, stacklevel=2)
    return _frame(work, chosen, vetoed)


def _versions(work: Path, name: str, version: Union[str, Iterable[str]]) -> list[str]:
    """Return the versions of an analysis that were asked for."""
    from xomlib.table.outcomes import names_in
    from xomlib.table.wanted import newest

    known = names_in(work / "outcomes" / name) if name else []
    if not known:
        others = ", ".join(names_in(work / "outcomes")) or "none"
        raise ResultsError(f"{work} has no results of {name!r}; it has those of: {others}")
    if version in ("newest", "all"):
        return [newest(known)] if version == "newest" else known
    asked = [version] if isinstance(version, str) else list(version)
    if missing := [one for one in asked if one not in known]:
        raise ResultsError(f"{work} has no results of {name} {missing[0]}; its versions are: {', '.join(known)}")
    return asked


def _reason(row: Any, vetoes: dict) -> Optional[str]:
    return next((vetoes[number] for number in row.members if number in vetoes), None) if vetoes else None


def _frame(work: Path, chosen: list, vetoed: bool) -> "pandas.DataFrame":
    import numpy as np
    import pandas

    times = [len(row.results) for _, row, _ in chosen]

    def of_run(values: Iterable, kind: Any = object) -> Any:
        return np.repeat(np.array(list(values), dtype=kind), times)

    lines = [line for _, row, _ in chosen for line in row.results]

    def of_result(place: int) -> list:
        return [line[place] for line in lines]

    columns = {
        "run": of_run((row.members[0] for _, row, _ in chosen), int),
        "run_id": of_run(row.run_id for _, row, _ in chosen),
        "start": pandas.to_datetime(of_run((row.start for _, row, _ in chosen), "int64"), utc=True),
        "mode": of_run(row.mode for _, row, _ in chosen),
        "tags": of_run(row.tags for _, row, _ in chosen),
        "variable": of_result(0),
        "value": np.array(of_result(1), dtype=float),
        "error": np.array(of_result(2), dtype=float),
        "error_low": _side(lines, 8),
        "error_high": _side(lines, 9),
        "unit": of_result(3),
        "n": pandas.array(of_result(4), dtype="Int64"),
        "limit": of_result(5),
        "insufficient": of_result(6),
        "quality": [_quality(line[6], line[7]) for line in lines],
        "data": of_result(7),
        "version": of_run(one for one, _, _ in chosen),
        "figure": of_run(row.figure and f"{work}/{row.figure}" for _, row, _ in chosen),
        "lineage": of_run(row.lineage for _, row, _ in chosen),
    }
    if vetoed:
        columns["vetoed"] = of_run(reason for _, _, reason in chosen)
    return pandas.DataFrame(columns)


def _side(lines: list, place: int) -> Any:
    import numpy as np

    return np.array([line[2] if line[place] is None else line[place] for line in lines], dtype=float)


def _quality(insufficient: Optional[str], data: dict) -> str:
    """Return the quality of a result, as its point has it."""
    given = data.get("quality")
    return given if isinstance(given, str) else "unchecked" if insufficient is None else "insufficient"
