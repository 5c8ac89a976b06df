"""What publishing and reporting get of the configuration, and that it survives its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.factory import key_of, settings
from xomflow.expected.method.settings import SiteSettings
from xomflow.publishing.boards.expected import Limits
from xomflow.workflow.documents import AnalysisTitle, ReportConfig, TickStart, VariableTitle

KR83M = {
    "version": "v1",
    "title": "Krypton",
    "contact": "ada@example.org",
    "run_modes": ["tpc_kr83m"],
    "variables": {"light_yield": {"title": "Light yield", "help": "of 41.5 keV", "main": True}, "n": {}},
    "limits": {"light_yield": {"warn": [1.0, 2.0], "error": [0.5, None], "runs": 3, "of": 4}},
    "expected": {"light_yield": {"matters": "0.5 %"}},
    "trial": {"version": "v2"},
}
EVERYTHING = settings(
    analyses={"kr83m": KR83M, "rate": {"version": "v7", "run_modes": ["tpc_*"]}},
    page={"url": "https://xom.example.org/page/"},
    longest_wait="20 min",
    keep_ticks_for="9 d",
    grafana={"folder": "Monitoring"},
    expected={"minimum": 40, "groups": {"background": ["tpc_bkg"]}},
    store={"kind": "influxdb", "credentials": "account.json"},
)


def test_all_of_it_comes_back_from_its_file() -> None:
    config = ReportConfig.of(EVERYTHING)
    assert ReportConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_what_nobody_configured_is_not_in_the_file() -> None:
    content = ReportConfig.of(settings()).to_json()
    assert set(content) == {"work", "store", "retries", "interval_s", "analyses"}
    assert set(content["analyses"]["kr83m"]) == {"version", "title", "documentation"}
    assert ReportConfig.from_json(content).to_json() == content


def test_an_analysis_has_its_limits_its_main_variables_and_the_titles_that_there_are() -> None:
    one = ReportConfig.of(EVERYTHING).analyses["kr83m"]
    assert one.limits == {"light_yield": Limits(1.0, 2.0, 0.5, None, 3, 4)}
    assert one.main_variables == ("light_yield",)
    assert one.variables == {"light_yield": VariableTitle("Light yield", "of 41.5 keV")}
    assert (one.title, one.contact) == ("Krypton", "ada@example.org")


def test_an_analysis_without_a_title_has_its_name() -> None:
    assert ReportConfig.of(EVERYTHING).analyses["rate"].title == "rate"


def test_a_trial_has_a_name_and_a_version_of_its_own() -> None:
    config = ReportConfig.of(EVERYTHING)
    assert config.methods == {("kr83m", "v1"), ("rate", "v7")}
    assert config.methods_on_trial == {("kr83m", "v2")}
    assert [config.version_of(name) for name in ("kr83m", "kr83m+v2", "rate")] == ["v1", "v2", "v7"]
    assert [config.title_of(key_of(1, version=name)) for name in ("v1", "v2")] == ["kr83m", "kr83m+v2"]


def test_what_is_expected_is_that_of_the_site_and_of_each_variable() -> None:
    expected = ReportConfig.of(EVERYTHING).expected
    assert expected.minimum == 40
    assert expected.sizes == {"kr83m": {"light_yield": ("0.5 %", "")}}
    assert expected.groups == {"background": ["tpc_bkg"]}


def test_runs_of_one_mode_are_one_group_whatever_the_site_joins() -> None:
    assert ReportConfig.of(EVERYTHING).expected.together == ("kr83m",)
    joined = settings(analyses={"rate": {"version": "v1"}}, expected={"together": ["rate"]})
    assert ReportConfig.of(joined).expected.together == ("rate",)
    assert ReportConfig.of(settings()).expected == SiteSettings()


@pytest.mark.parametrize("layout", [1, 2])
def test_the_layout_that_a_tick_writes_is_known_to_its_steps(layout: int) -> None:
    start = TickStart({"analyses": {}}, {"kr83m": "no such rule"}, layout)
    assert TickStart.from_json(start.to_json()) == start


def test_an_analysis_of_a_release_before_has_no_more_than_it_wrote() -> None:
    assert AnalysisTitle.from_json({"version": "v1", "title": "A", "documentation": ""}) == AnalysisTitle("v1", "A", "")


def test_the_folder_and_the_store_are_those_of_the_configuration() -> None:
    config = ReportConfig.of(EVERYTHING)
    assert (config.work, config.store.kind, config.store.is_local) == (Path("work"), "influxdb", False)
