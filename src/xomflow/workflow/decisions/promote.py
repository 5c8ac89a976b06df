"""Promote a trial: it becomes the published version of its analysis."""

from __future__ import annotations

from xomflow.config.model import Config
from xomflow.core.errors import UsageError
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.decisions.model import Subject, Verb
from xomflow.outcomes.files import list_outcomes
from xomflow.workflow.decisions.proposal import Proposal, check_analysis


def promote(config: Config, analysis: str, version: str) -> Proposal:
    """Return the decision that a trial is what is published and analysed; reads only.

    Parameters
    ----------
    config
        The configuration.
    analysis, version
        The trial.
    """
    check_analysis(config, analysis)
    block, paths = config.analyses[analysis], Paths(config.work)
    if block.trial is None or block.trial.version != version:
        there = (
            f"its trial is {block.trial.version}" if block.trial else f"{block.version} is published, without a trial"
        )
        raise UsageError(f"analyses.{analysis} has no trial {version}, {there}: nothing was done")
    done, before = (list_outcomes(paths, analysis, one).done for one in (version, block.version))
    notes = (f"{version} lacks {left} runs that {block.version} has",) if (left := len(before - done)) else ()
    keys = tuple(Key(analysis, version, run) for run in sorted(done))
    phrase = f"to be published, and {version} to be analysed from now on instead of {block.version}"
    return Proposal(Verb.PROMOTE, (Subject(analysis, version),), keys, phrase, notes)
