"""Fixtures of all tests."""

from __future__ import annotations

import gc
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import forks
from support import mini as mini_set
from support.in_fork import prepare
from support.in_process import FastSite
from support.patience import PATIENCE
from support.site import Site

ROOT = Path(__file__).resolve().parents[1]


def pytest_xdist_auto_num_workers() -> int:
    """Use one worker more than there are cores: tests against servers wait for a large part of their time."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without the garbage collector, a third of whose time this takes; it passes over what is collected."""
    gc.disable()
    try:
        return (yield)
    finally:
        prepare()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first and unit tests last, so that no long file begins when others have finished."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: (-slow[item.path], item.path.parent.name == "unit", item.path))


@pytest.fixture
def site(tmp_path: Path) -> FastSite:
    """An empty site whose ticks run in process."""
    return FastSite(tmp_path)


@pytest.fixture
def snakemake_site(tmp_path: Path) -> Site:
    """An empty site whose ticks are Snakemake's, for what only Snakemake can show."""
    return Site(tmp_path)


@pytest.fixture(scope="session")
def analysis_python() -> Path:
    """The interpreter of the analysis environment, with strax and straxen."""
    path = Path(os.environ.get("XOM_ANALYSIS_PYTHON", ROOT / "work/envs/analysis/bin/python"))
    if not path.exists():
        reason = f"{path} does not exist; `make envs` makes the analysis environment"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path.absolute()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all workers of the session."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def straxen_server(analysis_python: Path, shared: Path) -> Path:
    """The socket of a process under the analysis interpreter that has imported straxen, one for all workers."""
    session = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    return forks.shared_server(analysis_python, shared, session)


@pytest.fixture(scope="session")
def straxen_python(analysis_python: Path, straxen_server: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The analysis interpreter, whose processes are forks of one that has imported straxen, see `support.forks`."""
    path = tmp_path_factory.mktemp("interpreter") / "python"
    return forks.interpreter(path, analysis_python, straxen_server)


@pytest.fixture(scope="session")
def mini(analysis_python: Path, shared: Path) -> Path:
    """A small set of the mini-XENONnT with every odd case, one for all workers of the session; only to be read."""
    return mini_set.make(analysis_python, shared / "mini_xenonnt" / "set")


@pytest.fixture
def wait_for() -> Callable[..., None]:
    """Wait until a condition holds; fail if it does not in a long time."""

    def wait(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "the condition did not come true"
            time.sleep(0.02)

    return wait
