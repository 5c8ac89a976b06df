"""The board of one run: what all analyses found, its figures, and why something is missing."""

from __future__ import annotations

from xomflow.grafana import queries
from xomflow.grafana.dashboard import dashboard, typed
from xomflow.grafana.panels import WIDTH, Json, Place, override, table_panel, text_panel
from xomflow.grafana.site import Site

_FIRST = "0"


def run_board(site: Site) -> Json:
    """Return the board on which one types the number of a run."""
    link = [{"title": "Figure", "url": "${__value.raw}", "targetBlank": True}]
    shown = [
        text_panel(_help(site), Place(0, 0, WIDTH, 3)),
        table_panel(
            "Results of run ${run}", queries.run_results(site.prefix), Place(0, 3, WIDTH, 14), queries.RESULT_COLUMNS
        ),
        table_panel(
            "The run, its figures, and how the results were made",
            queries.run_details(site.prefix),
            Place(0, 17, WIDTH, 12),
            queries.DETAIL_COLUMNS,
            overrides=[override("figure_url", links=link, displayName="figure", custom__cellOptions={"type": "image"})],
            options={"showHeader": True, "cellHeight": "lg"},
        ),
        table_panel(
            "What is missing, and why",
            queries.run_attention(site.prefix),
            Place(0, 29, WIDTH, 6),
            queries.ATTENTION_COLUMNS,
        ),
    ]
    return dashboard(site, site.uid("run"), f"{site.title}: Run", shown, "now-5y", [typed("run", "Run", _FIRST)])


def _help(site: Site) -> str:
    more = f" Figures are on [the page]({site.page_url}#run=${{run}}) too." if site.page_url else ""
    return f"Type a number, such as 52894, into the field *Run* above.{more}"
