"""The tick's own steps are taken in forks of Snakemake's process as they are by their commands."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from xomflow import workflow
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import TickPaths
from xomflow.workflow.snakemake.steps import Steps, take_by_command
from xomlib.files import dump_json

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # pytest may have threads


@pytest.fixture
def steps() -> Iterator[Steps]:
    made = Steps()
    yield made
    made.close()


@pytest.fixture
def tick(tmp_path: Path) -> TickPaths:
    """A tick with a wrong configuration and without a survey, so that each step ends with an error."""
    made = TickPaths(tmp_path / "work" / "ticks" / "20261128T120000-here-1")
    made.log("discover").parent.mkdir(parents=True)
    dump_json(made.settings, {"configuration": {"analyses": 5}, "wrong": {}})
    return made


def test_code_and_log_of_a_fork_are_those_of_the_command(steps: Steps, tick: TickPaths) -> None:
    codes, logs = [], []
    for take in (steps.take, take_by_command):
        codes.append(take("discover", tick))
        logs.append(tick.log("discover").read_text())
    assert codes == [ExitCode.CONFIGURATION, ExitCode.CONFIGURATION]
    assert "analyses" in logs[0]
    assert logs[0] == logs[1]


def test_what_a_step_prints_goes_to_the_output_of_snakemake_too(
    tick: TickPaths, capfd: pytest.CaptureFixture[str]
) -> None:
    steps = Steps()  # which has the output as it is now
    steps.take("publish", tick)
    steps.close()
    assert str(tick.survey) in capfd.readouterr().out


def test_the_log_of_a_step_has_what_it_prints_in_that_order(tick: TickPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(step: str, _: TickPaths) -> int:
        for number in range(3):
            print(step, number, file=sys.stderr if number == 1 else sys.stdout)
        return 7

    monkeypatch.setattr("xomflow.workflow.snakemake.steps._code_of_command", work)
    steps = Steps()
    assert steps.take("discover", tick) == 7
    steps.close()
    assert tick.log("discover").read_text() == "discover 0\ndiscover 1\ndiscover 2\n"


def test_steps_follow_each_other(steps: Steps, tick: TickPaths) -> None:
    assert [bool(steps.take(name, tick)) for name in ("discover", "publish", "discover")] == [True] * 3


def test_a_killed_step_has_failed(steps: Steps, tick: TickPaths) -> None:
    os.kill(steps._pid, signal.SIGKILL)
    assert steps.take("discover", tick) == ExitCode.UNFORESEEN


def test_an_interrupt_of_the_whole_tick_leaves_what_makes_the_forks_alive(steps: Steps, tick: TickPaths) -> None:
    steps.take("discover", tick)
    os.kill(steps._pid, signal.SIGINT)
    assert steps.take("discover", tick) == ExitCode.CONFIGURATION


def test_what_makes_the_forks_ends_by_a_signal_that_snakemake_handles(tick: TickPaths) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        steps = Steps()
        steps.take("discover", tick)
        os.kill(steps._pid, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(os.waitpid(steps._pid, 0)[1]) == -signal.SIGTERM
        steps._orders.close()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_forks_end_with_the_tick() -> None:
    steps = Steps()
    steps._orders.close()  # as the end of the process does
    assert os.waitpid(steps._pid, 0)[1] == 0
    steps = Steps()
    steps.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(steps._pid, 0)


def test_what_snakemake_has_imported_is_not_searched_for_cycles() -> None:
    gc.unfreeze()
    importlib.reload(workflow.snakemake)
    assert gc.get_freeze_count() > 10_000
