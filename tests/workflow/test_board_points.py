"""Whole ticks leave the points of boards in the store: what needs attention, what happened, what is expected."""

from __future__ import annotations

import re
import shutil

from support.in_process import FastSite
from support.line_protocol import Point, Reader
from support.site import document

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
MOODY = f"assert run_id != '052002' or xomlib.settings().get('calm')\n{GOOD}"


def table(site: FastSite, name: str) -> list[Point]:
    path = site.work / f"store/test/xom/{name}.lp"
    return Reader(path.read_text()).points()


def tables(site: FastSite) -> dict[str, list[str]]:
    """All of them as text, but for the age of a run, which may pass from 87.0 to 87.1 d, and the digest that has it."""
    age = re.compile(r"ended \S+ \w+ ago|'form': '[^']*'")
    return {name: [age.sub("", repr(one)) for one in table(site, name)] for name in ("attention", "events", "expected")}


def needs(site: FastSite) -> dict[str, str]:
    return {point.fields["run_id"]: point.fields["state"] for point in table(site, "attention")}


def rebuilt(site: FastSite) -> None:
    done = site.xom("rebuild")
    assert done.returncode == 0, done.stderr


def test_what_needs_attention_is_a_point_until_it_is_done(site: FastSite) -> None:
    site.analysis("moody", MOODY, needs_document=["rate"])
    site.tree["retries"] = {"first_wait": "0 s"}
    site.runs([52001, 52002, document(52003, rate=...)])
    site.tick()
    assert needs(site) == {"052002": "failed", "052003": "stale"}
    (failed,) = [point for point in table(site, "attention") if point.fields["state"] == "failed"]
    assert failed.fields["class"] == "raised"
    assert failed.fields["reason"].startswith("raised: AssertionError")
    site.tree["analyses"]["moody"]["settings"] = {"calm": True}
    site.tick()
    assert needs(site) == {"052003": "stale"}


def test_rebuilding_gives_the_same_points_without_any_cache_or_ledger(site: FastSite) -> None:
    site.analysis("moody", MOODY, limits={"answer": {"warn": [0, 2]}}, needs_document=["rate"])
    site.tree["science_runs"] = [{"name": "SR0", "max_run": 52002}, {"name": "SR1", "min_run": 52003}]
    site.runs([52001, 52002, document(52003, rate=...)])
    site.tick()
    before = tables(site)
    assert {name: len(points) for name, points in before.items()} == {"attention": 2, "events": 3, "expected": 1}
    assert {point.tags["kind"] for point in table(site, "events")} == {"science_run", "version"}
    for folder in ("cache", "ledger", "store"):
        shutil.rmtree(site.work / folder)
    rebuilt(site)
    assert tables(site) == before
    site.tick()
    assert tables(site) == before
