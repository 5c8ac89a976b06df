"""The tree of dashboards: the same facts give the same bytes, and only XOM's own files change."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.demo_tree import GOLDEN, demo_tree, kept
from support.grafana import alert_rules, boards, panel, panels, questions
from xomflow.core.paths import ROOT
from xomflow.grafana import flux
from xomflow.grafana import tree as grafana
from xomflow.grafana.site import Analysis, BoardSettings, Bucket, Site, Variable

YIELD = Variable("light_yield", "PE/keV", warn=(9.0, 11.0), error=(8.0, None))
KR83M = Analysis("kr83m", "v2", "Kr83m yields", contact="calibration", variables=(YIELD, Variable("drift", "mm/us")))
RATE = Analysis("rate", "v1", "Rate", variables=(Variable("a rate ${x}", "Hz"),), earlier=(Variable("old"),))
LONG = Analysis("a" * 40, "v1", "Long")
SITE = Site(
    Bucket("https://influx.example.org", "xenon$nt", "xom"),
    "prod_",
    Path("/srv/work/grafana"),
    3600.0,
    "https://xom.example.org/page/",
    BoardSettings(token="/etc/grafana/token"),
    (KR83M, RATE, LONG, Analysis("unborn", "v1", "Unborn")),
)
# What Grafana replaces in a board: its own variables, and those that a board defines.
REPLACED = re.compile(r"\$\{(\w+)[^}]*\}|\$(\w+)")
BUILT_IN = {"__all", "__data", "__field", "__value", "__url_time_range"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    grafana.write_tree(tmp_path, SITE)
    return tmp_path


def content(tree: Path) -> dict[str, bytes]:
    return {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def test_the_same_facts_give_the_same_bytes_and_no_file_is_written_twice(tree: Path, tmp_path: Path) -> None:
    before = content(tree)
    assert grafana.write_tree(tree, replace(SITE)) == []
    again = tmp_path / "again"
    assert sorted(grafana.write_tree(again, SITE)) == sorted(before)
    assert content(again) == before


def test_an_analysis_that_goes_takes_its_board_along_and_no_other_file(tree: Path) -> None:
    (tree / "dashboards/mine.json").write_text("{}")
    (tree / "dashboards/xom-test-run.json").write_text("{}")
    changed = grafana.write_tree(tree, replace(SITE, analyses=SITE.analyses[1:]))
    assert "dashboards/xom-prod-analysis-kr83m.json" in changed
    names = {path.name for path in (tree / "dashboards").iterdir()}
    assert "xom-prod-analysis-kr83m.json" not in names
    assert {"mine.json", "xom-test-run.json", "xom-prod-analysis-rate.json"} <= names


def test_a_new_variable_has_a_panel(tree: Path) -> None:
    new = replace(KR83M, variables=(*KR83M.variables, Variable("charge_yield", "PE/keV")))
    assert grafana.write_tree(tree, replace(SITE, analyses=(new,)))
    titles = [one["title"] for one in panels(boards(tree)["xom-prod-analysis-kr83m"])]
    assert titles[:3] == ["light_yield", "drift", "charge_yield"]


def test_identities_fit_grafana_and_differ(tree: Path) -> None:
    found = boards(tree)
    assert len(found) == 3 + len(SITE.analyses) == len(list((tree / "dashboards").iterdir()))
    assert [uid for uid in found if not re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", uid)] == []
    for board in found.values():
        numbers = [one["id"] for one in panels(board)]
        assert len(numbers) == len(set(numbers))


def test_panels_lie_beside_each_other_within_the_grid(tree: Path) -> None:
    for uid, board in boards(tree).items():
        taken: dict[tuple[int, int], str] = {}
        for one in board["panels"]:
            x, y, w, h = (one["gridPos"][name] for name in "xywh")
            assert 0 <= x < x + w <= 24, (uid, one["title"])
            for cell in ((column, line) for column in range(x, x + w) for line in range(y, y + h)):
                assert cell not in taken, (uid, one["title"], taken[cell])
                taken[cell] = one["title"]


def test_links_lead_to_boards_and_what_is_replaced_is_defined(tree: Path) -> None:
    found = boards(tree)
    for uid, board in found.items():
        text = json.dumps(board)
        links = re.findall(r'"url": "/d/([\w-]+)\?', text)
        assert [one for one in links if one not in found] == [], uid
        used = {next(filter(None, one)) for one in REPLACED.findall(text)} - BUILT_IN
        defined = {one["name"] for one in board["templating"]["list"]}
        assert used - {"x"} <= defined, (uid, used)  # ${x}: from the name of a variable


def test_the_board_of_an_analysis_names_whom_to_ask_and_why_it_is_empty(tree: Path) -> None:
    texts = {
        name: [
            one["options"]["content"]
            for one in panels(boards(tree)[f"xom-prod-analysis-{name}"])
            if one["type"] == "text"
        ]
        for name in ("kr83m", "rate", "unborn")
    }
    assert texts["kr83m"] == ["Contact: calibration"]
    assert texts["rate"] == []
    assert [one.partition(".")[0] for one in texts["unborn"]] == ["There are no results yet"]


def test_limits_are_lines_and_a_point_leads_to_its_figure(tree: Path) -> None:
    (first, second) = (panel(boards(tree)["xom-prod-analysis-kr83m"], one) for one in ("light_yield", "drift"))
    steps = first["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(one["value"], one["color"]) for one in steps] == [
        (None, "transparent"),
        (8.0, "red"),
        (9.0, "orange"),
        (11.0, "orange"),
    ]
    assert "thresholds" not in second["fieldConfig"]["defaults"]
    styles = [one["fieldConfig"]["defaults"]["custom"].get("thresholdsStyle") for one in (first, second)]
    assert styles == [{"mode": "dashed"}, None]
    (figure, run) = first["fieldConfig"]["defaults"]["links"]
    assert figure["url"].startswith("https://xom.example.org/page/#run=${__data.fields.run_id}&analysis=kr83m&")
    assert run["url"].startswith("/d/xom-prod-run?")


def test_a_value_and_its_box_have_one_scale(tree: Path) -> None:
    makes_a_scale = re.compile("unit|min|max|custom[.](axis|scale)")
    for board in boards(tree).values():
        for one in panels(board):
            if one["type"] == "timeseries" and "lo: r.lo" in one["targets"][0]["query"]:
                scales: dict[str, Any] = {"value": {}, "lo": {}, "hi": {}}
                for override in one["fieldConfig"]["overrides"]:
                    found = {of["id"]: of["value"] for of in override["properties"] if makes_a_scale.match(of["id"])}
                    scales[override["matcher"]["options"]] = found
                assert scales["value"] == scales["lo"] == scales["hi"] != scales["run"], (board["uid"], one["title"])


def test_the_token_is_only_named_and_nothing_else_is_replaced(tree: Path) -> None:
    (source,) = yaml.safe_load((tree / "provisioning/datasources/xom-prod.yaml").read_text())["datasources"]
    assert source["secureJsonData"] == {"token": "$__file{/etc/grafana/token}"}
    assert (source["url"], source["jsonData"]["organization"]) == ("https://influx.example.org", "xenon$$nt")
    (provider,) = yaml.safe_load((tree / "provisioning/dashboards/xom-prod.yaml").read_text())["providers"]
    assert provider["options"]["path"] == "/srv/work/grafana/dashboards"
    assert provider["allowUiUpdates"] is False


def test_two_prefixes_share_a_tree(tree: Path) -> None:
    before = content(tree)
    grafana.write_tree(tree, replace(SITE, prefix="test_", analyses=()))
    assert {name: one for name, one in content(tree).items() if name in before} == before
    assert {board["title"] for board in boards(tree).values()} >= {"XOM: Run", "XOM test: Run"}


def test_a_name_that_is_no_text_costs_no_board(tmp_path: Path) -> None:
    odd: Any = Analysis("odd", "v1", "Odd", variables=(Variable("a\ud800b"),))
    grafana.write_tree(tmp_path, replace(SITE, analyses=(odd,)))
    assert "a?b" in (tmp_path / "dashboards/xom-prod-analysis-odd.json").read_text()


def test_rules_do_not_change_with_the_analyses(tree: Path) -> None:
    before = alert_rules(tree)
    quiet = tuple(replace(one, contact="") for one in SITE.analyses)
    other = replace(KR83M, name="new", contact="", variables=(replace(YIELD, warn=(1.0, 2.0)),))
    grafana.write_tree(tree, replace(SITE, analyses=quiet))
    without = alert_rules(tree)
    grafana.write_tree(tree, replace(SITE, analyses=(other, *quiet)))
    assert alert_rules(tree) == without != before


def test_an_alert_says_what_to_do_and_whom_to_ask(tree: Path) -> None:
    contacts = '{{ if eq $labels.analysis "kr83m" }} Contact: {{ "calibration" }}{{ end }}'
    playbook = (ROOT / "docs/playbook.md").read_text(encoding="utf-8").partition("## Grafana")[2]
    for rule in alert_rules(tree):
        title = rule["title"].removeprefix("XOM: ")
        assert f'**"{title}"**' in playbook
        assert rule["annotations"]["description"] == f"What to do: docs/playbook.md, '{title}'.{contacts}"
        assert "runbook_url" not in rule["annotations"]
    linked = replace(SITE, settings=BoardSettings(playbook="https://xom.example.org/playbook.html"))
    grafana.write_tree(tree, linked)
    assert {rule["annotations"]["runbook_url"] for rule in alert_rules(tree)} == {
        "https://xom.example.org/playbook.html#grafana"
    }


def test_no_query_has_an_empty_text(tree: Path) -> None:
    """InfluxDB loses empty texts of a column and moves the later ones up."""
    asked = [query for board in boards(tree).values() for _, query in questions(board)]
    asked += [rule["data"][0]["model"]["query"] for rule in alert_rules(tree)]
    asked += re.findall(r"```flux\n(.*?)```", (ROOT / "docs/points.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(asked) > 40
    assert [query for query in asked if '""' in query] == []
    with pytest.raises(ValueError, match="cannot have an empty text"):
        flux.quoted("")


def test_an_alert_leads_to_a_panel_that_is_there(tree: Path) -> None:
    for rule in alert_rules(tree):
        board = boards(tree)[rule["annotations"]["__dashboardUid__"]]
        assert rule["annotations"]["__panelId__"] in [str(one["id"]) for one in panels(board)]


def test_the_tree_of_the_demo_is_the_kept_one() -> None:
    found = kept(demo_tree())
    golden = {str(path.relative_to(GOLDEN)) for path in GOLDEN.rglob("*") if path.is_file()} - {"variables.json"}
    assert golden == set(found)
    differs = [name for name, text in found.items() if (GOLDEN / name).read_text(encoding="utf-8") != text]
    assert differs == [], "look at the differences, then run `python tests/support/demo_tree.py`"
