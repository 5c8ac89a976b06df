"""A disk that cannot be written is not an analysis' fault: it is named, it costs no attempt, and no runs are taken."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.in_process import FastSite
from xomflow.config.model import Retries
from xomflow.core.files.disk import trouble_seen_in
from xomflow.jobs import runner
from xomflow.outcomes.files import Failure
from xomflow.outcomes.retries import next_try
from xomlib import files
from xomlib.errors import DiskTrouble
from xomlib.process.failures import failure_of

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
FIGURE = f"xomlib.figure('a', b'\\x89PNG\\r\\n\\x1a\\n')\n{GOOD}"
FULL = OSError(errno.ENOSPC, "No space left on device")


def _full(*_: Any, **__: Any) -> None:
    raise FULL


def test_figures_that_cannot_be_kept_are_told_and_taken_up_again(site: FastSite) -> None:
    site.analysis("draws", FIGURE)
    site.analysis("plain", GOOD)
    site.runs([52001])
    site.work.mkdir()
    (site.work / "figures").write_text("in the way")
    done = site.tick()
    (record,) = site.failures("draws", 52001)
    assert record["failure"]["class"] == "disk"
    told = "work/figures cannot be written: it is no folder, where one is needed: move it away"
    assert record["failure"]["message"].startswith(told)
    assert (done.returncode, site.done("plain"), list((site.work / "drafts").iterdir())) == (6, {52001}, [])
    assert f"{told}; 1 runs are tried again" in done.stderr
    site.runs([52002])
    done = site.tick()
    assert (done.returncode, site.claimed()) == (6, set())
    assert f"{told}; no runs are taken while this lasts" in done.stderr
    (site.work / "figures").unlink()
    assert site.tick().returncode == 0
    assert site.done("draws") == {52001, 52002}
    assert site.outcome("draws", 52001)["attempt"] == 2


@pytest.mark.parametrize("folder", ["drafts", "logs", "locks"])
def test_a_folder_that_takes_nothing_is_named_and_nothing_is_taken(site: FastSite, folder: str) -> None:
    site.analysis("one", GOOD)
    site.runs([52001])
    assert site.tick().returncode == 0
    site.runs([52002])
    for path in sorted((site.work / folder).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (site.work / folder).rmdir()
    (site.work / folder).write_text("in the way")
    assert site.pending() == set()
    done = site.tick()
    assert (done.returncode, site.failures("one", 52002)) == (6, [])
    assert f"work/{folder}" in done.stderr
    assert "Traceback" not in done.stderr
    (site.work / folder).unlink()
    assert site.tick().returncode == 0
    assert site.done("one") == {52001, 52002}


def test_a_dry_run_sees_that_a_disk_is_full_or_read_only_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work" / "outcomes"
    assert trouble_seen_in(folder) == ""
    for said, changes in (
        ("No space left on device", {"f_bavail": 0}),
        ("No space left on device", {"f_favail": 0}),
        ("Read-only file system", {"f_flag": os.ST_RDONLY}),
        ("", {"f_files": 0, "f_favail": 0}),
    ):
        disk = SimpleNamespace(**{"f_bavail": 9, "f_files": 9, "f_favail": 9, "f_flag": 0, **changes})
        with monkeypatch.context() as patch:
            patch.setattr(os, "statvfs", lambda place, disk=disk: disk)
            assert trouble_seen_in(folder) == (f"{folder} cannot be written: {said}" if said else ""), changes
    assert list(tmp_path.iterdir()) == []


def test_where_not_even_a_failure_record_can_be_written_the_tick_says_it_was_the_disk(
    site: FastSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.analysis("one", GOOD)
    site.runs([52001])
    monkeypatch.setattr(runner, "replace_outcome", _full)
    monkeypatch.setattr(runner, "write_outcome", _full)
    done = site.tick()  # in a fork of this process
    assert "No space left on device" in done.stderr
    note = site.ticks()[-1].folder / "disk/one/052001"
    assert note.read_text() == "work cannot be written: No space left on device"
    assert list((site.work / "drafts").iterdir()) == []


def test_it_counts_for_no_attempt_and_is_never_given_up() -> None:
    now = datetime(2026, 9, 1, tzinfo=UTC)
    failures = [Failure(number, "disk", now) for number in range(1, 200)]
    assert next_try(failures[:3], Retries()) == now
    waits = [due - now for count in range(4, 200) if (due := next_try(failures[:count], Retries()))]
    assert len(waits) == 196
    assert max(waits) == timedelta(hours=6)
    own = [Failure(number, "raised", now) for number in range(200, 203)]
    assert next_try([*failures, *own], Retries(attempts=4)) is not None
    assert next_try([*failures, *own, own[0]], Retries(attempts=4)) is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DiskTrouble("work/x cannot be written: any reason"), "disk"),
        (OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), "disk"),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "/tmp/x"), "disk"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/tmp/x"), "raised"),
    ],
)
def test_what_a_script_meets_is_the_disks_fault_or_its_own(error: Exception, kind: str) -> None:
    assert failure_of(error)[0] == kind
    try:
        raise ValueError("of my own") from error
    except ValueError as outer:
        assert failure_of(outer)[0] == ("disk" if isinstance(error, OSError) and kind == "disk" else "raised")


def test_a_script_that_catches_the_error_of_its_draft_makes_no_outcome(site: FastSite) -> None:
    body = f"""
import xomlib.files, xomlib.job
real = xomlib.job.write_atomically
def full(path, content):
    if 'answer' in content:
        raise OSError(28, 'No space left on device', str(path))
    real(path, content)
xomlib.job.write_atomically = full
try:
    {GOOD}
except Exception:
    pass
"""
    site.analysis("one", body.strip())
    site.runs([52001])
    assert site.tick().returncode == 6
    (record,) = site.failures("one", 52001)
    assert record["failure"]["class"] == "disk"
    assert "No space left on device" in record["failure"]["message"]


def _no_link(number: int) -> Callable[..., None]:
    def link(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    return link


@pytest.mark.parametrize("link", [os.link, _no_link(errno.EPERM), _no_link(errno.EOPNOTSUPP)])
def test_of_two_outcomes_the_first_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: Callable[..., None]
) -> None:
    monkeypatch.setattr(files.os, "link", link)
    path = tmp_path / "a" / "052001.json"
    assert files.create_atomically(path, "first")
    assert not files.create_atomically(path, "second")
    assert path.read_text() == "first"
    assert [one.name for one in path.parent.iterdir()] == ["052001.json"]


def test_an_outcome_that_comes_while_a_job_works_is_not_replaced(site: FastSite) -> None:
    path = site.work / "outcomes/one/v1/052/052001.json"
    site.analysis("one", f"open({str(path)!r}, 'w').write('the first one')\n{GOOD}")
    site.runs([52001])
    path.parent.mkdir(parents=True)
    site.tick()
    assert "the first one" in [one.read_text() for one in site.work.rglob("052001.json*") if one.is_file()]
