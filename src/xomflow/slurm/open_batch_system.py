"""Open the batch system that a site uses."""

from __future__ import annotations

from xomflow.config.model import Config
from xomflow.slurm.batch_system import BatchSystem
from xomflow.slurm.commands import Slurm


def open_batch_system(config: Config) -> BatchSystem:
    """Return the batch system that a configuration names; there is one kind so far."""
    return Slurm(config)
