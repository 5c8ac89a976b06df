"""The batches of a tick, from what it takes, the configuration and the newest outcomes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from xomflow.config.model import Config
from xomflow.core.key import is_group
from xomflow.core.paths import Paths
from xomflow.jobs.batches.plan import Planned
from xomflow.outcomes.past.expected_times import expected_seconds
from xomflow.outcomes.retries import AttemptLimits
from xomflow.planning.items import Item
from xomflow.planning.queue.batches import Candidate, plan_batches

# Of the time limit, where no run is done yet: a batch that is too long costs little, as what has not begun is ready.
_UNKNOWN_PART = 0.01
_LEAST_SECONDS = 0.5  # what each run costs beside its analysis


def batches_of(config: Config, chosen: Sequence[Item], limits: Sequence[AttemptLimits]) -> list[list[Planned]]:
    """Return the batches of a tick; reads only.

    Parameters
    ----------
    config
        The configuration.
    chosen, limits
        What the tick takes, and what the next attempt of each may use. Few new runs go alone also if the tick takes
        many old ones.
    """
    rule, seconds = config.slurm.batch, {}
    if len(chosen) <= rule.alone or rule.most == 1:
        return []
    for analysis in {item.key.analysis for item in chosen}:
        block = config.analyses[analysis]
        known = expected_seconds(Paths(config.work), analysis, block.version)
        seconds[analysis] = max(block.time_limit * _UNKNOWN_PART if known is None else known, _LEAST_SECONDS)
    few_new = sum(not item.is_old for item in chosen) <= rule.alone
    candidates = [
        Candidate(
            item.key,
            seconds[item.key.analysis],
            None if few_new and not item.is_old else _needs(config, item, own),
        )
        for item, own in zip(chosen, limits, strict=True)
    ]
    return [[Planned(one.key, one.seconds) for one in batch] for batch in plan_batches(candidates, rule)]


def _needs(config: Config, item: Item, limits: AttemptLimits) -> Hashable | None:
    """Return what runs of a job have in common; None for a campaign, and for an attempt with more memory or time."""
    block, software = config.analyses[item.key.analysis], config.software_of(item.run.number)
    grown = (limits.memory_mb, limits.time_limit_s) != (block.memory_mb, block.time_limit)
    if grown or software is None or is_group(item.key.run):
        return None
    return software.program, config.slurm_options_of(item.key.analysis).model_dump_json(), block.memory_mb, limits.nice
