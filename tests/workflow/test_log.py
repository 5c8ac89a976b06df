"""`xom log` prints the log of a run, wherever it is."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path

import pytest

from support.in_process import FastSite
from xomflow.core import times
from xomflow.core.key import Key
from xomflow.workflow.upkeep.archives import archive_old_files

MOODY = """
print("hello from", run_id)
if run_id == "052002":
    raise ValueError("odd")
xomlib.Xomresult(variable_name="answer", variable_value=1).save()
"""


@pytest.fixture
def site(site: FastSite) -> FastSite:
    """A site with a run that is done and one that failed."""
    site.analysis("moody", MOODY)
    site.runs([52001, 52002])
    assert site.tick().returncode == 7
    return site


def move(site: FastSite) -> None:
    """Move old logs into their archives as a tick does, tomorrow."""
    with contextlib.chdir(site.folder):
        assert archive_old_files(site.paths, 1e9, times.now() + timedelta(days=1.5)) == []


def test_logs_that_are_beside_and_in_the_archive_are_printed_alike(site: FastSite) -> None:
    before = site.xom("log", "moody", "52001")
    assert (before.returncode, before.stderr) == (0, "work/logs/moody/v1/052/052001.log\n")
    assert before.stdout.startswith("--- attempt 1, ")
    assert "\nhello from 052001\n" in before.stdout
    move(site)
    assert not site.paths.log(Key("moody", "v1", "052001")).exists()
    after = site.xom("log", "moody", "52001", "--version", "v1")
    assert (after.stdout, after.stderr) == (before.stdout, "work/logs/moody/v1/052.zip, 052001.log\n")


def test_logs_of_failed_attempts_are_printed_by_their_number(site: FastSite) -> None:
    move(site)
    newest, first = site.xom("log", "moody", "052002"), site.xom("log", "moody", "052002", "--attempt", "1")
    assert newest.stdout == first.stdout
    assert "ValueError: odd" in first.stdout
    assert first.stderr == "work/logs/moody/v1/052/052002.attempt-1.log\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("mody", "52001"), "the configuration has no analysis 'mody'; did you mean 'moody'?; give --version"),
        (("moody", "52003"), "moody v1 run 052003: there is no log 052003.log: it was never started, or its log was"),
        (
            ("moody", "52002", "--attempt", "2"),
            "moody v1 run 052002: there is no log 052002.attempt-2.log: there are 052002.attempt-1.log, 052002.log",
        ),
    ],
)
def test_what_there_is_not_is_said_with_what_there_is(site: FastSite, words: tuple[str, ...], sentence: str) -> None:
    done = site.xom("log", *words)
    assert done.returncode == 2
    assert sentence in done.stderr


def test_a_damaged_archive_is_named(site: FastSite) -> None:
    move(site)
    Path(site.work / "logs/moody/v1/052.zip").write_bytes(b"")
    done = site.xom("log", "moody", "52001")
    assert (done.returncode, done.stdout) == (6, "")
    assert "work/logs/moody/v1/052.zip: is damaged: File is not a zip file" in done.stderr


def test_a_tick_tells_that_an_old_key_has_no_effect(site: FastSite) -> None:
    site.tree["keep_ticks"] = 100
    done = site.tick()
    assert "keep_ticks has no effect any more: ticks are kept for keep_ticks_for, 30 d by default" in done.stderr
    assert "keep_ticks has no effect" in site.xom("status").stdout
