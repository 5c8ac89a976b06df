"""A week in the life of a site, as docs/operator.md has it: a real Slurm, a real InfluxDB, an operator's commands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient

from local_servers.influx import Bucket, InfluxAccess
from local_servers.slurm import SlurmAccess
from support.patience import PATIENCE
from support.site import Site
from support.slurm_site import SlurmSite
from xomflow.core.exit_code import ExitCode

pytestmark = pytest.mark.nightly
Wait = Callable[..., None]

WHY = ("--why", "as docs/operator.md has it")
VALUE = "xomlib.Xomresult(variable_name='answer', variable_value={}).save()"
GOOD, NEW = VALUE.format(1), VALUE.format(2)
BROKEN = "raise KeyError('no such peak')"
PATIENT = f"""
open(f"begun-{{run_id}}", "w").close()
while not os.path.exists("go"):
    time.sleep(0.05)
{GOOD}
"""
SAME = "the store has the points of all outcomes"


@pytest.fixture
def place(site: Site, slurm: SlurmAccess) -> Iterator[SlurmSite]:
    made = SlurmSite(site, slurm)
    site.tree["slurm"]["batch"] = {"memory_mb": 100}
    yield made
    if left := made.jobs():
        slurm.run("scancel", *left)


def tick(place: SlurmSite, code: ExitCode = ExitCode.OK) -> str:
    done = place.tick()
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def typed(place: SlurmSite, *words: str) -> str:
    """Return what a command prints that must succeed."""
    place.site.write_config()
    command = [sys.executable, "-m", "xomflow", *words]
    folder, environment = place.site.folder, place.environment
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.OK, (words, done.stdout, done.stderr)
    return done.stdout


def stored(bucket: Bucket, prefix: str = "prod_") -> dict[str, set[int]]:
    """The numbers of the runs in the bucket, by version."""
    found: dict[str, set[int]] = {}
    for identity, fields in bucket.points().items():
        if identity[0] == f"{prefix}good":
            found.setdefault(dict(identity[1:-1])["version"], set()).add(fields["run"])
    return found


def wait_command(place: SlurmSite) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "xomflow", "drain", "--wait", *WHY]
    return subprocess.Popen(words, cwd=place.site.folder, env=place.environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.timeout(3600)
def test_a_trial_runs_in_slurm_beside_the_published_version(place: SlurmSite, bucket: Bucket) -> None:
    site = place.site
    site.tree["store"] = {"kind": "influxdb", "prefix": "prod_", "credentials": str(bucket.credentials(site.folder))}
    site.tree["retries"] = {"attempts": 3, "first_wait": "30 d"}
    site.runs(range(52001, 52016))  # more than slurm.batch.alone: both versions share jobs
    place.analysis("better", f"if run_id == '052003': {BROKEN}\n{NEW}")
    place.analysis("good", GOOD, trial={"version": "v2", "script": "better"})
    del site.tree["analyses"]["better"]
    tick(place)
    assert site.done("good") == set(range(52001, 52016))
    tick(place, ExitCode.FAILED_RUNS)
    assert site.done("good", "v2") == set(range(52001, 52016)) - {52003}
    assert "good+v2" in place.xom("status", "--failed")
    place.analysis("better", NEW)
    del site.tree["analyses"]["better"]
    typed(place, "retry", "good+v2", "52003", *WHY)
    tick(place)
    runs = set(range(52001, 52016))
    assert (stored(bucket), stored(bucket, "test_")) == ({"v1": runs}, {"v2": runs})
    typed(place, "promote", "good", "v2", *WHY)
    site.runs([52016])
    tick(place)
    assert (stored(bucket), stored(bucket, "test_")) == ({"v1": runs, "v2": runs | {52016}}, {})
    assert SAME in typed(place, "verify")


@pytest.mark.timeout(3600)
def test_drain_waits_for_the_jobs_in_slurm(place: SlurmSite, wait_for: Wait) -> None:
    place.site.runs([52001])
    place.analysis("good", PATIENT)
    working = place.start()
    wait_for((place.site.folder / "begun-052001").exists)
    working.kill()  # the job goes on in Slurm
    working.wait(PATIENCE)
    place.site.runs([52002])
    waits = wait_command(place)
    assert waits.stdout is not None
    said = [waits.stdout.readline() for _ in range(3)]
    assert "decided: " in said[1] and "Slurm" in said[2], said
    assert place.pending() == set() and waits.poll() is None
    (place.site.folder / "go").touch()
    assert waits.wait(PATIENCE) == ExitCode.OK
    with waits.stdout as rest:
        assert rest.read().splitlines()[-1] == "nothing runs"
    tick(place)
    assert place.site.done("good") == {52001}, "what had begun is published, nothing is begun"
    typed(place, "undrain", *WHY)
    tick(place)
    assert place.site.done("good") == {52001, 52002}


@pytest.mark.timeout(3600)
def test_a_week(place: SlurmSite, influx: InfluxAccess, bucket: Bucket, wait_for: Wait) -> None:
    site = place.site
    account = bucket.credentials(site.folder)
    site.tree["store"] = {"kind": "influxdb", "prefix": "test_", "credentials": str(account)}
    place.analysis("good", GOOD, min_run=52001)
    site.runs(range(51990, 52005))

    # Monday, a trial of the site: two runs of each analysis under test_.
    site.tree["max_jobs_per_tick"] = 2
    assert "good" in typed(place, "status")
    tick(place)
    assert stored(bucket, "test_") == {"v1": site.done("good")} and len(site.done("good")) == 2
    assert SAME in typed(place, "verify")

    # It goes live: the results of the trial are published as prod_ too.
    del site.tree["max_jobs_per_tick"]
    site.tree["store"]["prefix"] = "prod_"
    tick(place)
    live = {52001, 52002, 52003, 52004}
    assert stored(bucket) == {"v1": live}

    # Friday: an analysis breaks for every run, is suspended, and is named with what to do.
    place.analysis("good", BROKEN, min_run=52001)
    site.tree["retries"] = {"attempts": 3, "first_wait": "30 d"}
    site.runs(range(52005, 52017))
    tick(place, ExitCode.FAILED_RUNS)
    assert "analyses.good is suspended" in tick(place, ExitCode.WAITS_FOR_PERSON)
    (line,) = [one for one in typed_at(place, "status", "--failed") if one.startswith("failed")]
    assert re.search(r"\b12\b.*KeyError: 'no such peak'", line), line
    assert "KeyError" in typed(place, "log", "good", "52005") and "raised" in typed(place, "history", "52005")
    place.analysis("good", GOOD, min_run=52001)
    assert "12 keys to be tried again now" in typed(place, "retry", "good", *WHY)
    tick(place)
    live |= set(range(52005, 52017))
    assert stored(bucket) == {"v1": live}

    # A veto takes the points out, the outcome stays.
    typed(place, "veto", "52003", *WHY)
    tick(place)
    assert stored(bucket) == {"v1": live - {52003}}
    assert site.done("good") == live
    typed(place, "unveto", "52003", *WHY)
    tick(place)
    assert stored(bucket) == {"v1": live}

    # Paused: new runs wait.
    typed(place, "pause", "good", *WHY)
    site.runs([52017])
    tick(place)
    assert "good is paused by" in typed(place, "why", "52017")
    typed(place, "resume", "good", *WHY)

    # A backfill of runs before min_run, two at a time, while new runs come, which go first.
    assert "core hours" in typed(place, "backfill", "good", "51990-52000", "--at-once", "2", "--nice", "500", *WHY)
    for number in range(52018, 52021):
        tick(place)
        assert number - 1 in site.done("good") and "backfill of good v1" in typed(place, "status")
        site.runs([number])
    assert len(site.done("good") & set(range(51990, 52001))) == 6
    decided = json.loads(typed(place, "decisions", "--json"))
    (name,) = [one["name"] for one in decided if "backfill" in one["decided"]]
    typed(place, "withdraw", name, *WHY)
    tick(place)
    live |= set(range(51995, 52001)) | set(range(52017, 52021))
    assert stored(bucket) == {"v1": live}

    # The token is rotated: the file first, then the old one is revoked.
    with InfluxDBClient(url=influx.url, token=influx.token, timeout=60_000) as client:
        tokens = client.authorizations_api()
        (old,) = [one for one in tokens.find_authorizations(org=bucket.org) if one.token == bucket.token]
        new = tokens.create_authorization(old.org_id, old.permissions).token
        account.write_text(json.dumps({**json.loads(account.read_text()), "token": new}))
        assert SAME in typed(place, "verify")
        tokens.delete_authorization(old)
    site.runs([52021])
    tick(place)
    assert SAME in typed(place, "verify")

    # `work` moves, drained: verify says the same as before, and nothing runs again.
    typed(place, "drain", "--wait", *WHY)
    elsewhere = site.folder / "disk" / "work"
    elsewhere.parent.mkdir()
    subprocess.run(["cp", "-a", str(site.work), str(elsewhere)], check=True)
    site.work.rename(site.folder / "old-work")
    site.tree["work"] = str(elsewhere)
    assert SAME in typed(place, "verify")
    assert place.pending() == set()
    typed(place, "undrain", *WHY)
    site.runs([52022])
    assert place.pending() == {("good", "052022")}
    tick(place)
    assert SAME in typed(place, "verify")
    shutil.rmtree(site.folder / "old-work")
    assert not Path(site.work).exists()


def typed_at(place: SlurmSite, *words: str) -> list[str]:
    """Return the lines of a command that may name what waits for a person."""
    return place.xom(*words).splitlines()
