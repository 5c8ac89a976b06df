"""Which runs people have vetoed: the files of decisions, which `xomflow.decisions.model` describes."""

import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Optional

from xomlib.files import read_json

_RUN = re.compile(r"\d{6}(?:-[0-9a-f]{4})?", re.ASCII)
_FORM = "%Y-%m-%dT%H:%M:%S.%f%z"


class _Decision(NamedTuple):
    name: str
    what: str
    analysis: str
    runs: list
    decisions: list
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
        for name in one.decisions:
            some.setdefault(name, set()).update(one.runs)
            whole.update(() if one.runs else [name])
    return {
        int(run[:6]): f"vetoed by {one.words}"
        for one in made
        if one.what == "veto" and one.analysis in ("", analysis)
        if one.name not in whole and not (one.until and one.until <= now)
        for run in one.runs
        if run not in some.get(one.name, ())
    }


def _read(folder: Path) -> Iterator[_Decision]:
    """Yield the decisions; a file that is none costs only itself."""
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except FileNotFoundError:
        return
    for name in names:
        try:
            yield _decision(name, read_json(folder / name))
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            continue


def _decision(name: str, content: Any) -> _Decision:
    subject, until = content["subject"], content.get("until")
    words = f"{content['who']}: {content['why']}"
    ends = until and _moment(until)
    runs, decisions = _texts(subject, "runs"), _texts(subject, "decisions")
    if not all(map(_RUN.fullmatch, runs)):
        raise ValueError("a run has no id")
    analysis = subject.get("analysis", "")
    return _Decision(name, content["what"], analysis, runs, decisions, words, _moment(content["when"]), ends)


def _texts(subject: Mapping, entry: str) -> list:
    found = subject.get(entry, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError(f"{entry} is no list of texts")
    return found


def _moment(text: str) -> datetime:
    return datetime.strptime(text.replace("Z", "+0000"), _FORM)
