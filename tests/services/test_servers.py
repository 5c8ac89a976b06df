"""The servers themselves: on the loopback address only, behind a log-in, keeping their data, ending when told."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pymongo.errors
import pytest
from influxdb_client.rest import ApiException

from local_servers.daemon import Daemon, DaemonError
from local_servers.find import NoServerError, built
from local_servers.influx import Bucket, InfluxAccess, InfluxServer
from local_servers.mongo import MongoAccess, MongoServer
from local_servers.slurm import SlurmAccess, SlurmCluster
from support.jobs import alive

ENDED = {"COMPLETED", "FAILED", "CANCELLED", "OUT_OF_MEMORY", "NODE_FAIL", "TIMEOUT"}


def listeners(pid: int) -> set[str]:
    """The addresses, as the kernel writes them, on which a process listens."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            inodes.add(str(link.readlink()).removeprefix("socket:[").removesuffix("]"))
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}


LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}


# --- MongoDB ----------------------------------------------------------------------------------------------------------


def test_mongo_answers_who_has_logged_in(mongo: MongoAccess, mongo_database: str) -> None:
    with mongo.client() as client:
        client[mongo_database].runs.insert_many([{"number": number} for number in range(500)])
        assert client[mongo_database].runs.count_documents({"number": {"$gte": 100}}) == 400


@pytest.mark.parametrize("account", [{}, {"username": "xenon", "password": "wrong"}], ids=["nobody", "wrong password"])
def test_mongo_refuses_everybody_else(mongo: MongoAccess, account: dict[str, str]) -> None:
    with (
        pymongo.MongoClient(f"mongodb://{mongo.address}", **account) as client,
        pytest.raises(pymongo.errors.OperationFailure, match=r"[Aa]uthentication"),
    ):
        client.xenonnt.runs.find_one()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_mongo_keeps_what_it_was_given(own_mongo: MongoServer, end: str, wait_for: Callable[..., None]) -> None:
    address = own_mongo.access.address
    with own_mongo.access.client() as client:
        client.xenonnt.runs.insert_one({"number": 52894})
    data = next(own_mongo.folder.glob("data*"))
    written = data.stat().st_mtime_ns
    wait_for(lambda: data.stat().st_mtime_ns > written or end == "stop")
    getattr(own_mongo, end)()
    own_mongo.start()
    assert own_mongo.access.address == address
    with own_mongo.access.client() as client:
        assert client.xenonnt.runs.find_one()["number"] == 52894


def test_mongo_listens_on_the_loopback_address_only(own_mongo: MongoServer) -> None:
    assert listeners(own_mongo.pid) <= LOOPBACK
    assert listeners(own_mongo.pid)


def test_the_password_is_in_no_process_list(own_mongo: MongoServer) -> None:
    assert own_mongo.access.password.encode() not in Path(f"/proc/{own_mongo.pid}/cmdline").read_bytes()


# --- InfluxDB ---------------------------------------------------------------------------------------------------------


def test_influx_keeps_what_it_was_given(own_influx: InfluxServer) -> None:
    with own_influx.access.bucket() as bucket:
        bucket.write("m,version=v1 value=1.5 1790337600000052894")
        for end in (own_influx.stop, own_influx.kill):
            end()
            own_influx.start()
            assert list(bucket.points().values()) == [{"value": 1.5}]


def test_a_buckets_token_opens_no_other_bucket(bucket: Bucket, influx: InfluxAccess) -> None:
    with influx.bucket() as other, pytest.raises(ApiException) as caught:
        Bucket(other.url, bucket.token, other.org, other.name).write("m value=1 1790337600000052894")
    assert caught.value.status == 403


def test_influx_listens_on_the_loopback_address_only(own_influx: InfluxServer) -> None:
    assert listeners(own_influx.pid) <= LOOPBACK
    assert listeners(own_influx.pid)


# --- Slurm ------------------------------------------------------------------------------------------------------------


def ended(slurm: SlurmAccess, job: str) -> bool:
    return slurm.job(job).get("JobState") in ENDED


def test_slurm_runs_jobs(slurm: SlurmAccess, tmp_path: Path, wait_for: Callable[..., None]) -> None:
    job = slurm.submit(f"srun echo hello > {tmp_path / 'said'}")
    wait_for(lambda: ended(slurm, job))
    assert (slurm.job(job)["JobState"], (tmp_path / "said").read_text()) == ("COMPLETED", "hello\n")


@pytest.mark.nightly  # ticks need it too
def test_a_job_that_takes_too_much_memory_is_ended(own_slurm: SlurmCluster, wait_for: Callable[..., None]) -> None:
    slurm = own_slurm.access
    job = slurm.submit(f"exec {sys.executable} -c 'import time; x = bytearray(500 * 2**20); time.sleep(60)'")
    wait_for(lambda: ended(slurm, job))
    assert slurm.job(job)["JobState"] == ("OUT_OF_MEMORY" if own_slurm.limits_memory else "FAILED")


