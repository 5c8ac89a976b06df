"""What Grafana does with a board: replace variables, ask InfluxDB, make frames of the answer."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import urllib3
import yaml

from local_servers.influx import Bucket

_NUMBERS = {"double": float, "long": int, "unsignedLong": int}


@dataclass(frozen=True)
class Frame:
    """One table of an answer: names of columns with their type, rows, and the labels of all of them."""

    kinds: dict[str, str]
    labels: dict[str, str]
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Asker:
    """Asks as Grafana does, with a token that may only read.

    Parameters
    ----------
    bucket
        The data source.
    start, stop
        The time that a board shows, RFC 3339.
    window_ms
        What a pixel stands for.
    chosen
        Values of a board's variables, in the form that the query asks for.
    now
        The present; empty: as it is.
    """

    bucket: Bucket
    start: str
    stop: str
    window_ms: int = 60_000
    chosen: dict[str, str] = field(default_factory=dict)
    now: str = ""

    def __call__(self, query: str, **chosen: str) -> list[Frame]:
        for name, value in {**self.chosen, **chosen}.items():
            query = re.sub(rf"\$\{{{name}(:\w+)?\}}", value.replace("\\", r"\\"), query)
        macros = {
            "v.defaultBucket": json.dumps(self.bucket.name),
            "v.timeRangeStart": self.start,
            "v.timeRangeStop": self.stop,
            "v.windowPeriod": f"{self.window_ms}ms",
        }
        for name, value in macros.items():
            query = query.replace(name, value)
        if self.now:
            query = re.sub(r'\A((?:import "[^"]+"\n)*)', rf"\1option now = () => {self.now}\n", query)
        dialect = {"annotations": ["datatype", "group", "default"], "delimiter": ",", "header": True}
        answer = urllib3.request(
            "POST",
            f"{self.bucket.url}/api/v2/query?org={self.bucket.org}",
            headers={"Authorization": f"Token {self.bucket.read_token}"},
            json={"query": query, "type": "flux", "dialect": dialect},
            timeout=60,
        )
        assert answer.status == 200, f"{answer.data.decode()}\n{query}"
        return frames(answer.data.decode())


def frames(text: str) -> list[Frame]:
    """Return the frames of annotated CSV; an error in it is raised."""
    made: dict[tuple[str, ...], Frame] = {}
    head: dict[str, list[str]] = {}
    names: list[str] = []
    for row in csv.reader(io.StringIO(text)):
        if not row:
            names = []
        elif row[0].startswith("#"):
            head, names = ({} if names else head) | {row[0]: row}, []
        elif not names:
            names = row
        else:
            cells = dict(zip(names, row, strict=True))
            assert names[1:] != ["error", "reference"], cells
            _add(made, names, head, cells)
    return list(made.values())


def _add(
    made: dict[tuple[str, ...], Frame], names: list[str], head: dict[str, list[str]], cells: dict[str, str]
) -> None:
    kinds = dict(zip(names, head["#datatype"], strict=True))
    grouped = dict(zip(names, head["#group"], strict=True))
    own = {name: kind for name, kind in kinds.items() if name not in ("", "result", "table")}
    labels = {name: cells[name] for name in own if grouped[name] == "true"}
    columns = {name: kind for name, kind in own.items() if name not in labels}
    frame = made.setdefault((*names, *cells["table"], *labels.values()), Frame(columns, labels))
    frame.rows.append({name: _value(kind, cells[name]) for name, kind in columns.items()})


def _value(kind: str, text: str) -> Any:
    if kind == "string":
        return text
    if text == "":
        return None
    if kind.startswith("dateTime"):
        return datetime.fromisoformat(text)
    return text == "true" if kind == "boolean" else _NUMBERS[kind](text)


def boards(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the boards of a tree, by uid."""
    found = (json.loads(path.read_text()) for path in sorted((folder / "dashboards").glob("*.json")))
    return {one["uid"]: one for one in found}


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all panels of a board, also those in closed rows."""
    for one in board["panels"]:
        yield one
        yield from one.get("panels", [])


def panel(board: dict[str, Any], title: str) -> dict[str, Any]:
    """Return the panel with a title."""
    (found,) = [one for one in panels(board) if one["title"] == title]
    return found


def questions(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every query of a board with what asks it."""
    for one in panels(board):
        for target in one.get("targets", []):
            yield f"panel {one['title']!r}", target["query"]
    for one in board["templating"]["list"]:
        if one["type"] == "query":
            yield f"choice {one['name']!r}", one["query"]["query"]
    for one in board["annotations"]["list"]:
        yield f"annotation {one['name']!r}", one["target"]["query"]


def alert_rules(folder: Path) -> list[dict[str, Any]]:
    """Return all alert rules of a tree."""
    (path,) = (folder / "provisioning/alerting").iterdir()
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def firing(rule: dict[str, Any], ask: Asker) -> list[tuple[str, float]]:
    """Return analysis and number of each series for which a rule fires.

    Grafana refuses a series with a text or without exactly one number, and in some versions an empty answer.
    """
    asked, reduced, compared = (step["model"] for step in rule["data"])
    assert (reduced["expression"], reduced["reducer"], compared["expression"]) == ("A", "last", "B")
    (evaluator,) = (one["evaluator"] for one in compared["conditions"])
    assert evaluator["type"] == "gt"
    answer = ask(asked["query"])
    assert answer, rule["title"]
    for frame in answer:
        assert list(frame.kinds.values()) == ["double"], (rule["title"], frame.kinds)
    lasts = [(frame.labels.get("analysis", ""), frame.rows[-1]["_value"]) for frame in answer]
    return [(analysis, value) for analysis, value in lasts if value > evaluator["params"][0]]
