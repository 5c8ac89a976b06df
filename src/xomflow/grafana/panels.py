"""Panels: dictionaries in the form of Grafana's dashboards, version 1 of their schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from xomflow.core.state import State
from xomflow.grafana import queries
from xomflow.grafana.site import Site

Json = dict[str, Any]
SOURCE = {"type": "influxdb", "uid": "${ds}"}
WIDTH = 24
# Grafana's names of units; others stand behind the number as they are.
_UNITS = {"": "none", "1": "none", "Hz": "hertz", "s": "s", "ms": "ms", "%": "percent", "K": "kelvin", "MB/s": "MBs"}
_MOST_IN_SIGHT = 12
GREEN, ORANGE, RED = "green", "orange", "red"
# By urgency of a state.
_COLORS = ("blue", "yellow", "orange", "semi-dark-orange", "red")


class Place(NamedTuple):
    """Where a panel is, in 24 columns."""

    x: int
    y: int
    w: int
    h: int


def in_rows(number: int, across: int, height: int, top: int) -> list[Place]:
    """Return the places of panels of one size, row by row."""
    width = WIDTH // across
    return [Place(at % across * width, top + at // across * height, width, height) for at in range(number)]


def below(places: Sequence[Place], top: int) -> int:
    """Return the first line below some places."""
    return max((one.y + one.h for one in places), default=top)


def panel(kind: str, title: str, asked: str, place: Place, **more: Any) -> Json:
    """Return a panel.

    Parameters
    ----------
    kind
        Its type, such as ``timeseries``.
    title
        Its heading.
    asked
        Its query.
    place
        Where it is.
    more
        Other entries; ``defaults`` and ``overrides`` are those of its fields.
    """
    fields = {"defaults": more.pop("defaults", {}), "overrides": more.pop("overrides", [])}
    targets = [{"refId": "A", "datasource": SOURCE, "query": asked}]
    made = {"type": kind, "title": title, "datasource": SOURCE, "gridPos": place._asdict(), "targets": targets}
    return {**made, "fieldConfig": fields, "options": {}, **more}


def override(field: str, **properties: Any) -> Json:
    """Return how one field differs from the others; ``__`` stands for a dot."""
    found = [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()]
    return {"matcher": {"id": "byName", "options": field}, "properties": found}


def unit_of(text: str) -> str:
    """Return Grafana's name of a unit; some of its own would rescale the numbers, so few are used."""
    return _UNITS.get(text, f"suffix:{text}")


def text_panel(text: str, place: Place) -> Json:
    """Return a panel of ready text, in Markdown."""
    options = {"mode": "markdown", "content": text}
    return {"type": "text", "title": "", "gridPos": place._asdict(), "options": options}


def row_panel(title: str, top: int, panels: list[Json]) -> Json:
    """Return a row that is closed at first, with its panels."""
    place = Place(0, top, WIDTH, 1)
    return {"type": "row", "title": title, "collapsed": True, "gridPos": place._asdict(), "panels": panels}


def table_panel(title: str, asked: str, place: Place, columns: Iterable[str], **more: Any) -> Json:
    """Return a table with its columns in order; a dozen may be narrow, or some would be out of sight."""
    names = list(columns)
    narrow = {"custom": {"minWidth": 60}} if len(names) <= _MOST_IN_SIGHT else {}
    return panel("table", title, asked, place, defaults=narrow, transformations=[ordered(names)], **more)


def series_panel(title: str, asked: str, place: Place, unit: str, name: str) -> Json:
    """Return lines over time, one for each series of the answer, with the name that its label ``name`` has."""
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 0, "showPoints": "auto", "spanNulls": True}
    return panel(
        "timeseries",
        title,
        asked,
        place,
        defaults={
            "unit": unit,
            "min": 0,
            "displayName": f"${{__field.labels.{name}}}",
            "color": {"mode": "palette-classic"},
            "custom": custom,
        },
        options={
            "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    )


def stat_panel(title: str, asked: str, place: Place, unit: str, warn: float, error: float) -> Json:
    """Return one number, with the colour of its size."""
    steps = [(None, GREEN), (warn, ORANGE), (error, RED)]
    return panel(
        "stat",
        title,
        asked,
        place,
        defaults={"unit": unit, "decimals": 0, "thresholds": thresholds(steps), "color": {"mode": "thresholds"}},
        options={
            "colorMode": "background",
            "graphMode": "none",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
    )


def states_table(site: Site, place: Place) -> Json:
    """Return how many runs of each analysis are in each state; a click leads to the board of the analysis."""
    titles = {one.name: {"text": one.title, "index": at} for at, one in enumerate(site.analyses)}
    to_board = {"title": "Its board", "url": f"/d/{site.uid('analysis')}-${{__value.raw}}?${{__url_time_range}}"}
    long = [one.name for one in site.analyses if site.uid_of(one.name) != f"{site.uid('analysis')}-{one.name}"]
    names = override(
        "analysis",
        mappings=[{"type": "value", "options": titles}],
        **({} if long else {"links": [to_board]}),
    )
    colored = [
        override(
            state.field,
            displayName=str(state),
            custom__cellOptions={"type": "color-text"},
            thresholds=thresholds([(None, "text"), (1, _COLORS[state.urgency])]),
        )
        for state in State
        if state.urgency
    ]
    return table_panel(
        "Where the analyses are",
        queries.states_now(site.prefix, [one.name for one in site.analyses]),
        place,
        ["analysis", *(state.field for state in State)],
        overrides=[names, *colored],
    )


def run_link(site: Site) -> Json:
    """Return how the column with the id of a run leads to the board of the run."""
    links = [{"title": "Everything about run ${__value.raw}", "url": f"{to_run(site)}${{__value.raw}}"}]
    return override("run_id", links=links)


def page_address(site: Site, **chosen: str) -> str:
    """Return the address of the page with a choice, such as a run."""
    return f"{site.page_url}#{'&'.join(f'{name}={value}' for name, value in chosen.items())}"


def to_run(site: Site) -> str:
    """Return the address of the board of a run, up to its number."""
    return f"/d/{site.uid('run')}?${{__url_time_range}}&var-run="


def ordered(names: Iterable[str]) -> Json:
    """Return the transformation that brings columns in order; an answer has them in any."""
    places = {name: at for at, name in enumerate(names)}
    return {"id": "organize", "options": {"indexByName": places, "excludeByName": {}, "renameByName": {}}}


def thresholds(steps: Iterable[tuple[float | None, str]]) -> Json:
    """Return colours, each from a number on."""
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in steps]}


def numbered(panels: Iterable[Json], begin: int = 1) -> list[Json]:
    """Return panels with their numbers, also those in closed rows."""
    made: list[Json] = []
    for one in panels:
        inner: Mapping[str, Any] = {}
        number, begin = begin, begin + 1
        if "panels" in one:
            inner = {"panels": numbered(one["panels"], begin)}
            begin += len(one["panels"])
        made.append({"id": number, **one, **inner})
    return made
