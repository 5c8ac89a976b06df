"""The frame of a board: its name, its choices, its annotations, and links to the other boards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xomflow.grafana import queries
from xomflow.grafana.panels import SOURCE, Json, numbered
from xomflow.grafana.site import Site

# Later versions of the schema are made of this one when Grafana reads it.
_SCHEMA = 39
_SOON = "5m"


def dashboard(
    site: Site,
    uid: str,
    title: str,
    panels: Iterable[Json],
    span: str,
    choices: Iterable[Json] = (),
    analysis: str = "",
) -> Json:
    """Return a board.

    Parameters
    ----------
    site
        The site.
    uid, title
        Identity and name.
    panels
        Its panels, without numbers.
    span
        The time that it shows at first, such as ``now-90d``.
    choices
        What its reader can choose.
    analysis
        The analysis of which it shows events; empty: all of them.
    """
    return {
        "uid": uid,
        "title": title,
        "description": "Written by XOM. To change it, save a copy in another folder.",
        "tags": [site.name],
        "schemaVersion": _SCHEMA,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "utc",
        "refresh": _SOON,
        "time": {"from": span, "to": "now"},
        "timepicker": {},
        "templating": {"list": [_source(site), *choices]},
        "annotations": {"list": [_events(site, analysis), _events(site, analysis, alarms=True)]},
        "links": [_to_others(site)],
        "panels": numbered(panels),
    }


def chosen(name: str, label: str, query: str, first: str = "") -> Json:
    """Return a choice among the answers to a query: of one, at first ``first``, or of several, at first all."""
    several = not first
    current = {"text": ["All"], "value": ["$__all"]} if several else {"text": first, "value": first}
    made: Json = {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2 if several else 1,  # 2: also when the shown time changes
        "sort": 1,
        "multi": several,
        "includeAll": several,
        "regex": "",
        "hide": 0,
        "options": [],
        "current": current,
    }
    return {**made, "allValue": ".*"} if several else made


def typed(name: str, label: str, first: str) -> Json:
    """Return a choice that the reader types."""
    current = {"text": first, "value": first}
    return {
        "type": "textbox",
        "name": name,
        "label": label,
        "query": first,
        "current": current,
        "hide": 0,
        "options": [],
    }


def _source(site: Site) -> Json:
    return {
        "type": "datasource",
        "name": "ds",
        "label": "Store",
        "query": "influxdb",
        "regex": f"/^{site.title}$/",
        "hide": 2,
        "current": {"text": site.title, "value": site.name},
        "options": [],
        "refresh": 1,
    }


def _events(site: Site, analysis: str, alarms: bool = False) -> Json:
    name, color = ("Alarms", "red") if alarms else ("Events", "purple")

    def field(name: str) -> Json:
        return {"source": "field", "value": name}

    mappings: dict[str, Any] = {"time": field("_time"), "timeEnd": field("timeEnd"), "title": field("title")}
    return {
        "name": name,
        "enable": True,
        "iconColor": color,
        "datasource": SOURCE,
        "target": {"refId": name, "query": queries.events(site.prefix, analysis, alarms)},
        "mappings": {**mappings, "text": field("text"), "tags": field("tags")},
    }


def _to_others(site: Site) -> Json:
    return {
        "type": "dashboards",
        "title": site.title,
        "tags": [site.name],
        "asDropdown": True,
        "includeVars": False,
        "keepTime": True,
        "icon": "external link",
        "targetBlank": False,
        "tooltip": "",
        "url": "",
    }
