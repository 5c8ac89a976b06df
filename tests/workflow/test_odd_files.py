"""One odd file below ``work`` costs itself only: commands and ticks go on, and the file is named or made again."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.in_process import FastSite
from xomflow.core.exit_code import ExitCode

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
ODD: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(80)),
    "half": lambda path: path.write_text('{"a": [1, '),
    "foreign": lambda path: path.write_text('{"attempt": 1, "began": "2026-01-01 00:00", "any": [1]}'),
    "list": lambda path: path.write_text("[[1], null]"),
    "folder": lambda path: (path / "inside").mkdir(parents=True),
    "loop": lambda path: path.symlink_to(path.name),
    "dangling": lambda path: path.symlink_to(path.parent / "gone" / path.name),
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "socket": lambda path: bind(path),
}


def bind(path: Path) -> None:
    """Make a socket; its name may be longer than the kernel allows in a call."""
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(path.parent)
        one.bind(path.name)
        os.chdir(here)


# Whose content cannot be read.
UNREADABLE = ("folder", "loop", "pipe", "device", "socket")
# Of these the file is named in what `xom status` prints.
NAMED = ("locks/one+v1+052001.lock", "slurm/one+v1+052001.json", "ticks/young/claims.json")


@pytest.fixture
def site(tmp_path: Path) -> FastSite:
    made = FastSite(tmp_path)
    made.analysis("one", GOOD)
    made.analysis("fails", "1 / 0")
    made.runs([52002])
    assert made.tick().returncode == 7
    made.runs([52001, 52003])
    return made


def young_tick(site: FastSite) -> Path:
    """The folder of a tick of another host that began just now, with one job that it may have claimed."""
    folder = site.paths.ticks / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-otherhost-77"
    (folder / "jobs").mkdir(parents=True)
    (folder / "lock").touch()
    (folder / "jobs/one.json").write_text(json.dumps({"runs": {"052001": {}}}))
    return folder


def places(site: FastSite) -> list[str]:
    """Every file below ``work`` that a tick left, and those that a tick or job under way has."""
    left = [path.relative_to(site.work) for path in sorted(site.work.rglob("*")) if path.is_file()]
    kept = [str(path) for path in left if path.parts[0] not in ("page", "logs") and path.name != "lock"]
    page = ["page/data/status.js", "page/data/index.js", "page/data/one/v1/052.js", "page/data/stamps.json"]
    return [one for one in [*kept, *page] if one != "format"] + [
        *NAMED,
        *("locks/one+v1.lock", "locks/a+b+c.lock", "slurm/x.json", "slurm/one+v1+052003.json", "ticks/notes.txt"),
        *("outcomes/notes", "outcomes/one/notes", "outcomes/one/v1/notes", "outcomes/one/v1/052/notes.json"),
        *("outcomes/one/v1/052/052009.json", "outcomes/one/v1/052/052009.failed-1-raised-5.json", "store/test/x.lp"),
        *(
            "drafts/one+v1+052001",
            "figures/one",
            "cache/outcomes/x",
            "set_aside/x",
            "ledger/x",
            "ticks/x-y-1/summary.json",
        ),
    ]


def test_many_at_once_are_named_and_the_rest_goes_on(site: FastSite) -> None:
    young = young_tick(site)
    (young / "claims.json").touch()
    for place in (
        *("locks/one+v1+052003.lock", "slurm/x.json", "cache/inventory.json", "cache/groups.json"),
        "ticks/publishing.lock",
    ):
        path = site.work / place
        path.unlink(missing_ok=True)
        (path / "inside").mkdir(parents=True)
    for place in ("locks/one+v1+052005.lock", "slurm/y.json", "cache/periods.json", "decisions/pipe.json"):
        os.mkfifo(site.work / place)
    os.mkfifo(site.paths.outcomes / "one/v1/052/052006.json")
    (site.paths.outcomes / "one/v1/052/052007.json").symlink_to("gone/052007.json")
    for place in ("cache/outcomes/one/v1/052.json", "ledger/local-test_/one/v1/052.json", "outcomes/one/v1/notes"):
        path = site.work / place
        path.unlink(missing_ok=True)
        path.symlink_to(path.name)
    (site.paths.ticks / "20260101T000000-h-1").mkdir()
    (site.paths.ticks / "20260101T000000-h-1/summary.json").touch()
    site.runs([52004, 52005, 52006, 52007])
    told, done = site.xom("status"), site.tick()
    for text in (told.stdout + told.stderr, done.stdout + done.stderr):
        assert "Traceback" not in text
        assert f"{young.name}/claims.json cannot be read: " in text
        assert "locks/one+v1+052003.lock cannot be read: Is a directory" in text
        assert "slurm/x.json cannot be read: Is a directory" in text
        assert "slurm/y.json cannot be read: It is a pipe, not a file" in text
        assert "locks/one+v1+052005.lock cannot be read: It is a pipe, not a file" in text
        assert "decisions/pipe.json is no decision and counts for nothing: it is not a file" in text
    assert "052006.json is a pipe, a socket or a device; moved to " in done.stderr
    assert "052007.json is a link that leads to no file; moved to " in done.stderr
    # Another process may work on 52001, which the young tick may have claimed.
    assert site.done("one") == {52002, 52004}
    assert site.tick().returncode != ExitCode.STORE_OR_DISK  # the odd outcomes are not in the way any more
    assert {52006, 52007} <= site.done("one")


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize("how", ODD)
def test_it_stops_neither_commands_nor_ticks(site: FastSite, tmp_path: Path, how: str) -> None:
    good = tmp_path / "good"
    shutil.copytree(site.work, good, symlinks=True)
    wrong = []
    for place in places(site):
        shutil.rmtree(site.work)
        shutil.copytree(good, site.work, symlinks=True)
        young = young_tick(site) if "young" in place else None
        path = site.work / (place.replace("young", young.name) if young else place)
        if path.name.startswith(".xom-") and how in (*UNREADABLE, "dangling"):
            continue  # the mark cannot be read, as where the disk is away: tests/unit/test_folder_marks.py
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        ODD[how](path)
        told = site.xom("status")
        done = site.tick()
        texts = told.stdout + told.stderr + done.stdout + done.stderr
        if "Traceback" in texts or told.returncode == 1 or "one " not in told.stdout:
            wrong.append(f"{place}: status {told.returncode}: {texts.strip().splitlines()[-1]}")
        others = {number for number in (52002, 52003) if f"0{number}" not in place}
        has_sentence = how in ("loop", "dangling", "socket") and path.name == "discovery.lock"
        if not others <= site.done("one") and not has_sentence:
            wrong.append(
                f"{place}: the tick ended with {done.returncode} and did not do the rest: {done.stderr[-300:]}"
            )
        is_free = how in ("empty", "loop") and path.suffix == ".lock"  # as of a job that was killed before it began
        if place in NAMED and 52001 in site.done("one") and how not in ("loop", "dangling") and not is_free:
            wrong.append(f"{place}: a run was analysed on which another process may work")
        if place in NAMED and 52001 not in site.done("one") and path.name not in told.stdout:
            wrong.append(f"{place}: status does not name it")
    assert not wrong, "\n".join(wrong)
