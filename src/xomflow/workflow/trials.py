"""Trials: versions that ticks run beside the published ones, until a decision promotes them."""

from __future__ import annotations

from xomflow.config.model import Config
from xomflow.core.paths import Paths
from xomflow.decisions.effects import promoted
from xomflow.decisions.files import standing_decisions
from xomflow.outcomes.trial_marks import on_trial
from xomflow.publishing.open_store import StoreConfig
from xomflow.publishing.scope import Scope, scopes


def as_decided(config: Config) -> Config:
    """Return the configuration with the trials that are promoted in the place of what was published."""
    if not any(block.trial for block in config.analyses.values()):
        return config
    return config.promoted(promoted(standing_decisions(Paths(config.work))))


def stores_of(config: Config) -> list[tuple[StoreConfig, Scope]]:
    """Return the stores with what each of them shows; see `scopes`."""
    paths, trials = Paths(config.work), config.trials
    hidden = on_trial(paths, config.methods, trials.methods if trials else ())
    return list(scopes(StoreConfig.of(config.store), hidden, promoted(standing_decisions(paths))))
