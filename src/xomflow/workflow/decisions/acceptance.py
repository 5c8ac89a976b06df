"""Accept the changes before which a tick stops, and that runs are gone from the run database: a decision for each."""

from __future__ import annotations

from xomflow.config.model import Config
from xomflow.core.key import Key, run_id
from xomflow.decisions.model import Subject, Verb
from xomflow.planning.brake import MassChange
from xomflow.workflow.decisions.proposal import Proposal
from xomflow.workflow.discover import survey_now


def accept(config: Config) -> Proposal | None:
    """Return the acceptance of each mass change that a tick started now would stop before; None if there is nothing.

    If no tick would stop, it is that of the runs that are gone from the run database: each word of a person is for one
    thing.
    """
    survey = survey_now(config, may_write=False)
    gone = tuple(map(run_id, sorted(survey.unseen)))
    words = f"{len(gone)} runs are gone from the run database, such as {gone[-1]}" if gone else ""
    if changes := survey.mass_changes:
        later = (f"not accepted: {words}; if this is right too, type the command again",) if gone else ()
        keys = tuple(Key(*change.method, run) for change in changes for run in sorted(change.fates))
        notes = (*(f"to accept: {_in_words(change)}" for change in changes), *later)
        return Proposal(Verb.ACCEPT, tuple(map(_subject, changes)), keys, "to be accepted as they are now", notes)
    if not gone:
        return None
    keys = tuple(Key("", "", run) for run in gone)
    return Proposal(Verb.ACCEPT, (Subject(runs=gone),), keys, "to be given up", (f"to accept: {words}",))


def _subject(change: MassChange) -> Subject:
    return Subject(*change.method, runs=tuple(sorted(change.fates)), digests=(change.digest,))


def _in_words(change: MassChange) -> str:
    analysis, version = change.method
    return f"{analysis} {version}: {len(change.fates)} of {change.known} results, {', '.join(change.kinds())}"
