"""Panels: dictionaries in the form of Grafana's dashboards, version 1 of their schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from xomflow.core.state import State
from xomflow.grafana import queries
from xomflow.grafana.flux import CHOSEN_VERSION
from xomflow.grafana.site import Analysis, Site, Variable

Json = dict[str, Any]
SOURCE = {"type": "influxdb", "uid": "${ds}"}
WIDTH = 24
# Grafana's names of units; others stand behind the number as they are.
_UNITS = {"": "none", "1": "none", "Hz": "hertz", "s": "s", "ms": "ms", "%": "percent", "K": "kelvin", "MB/s": "MBs"}
_OF_ROW = ("_time", "value", "run", "n", "lo", "hi", "run_id", "quality")
_GREEN, _ORANGE, _RED = "green", "orange", "red"
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
    """Return a table with its columns in order."""
    return panel("table", title, asked, place, transformations=[_ordered(columns)], **more)


def series_panel(title: str, asked: str, place: Place, unit: str = "none", **more: Any) -> Json:
    """Return lines over time, one for each series of the answer."""
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 0, "showPoints": "auto", "spanNulls": True}
    return panel(
        "timeseries",
        title,
        asked,
        place,
        defaults={"unit": unit, "min": 0, "color": {"mode": "palette-classic"}, "custom": custom},
        options={
            "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        **more,
    )


def stat_panel(title: str, asked: str, place: Place, unit: str, warn: float, error: float) -> Json:
    """Return one number, with the colour of its size."""
    steps = [(None, _GREEN), (warn, _ORANGE), (error, _RED)]
    return panel(
        "stat",
        title,
        asked,
        place,
        defaults={"unit": unit, "decimals": 0, "thresholds": _thresholds(steps), "color": {"mode": "thresholds"}},
        options={
            "colorMode": "background",
            "graphMode": "none",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
    )


def result_panel(site: Site, analysis: Analysis, variable: Variable, place: Place, chosen: bool) -> Json:
    """Return the results of one variable over time: points, boxes of their errors, limits; a click leads on.

    Parameters
    ----------
    site, analysis, variable
        What is shown.
    place
        Where it is.
    chosen
        Whether version and modes are those that the reader of the board chooses; else the configured version.
    """
    version, modes = (CHOSEN_VERSION, queries.CHOSEN_MODES) if chosen else (analysis.version, "")
    hidden = {"viz": False, "legend": True}
    edge = {"custom__drawStyle": "line", "custom__lineWidth": 0, "custom__showPoints": "never", "links": []}
    edge |= {"custom__thresholdsStyle": {"mode": "off"}}  # run and n have another axis, on which limits mean nothing
    unseen = {"custom__hideFrom": {**hidden, "tooltip": True}}
    # Hidden from the picture would be hidden from the tooltip too, so these are lines without width on an own axis.
    only_told = {"custom__hideFrom": {**hidden, "tooltip": False}, "custom__axisPlacement": "hidden", "unit": "none"}
    # Not of all fields, or the time would have it too; and of one field alone it would give this one another scale.
    label = {} if chosen else {"custom__axisLabel": variable.name}
    thresholds = _limits(variable)
    custom = {
        "drawStyle": "points",
        "pointSize": 6,
        "showPoints": "always",
        "spanNulls": False,
        "lineWidth": 1,
        **({"thresholdsStyle": {"mode": "dashed"}} if thresholds else {}),
    }
    return panel(
        "timeseries",
        variable.title or variable.name,
        queries.results(site.prefix + analysis.name, variable.name, version, modes),
        place,
        defaults={
            "unit": unit_of(variable.unit),
            "links": _links_of_point(site, analysis, variable, version),
            "color": {"mode": "fixed", "fixedColor": "blue"},
            "custom": custom,
            **({"thresholds": thresholds} if thresholds else {}),
        },
        overrides=[
            *([override("value", **label)] if label else []),
            override("hi", **edge, **unseen, **label, custom__fillBelowTo="lo", custom__fillOpacity=35),
            override("lo", **edge, **unseen, **label),
            *(override(name, **edge, **only_told, decimals=0) for name in ("run", "n")),
        ],
        transformations=[_ordered(_OF_ROW)],
        **({"description": told} if (told := _told(variable)) else {}),
        options={
            "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
            "tooltip": {"mode": "multi", "sort": "none"},
        },
    )


def _told(variable: Variable) -> str:
    """Return what the small sign at the heading of a panel shows."""
    return ": ".join(filter(None, [variable.name if variable.title else "", variable.help]))


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
            thresholds=_thresholds([(None, "text"), (1, _COLORS[state.urgency])]),
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


def run_link(site: Site, field: str = "run_id") -> Json:
    """Return how the column with the id of a run leads to the board of the run."""
    links = [{"title": "Everything about run ${__value.raw}", "url": f"{_to_run(site)}${{__value.raw}}"}]
    return override(field, links=links)


def page_address(site: Site, **chosen: str) -> str:
    """Return the address of the page with a choice, such as a run."""
    return f"{site.page_url}#{'&'.join(f'{name}={value}' for name, value in chosen.items())}"


def _links_of_point(site: Site, analysis: Analysis, variable: Variable, version: str) -> list[Json]:
    run = "${__data.fields.run_id}"
    links: list[Json] = [{"title": f"Run {run}", "url": f"{_to_run(site)}{run}"}]
    if site.page_url:
        open_ = {
            "run": run,
            "analysis": analysis.name,
            "variable": quote(variable.name, errors="replace"),
            "version": version,
        }
        figure = {"title": f"Run {run}: figure", "url": page_address(site, **open_), "targetBlank": True}
        links.insert(0, figure)
    return links


def _to_run(site: Site) -> str:
    return f"/d/{site.uid('run')}?${{__url_time_range}}&var-run="


def _ordered(names: Iterable[str]) -> Json:
    places = {name: at for at, name in enumerate(names)}
    return {"id": "organize", "options": {"indexByName": places, "excludeByName": {}, "renameByName": {}}}


def _limits(variable: Variable) -> Json | None:
    """Return the limits of a variable as lines; None if it has none. The colour of a step is that of its line."""
    (warn_low, warn_high), (error_low, error_high) = variable.warn, variable.error
    rising = [(error_low, _RED), (warn_low, _ORANGE), (warn_high, _ORANGE), (error_high, _RED)]
    steps = [(value, color) for value, color in rising if value is not None]
    return _thresholds([(None, "transparent"), *steps]) if steps else None


def _thresholds(steps: Iterable[tuple[float | None, str]]) -> Json:
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
