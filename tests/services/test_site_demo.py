"""``make site-demo``: MongoDB, Slurm and InfluxDB give what a tick with the embedded default gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from local_servers.find import NoServerError, built, program
from support import mini as mini_set
from support.patience import PATIENCE
from support.site import Site
from xomflow.core.paths import ROOT
from xomlib.files import read_json

pytestmark = pytest.mark.nightly
ANALYSES = ("busy", "daq_rate", "kr83m_campaign")
RUNS = (52800, 52803)


class Demo:
    """The demo on a few runs, compared with a work folder."""

    def __init__(self, folder: Path, mini: Path, python: Path, compare: Path) -> None:
        self.folder = folder
        self._command = [sys.executable, str(ROOT / "scripts/site_demo.py"), "--folder", str(folder)]
        self._command += ["--mini", str(mini), "--python", str(python), "--compare", str(compare)]
        self._command += ["--only", *ANALYSES, "--runs", *map(str, RUNS)]

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )


@pytest.fixture
def local(site: Site, mini: Path, analysis_python: Path) -> Site:
    """A site with the embedded default on which a tick was run."""
    configuration: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    site.tree["analyses"] = {name: configuration["analyses"][name] for name in ANALYSES}
    site.tree["selection"] = configuration["selection"] | {"min_run": RUNS[0], "max_run": RUNS[1]}
    mini_set.point(site, mini, analysis_python)
    done = site.tick()
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture
def demo(tmp_path: Path, mini: Path, analysis_python: Path) -> Iterator[Demo]:
    try:
        built("mongo", "classes"), built("influxdb", "influxd"), program("slurmctld")
    except NoServerError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    before = set(psutil.pids())
    yield Demo(tmp_path / "demo", mini, analysis_python, tmp_path / "work")
    assert servers(before) == []


def servers(before: set[int]) -> list[list[str]]:
    """The command lines of servers that were started since and are still alive."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        words = process.info["cmdline"] or []
        mine = psutil.Process().children(recursive=True)
        if process.pid not in before and process in mine and words:
            found.append(words)
    return found


def test_results_in_influxdb_are_those_of_the_embedded_default(local: Site, demo: Demo) -> None:
    process = demo.start()
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    outcomes = [read_json(path) for path in local.paths.outcomes.rglob("*.json")]
    expected, runs = sum(len(outcome["results"]) for outcome in outcomes), len(outcomes)
    assert {outcome["key"]["analysis"] for outcome in outcomes} == set(ANALYSES)
    assert f"{runs} outcomes, made by {runs} jobs of Slurm" in said
    assert f"{expected} points of results in InfluxDB" in said
    assert "6 dashboards, and alert rules, for Grafana in" in said
    assert f"compared with the outcomes in {local.work}: {expected} points are the same\n" in said
    private = [demo.folder / name for name in ("xenon_config", "xom_influxdb.json")]
    assert [oct(path.stat().st_mode & 0o777) for path in private] == ["0o600", "0o600"]


def test_an_interrupted_demo_stops_all_that_it_started(demo: Demo, wait_for: Callable[..., None]) -> None:
    process = demo.start()
    wait_for(lambda: list(demo.folder.glob("work/ticks/*/claims.json")))
    started = psutil.Process(process.pid).children(recursive=True)
    names = {name for one in started if (name := said_of(one, "name"))}
    assert {"slurmctld", "slurmd", "munged", "java", "influxd"} <= names
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "site-demo: interrupted; every server was stopped" in said
    assert [
        one for one in started if one.is_running() and said_of(one, "status") not in (None, psutil.STATUS_ZOMBIE)
    ] == []


def said_of(process: psutil.Process, what: str) -> str | None:
    """What is said of a process; None where it has ended meanwhile."""
    try:
        return str(getattr(process, what)())
    except psutil.NoSuchProcess:
        return None
