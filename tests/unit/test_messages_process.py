"""The process that sends messages can do no harm to the tick that starts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support import factory
from xomflow.config.model import Config, Notify
from xomflow.core.paths import Paths, TickPaths
from xomflow.workflow.messages import start
from xomflow.workflow.messages.of_tick import send_about


@pytest.fixture
def config(tmp_path: Path) -> Config:
    notify = Notify.model_validate({"addresses": str(tmp_path / "addresses.json")})
    return factory.settings(tmp_path).model_copy(update={"notify": notify})


@pytest.fixture
def tick(tmp_path: Path) -> TickPaths:
    return TickPaths(Paths(tmp_path).tick("20261122T120000-vm-1"))


def starting(monkeypatch: pytest.MonkeyPatch, *command: str) -> None:
    monkeypatch.setattr(start, "notify_command", lambda tick, code: list(command))


def test_one_that_hangs_is_ended(
    config: Config, tick: TickPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "LONGEST", 0.2)
    starting(monkeypatch, sys.executable, "-c", "import time; time.sleep(600)")
    start.send_messages(config, tick, 0)
    assert capsys.readouterr().err == "notify: no server answered within 0 s; the next tick tries again\n"


def test_one_that_cannot_start_or_does_not_read_costs_a_line_at_most(
    config: Config, tick: TickPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    starting(monkeypatch, "/nonexistent/python")
    start.send_messages(config, tick, 0)
    assert capsys.readouterr().err.startswith("notify: no message was sent: ")
    starting(monkeypatch, "/bin/false")
    start.send_messages(config, tick, 0)
    assert capsys.readouterr().err == ""


def test_without_addresses_no_process_is_started(
    tmp_path: Path, tick: TickPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    starting(monkeypatch, "/nonexistent/python")
    start.send_messages(factory.settings(tmp_path), tick, 0)
    assert capsys.readouterr().err == ""


def test_an_error_of_xom_itself_shows_no_text_that_may_have_an_address(
    config: Config, tick: TickPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise ValueError("netloc 'xom:s3cret@host' contains invalid characters")

    monkeypatch.setattr("xomflow.workflow.messages.of_tick.read_addresses", fail)
    assert send_about(tick, start.NotifySettings.of(config), 0) == [
        "notify: no message was sent: XOM itself failed, ValueError"
    ]


def test_without_news_it_imports_no_package() -> None:
    code = "import sys, xomflow.cli.job, xomflow.workflow.messages.of_tick; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in done.stdout.split()}
    assert packages.isdisjoint({"apprise", "requests", "pydantic", "yaml", "snakemake", "influxdb_client", "pymongo"})
