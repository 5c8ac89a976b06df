"""Some minutes at a site where everything is killed now and then, while runs arrive.

``XOM_SOAK_SECONDS`` and ``XOM_SOAK_SEED`` choose how long, and which misfortunes. What happened is printed.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymongo.errors
import pytest
from bson import json_util

from local_servers.influx import Bucket, InfluxServer
from local_servers.mongo import MongoServer
from local_servers.slurm import SlurmCluster
from support.factory import rundb_credentials
from support.patience import PATIENCE
from support.site import Site, document
from support.slurm_site import SlurmSite
from xomflow.core.exit_code import ExitCode
from xomflow.outcomes.retries import NOT_ITS_FAULT

pytestmark = pytest.mark.nightly
Wait = Callable[..., None]

SECONDS = float(os.environ.get("XOM_SOAK_SECONDS", "120"))
SEED = int(os.environ.get("XOM_SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
FIRST = 52001
EVERY_TICK, EVERY_RUN, EVERY_MISFORTUNE = 4.0, 3.0, 6.0  # seconds
MOST_TICKS = 3  # at a time
UNLUCKY = 7  # every so manieth run fails at first
DATABASE = "xenonnt"
HELD = "launch failed requeued held"

# Knows by itself whether somebody else is at it; takes a moment or some seconds; sometimes fails at first.
WORK = f"""
import fcntl
from pathlib import Path
number = int(run_id)
with open(f"{{run_id}}.journal-{{xomlib.settings()['name']}}", "a+") as journal:
    try:
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        open(f"{{journal.name}}.twice", "w").close()
        raise
    print("begin", file=journal, flush=True)
    # By its record: an attempt that is cut off before it has one is made again, and must fail again.
    shelf = Path("work/outcomes", xomlib.settings()["name"], "v1", run_id[:3])
    if number % {UNLUCKY} == 0 and not list(shelf.glob(f"{{run_id}}.failed-*-raised-*")):
        raise ValueError("no luck")
    time.sleep(number % 5)
    xomlib.Xomresult(variable_name="answer", variable_value=number).save()
    print("end", file=journal, flush=True)