@pytest.mark.nightly  # ticks need it too
def test_a_restarted_controller_still_has_its_jobs(
    own_slurm: SlurmCluster, tmp_path: Path, wait_for: Callable[..., None]
) -> None:
    slurm = own_slurm.access
    job = slurm.submit(f"until [ -e {tmp_path / 'go'} ]; do sleep 0.1; done")
    wait_for(lambda: slurm.job(job).get("JobState") == "RUNNING")
    own_slurm.restart_controller()
    assert slurm.job(job)["JobState"] == "RUNNING"
    (tmp_path / "go").touch()
    wait_for(lambda: ended(slurm, job))
    assert slurm.job(job)["JobState"] == "COMPLETED"


@pytest.mark.nightly  # ticks need it too
def test_the_job_of_a_node_that_died_is_queued_again(own_slurm: SlurmCluster, wait_for: Callable[..., None]) -> None:
    slurm = own_slurm.access
    job = slurm.submit("sleep 100")
    wait_for(lambda: slurm.job(job).get("JobState") == "RUNNING")
    node = slurm.job(job)["NodeList"]
    own_slurm.kill_node(node)
    wait_for(lambda: slurm.job(job).get("Restarts") == "1")
    assert own_slurm.state_of(node).startswith("down")
    own_slurm.start_node(node)


def test_slurm_listens_on_the_loopback_address_only(own_slurm: SlurmCluster) -> None:
    for daemon in (own_slurm.controller, *own_slurm.daemons.values()):
        assert listeners(daemon.pid) <= LOOPBACK
        assert listeners(daemon.pid)


def test_a_closed_cluster_leaves_nothing(wait_for: Callable[..., None], slurm: SlurmAccess) -> None:
    cluster = SlurmCluster(nodes=1)
    try:
        cluster.start()
        job = cluster.access.submit("sleep 1000")
        wait_for(lambda: cluster.access.job(job).get("JobState") == "RUNNING")
    finally:
        cluster.stop()
    assert not cluster.folder.exists()
    assert cluster.processes() == []
    assert list(Path("/sys/fs/cgroup").glob(f"*/slurm_{cluster.nodes[0]}")) == []


@pytest.mark.nightly
def test_a_cluster_with_accounts_takes_jobs_within_their_limits_and_leaves_nothing(slurm_of_two: SlurmCluster) -> None:
    assert slurm_of_two.accounting is not None
    database, slurmdbd = slurm_of_two.accounting.daemons
    assert listeners(database.pid) == set()
    assert listeners(slurmdbd.pid)
    assert listeners(slurmdbd.pid) <= LOOPBACK
    said = [slurm_of_two.access.run("sbatch", "--hold", "--mem=100", "--wrap=true").stderr for _ in range(3)]
    assert (said[0], said[1]) == ("", "")
    assert "AssocMaxSubmitJobLimit" in said[2]
    slurm_of_two.stop()
    assert not slurm_of_two.folder.exists()
    assert slurm_of_two.processes() == []


# --- daemons ----------------------------------------------------------------------------------------------------------


def test_a_server_that_dies_at_once_says_why(tmp_path: Path) -> None:
    daemon = Daemon(["sh", "-c", "echo it hurts; exit 3"], tmp_path / "log")
    daemon.start()
    with pytest.raises(DaemonError, match="sh died while it started: it hurts"):
        daemon.wait_until(lambda: False)


def test_a_server_ends_with_those_who_started_it(tmp_path: Path, wait_for: Callable[..., None]) -> None:
    """A worker of pytest that is killed has no last word."""
    code = (
        "import sys, os, pathlib; from local_servers.daemon import Daemon\n"
        "d = Daemon(['sleep', '1000'], pathlib.Path(sys.argv[1])); d.start()\n"
        "print(d.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "log")], env={**os.environ, "PYTHONPATH": path}, capture_output=True
    )
    pid = int(done.stdout)
    wait_for(lambda: not alive(pid))


def test_where_nothing_was_built_the_command_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XOM_TEST_SERVICES", str(tmp_path))
    with pytest.raises(NoServerError, match="`make services` makes it"):
        built("influxdb", "influxd")


def test_two_servers_do_not_share_a_port(own_influx: InfluxServer, influx: InfluxAccess) -> None:
    with socket.socket() as probe, pytest.raises(OSError, match="in use"):
        probe.bind(("127.0.0.1", int(own_influx.access.url.rpartition(":")[2])))
    assert own_influx.access.url != influx.url
