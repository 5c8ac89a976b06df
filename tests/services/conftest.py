"""Servers for the tests of this folder: one for all tests of a worker, something fresh on it for each test."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from local_servers.find import NoServerError
from local_servers.influx import Bucket, InfluxAccess, InfluxServer
from local_servers.mongo import MongoAccess, MongoServer
from local_servers.slurm import SlurmAccess, SlurmCluster

settings.register_profile("services", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("services")


@contextlib.contextmanager
def _or_skip() -> Iterator[None]:
    """Skip where there is no server, with the sentence that says what to do; in CI that is a failure."""
    try:
        yield
    except NoServerError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


class _Startable(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


Made = TypeVar("Made", bound=_Startable)


@contextlib.contextmanager
def _running(make: Callable[[], Made]) -> Iterator[Made]:
    """Start what was made and stop it whatever happens, also if it did not start."""
    with _or_skip():
        server = make()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoAccess]:
    """A MongoDB-protocol server."""
    if uri := os.environ.get("XOM_TEST_MONGO_URI"):
        yield MongoAccess.of(uri)
        return
    with _running(lambda: MongoServer(tmp_path_factory.mktemp("mongo"))) as server:
        yield server.access


@pytest.fixture
def mongo_database(mongo: MongoAccess) -> Iterator[str]:
    """The name of a database that nobody else uses."""
    name = f"xom_test_{secrets.token_hex(6)}"
    yield name
    with mongo.client() as client:
        client.drop_database(name)


@pytest.fixture
def own_mongo(tmp_path: Path) -> Iterator[MongoServer]:
    """A server that the test may stop, kill and start again."""
    with _running(lambda: MongoServer(tmp_path / "mongo")) as server:
        yield server
        server.kill()  # an end in good order takes ten seconds while a client is connected


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxAccess]:
    """An InfluxDB 2."""
    url, token = os.environ.get("XOM_TEST_INFLUX_URL"), os.environ.get("XOM_TEST_INFLUX_TOKEN")
    if url and token:
        yield InfluxAccess(url, token)
        return
    with _running(lambda: InfluxServer(tmp_path_factory.mktemp("influx"))) as server:
        yield server.access


@pytest.fixture
def bucket(influx: InfluxAccess) -> Iterator[Bucket]:
    """An empty bucket, with a token for it only."""
    with influx.bucket() as made:
        yield made


@pytest.fixture
def own_influx(tmp_path: Path) -> Iterator[InfluxServer]:
    """A server that the test may stop, kill and start again."""
    with _running(lambda: InfluxServer(tmp_path / "influx")) as server:
        yield server


@pytest.fixture(scope="session")
def slurm() -> Iterator[SlurmAccess]:
    """A Slurm cluster to submit to."""
    if configuration := os.environ.get("XOM_TEST_SLURM_CONF"):
        yield SlurmAccess.of(Path(configuration))
        return
    with _running(SlurmCluster) as cluster:
        yield cluster.access


@pytest.fixture
def own_slurm() -> Iterator[SlurmCluster]:
    """A cluster whose daemons the test may kill and start again."""
    with _running(SlurmCluster) as cluster:
        yield cluster


@pytest.fixture
def slurm_of_two() -> Iterator[SlurmCluster]:
    """A cluster with a database of accounts, in which we may have two jobs at a time."""
    with _running(lambda: SlurmCluster(accounting=True)) as cluster:
        assert cluster.accounting is not None
        cluster.accounting.limit(MaxSubmitJobs=2)
        yield cluster
