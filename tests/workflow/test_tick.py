"""One tick from run documents to outcomes, published results and the page."""

from __future__ import annotations

import pytest
import yaml

from support.in_process import FastSite
from support.site import Site, document
from xomflow.core.paths import ROOT
from xomflow.workflow.ending.finish import finish

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=int(run_id) / 10, error=0.1, unit='Hz').save()"


def test_a_tick_does_what_is_ready_and_publishes_it(site: Site) -> None:
    site.runs([52001, 52002, document(52003, tags=[{"name": "_messy"}])])
    site.tree["selection"] = {"excluded_tags": ["messy"]}
    site.analysis("simple", GOOD)
    done = site.tick()
    assert done.returncode == 0, done.stderr
    assert site.done("simple") == {52001, 52002}
    assert site.outcome("simple", 52001)["results"][0]["value"] == 5200.1
    lines = (site.paths.store / "test/simple/v1/052.lp").read_text().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("test_simple,variable=answer,version=v1 ")
    assert (site.paths.page / "index.html").exists()
    assert "52001" in (site.paths.page / "data/simple/v1/052.js").read_text()


def test_a_second_tick_has_nothing_to_do(site: Site) -> None:
    site.runs([52001])
    site.analysis("simple", GOOD)
    site.tick()
    before = site.outcome("simple", 52001)
    done = site.tick()
    assert done.returncode == 0, done.stderr
    assert site.claimed() == set()
    assert site.outcome("simple", 52001) == before


@pytest.mark.slow
def test_a_tick_whose_steps_begin_in_processes_of_snakemake_does_the_same(site: Site) -> None:
    """As with a profile of an operator's own that replaces the default one and has no `force-use-threads`."""
    own = site.folder / "profile"
    own.mkdir()
    options = yaml.safe_load((ROOT / "profiles" / "default" / "config.yaml").read_text())
    del options["force-use-threads"]
    (own / "config.yaml").write_text(yaml.safe_dump(options))
    site.runs([52001, 52002])
    site.analysis("simple", GOOD)
    done = site.snakemake("--workflow-profile", str(own))
    assert done.returncode == 0, done.stderr
    assert site.done("simple") == {52001, 52002}
    assert len((site.paths.store / "test/simple/v1/052.lp").read_text().splitlines()) == 2
    (tick,) = site.ticks()
    assert "2 outcomes, 2 points published" in tick.log("publish").read_text()


def test_the_page_gets_the_times_of_the_configured_science_runs(site: Site) -> None:
    site.tree["science_runs"] = [{"name": "SR0", "min_run": 52001, "max_run": 52002}, {"name": "SR1", "min_run": 52004}]
    site.runs([52001, 52002, 52003])
    site.analysis("simple", GOOD)
    site.tick()
    status = (site.paths.page / "data/status.js").read_text()
    first, last = document(52001)["start"]["$date"], document(52002)["end"]["$date"]
    assert f'"science_runs":[{{"name":"SR0","start":"{first}","end":"{last}"}}]' in status


def test_a_tick_that_ends_after_a_later_one_has_not_the_last_word_on_the_page(
    site: FastSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.runs([52001])
    site.analysis("simple", GOOD)
    site.tick()
    site.tick_in_another_second()
    first, second = site.ticks()
    monkeypatch.chdir(site.folder)
    finish(first)
    assert second.folder.name in (site.paths.page / "data/status.js").read_text()
    second.summary.unlink()
    finish(first)
    assert first.folder.name in (site.paths.page / "data/status.js").read_text()
