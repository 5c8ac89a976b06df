"""The panel with the results of one variable over time."""

from __future__ import annotations

from urllib.parse import quote

from xomflow.grafana.flux import CHOSEN_VERSION
from xomflow.grafana.panels import (
    GREEN,
    ORANGE,
    RED,
    Json,
    Place,
    ordered,
    override,
    page_address,
    panel,
    thresholds,
    to_run,
    unit_of,
)
from xomflow.grafana.results import query
from xomflow.grafana.site import Analysis, Site, Variable

_UNSEEN = {"viz": False, "legend": True, "tooltip": True}
_ON_HOVER = {**_UNSEEN, "tooltip": False}
_LINE = {"custom__drawStyle": "line", "custom__showPoints": "never", "links": []}
_EDGE = {**_LINE, "custom__lineWidth": 0}
# Limits mean nothing on another axis, and are drawn once on that of the value.
_WITHOUT_LIMITS = {"custom__thresholdsStyle": {"mode": "off"}}
# What is hidden from the picture is hidden from the mouse too, so these are lines without width on their own axis.
_ONLY_TOLD = {**_EDGE, **_WITHOUT_LIMITS, "custom__hideFrom": _ON_HOVER, "custom__axisPlacement": "hidden"}


def result_panel(site: Site, analysis: Analysis, variable: Variable, place: Place, chosen: bool) -> Json:
    """Return the results of one variable over time: points, boxes of their errors, band, limits; a click leads on.

    Parameters
    ----------
    site, analysis, variable
        What is shown.
    place
        Where it is.
    chosen
        Whether version and modes are those that the reader of the board chooses; else the configured version.
    """
    version, modes = (CHOSEN_VERSION, query.CHOSEN_MODES) if chosen else (analysis.version, "")
    limits = _limits(variable)
    custom = {
        "drawStyle": "points",
        "pointSize": 6,
        "showPoints": "always",
        "spanNulls": False,
        "lineWidth": 1,
        **({"thresholdsStyle": {"mode": "dashed"}} if limits else {}),
    }
    return panel(
        "timeseries",
        variable.title or variable.name,
        query.results(site.prefix, analysis.name, variable.name, version, modes),
        place,
        defaults={
            "unit": unit_of(variable.unit),
            "links": _links_of_point(site, analysis, variable, version),
            "color": {"mode": "fixed", "fixedColor": "blue"},
            "custom": custom,
            **({"thresholds": limits} if limits else {}),
        },
        # Not of all fields, or the time would have it too; and of one field alone it would give this one another scale.
        overrides=_fields(analysis, {} if chosen else {"custom__axisLabel": variable.name}),
        transformations=[ordered(("_time", *query.DRAWN, *query.OF_ROW))],
        **({"description": told} if (told := _told(variable)) else {}),
        options={
            "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
            "tooltip": {"mode": "multi", "sort": "none"},
        },
    )


def _fields(analysis: Analysis, label: dict[str, str]) -> list[Json]:
    """Return how the columns of an answer are drawn."""
    box = {**_EDGE, **_WITHOUT_LIMITS, "custom__hideFrom": _UNSEEN, **label}
    # Between runs of several groups of modes, each with its own band, a line would jump.
    band = {"color": {"mode": "fixed", "fixedColor": GREEN}, "custom__spanNulls": not analysis.has_groups}
    dashes = {"custom__lineStyle": {"fill": "dash", "dash": [8, 6]}, "custom__hideFrom": _ON_HOVER}
    return [
        *([override("value", **label)] if label else []),
        override("hi", **box, custom__fillBelowTo="lo", custom__fillOpacity=35),
        override("lo", **box),
        override("expected", **_LINE, **_WITHOUT_LIMITS, **dashes, **label, **band),
        override("high", **box, **band, custom__fillBelowTo="low", custom__fillOpacity=12),
        override("low", **box, **band),
        *(override(name, **_ONLY_TOLD, unit="none", decimals=0) for name in ("run", "n")),
        override("deviation", **_ONLY_TOLD, unit="suffix:σ", decimals=1),
    ]


def _told(variable: Variable) -> str:
    """Return what the small sign at the heading of a panel shows."""
    return ": ".join(filter(None, [variable.name if variable.title else "", variable.help]))


def _links_of_point(site: Site, analysis: Analysis, variable: Variable, version: str) -> list[Json]:
    run = "${__data.fields.run_id}"
    links: list[Json] = [{"title": f"Run {run}", "url": f"{to_run(site)}{run}"}]
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


def _limits(variable: Variable) -> Json | None:
    """Return the limits of a variable as lines; None if it has none. The colour of a step is that of its line."""
    (warn_low, warn_high), (error_low, error_high) = variable.warn, variable.error
    rising = [(error_low, RED), (warn_low, ORANGE), (warn_high, ORANGE), (error_high, RED)]
    steps = [(value, color) for value, color in rising if value is not None]
    return thresholds([(None, "transparent"), *steps]) if steps else None
