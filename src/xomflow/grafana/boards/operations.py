"""How XOM works: ticks, states over time, what waits or failed and why, delay, cost, Slurm."""

from __future__ import annotations

from xomflow.core.state import FAILURES, State
from xomflow.grafana import queries
from xomflow.grafana.dashboard import dashboard
from xomflow.grafana.panels import (
    WIDTH,
    Json,
    Place,
    in_rows,
    run_link,
    series_panel,
    stat_panel,
    states_table,
    table_panel,
)
from xomflow.grafana.site import Site

_ACROSS, _HEIGHT = 3, 8


def operations(site: Site) -> Json:
    """Return the board for the operator."""
    prefix, late = site.prefix, site.interval_s / 60
    pending = [state.field for state in State if state is not State.DONE]
    of_ticks = [
        ("Time of a tick", queries.own(prefix, ["duration_s"]), "s"),
        (
            "Time since the end of the run that waits longest",
            queries.own(prefix, ["oldest_waiting_s", "oldest_ready_s"]),
            "s",
        ),
        (
            "Taken, failed, published, sentences for people",
            queries.own(prefix, ["taken", "failures", "published", "problems"]),
            "none",
        ),
        ("Runs in Slurm", queries.own(prefix, ["slurm_pending", "slurm_running"]), "none"),
    ]
    of_runs = [
        ("From the end of a run to its results", queries.of_all_results(prefix, "lag_s", "v.windowPeriod", "max"), "s"),
        ("Computing time per day", queries.of_all_results(prefix, "wall_s", "1d", "sum"), "s"),
    ]
    series = [*((*one, "_field") for one in of_ticks), *((*one, "analysis") for one in of_runs)]
    failing = [state for state in State if state in FAILURES]
    waiting = [state for state in State if state.urgency and state not in FAILURES]
    places = in_rows(len(series), _ACROSS, _HEIGHT, 10)
    shown = [
        stat_panel(
            "Since the last tick", queries.since_last_tick(prefix), Place(0, 0, 4, 10), "m", 1.5 * late, 3 * late
        ),
        series_panel("Runs in each state", queries.own(prefix, pending), Place(4, 0, WIDTH - 4, 10), "none", "_field"),
        *(series_panel(title, asked, at, *how) for (title, asked, *how), at in zip(series, places, strict=True)),
    ]
    top = 10 + len(series) // _ACROSS * _HEIGHT
    tables = [("Runs that failed", failing), ("Runs that wait", waiting)]
    for at, (title, states) in enumerate(tables):
        place = Place(0, top + 10 * at, WIDTH, 10)
        shown.append(
            table_panel(
                title, queries.attention(prefix, states), place, queries.ATTENTION_COLUMNS, overrides=[run_link(site)]
            )
        )
    shown.append(states_table(site, Place(0, top + 20, WIDTH, 3 + len(site.analyses))))
    return dashboard(site, site.uid("operations"), f"{site.title}: Operations", shown, "now-7d")
