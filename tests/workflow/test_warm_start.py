"""Runs as forks of one preloaded process: each on its own, and nothing is lost or left behind when one of them dies.

What needs no tick is tested in `test_launch`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import mini as mini_set
from support.in_process import FastSite
from support.jobs import alive
from support.patience import PATIENCE
from support.site import Site
from xomflow.core.key import Key
from xomflow.core.paths import ROOT
from xomlib.files import read_json

Wait = Callable[..., None]
GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
# A module that takes note of each import and remembers the process that imported it.
HEAVY = "import os\nwith open('imports', 'a') as file:\n    file.write('x')\nPROCESS = os.getpid()\n"
TELLS = """
import heavy, json
print('the log of', run_id, flush=True)
own = {'pid': os.getpid(), 'parent': os.getppid(), 'imported_by': heavy.PROCESS, 'environment': dict(os.environ)}
own |= {'folder': os.getcwd(), 'session': os.getsid(0), 'path': sys.path, 'files': os.listdir('/proc/self/fd')}
json.dump(own, open(f'told-{run_id}', 'w'))
"""
WAITS = f"""
open(f'started-{{run_id}}', 'w').write(str(os.getppid()))
while not os.path.exists('go'):
    time.sleep(0.02)
{GOOD}
"""


def warm_site(folder: Path, **warm_start: Any) -> Site:
    """A site that starts warm, and finds `heavy` where Snakemake is started."""
    folder.mkdir(exist_ok=True)
    site = FastSite(folder)
    site.forks = False  # a cold start is a new interpreter here
    (folder / "heavy.py").write_text(HEAVY)
    site.tree["warm_start"] = {"enabled": True, "least_jobs": 1, "preload": ["heavy"], **warm_start}
    site.tree["context"] = {"function": "json:loads"}
    return site


# --- one tick, several runs -------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Three runs done, one that kills itself, one that takes too much memory, one that is too slow, in one tick."""
    site = warm_site(tmp_path_factory.mktemp("several") / "site")
    site.runs(range(52001, 52007))
    site.analysis(
        "tells",
        f"{TELLS}\n"
        "if run_id == '052004':\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if run_id == '052005':\n    x = bytearray(3_000_000_000)\n"
        "if run_id == '052006':\n    time.sleep(600)\n"
        f"{GOOD}",
        memory_mb=1000,
        time_limit="15 s",
    )
    done = site.tick(SNAKEMAKE_ANYTHING="1", VIRTUAL_ENV="/somewhere")
    assert done.returncode == 7, done.stderr
    return site


def told(site: Site, number: int) -> dict[str, Any]:
    return read_json(site.folder / f"told-{number:06d}")  # type: ignore[no-any-return]


def test_the_runs_are_forks_of_one_process_that_has_imported_once(several: Site) -> None:
    who = [told(several, number) for number in range(52001, 52007)]
    (parent,) = {one["parent"] for one in who}
    assert {one["imported_by"] for one in who} == {parent}
    assert (several.folder / "imports").read_text() == "x"
    assert len({one["pid"] for one in who}) == 6


def test_each_run_has_a_session_of_its_own_and_few_open_files(several: Site) -> None:
    for number in range(52001, 52007):
        own = told(several, number)
        assert own["session"] == own["pid"]
        # Standard ones, lock, pipe, and the listing itself.
        assert len(own["files"]) <= 7, own["files"]


def test_each_run_has_a_log_of_its_own(several: Site) -> None:
    for number in range(52001, 52007):
        log = several.paths.log(Key("tells", "v1", f"{number:06d}")).read_text()
        assert [line for line in log.splitlines() if line.startswith("the log of")] == [f"the log of {number:06d}"]


def test_the_environment_is_clean(several: Site) -> None:
    own = told(several, 52001)["environment"]
    assert own["PYTHONPATH"] == str(ROOT / "src")
    assert not [name for name in own if name.startswith(("SNAKEMAKE", "VIRTUAL_ENV", "CONDA", "XOM_", "PYTEST"))]


@pytest.mark.parametrize(("number", "kind"), [(52004, "killed"), (52005, "out_of_memory"), (52006, "timeout")])
def test_what_happens_to_one_run_is_told_apart_and_costs_no_other(several: Site, number: int, kind: str) -> None:
    assert several.done("tells") == {52001, 52002, 52003}
    (record,) = several.failures("tells", number)
    assert record["failure"]["class"] == kind


def test_only_this_user_reaches_the_preloaded_process(several: Site) -> None:
    (folder,) = several.paths.ticks.glob("*/warm/*")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_preloaded_process_ends_with_the_tick(several: Site, wait_for: Wait) -> None:
    wait_for(lambda: not alive(told(several, 52001)["parent"]))
    wait_for(lambda: not several.processes())
    assert not list(several.paths.ticks.glob("*/warm/*/socket"))
    assert not list(several.paths.locks.glob("*.lock"))


