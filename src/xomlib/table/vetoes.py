"""Which runs people have vetoed: the files of decisions, which `xomflow.decisions.model` describes."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Optional

from xomlib.files import read_json

_FORM = "%Y-%m-%dT%H:%M:%S.%f%z"


class _Decision(NamedTuple):
    name: str
    what: str
    subject: dict
    words: str
    when: datetime
    until: Optional[datetime]


def vetoed_runs(work: Path, analysis: str, now: datetime) -> dict:
    """Return the numbers of the runs that are vetoed for an analysis, each with a phrase by whom, and why.

    Parameters
    ----------
    work
        The folder with the decisions.
    analysis
        Name of the analysis.
    now
        The present.
    """
    made = sorted((one for one in _read(work / "decisions") if one.when <= now), key=lambda one: (one.when, one.name))
    whole: set = set()
    some: dict = {}
    for one in made:
        for name in one.subject.get("decisions", ()) if one.what == "withdraw" else ():
            runs = one.subject.get("runs", ())
            some.setdefault(name, set()).update(runs)
            whole.update(() if runs else [name])
    return {
        int(run[:6]): f"vetoed by {one.words}"
        for one in made
        if one.what == "veto" and one.subject.get("analysis", "") in ("", analysis)
        if one.name not in whole and not (one.until and one.until <= now)
        for run in one.subject.get("runs", ())
        if run not in some.get(one.name, ())
    }


def _read(folder: Path) -> Iterator[_Decision]:
    """Yield the decisions; a file that is none costs only itself."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json") and not name.startswith("."))
    except FileNotFoundError:
        return
    for name in names:
        try:
            one: Any = read_json(folder / name)
            until = one.get("until")
            words = f"{one['who']}: {one['why']}"
            yield _Decision(name, one["what"], one["subject"], words, _moment(one["when"]), until and _moment(until))
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            continue


def _moment(text: str) -> datetime:
    return datetime.strptime(text.replace("Z", "+0000"), _FORM)
