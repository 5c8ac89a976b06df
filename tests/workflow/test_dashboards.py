"""Ticks keep the dashboards up to date, and ``xom dashboards`` writes them too."""

from __future__ import annotations

import json
from pathlib import Path

from support.grafana import boards, panels
from support.in_process import FastSite

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1, unit='PE').save()"


def at_influx(site: FastSite) -> FastSite:
    """Publish to a server that does not answer: dashboards depend on no answer."""
    account = site.folder / "account.json"
    account.write_text(json.dumps({"url": "http://127.0.0.1:9", "token": "secret", "org": "xenon", "bucket": "xom"}))
    account.chmod(0o600)
    site.tree["store"] = {"kind": "influxdb", "credentials": str(account), "prefix": "prod_"}
    return site


def shown(site: FastSite) -> dict[str, list[str]]:
    """Titles of the panels with results, by the board of their analysis."""
    found = {uid: board for uid, board in boards(site.work / "grafana").items() if "-analysis-" in uid}
    return {
        uid.removeprefix("xom-prod-analysis-"): [one["title"] for one in panels(board) if one["type"] == "timeseries"]
        for uid, board in found.items()
    }


def stamps(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_an_analysis_has_its_panels_after_a_tick_until_it_is_removed(site: FastSite) -> None:
    at_influx(site).analysis("first", GOOD)
    site.runs([52001])
    site.tick()
    assert shown(site) == {"first": ["answer"]}
    site.analysis("second", GOOD.replace("answer", "question"))
    site.tick()
    assert shown(site) == {"first": ["answer"], "second": ["question"]}
    before = stamps(site.work / "grafana")
    site.tick()
    assert stamps(site.work / "grafana") == before
    site.tree["analyses"]["second"] |= {"version": "v2", "run_modes": ["none"]}  # without any result yet
    site.tick()
    assert shown(site)["second"] == ["question"]
    del site.tree["analyses"]["first"]
    site.tick()
    assert shown(site) == {"second": ["question"]}


def test_the_command_writes_what_a_tick_writes(site: FastSite) -> None:
    at_influx(site).analysis("first", GOOD)
    site.runs([52001])
    site.tick()
    tree = site.work / "grafana"
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    assert "is up to date" in site.xom("dashboards").stdout
    for path in before:
        path.unlink()
    done = site.xom("dashboards")
    assert done.stdout.splitlines()[-1] == f"work/grafana: {len(before)} files changed"
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before
    assert all(b"secret" not in text for text in before.values())


def test_the_command_names_variables_that_no_result_has(site: FastSite) -> None:
    at_influx(site).analysis("first", GOOD, limits={"anwser": {"warn": [0, 2]}}, variables={"answer": {"main": True}})
    site.runs([52001])
    assert "no result of" not in site.xom("dashboards").stdout
    site.tick()
    (line,) = [one for one in site.xom("dashboards").stdout.splitlines() if "no result of" in one]
    assert line.startswith(
        "analyses.first.limits has 'anwser', and no result of v1 has this variable: correct the name"
    )
    assert "answer" in line.partition("correct")[2]


def test_files_are_no_store_that_grafana_can_ask(site: FastSite) -> None:
    site.analysis("first", GOOD)
    site.runs([52001])
    site.tick()
    assert not (site.work / "grafana").exists()
    done = site.xom("dashboards")
    assert done.returncode == 3
    assert "store.kind is 'local', and Grafana cannot read its files" in done.stderr


def test_no_line_joins_the_bands_of_groups_of_run_modes(site: FastSite) -> None:
    at_influx(site).analysis("first", GOOD)
    site.runs([52001])
    for together, spans in ((["first"], True), ([], False)):
        site.tree["expected"] = {"together": together}
        site.tick()
        drawn = json.dumps(boards(site.work / "grafana")["xom-prod-analysis-first"])
        assert ('{"id": "custom.spanNulls", "value": true}' in drawn) is spans
