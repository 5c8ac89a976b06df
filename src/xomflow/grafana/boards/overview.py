"""The overview, named as in the talk that the project comes from: all analyses on one board."""

from __future__ import annotations

from xomflow.grafana import queries
from xomflow.grafana.dashboard import dashboard
from xomflow.grafana.panels import WIDTH, Json, Place, in_rows, stat_panel, states_table, text_panel
from xomflow.grafana.results.panel import result_panel
from xomflow.grafana.site import Analysis, Site

_ACROSS, _HEIGHT = 3, 7
_HELP = """Below: the first variable of each analysis.

The name of an analysis, and the link in the corner of its panel, lead to its board; a dot leads to its run."""


def overview(site: Site) -> Json:
    """Return the board with the states of all analyses, and the first variable of each."""
    late = site.interval_s / 60
    age = stat_panel(
        "Since the last tick", queries.since_last_tick(site.prefix), Place(0, 0, 4, 5), "m", 1.5 * late, 3 * late
    )
    height = max(9, 3 + len(site.analyses))
    about = text_panel(_HELP, Place(0, 5, 4, height - 5))
    states = states_table(site, Place(4, 0, WIDTH - 4, height))
    shown = [one for one in site.analyses if one.variables]
    places = in_rows(len(shown), _ACROSS, _HEIGHT, height)
    tiles = [_tile(site, one, place) for one, place in zip(shown, places, strict=True)]
    return dashboard(
        site, site.uid("demonstrator"), f"{site.title}: Demonstrator", [age, about, states, *tiles], "now-90d"
    )


def _tile(site: Site, one: Analysis, place: Place) -> Json:
    """Return the first variable of an analysis; its heading leads to the board of the analysis."""
    (variable, *others) = one.variables
    link = {
        "title": f"All {1 + len(others)} variables of {one.title}",
        "url": f"/d/{site.uid_of(one.name)}?${{__url_time_range}}",
        "type": "link",
        "icon": "",
        "tooltip": "",
        "tags": [],
        "asDropdown": False,
        "includeVars": False,
        "keepTime": False,
        "targetBlank": False,
    }
    made = result_panel(site, one, variable, place, chosen=False)
    return {**made, "title": one.title, "links": [link]}