# --- ticks in which the preloaded process does not do what it should --------------------------------------------------
def test_kill_of_the_preloaded_process_costs_no_run(tmp_path: Path, wait_for: Wait) -> None:
    site = warm_site(tmp_path / "site")
    site.runs([52001, 52002, 52003])
    site.analysis("waits", WAITS)
    tick = site.start("--cores", "2")
    try:
        wait_for(lambda: sum(path.read_text() != "" for path in site.folder.glob("started-*")) == 2)
        (parent,) = {int(path.read_text()) for path in site.folder.glob("started-*")}
        os.kill(parent, signal.SIGKILL)
        wait_for(lambda: not alive(parent))
    finally:
        (site.folder / "go").touch()
    assert tick.wait(PATIENCE) == 0
    assert site.done("waits") == {52001, 52002, 52003}
    assert not any(site.failures("waits", number) for number in (52001, 52002, 52003))
    (folder,) = site.ticks()[0].folder.glob("warm/*")
    assert not (folder / "failed").exists()
    parents = {int(path.read_text()) for path in site.folder.glob("started-*")}
    assert len(parents) == 2, "the third run started another preloaded process"
    wait_for(lambda: not site.processes())


def test_without_the_preloaded_process_all_runs_start_cold(tmp_path: Path, wait_for: Wait) -> None:
    site = warm_site(tmp_path / "site", preload=["no_such_module"])
    site.runs([52001, 52002, 52003])
    site.analysis("tells", f"{TELLS}\n{GOOD}")
    assert site.tick().returncode == 0
    assert site.done("tells") == {52001, 52002, 52003}
    assert {told(site, number)["imported_by"] for number in (52001, 52002, 52003)} == {
        told(site, number)["pid"] for number in (52001, 52002, 52003)
    }
    (log,) = site.ticks()[0].folder.glob("warm/*/log")
    assert log.read_text().count("No module named 'no_such_module'") == 1, "it is tried once"
    wait_for(lambda: not site.processes())


def test_nothing_is_left_after_a_kill_of_everything(tmp_path: Path, wait_for: Wait) -> None:
    site = warm_site(tmp_path / "site")
    site.runs([52001, 52002])
    site.analysis("waits", WAITS)
    tick = site.start("--cores", "2")
    wait_for(lambda: len(list(site.folder.glob("started-*"))) == 2)
    os.killpg(tick.pid, signal.SIGKILL)
    tick.wait()
    wait_for(lambda: not site.processes())
    assert not list(site.paths.ticks.glob("*/warm/*/socket"))
    assert not site.done("waits")
    assert site.pending() == {("waits", "052001"), ("waits", "052002")}


@pytest.mark.parametrize("off", [{"enabled": False}, {"least_jobs": 2}], ids=["switched off", "too few runs"])
def test_no_preloaded_process_where_none_is_wanted(tmp_path: Path, off: dict[str, Any]) -> None:
    site = warm_site(tmp_path / "site", **off)
    site.tree["software"] = [{"interpreter": str(mini_set.wrapper(tmp_path / "python", sys.executable))}]
    site.runs([52001])
    site.analysis("tells", f"{TELLS}\n{GOOD}")
    assert site.tick().returncode == 0
    assert site.done("tells") == {52001}
    assert not list(site.paths.ticks.glob("*/warm"))
    assert all("xomlib.process.worker" in start for start in mini_set.starts(tmp_path / "python"))


def test_the_runs_start_the_same_way_cold(tmp_path: Path, several: Site) -> None:
    """What a script can see of how it was started is the same, so that it cannot depend on it."""
    site = warm_site(tmp_path / "site", enabled=False)
    site.runs([52001])
    site.analysis("tells", f"{TELLS}\n{GOOD}")
    assert site.tick().returncode == 0
    warm, cold = told(several, 52001), told(site, 52001)
    for one, folder in ((warm, several.folder), (cold, site.folder)):
        one["environment"] = {name: text.replace(str(folder), "") for name, text in one["environment"].items()}
        one["path"] = [place.replace(str(folder), "") for place in one["path"]]
        draft = one["environment"]["_XOM_JOB"].split("/")[-2]  # which belongs to one process
        one["environment"]["_XOM_JOB"] = one["environment"]["_XOM_JOB"].replace(draft, "")
    assert warm["environment"] == cold["environment"]
    assert warm["path"] == cold["path"]


def test_the_provenance_is_that_of_a_cold_start(tmp_path: Path) -> None:
    site = warm_site(tmp_path / "site", preload=["cutax"])
    (site.folder / "cutax.py").write_text("__version__ = '7.1'\n")
    site.analysis("plain", GOOD)
    site.runs([52001])
    assert site.tick().returncode == 0
    site.tree["warm_start"]["enabled"] = False
    site.runs([52002])
    assert site.tick().returncode == 0
    warm, cold = (site.outcome("plain", number)["provenance"] for number in (52001, 52002))
    assert warm == cold
    assert warm["versions"]["cutax"] == "7.1"
