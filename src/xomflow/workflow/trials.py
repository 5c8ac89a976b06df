"""Trials: versions that ticks run beside the published ones, until a decision promotes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xomflow.config.model import Config
from xomflow.core.paths import Paths
from xomflow.core.state import State
from xomflow.decisions.effects import promoted
from xomflow.decisions.files import standing_decisions
from xomflow.outcomes.trial_marks import on_trial
from xomflow.publishing.scope import Scope, scopes
from xomflow.publishing.stores.open_store import StoreConfig

if TYPE_CHECKING:  # a tick starts faster without it
    from xomflow.planning.survey import Survey


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


def add_trials(survey: Survey, config: Config, trials: Survey) -> None:
    """Add the survey of the trials to that of the published versions; these go first, whatever the bounds are.

    A tick takes a run for one version of an analysis only, so a run that it takes for the published one is taken for
    the trial by a later tick.
    """
    for analysis, items in trials.items.items():
        trial = config.analyses[analysis].trial
        assert trial is not None
        name = config.title_of(analysis, trial.version)
        survey.items[name] = items
        survey.counts[name] = trials.counts[analysis]
        survey.only_counted[name] = trials.only_counted[analysis]
    in_progress = sum(counts[State.RUNNING] for counts in survey.counts.values())
    taken = {(item.key.analysis, item.key.run) for item in survey.chosen}
    left = [item for item in trials.chosen if (item.key.analysis, item.key.run) not in taken]
    survey.chosen += left[: max(0, config.max_running - in_progress - len(survey.chosen))]
    survey.foreign += trials.foreign
    survey.known_groups = {**survey.known_groups, **trials.known_groups}
    survey.ended_by = {**survey.ended_by, **trials.ended_by}
    survey.backfills = {**survey.backfills, **trials.backfills}
    for mine, theirs in (
        (survey.for_person, trials.for_person),
        (survey.configuration_errors, trials.configuration_errors),
    ):
        mine += [sentence for sentence in theirs if sentence not in mine]
