"""How long a tick may last."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from xomflow.config.model import Slurm
from xomflow.workflow.ending.tick_end import TickEnd

KINDS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


@pytest.fixture
def own_signals() -> Iterator[None]:
    before = [signal.getsignal(number) for number in KINDS]
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in zip(KINDS, before, strict=True):
        signal.signal(number, handler)


def prepared(runs_jobs_here: bool) -> float:
    """The seconds until the alarm of a tick; 0 if it has none."""
    snakemake: Any = SimpleNamespace(runs_jobs_here=runs_jobs_here, is_own_handler=lambda handler: False)
    config = SimpleNamespace(slurm=Slurm.model_validate({"tick_limit": "2 h"}))
    TickEnd(snakemake, SimpleNamespace(config=config)).prepare(SimpleNamespace())  # type: ignore[arg-type]
    return signal.getitimer(signal.ITIMER_REAL)[0]


@pytest.mark.usefixtures("own_signals")
def test_only_a_tick_whose_jobs_are_in_slurm_is_bounded_by_its_limit() -> None:
    assert prepared(runs_jobs_here=True) == 0
    assert prepared(runs_jobs_here=False) == pytest.approx(7200, abs=60)
    assert signal.getsignal(signal.SIGALRM) not in (signal.SIG_DFL, signal.SIG_IGN)
