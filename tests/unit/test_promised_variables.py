"""`variables:` of a block: what a script promises to save, and how page and boards call it."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

import pytest

from support.factory import settings
from support.in_process import FastSite
from xomflow.grafana.panels import Place
from xomflow.grafana.results.panel import result_panel
from xomflow.grafana.site import Analysis, Bucket, Site, Variable
from xomflow.workflow.documents import AnalysisTitle, VariableTitle
from xomlib.process.verdict import failure_of_script

SAVES = """
if run_id != '052002':
    xomlib.Xomresult(variable_name='rate', variable_value=1.5, unit='kHz' if run_id == '052003' else 'Hz').save()
xomlib.Xomresult(variable_name='yield', insufficient='3 events').save()
"""
PROMISED = {"rate": {"title": "Rate of all", "help": "moves with the source", "unit": "Hz"}, "yield": {}}


def test_a_promise_that_is_broken_is_a_failure_in_a_tick_and_by_hand(site: FastSite) -> None:
    site.runs([52001, 52002, 52003])
    site.analysis("answer", SAVES, variables=PROMISED)
    assert site.tick().returncode == 7
    assert site.done("answer") == {52001}
    expected = {
        "52002": [
            "missing_result",
            "the script saved no rate, promised in variables; without a number give insufficient",
        ],
        "52003": ["bad_result", "rate has the unit 'kHz', but variables promises 'Hz'"],
    }
    for run, failure in expected.items():
        (record,) = site.failures("answer", int(run))
        assert [record["failure"]["class"], record["failure"]["message"]] == failure
        (tried,) = json.loads(site.xom("try", "answer", run, "--json").stdout)
        assert tried["failure"] == failure


def test_the_first_reason_counts() -> None:
    results: list[Any] = [{"variable": "a", "unit": "Hz"}]
    assert failure_of_script([], None, results, {"a": None}) is None
    assert failure_of_script([], None, results, {"a": "Hz"}) is None
    kinds = [
        (["'a' is saved twice"], None, results, "bad_result"),
        ([], ("raised", "no light"), results, "raised"),
        ([], None, [], "no_result"),
        ([], None, results, "missing_result"),
    ]
    for *given, kind in kinds:
        found = failure_of_script(*given, {"b": None})  # type: ignore[arg-type]
        assert found is not None and found[0] == kind


def test_main_variables_come_first() -> None:
    variables = {"a": {"main": True}, "b": {}, "c": {"main": True}}
    block = {"version": "v1", "variables": variables}
    assert settings(analyses={"kr83m": block}).analyses["kr83m"].first_variables == ("a", "c")


def test_titles_and_help_reach_page_and_boards(site: FastSite) -> None:
    site.runs([52001])
    site.analysis("answer", SAVES, variables=PROMISED)
    assert site.tick().returncode == 0
    written = (site.paths.page / "data/status.js").read_text()
    assert '"variables":{"rate":{"title":"Rate of all","help":"moves with the source"}}' in written
    block = settings(analyses={"kr83m": {"version": "v1", "variables": PROMISED}}).analyses["kr83m"]
    title = AnalysisTitle.of("kr83m", block)
    assert title.variables == {"rate": VariableTitle("Rate of all", "moves with the source")}
    assert AnalysisTitle.from_json(json.loads(json.dumps(title.to_json()))) == title


@pytest.mark.parametrize(
    ("variable", "heading", "description"),
    [
        (Variable("rate", title="Rate of all", help="moves"), "Rate of all", "rate: moves"),
        (Variable("rate", help="moves"), "rate", "moves"),
        (Variable("rate"), "rate", None),
    ],
)
def test_a_panel_has_title_and_help(variable: Variable, heading: str, description: str | None) -> None:
    site = Site(Bucket("http://influx", "xenonnt", "xom"), "prod_", PurePath("/grafana"), 3600.0)
    panel = result_panel(site, Analysis("a", "v1", "A"), variable, Place(0, 0, 12, 8), chosen=True)
    assert (panel["title"], panel.get("description")) == (heading, description)