"""


class Soak:
    """A site with servers of its own, and what may happen to it."""

    def __init__(self, site: Site, cluster: SlurmCluster, mongo: MongoServer, influx: InfluxServer) -> None:
        self.place = SlurmSite(site, cluster.access)
        self.cluster, self.mongo, self.influx = cluster, mongo, influx
        self.random = random.Random(SEED)
        self.ticks: list[subprocess.Popen[str]] = []
        self.codes: Counter[int] = Counter()
        self.arrived: list[dict[str, Any]] = []
        self.events: Counter[str] = Counter()
        self.away: dict[str, tuple[float, Callable[[], None]]] = {}
        self.began = time.monotonic()

    def say(self, what: str) -> None:
        print(f"{time.monotonic() - self.began:6.1f} s  {what}", flush=True)

    # --- what is to be expected --------------------------------------------------------------------------------------
    def arrive(self) -> None:
        """A run ends; some are not to be looked at."""
        number = FIRST + len(self.arrived)
        tags = [{"name": "bad"}] if self.random.random() < 0.1 else []
        self.arrived.append(json_util.loads(json.dumps(document(number, tags=tags))))
        self.fill(self.arrived[-1:])

    def fill(self, documents: list[dict[str, Any]]) -> None:
        """Put documents into the database, which may be away or have lost them."""
        with contextlib.suppress(pymongo.errors.PyMongoError), self.mongo.access.client() as client:
            for one in documents if "mongo" not in self.away else []:
                client[DATABASE].runs.replace_one({"number": one["number"]}, one, upsert=True)

    def start_tick(self) -> None:
        for tick in [tick for tick in self.ticks if tick.poll() is not None]:
            self.codes[tick.returncode] += 1
            self.ticks.remove(tick)
        if len(self.ticks) < MOST_TICKS:
            self.ticks.append(self.place.start())

    def wanted(self) -> set[int]:
        return {one["number"] for one in self.arrived if not one["tags"]}

    # --- misfortunes -------------------------------------------------------------------------------------------------
    def misfortune(self) -> None:
        """Something breaks, or is broken off; what is away comes back some seconds later."""
        possible = {
            "tick killed": self.kill_tick,
            "node lost": self.lose_node,
            "slurmctld away": lambda: self.lose("slurmctld", self.cluster.controller, self.cluster.start_controller),
            "mongo away": lambda: self.lose("mongo", self.mongo, self.mongo.start),
            "influx away": lambda: self.lose("influx", self.influx, self.influx.start),
        }
        what = self.random.choice(sorted(possible))
        if possible[what]():
            self.events[what] += 1
            self.say(what)

    def kill_tick(self) -> bool:
        alive = [tick for tick in self.ticks if tick.poll() is None]
        if not alive:
            return False
        tick = self.random.choice(alive)
        kill = self.random.choice([os.kill, os.killpg])  # its own process only, or all that it started here
        kill(tick.pid, signal.SIGKILL)
        return True

    def lose_node(self) -> bool:
        if "node" in self.away:
            return False
        node = self.random.choice(self.cluster.nodes)
        self.cluster.cut_power(node)
        self.later("node", self.cluster.daemons[node].start)
        return True

    def lose(self, name: str, server: Any, start: Callable[[], None]) -> bool:
        if name in self.away:
            return False
        self.random.choice([server.stop, server.kill])()
        self.later(name, start)
        return True

    def later(self, name: str, start: Callable[[], None]) -> None:
        self.away[name] = (time.monotonic() + self.random.uniform(0, 8), start)

    def come_back(self, at_once: bool = False) -> None:
        """Start again what was away for long enough."""
        for name, (due, start) in list(self.away.items()):
            if at_once or time.monotonic() > due:
                start()
                del self.away[name]
                self.say(f"{name} is back")

    # --- the whole ---------------------------------------------------------------------------------------------------
    def run(self, seconds: float) -> None:
        last = dict.fromkeys((self.start_tick, self.arrive, self.misfortune), 0.0)
        every = dict(zip(last, (EVERY_TICK, EVERY_RUN, EVERY_MISFORTUNE), strict=True))
        while (now := time.monotonic()) < self.began + seconds:
            self.come_back()
            for act, before in last.items():
                if now - before > every[act]:
                    act()
                    last[act] = now
            time.sleep(0.1)
        self.come_back(at_once=True)
        self.fill(self.arrived)

    def quieten(self, wait_for: Wait) -> None:
        """Run ticks in which nothing happens until one has nothing to do any more."""
        for tick in self.ticks:
            self.codes[tick.wait(PATIENCE)] += 1
        for number in range(10):
            self.say(f"in Slurm: {self.left()}")
            wait_for(self.slurm_is_done)
            done = self.place.tick()
            self.say(f"quiet tick {number}: exit code {done.returncode}")
            if done.returncode == 0 and not self.place.site.claimed():
                return
        pytest.fail(f"after ten quiet ticks there is still something to do: {done.stderr}")

    def slurm_is_done(self) -> bool:
        """Whether Slurm does nothing more by itself; an administrator sees to its nodes.

        A controller that is killed may forget that it started a job. It starts it again, which the node refuses; then
        the node is drained and the job held.
        """
        self.cluster.resume_nodes()
        return all(HELD in job for job in self.left())

    def left(self) -> list[str]:
        """What Slurm still has to do: attempt or batch, state and reason; none is there twice."""
        form = "--format=%k|%T (%r)"
        said = self.cluster.access.answer("squeue", "--noheader", "--states=PENDING,RUNNING", form).splitlines()
        # Without the name of the tick, in which batches are numbered.
        jobs = [line if " batch " in line else line.split(" ", 2)[2] for line in said]
        assert [job for job, times in Counter(job.partition("|")[0] for job in jobs).items() if times > 1] == []
        return jobs


@pytest.fixture(params=[12, 0], ids=["each run a job", "runs share jobs"])
def soak(
    request: pytest.FixtureRequest,
    site: Site,
    own_slurm: SlurmCluster,
    own_mongo: MongoServer,
    own_influx: InfluxServer,
    bucket_of: Bucket,
) -> Soak:
    made = Soak(site, own_slurm, own_mongo, own_influx)
    access = own_mongo.access
    account = {"xent_user": access.user, "xent_password": access.password, "xent_database": DATABASE}
    credentials = rundb_credentials(site.folder, access.address, **account)
    site.tree["rundb"] = {"kind": "mongodb", "credentials": str(credentials), "timeout": "3 s"}
    site.tree["store"] = {"kind": "influxdb", "credentials": str(bucket_of.credentials(site.folder))}
    site.tree["slurm"] |= {"tick_limit": "40 s", "patience": "5 s", "batch": {"alone": request.param, "memory_mb": 100}}
    site.tree["warm_start"] = {"enabled": True, "preload": ["json"]}
    site.tree["context"] = {"function": "json:loads"}
    site.tree["selection"] = {"excluded_tags": ["bad"]}
    for name in ("one", "two"):
        made.place.analysis(name, WORK, settings={"name": name})
    return made


@pytest.fixture
def bucket_of(own_influx: InfluxServer) -> Any:
    with own_influx.access.bucket() as made:
        yield made


def test_whatever_dies_every_run_has_one_result(soak: Soak, bucket_of: Bucket, wait_for: Wait) -> None:
    print(f"XOM_SOAK_SEED={SEED} XOM_SOAK_SECONDS={SECONDS:.0f}")
    soak.run(SECONDS)
    soak.quieten(wait_for)
    site, wanted = soak.place.site, soak.wanted()
    print(f"{len(wanted)} of {len(soak.arrived)} runs, {dict(soak.events)}, exit codes {dict(soak.codes)}")
    troubles = {ExitCode.RUN_DATABASE, ExitCode.SLURM, ExitCode.STORE_OR_DISK}
    assert soak.codes.keys() <= {ExitCode.OK, ExitCode.FAILED_RUNS, *troubles, -signal.SIGKILL}
    assert list(site.folder.glob("*.twice")) == []
    for name in ("one", "two"):
        assert site.done(name) == wanted
        assert {number: site.outcome(name, number)["results"][0]["value"] for number in wanted} == {
            number: number for number in wanted
        }
        points = [fields for place, fields in bucket_of.points().items() if place[0] == f"test_{name}"]
        assert Counter((one["run"], one["value"]) for one in points) == Counter((number, number) for number in wanted)
        failed = {(number, one["failure"]["class"]) for number in wanted for one in site.failures(name, number)}
        assert {(number, kind) for number, kind in failed if kind not in NOT_ITS_FAULT} == {
            (number, "raised") for number in wanted if number % UNLUCKY == 0
        }
    assert soak.place.xom("verify").strip() == "the store has the points of all outcomes"
    assert left_over(site) == []


def left_over(site: Site) -> list[Path]:
    """Work in progress of which nobody is left; a kill may leave half a file, which has a hidden name."""
    return [path for folder in ("locks", "slurm") for path in (site.work / folder).glob("[!.]*")]
