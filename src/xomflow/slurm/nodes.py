"""Nodes that take no jobs, for people whose runs wait."""

from __future__ import annotations

from xomflow.core.errors import BatchSystemError
from xomflow.core.messages import some_of
from xomflow.slurm.batch_system import BatchSystem


def describe_nodes_out(batch: BatchSystem, pending: int) -> list[str]:
    """Return a sentence about the nodes that take no jobs; none if there are none, or no run waits for a node.

    Parameters
    ----------
    batch
        The batch system, which is asked only if runs wait there.
    pending
        How many do.
    """
    if not pending:
        return []
    try:
        found = batch.nodes_out()
    except BatchSystemError:  # what waits there is named by another sentence
        return []
    what = f"{pending} runs wait in {batch.name}, where some nodes take no jobs: {some_of(found)}"
    return [f"{what}; `sinfo -R` has the reasons, the site can take them back"] if found else []
