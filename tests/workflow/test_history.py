"""`xom history` prints what happened to a run, in the order of time."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from typing import Any

from support.in_process import FastSite
from support.site import document
from xomflow.core import times
from xomflow.core.key import Key
from xomflow.decisions.files import write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.jobs.run_lock import hold_run, release_run, write_owner
from xomflow.outcomes.files import superseded_path
from xomflow.workflow.upkeep.archives import archive_old_files

MOODY = """
from pathlib import Path
if not Path("mended").exists():
    raise ValueError("odd")
xomlib.Xomresult(variable_name="answer", variable_value=1).save()
"""


def events(site: FastSite, number: int) -> list[dict[str, Any]]:
    done = site.xom("history", str(number), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert [one["time"] for one in found] == sorted(one["time"] for one in found)
    return found


def test_ticks_attempts_decisions_and_the_present_are_in_the_order_of_time(site: FastSite) -> None:
    site.analysis("moody", MOODY)
    site.tree["retries"] = {"first_wait": "0 s"}
    site.runs([document(52001, mode="tpc_kr83m"), 52002])
    assert site.tick().returncode == 7
    (site.folder / "mended").touch()
    assert site.tick_in_another_second().returncode == 0
    later = times.now() + timedelta(seconds=2)
    subject = Subject("moody", "v1", ("052001",), ("digest",))
    write_decision(site.paths, Decision(Verb.REDO, subject, "anna", later, "the cut was wrong"))
    found = events(site, 52001)
    first, second = (tick.folder.name for tick in site.ticks())
    assert [(one["about"], one["event"]) for one in found] == [
        ("", "the run began"),
        ("", "the run ended"),
        ("moody v1 run 052001", "a tick took it"),
        ("moody v1 run 052001", "attempt 1 failed"),
        ("moody v1 run 052001", "a tick took it"),
        ("moody v1 run 052001", "attempt 2 is done"),
        ("moody v1", "anna decided: redo"),
    ]
    details = [one["details"] for one in found]
    assert details[:3] == ["mode tpc_kr83m", "it took 50 min", f"tick {first}, attempt 1"]
    assert details[3].startswith("raised: ValueError: odd (moody.py, line 8) (")
    assert details[3].endswith("052001.attempt-1.log")
    assert details[4] == f"tick {second}, attempt 2"
    assert details[6].startswith("the cut was wrong (")
    with contextlib.chdir(site.folder):
        archive_old_files(site.paths, 1e9, times.now() + timedelta(days=8))
    assert not site.ticks()
    assert events(site, 52001) == found
    outcome = site.paths.outcome(Key("moody", "v1", "052001"))
    outcome.rename(superseded_path(outcome))
    assert events(site, 52001)[-2]["details"].endswith("; its outcome is superseded")


def test_what_works_on_it_now_is_there_too(site: FastSite) -> None:
    site.analysis("moody", MOODY)
    site.runs([52001])
    key = Key("moody", "v1", "052001")
    lock = hold_run(site.paths, key)
    write_owner(lock, key, 3, "some tick", 60.0)
    assert [one["event"] for one in events(site, 52001)] == ["attempt 3 works on it"]
    lock.close()
    assert [one["event"] for one in events(site, 52001)] == ["attempt 3 worked on it and left its lock"]
    release_run(site.paths, key, lock)
    assert events(site, 52001) == []


def test_a_run_to_which_nothing_has_happened_is_a_sentence(site: FastSite) -> None:
    site.analysis("moody", MOODY)
    done = site.xom("history", "52009")
    assert done.stdout == "nothing has happened to run 052009; its state: xom why 52009\n"
    assert events(site, 52009) == []
