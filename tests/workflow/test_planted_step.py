"""A planted change of a site without strax is an alarm wherever people look, and nothing else is.

`planted` makes the site: a hundred runs of two light analyses, one of which changes with its 81st run.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from support.in_process import FastSite
from support.planted import CHANGED, FIRST, RUNS, script
from support.site import document
from support.verdicts import read_verdicts
from xomflow.core import times
from xomflow.core.verdicts import AlarmState, HowEnded, Kind, Mark, SeriesId, read_alarms
from xomflow.decisions.files import read_decisions
from xomflow.decisions.model import Verb
from xomflow.expected.alarms import alarms_of
from xomflow.notify.matter import Kind as Matter
from xomflow.notify.news import Known
from xomflow.notify.state import Told, read_told, write_told


def planted(site: FastSite) -> None:
    """Make the site, and run its tick."""
    site.runs([document(FIRST + number) for number in range(RUNS)])
    site.analysis("light", script("light", -5.0), contact="ann@lab.org")
    site.analysis("steady", script("steady", 0.0))
    site.tree["max_jobs_per_tick"] = 200
    site.tree["expected"] = {"time_per_tick": "60 s", "together": ["light", "steady"]}
    site.together = 50
    done = site.tick()
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> FastSite:
    """The site after its tick; tests get copies of it."""
    site = FastSite(tmp_path_factory.mktemp("planted"))
    planted(site)
    return site


@pytest.fixture
def changed(made: FastSite, tmp_path: Path) -> FastSite:
    """A copy of the site with the change."""
    (tmp_path / "site").mkdir()
    site = FastSite(tmp_path / "site")
    shutil.copytree(made.folder, site.folder, dirs_exist_ok=True)
    site.tree = json.loads(json.dumps(made.tree).replace(str(made.folder), str(site.folder)))
    return site


def command(site: FastSite, *words: str) -> str:
    done = site.xom(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_planted_step_is_the_only_alarm(changed: FastSite) -> None:
    site = changed
    (alarm,) = read_alarms(site.paths)
    assert (alarm.kind, alarm.state, alarm.series) == (
        Kind.STEP,
        AlarmState.OPEN,
        (SeriesId("light", "v1", "all", "v0"),),
    )
    assert abs(int(alarm.first_run) - CHANGED) <= 1 and int(alarm.noticed_run) <= CHANGED + 10
    assert alarm.sentence.startswith("v0 fell from 99.9 to 95") and alarm.sentence.endswith("contact: ann@lab.org")
    marks = [one.mark for i in range(4) for one in read_verdicts(site.paths, SeriesId("steady", "v1", "all", f"v{i}"))]
    assert len(marks) == 4 * RUNS and set(marks) == {Mark.NONE}
    assert command(site, "alarms").count("v0 fell") == 1
    assert command(site, "status").count("v0 fell") == 1
    assert "v0 fell" in command(site, "why", alarm.first_run)
    assert "v0 fell" not in command(site, "why", str(FIRST))


def test_a_planted_step_is_in_the_points_with_its_band_and_rebuild_makes_the_same(changed: FastSite) -> None:
    site = changed
    events = site.paths.store / "test/xom/events.lp"
    assert events.read_text().count("kind=alarm") == 1
    bands = site.paths.store / "test/xom/expected/light/v1/052.lp"
    lines = bands.read_text().splitlines()
    assert len(lines) == 4 * (RUNS - 30) and all("kind=band" in line for line in lines)
    before, alarms = bands.read_bytes(), site.paths.alarms.read_bytes()
    assert command(site, "verify") == "the store has the points of all outcomes\n"
    bands.unlink()
    command(site, "rebuild")
    assert (bands.read_bytes(), site.paths.alarms.read_bytes()) == (before, alarms)
    assert command(site, "verify") == "the store has the points of all outcomes\n"


def test_an_acknowledged_alarm_has_its_reason_and_is_listed_no_more(changed: FastSite) -> None:
    site = changed
    (alarm,) = read_alarms(site.paths)
    assert "nothing was done" in command(site, "acknowledge", alarm.id, "--why", "new source", "--dry-run")
    command(site, "acknowledge", alarm.id, "--why", "new source")
    site.tick()
    (alarm,) = read_alarms(site.paths)
    assert alarm.state is AlarmState.ACKNOWLEDGED and alarm.reason.endswith(": new source")
    assert command(site, "alarms") == "no alarm needs a person\n"
    assert json.loads(command(site, "alarms", "--all", "--json"))[0]["id"] == alarm.id
    unknown = site.xom("acknowledge", "light-v1-052999", "--why", "x")
    assert unknown.returncode == 2 and "there is no alarm 'light-v1-052999'" in unknown.stderr


def test_what_was_decided_about_alarms_follows_a_new_name(changed: FastSite) -> None:
    site = changed
    (alarm,) = read_alarms(site.paths)
    command(site, "acknowledge", alarm.id, "--why", "new source")
    command(site, "mute", "light", "v1", "--until", "3 d", "--why", "being tuned")
    known = {f"alarm {alarm.id}": Known(Matter.ALARM, alarm.sentence, told=times.now().replace(microsecond=0))}
    write_told(site.paths, {"shift": Told(known)})
    site.tick()
    command(site, "drain", "--wait", "--why", "maintenance")
    site.tree["analyses"]["bright"] = site.tree["analyses"].pop("light")
    site.tree["expected"]["together"] = ["bright", "steady"]
    for kind in ("scripts/analyses/light.py", "rules/analyses/light.smk"):
        path = site.folder / "extra" / kind
        text = path.read_text().replace('"light"', '"bright"').replace("rule light", "rule bright")
        path.with_name(path.name.replace("light", "bright")).write_text(text)
    command(site, "rename", "light", "bright")
    command(site, "undrain", "--why", "done")
    site.tick()
    (after,) = read_alarms(site.paths)
    assert after.id == alarm.id.replace("light", "bright") and after.main.analysis == "bright"
    assert after.state is AlarmState.ACKNOWLEDGED and after.reason.endswith(": new source")
    assert list(read_told(site.paths)["shift"].known) == [f"alarm {after.id}"]
    (mute,) = (one for one in read_decisions(site.paths).made if one.what is Verb.MUTE)
    assert (mute.subject.analysis, mute.subject.variable) == ("bright", "v1")


def test_an_expected_change_ends_its_alarm(changed: FastSite) -> None:
    site = changed
    (alarm,) = read_alarms(site.paths)
    command(site, "expect", "light", "v0", "--from", "52090", "--why", "the source was replaced")
    site.tick()
    (alarm,) = read_alarms(site.paths)
    assert (alarm.state, alarm.how_ended) == (AlarmState.ENDED, HowEnded.EXPECTED)
    command(site, "expect", "light", "--from", str(CHANGED), "--why", "the source was replaced")
    site.tick()
    assert read_alarms(site.paths) == []


@pytest.mark.parametrize(
    "words",
    [
        ("acknowledge",),
        ("expect", "light", "v1", "--from", str(CHANGED)),
        ("mute", "light", "--until", "3 d"),
        ("bad-run", str(FIRST)),
    ],
    ids=lambda words: words[0],
)
def test_a_decision_about_alarms_that_is_killed_anywhere_is_made_wholly_or_not(
    changed: FastSite, words: tuple[str, ...]
) -> None:
    named = (read_alarms(changed.paths)[0].id,) if words == ("acknowledge",) else ()
    for number in itertools.count(1):
        done = changed.killed_command(number, *words, *named, "--why", "a valve")
        found = read_decisions(changed.paths)
        assert (done.returncode in (0, -signal.SIGKILL), found.problems) == (True, ()), done.stdout + done.stderr
        if found.made or done.returncode == 0:
            break
    assert number > 2
    assert [one.why for one in found.made] == ["a valve"]


def test_a_muted_analysis_has_its_alarm_and_needs_no_person(changed: FastSite) -> None:
    site = changed
    command(site, "mute", "light", "--until", "3 d", "--why", "calibration")
    site.tick()
    assert read_alarms(site.paths)[0].state is AlarmState.MUTED
    assert command(site, "alarms") == "no alarm needs a person\n"
    assert site.xom("mute", "light", "--why", "calibration").returncode == 2


def test_bad_and_vetoed_runs_leave_the_history(changed: FastSite) -> None:
    site = changed
    runs = f"{CHANGED}-{FIRST + RUNS - 1}"
    command(site, "bad-run", runs, "--why", "the laser was on")
    site.tick()
    assert {one.kind for one in read_alarms(site.paths)} == {Kind.BAD_RUN}
    assert command(site, "alarms") == "no alarm needs a person\n"
    command(site, "veto", runs, "--why", "the laser was on")
    site.tick()
    assert read_alarms(site.paths) == []
    assert read_verdicts(site.paths, SeriesId("light", "v1", "all", "v0"))[-1].run == f"{CHANGED - 1:06d}"


def test_a_tick_judges_only_for_its_time_and_later_ones_go_on(site: FastSite) -> None:
    site.runs([document(FIRST + number) for number in range(40)])
    site.analysis("light", script("light", 0.0))
    site.tree["max_jobs_per_tick"] = 200
    site.tree["expected"] = {"time_per_tick": "0.000001 s", "together": ["light"]}
    site.tick()
    judged = [len(read_verdicts(site.paths, SeriesId("light", "v1", "all", "v0")))]
    for _ in range(2):
        site.tick()
        judged.append(len(read_verdicts(site.paths, SeriesId("light", "v1", "all", "v0"))))
    assert 0 < judged[0] < judged[1] < judged[2] < 40


def test_page_and_status_show_how_far_a_long_history_is_learned(site: FastSite) -> None:
    site.runs([document(FIRST + number) for number in range(40)])
    site.analysis("light", script("light", 0.0))
    site.tree["max_jobs_per_tick"] = 200
    site.tree["expected"] = {"time_per_tick": "0.000001 s", "minimum": 10}
    site.tick()
    sentence = "light v1: its history is being learned, 1 of 40 runs so far"
    assert sentence in command(site, "status")
    status = (site.paths.page / "data/status.js").read_text()
    assert sentence in status and '"minimum":10,' in status
    command(site, "rebuild")
    assert "is being learned" not in command(site, "status")


def test_alarms_are_found_anew_only_if_something_has_changed(
    changed: FastSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, times = changed, changed.folder / "times"  # a file, since ticks are processes of their own

    def counted(*facts: Any) -> Any:
        with times.open("a") as file:
            file.write("x")
        return alarms_of(*facts)

    for shelf in site.paths.outcomes.glob("*/*/*"):
        os.utime(shelf, (0, 0))  # what has just changed is looked at again
    site.tick()
    monkeypatch.setattr("xomflow.workflow.ending.expected.alarms_of", counted)
    before = site.paths.alarms.read_bytes()
    site.tick()
    assert not times.exists()
    site.paths.alarms.write_text("[]")
    site.tick()
    assert times.read_text() == "x" and site.paths.alarms.read_bytes() == before
    command(site, "mute", "light", "--until", "3 d", "--why", "calibration")
    site.tick()
    assert times.read_text() == "xx" and read_alarms(site.paths)[0].state is AlarmState.MUTED
    site.tick()
    assert times.read_text() == "xx"


def test_an_error_in_judging_costs_nothing_else(site: FastSite, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> bool:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("xomflow.workflow.ending.expected.judge_until", fails)
    site.runs([FIRST])
    site.analysis("light", script("light", 0.0))
    done = site.tick()
    assert "results cannot be judged: ZeroDivisionError: by zero" in done.stderr
    assert site.done("light") == {FIRST} and (site.paths.page / "data/status.js").exists()
