"""Take an analysis out of a site: all that was made for it moves into one folder, from which it can be put back."""

from __future__ import annotations

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.errors import UsageError
from xomflow.core.files.maintenance import Maintenance, Task, begin, end
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.decisions.files import read_decisions
from xomflow.workflow.maintenance import steps


def check_remove(config: Config, analysis: str) -> list[Key]:
    """Return the keys that are taken out; reads only.

    Raises
    ------
    UsageError
        If the analysis is configured.
    UnfinishedError
        If another maintenance was interrupted.
    """
    paths = Paths(config.work)
    if analysis in config.analyses and not steps.has_begun(paths, _wanted(analysis)):
        raise UsageError(
            f"the configuration has analyses.{analysis}: delete its block first, or the next tick would analyse all "
            "its runs again; nothing was done"
        )
    return steps.keys_of(paths, analysis)


def remove(config: Config, analysis: str) -> list[str]:
    """Take an analysis out, or finish what was interrupted; return sentences about what was done.

    Raises
    ------
    UsageError
        If neither ``work`` nor the store has anything of it.
    PersonNeededError
        If the site is not drained, or something runs.
    StoreError
        If the store does not remove its points; nothing else has happened then.
    """
    paths = Paths(config.work)
    name = f"{analysis}-{times.now():%Y%m%dT%H%M%SZ}"
    with steps.undisturbed(config, _wanted(analysis).command):
        keys, begun = check_remove(config, analysis), steps.has_begun(paths, _wanted(analysis))
        points = steps.drop_points(config, analysis)
        if not (begun or points):
            steps.must_have_results(paths, analysis)
        task = begun or Maintenance(Task.REMOVE, analysis, name)
        place = paths.removed(task.to)
        begin(paths, task)
        for decision in read_decisions(paths).made:
            if decision.subject.analysis == analysis:
                steps.move(paths.decisions / decision.name, place / paths.decisions.name / decision.name)
        for source, target in zip(paths.folders_of(analysis), paths.folders_of(analysis, place), strict=True):
            steps.move(source, target)
        steps.rename_groups(paths, analysis)
        steps.forget(paths, analysis)
        problems = steps.publish_all(config)
        end(paths)
    where = f"all its files are in {place}" if place.exists() else "it had no files"
    return steps.said([f"{analysis} is removed: {len(keys)} keys, {points} points; {where}", *problems])


def _wanted(analysis: str) -> Maintenance:
    return Maintenance(Task.REMOVE, analysis, "")
