"""Alert rules: when a person should look, why, and what to do."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from xomflow.core.state import State
from xomflow.grafana import alert_queries, queries
from xomflow.grafana.panels import Json
from xomflow.grafana.provisioning import plain
from xomflow.grafana.site import Site

_EXPRESSION = "__expr__"
_EVERY = "5m"
# With fewer runs in a day the share of those that fail means nothing.
_LEAST_TAKEN, _MOST_FAILURES = 5, 20
_MISSED_TICKS = 3
_WARNING, _CRITICAL = "warning", "critical"


class Rule(NamedTuple):
    """One rule.

    Parameters
    ----------
    name
        What its identity ends with.
    title
        Its name, which the playbook has too.
    query
        Asks for its numbers.
    summary
        What happened.
    above
        It fires for each series whose number is larger.
    severity
        A label, by which Grafana chooses whom to notify.
    """

    name: str
    title: str
    query: str
    summary: str
    above: float = 0
    severity: str = _WARNING


def rules(site: Site) -> list[Rule]:
    """Return the rules of a site; they do not depend on its analyses."""
    prefix, late = site.prefix, _MISSED_TICKS * site.interval_s / 60
    analysis, number = "{{ $labels.analysis }}", '{{ printf "%.0f" $values.B.Value }}'
    newest = "of the newest {{ $labels.of }} results of {{ $labels.analysis }} {{ $labels.variable }} are outside its"
    return [
        Rule(
            "no-tick", "No tick", queries.since_last_tick(prefix), f"No tick began for {number} min.", late, _CRITICAL
        ),
        Rule(
            "gave-up",
            "Runs were given up",
            alert_queries.more(prefix, State.GAVE_UP),
            f"{analysis} gave up on {number} more runs within a day.",
        ),
        Rule(
            "suspended",
            "An analysis is suspended",
            alert_queries.now(prefix, State.SUSPENDED),
            f"{analysis} fails in the same way on all runs, so {number} of its runs are suspended.",
        ),
        Rule(
            "waits",
            "Runs wait too long",
            alert_queries.more(prefix, State.STALE),
            f"{number} more runs of {analysis} wait for longer than the site allows.",
        ),
        Rule(
            "failures",
            "Many runs fail",
            alert_queries.share_of_failures(prefix, _LEAST_TAKEN),
            f"{number} % of the runs that {analysis} took within a day failed.",
            _MOST_FAILURES,
        ),
        Rule(
            "alarms",
            "Results are not as expected",
            alert_queries.open_alarms(prefix),
            f"{number} alarms about results of {analysis} are open.",
        ),
        Rule(
            "outside-warn",
            "Results are outside limits",
            alert_queries.outside(prefix, "warn"),
            f"{number} {newest} limits.",
        ),
        Rule(
            "outside-error",
            "Results are outside outer limits",
            alert_queries.outside(prefix, "error"),
            f"{number} {newest} outer limits.",
            severity=_CRITICAL,
        ),
    ]


def alerting(site: Site) -> Json:
    """Return the rules as Grafana reads them when it starts."""
    group = {"orgId": 1, "name": site.name, "folder": site.title, "interval": _EVERY}
    return {"apiVersion": 1, "groups": [{**group, "rules": [_provisioned(site, one) for one in rules(site)]}]}


def _provisioned(site: Site, one: Rule) -> Json:
    annotations = {
        "summary": one.summary,
        "description": f"What to do: docs/playbook.md, {one.title!r}.{_contacts(site)}",
        **({"runbook_url": f"{site.settings.playbook}#grafana"} if site.settings.playbook else {}),
        "__dashboardUid__": site.uid("operations"),
        "__panelId__": "1",
    }
    return {
        "uid": site.uid("rule", one.name),
        "title": f"{site.title}: {one.title}",
        "condition": "C",
        "for": "0s",
        # Each query has a row always: no answer means that the store is away, an error that it refuses the query.
        "noDataState": "NoData",
        "execErrState": "Error",
        "isPaused": False,
        "labels": {"project": "xom", "site": plain(site.name), "severity": one.severity},
        "annotations": annotations,
        "data": [
            _step("A", site.name, {"query": one.query, "intervalMs": 60_000, "maxDataPoints": 1000}),
            _step("B", _EXPRESSION, {"type": "reduce", "expression": "A", "reducer": "last"}),
            _step("C", _EXPRESSION, {"type": "threshold", "expression": "B", "conditions": [_above(one.above)]}),
        ],
    }


def _step(letter: str, source: str, model: dict[str, Any]) -> Json:
    span = {"from": 86_400, "to": 0}
    return {"refId": letter, "datasourceUid": source, "relativeTimeRange": span, "model": {"refId": letter, **model}}


def _above(limit: float) -> Json:
    return {"evaluator": {"type": "gt", "params": [limit]}}


def _contacts(site: Site) -> str:
    """Return the contact of the analysis of an alert, as a template."""
    known = [one for one in site.analyses if one.contact]
    cases = [
        f"if eq $labels.analysis {_literal(one.name)} }}}} Contact: {{{{ {_literal(one.contact)} }}}}" for one in known
    ]
    return "".join(f"{{{{ {'else ' * (at > 0)}{case}" for at, case in enumerate(cases)) + "{{ end }}" * bool(cases)


def _literal(text: str) -> str:
    """Return a text as a literal of Grafana's templates."""
    return json.dumps(text, ensure_ascii=False)
