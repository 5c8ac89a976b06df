"""What an account may do at the site of another one: look, and write nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.site import Site
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import Key
from xomflow.core.paths import Paths

ANOTHER = 61002
PROGRAMS = Path(sys.executable).parent
pytestmark = pytest.mark.slow


def as_another(command: list[str], folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(home), "USER": "another"}
    change = ["setpriv", f"--reuid={ANOTHER}", f"--regid={ANOTHER}", "--clear-groups"]
    return subprocess.run([*change, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def looked_at() -> Iterator[tuple[Site, Path]]:
    """A site with a run that waits for its next attempt, and the home folder of another account."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder, home = Path(place, "site"), Path(place, "home")
        folder.mkdir()
        home.mkdir()
        if os.geteuid() != 0 or shutil.which("setpriv") is None:
            pytest.skip("only root, with setpriv, can start a command as another account")
        os.chown(home, ANOTHER, ANOTHER)
        if as_another([str(PROGRAMS / "xom"), "--help"], folder, home).returncode != 0:
            pytest.skip("another account cannot read this installation")
        site = Site(folder)
        site.runs([52001])
        site.analysis("good", "xomlib.Xomresult(variable_name='one', variable_value=1).save()")
        site.tree["software"] = [{"interpreter": "/bin/sh"}]
        assert site.tick().returncode == ExitCode.FAILED_RUNS
        site.runs([52001, 52002])
        yield site, home


def written(folder: Path) -> set[tuple[str, int]]:
    return {(str(path), path.stat().st_mtime_ns) for path in folder.rglob("*")}


def test_another_account_can_look_and_writes_nothing(looked_at: tuple[Site, Path]) -> None:
    site, home = looked_at
    before, whose = written(site.folder), f"{site.work} belongs to root, and you are {ANOTHER}"
    looks = ["status --run", "why 52001", "why 52001 --at 2050-01-01", "log good 52001 -f", "history 52001"]
    looks += ["slow", "outdated --runs", "du"]
    for command in (site.command("-n"), *([str(PROGRAMS / "xom"), *words.split()] for words in looks)):
        done = as_another(command, site.folder, home)
        assert done.returncode == ExitCode.OK, done.stderr
        assert done.stderr.count(whose) == 1
        assert "Traceback" not in done.stderr
    done = as_another([str(PROGRAMS / "xom"), "doctor"], site.folder, home)
    assert whose in done.stdout
    assert "Traceback" not in done.stderr
    assert written(site.folder) == before


def test_where_snakemake_has_no_folder_another_account_is_sent_to_xom_status(looked_at: tuple[Site, Path]) -> None:
    site, home = looked_at
    notes = site.folder / ".snakemake"
    kept = notes.rename(notes.with_name("kept"))
    done = as_another(site.command("-n"), site.folder, home)
    kept.rename(notes)
    assert done.returncode == ExitCode.USAGE
    said = done.stderr.splitlines()[-1]
    assert said.startswith(
        f"{site.folder} has no folder .snakemake, which Snakemake makes in a dry-run too, and you cannot"
    )
    assert said.endswith("`xom status` and `xom why` need none")


def test_a_tick_of_another_account_ends_at_once_with_one_sentence(looked_at: tuple[Site, Path]) -> None:
    site, home = looked_at
    before = written(site.folder)
    tick = f"{Paths(site.work).ticks}/some-tick"
    for command in (
        site.command(),
        [str(PROGRAMS / "xom"), "cancel"],
        [str(PROGRAMS / "xom"), "rebuild"],
        [str(PROGRAMS / "xom"), "job", "run", tick, *Key("good", "v1", "052001").as_dict().values()],
    ):
        done = as_another(command, site.folder, home)
        assert done.returncode == ExitCode.USAGE, (command, done.stderr)
        assert "only root runs ticks and jobs here" in done.stderr.splitlines()[-1]
    assert written(site.folder) == before
