"""`xom why RUN --at TIME` shows what a tick of that time had seen, also when its files are in an archive."""

from __future__ import annotations

import contextlib
import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from support.in_process import FastSite
from support.site import document
from xomflow.core import times
from xomflow.planning.progress.claims import began_at
from xomflow.workflow.upkeep.archives import archive_old_files

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"


@pytest.fixture
def site(site: FastSite) -> FastSite:
    """A site with a tick that saw one run fail, took another, and did not select a third."""
    site.analysis("moody", f"assert run_id != '052001', 'odd'\n{GOOD}")
    site.runs([52001, 52002, document(52003, end=None)])
    assert site.tick().returncode == 7
    assert site.tick_in_another_second().returncode == 0
    return site


def began(site: FastSite, place: int = -1) -> datetime:
    found = began_at(site.ticks()[place].folder.name)
    assert found
    return found


def why(site: FastSite, number: int, moment: datetime) -> list[str]:
    done = site.xom("why", str(number), "--at", times.text(moment))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_it_is_what_the_newest_tick_before_had_seen(site: FastSite) -> None:
    first, second = began(site, 0), began(site)
    assert why(site, 52001, second) == [
        f"tick {site.ticks()[-1].folder.name} had looked 0 s before {times.text(second)}; none began since",
        "moody v1 run 052001: failed: raised at attempt 1; next try "
        + site.failures("moody", 52001)[0]["failure"]["next_try"],
    ]
    earlier = why(site, 52001, first)
    assert earlier[0].endswith("; the next tick began " + times.span((second - first).total_seconds()) + " later")
    assert earlier[1] == "moody v1 run 052001: ready: all needed data can be read; taken by this tick"


def test_done_and_not_selected_are_told_apart(site: FastSite) -> None:
    later = times.now() + timedelta(seconds=1)
    ended = site.outcome("moody", 52002)["ended"]
    place = site.ticks()[-1].folder
    place.rename(place.with_name(f"{later:%Y%m%dT%H%M%S}-vm-1"))
    assert why(site, 52002, later)[1] == f"moody v1 run 052002: done: its outcome was there since {ended}"
    last = "not in the run list: it was not selected then, or the run database did not have it"
    assert why(site, 52003, later)[1] == f"moody v1 run 052003: {last}"


def test_a_tick_that_did_not_look_is_named_with_its_reason(site: FastSite) -> None:
    tick = site.paths.tick(f"{times.now() + timedelta(seconds=5):%Y%m%dT%H%M%S}-vm-1")
    tick.mkdir()
    (tick / "trouble.json").write_text(json.dumps({"sentence": "the run database is away", "exit_code": 4}))
    lines = why(site, 52001, times.now() + timedelta(minutes=1))
    assert lines[1] == f"tick {tick.name} did not look for work: the run database is away"
    assert "run 052001: failed" in lines[2]


def test_before_the_first_tick_there_is_one_sentence(site: FastSite) -> None:
    early = began(site, 0) - timedelta(days=2)
    oldest = f"the oldest that is kept began at {times.text(began(site, 0))}"
    assert why(site, 52001, early) == [
        f"no tick that began before {times.text(early)} is kept and has looked for work; {oldest}"
    ]


def test_ticks_in_archives_are_read_and_a_damaged_archive_is_a_sentence(site: FastSite) -> None:
    moment = began(site)
    before = why(site, 52001, moment)
    with contextlib.chdir(site.folder):
        archive_old_files(site.paths, 1e9, times.now() + timedelta(days=8))
    assert not site.ticks()
    assert why(site, 52001, moment) == before
    archive = Path(site.paths.tick_archive(f"{moment:%Y%m%dT}"))
    os.truncate(archive, 100)
    assert "is damaged" in why(site, 52001, moment)[-1]
