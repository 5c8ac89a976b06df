"""The board of one analysis: a panel for each variable, its newest results, what needs attention."""

from __future__ import annotations

from xomflow.grafana import queries
from xomflow.grafana.dashboard import chosen, dashboard
from xomflow.grafana.flux import CHOSEN_VERSION
from xomflow.grafana.panels import (
    WIDTH,
    Json,
    Place,
    below,
    in_rows,
    row_panel,
    run_link,
    table_panel,
    text_panel,
)
from xomflow.grafana.results.panel import result_panel
from xomflow.grafana.site import Analysis, Site, Variable

_ACROSS, _HEIGHT = 2, 8
_NONE_YET = "There are no results yet. A panel for each variable comes with the first ones."


def board_of(site: Site, one: Analysis) -> Json:
    """Return the board of an analysis."""
    measurement = site.prefix + one.name
    shown, top = _of_variables(site, one, one.variables, 0)
    if about := _about(one):
        shown.append(text_panel(about, Place(0, top, WIDTH, 3)))
        top += 3
    table = table_panel(
        "Newest results",
        queries.newest_results(measurement, CHOSEN_VERSION),
        Place(0, top, WIDTH, 10),
        queries.NEWEST_COLUMNS,
        timeFrom="30d",  # over years it takes two seconds
        overrides=[run_link(site)],
    )
    listed = table_panel(
        "Runs that need attention",
        queries.attention(site.prefix, analysis=one.name),
        Place(0, top + 10, WIDTH, 8),
        queries.ATTENTION_COLUMNS,
        overrides=[run_link(site)],
    )
    shown += [table, listed]
    if one.earlier:
        inner, _ = _of_variables(site, one, one.earlier, top + 19)
        shown.append(row_panel("Variables of other versions", top + 18, inner))
    choices = [chosen("version", "Version", queries.versions(measurement), one.version)]
    if known := [*one.variables, *one.earlier]:
        choices.append(chosen("mode", "Run mode", queries.modes(measurement, known[0].name)))
    title = f"{site.title}: {one.title}"
    return dashboard(site, site.uid_of(one.name), title, shown, "now-90d", choices, one.name)


def _of_variables(site: Site, one: Analysis, variables: tuple[Variable, ...], top: int) -> tuple[list[Json], int]:
    """Return panels for some variables, and the first line below them."""
    places = in_rows(len(variables), _ACROSS, _HEIGHT, top)
    made = [result_panel(site, one, variable, at, chosen=True) for variable, at in zip(variables, places, strict=True)]
    return made, below(places, top)


def _about(one: Analysis) -> str:
    contact = f"Contact: {one.contact}" if one.contact else ""
    return "\n\n".join(filter(None, [_NONE_YET * (not one.variables), one.documentation, contact]))
