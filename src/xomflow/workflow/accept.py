"""Accept the changes before which a tick stops: one decision for each."""

from __future__ import annotations

import os

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.paths import Paths
from xomflow.decisions.files import account, write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.planning.brake import MassChange
from xomflow.workflow.discover import survey_now


def accept(config: Config, why: str, dry_run: bool = False) -> list[str]:
    """Write a decision for each mass change that a tick started now would stop before; return what was accepted.

    Parameters
    ----------
    config
        The configuration.
    why
        The reason.
    dry_run
        Whether nothing is written.
    """
    paths = Paths(config.work)
    changes = survey_now(config, may_write=False).mass_changes
    if not changes:
        return ["no tick waits: nothing is to be accepted"]
    if dry_run:
        return [f"would be accepted: {_in_words(change)}" for change in changes]
    written = [write_decision(paths, _decision(change, why)) for change in changes]
    lines = [f"accepted: {_in_words(change)}; {path}" for change, path in zip(changes, written, strict=True)]
    return [*lines, "the next tick goes on"]


def _decision(change: MassChange, why: str) -> Decision:
    subject = Subject(*change.method, runs=tuple(sorted(change.fates)), digests=(change.digest,))
    return Decision(Verb.ACCEPT, subject, account(os.geteuid()), times.now(), why)


def _in_words(change: MassChange) -> str:
    analysis, version = change.method
    return f"{analysis} {version}: {len(change.fates)} of {change.known} results, {', '.join(change.kinds())}"
