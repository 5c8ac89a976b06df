"""`xom log -f` prints what is added to a log until nothing works on the run any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from support.in_process import FastSite
from support.patience import PATIENCE
from xomflow.core.files.archive import add_to_archive
from xomflow.core.key import Key
from xomflow.jobs.run_lock import hold_run, release_run, write_owner

KEY = Key("moody", "v1", "052001")


@pytest.fixture
def site(site: FastSite) -> FastSite:
    site.analysis("moody", "xomlib.Xomresult(variable_name='answer', variable_value=1).save()")
    site.runs([52001])
    site.write_config()
    log = site.paths.log(KEY)
    log.parent.mkdir(parents=True)
    log.write_text("--- attempt 1\n")
    return site


@contextmanager
def at_work(site: FastSite) -> Iterator[IO[str]]:
    """The lock of the run is held, as by its job."""
    lock = hold_run(site.paths, KEY)
    write_owner(lock, KEY, 1, "some tick", 60.0)
    try:
        yield lock
    finally:
        release_run(site.paths, KEY, lock)


@contextmanager
def following(site: FastSite) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-m", "xomflow", "log", "moody", "52001", "-f"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=site.folder, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def add(site: FastSite, text: str) -> None:
    with site.paths.log(KEY).open("a") as log:
        log.write(text)


def test_lines_come_as_they_are_written_and_it_ends_with_the_job(site: FastSite) -> None:
    with at_work(site) as lock, following(site) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline() == "--- attempt 1\n"
        add(site, "first half, ")
        add(site, "second half\n")
        assert process.stdout.readline() == "first half, second half\n"
        add(site, "no end of line")
        release_run(site.paths, KEY, lock)
        assert process.stdout.readline() == "no end of line\n"
        assert process.wait(PATIENCE) == 0
        host = os.uname().nodename
        assert process.stderr.read().splitlines() == [
            f"moody v1 run 052001: attempt 1 runs at {host}, process {os.getpid()}",
            "moody v1 run 052001: nothing works on it any more",
        ]


def test_what_was_added_before_the_log_moved_into_an_archive_is_not_lost(site: FastSite) -> None:
    log = site.paths.log(KEY)
    with at_work(site) as lock, following(site) as process:
        assert process.stdout
        assert process.stdout.readline() == "--- attempt 1\n"
        process.send_signal(signal.SIGSTOP)
        add(site, "the last line\n")
        add_to_archive(site.paths.log_archive(log.parent), {log.name: log}, 1e9)
        log.unlink()
        release_run(site.paths, KEY, lock)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.readline() == "the last line\n"
        assert process.wait(PATIENCE) == 0


def test_the_log_of_a_further_attempt_is_printed_from_its_beginning(site: FastSite) -> None:
    log = site.paths.log(KEY)
    with at_work(site), following(site) as process:
        assert process.stdout
        assert process.stdout.readline() == "--- attempt 1\n"
        other = log.with_name("other")
        other.write_text("--- attempt 2, with more than before\n")
        other.replace(log)
        assert process.stdout.readline() == "--- attempt 2, with more than before\n"


def test_of_a_run_that_nothing_works_on_it_prints_all_and_ends(site: FastSite) -> None:
    done = site.xom("log", "moody", "52001", "-f")
    assert (done.returncode, done.stdout) == (0, "--- attempt 1\n")
    assert done.stderr == "moody v1 run 052001: nothing works on it any more\n"
