"""Accept the changes before which a tick stops, and that runs are gone from the run database: a decision for each."""

from __future__ import annotations

import os

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.key import run_id
from xomflow.core.paths import Paths
from xomflow.decisions.files import account, write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.planning.brake import MassChange
from xomflow.workflow.discover import survey_now


def accept(config: Config, why: str, dry_run: bool = False) -> list[str]:
    """Write a decision for each mass change that a tick started now would stop before; return a sentence for each.

    If there is none, it is one for the runs that are gone from the run database.

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
    survey = survey_now(config, may_write=False)
    subjects = {_in_words(change): _subject(change) for change in survey.mass_changes}
    words = f"{len(survey.unseen)} runs are gone from the run database, such as {run_id(max(survey.unseen, default=0))}"
    later = [f"not accepted: {words}; if this is right too, type the command again"]
    if survey.unseen and not subjects:  # each word of a person is for one thing
        subjects[words], later = Subject(runs=tuple(map(run_id, sorted(survey.unseen)))), []
    if not subjects:
        return ["no tick waits: nothing is to be accepted"]
    if dry_run:
        return [f"would be accepted: {words}" for words in subjects]
    decisions = {words: _decision(subject, why) for words, subject in subjects.items()}
    lines = [f"accepted: {words}; {write_decision(paths, one)}" for words, one in decisions.items()]
    return [*lines, *(later if survey.unseen else []), "the next tick goes on"]


def _decision(subject: Subject, why: str) -> Decision:
    return Decision(Verb.ACCEPT, subject, account(os.geteuid()), times.now(), why)


def _subject(change: MassChange) -> Subject:
    return Subject(*change.method, runs=tuple(sorted(change.fates)), digests=(change.digest,))


def _in_words(change: MassChange) -> str:
    analysis, version = change.method
    return f"{analysis} {version}: {len(change.fates)} of {change.known} results, {', '.join(change.kinds())}"
