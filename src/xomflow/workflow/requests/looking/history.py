"""What happened to a run: its attempts, the decisions about it and the ticks that took it, in the order of time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from xomflow.core import times
from xomflow.core.key import group_id, run_id, shelf_of
from xomflow.core.paths import Paths
from xomflow.decisions.files import read_decisions
from xomflow.decisions.model import Decision, Verb
from xomflow.jobs.run_lock import lock_owners
from xomflow.outcomes.campaigns.groups import read_groups
from xomflow.outcomes.files import list_versions, names_in
from xomflow.outcomes.model import Outcome
from xomflow.outcomes.reading import outcome_named, read_document
from xomflow.rundb.run_metadata import RunMetadata
from xomflow.slurm.submitting import submissions
from xomflow.workflow.upkeep.past_ticks import claims_of_ticks


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """One thing that happened.

    Parameters
    ----------
    when
        Its time.
    about
        Analysis, version and run or campaign, as far as it is about one; empty: it is about the run itself.
    what, details
        In words.
    """

    when: datetime
    about: str
    what: str
    details: str


def history(paths: Paths, number: int, now: datetime) -> tuple[list[Event], list[str]]:
    """Return what happened to a run, in the order of time, and sentences about what could not be read.

    Parameters
    ----------
    paths
        Where everything is.
    number
        Run number.
    now
        The present.
    """
    problems: list[str] = []
    ids = {run_id(number), *_campaigns_with(paths, number)}
    decisions = read_decisions(paths)
    problems += decisions.problems
    events = [
        *_of_the_run(paths, number),
        *_attempts(paths, ids, problems),
        *_claims(paths, ids, problems),
        *_decisions(decisions.made, ids),
        *_at_work(paths, ids, now),
    ]
    return sorted(events), problems


def _campaigns_with(paths: Paths, number: int) -> Iterator[str]:
    """Yield the ids of the campaigns with a run: those of today, and those that have, or had, an outcome."""
    for known in (read_groups(paths) or {}).values():
        yield from (group_id(members) for members in known.groups.members if number in members)
        yield from (name for name, revision in known.revisions.items() if number in revision.runs)


def _of_the_run(paths: Paths, number: int) -> Iterator[Event]:
    run = RunMetadata(paths).runs(shelf_of(run_id(number))).get(number)
    if run is not None:
        yield Event(run.start, "", "the run began", f"mode {run.mode}")
        if run.end:
            yield Event(run.end, "", "the run ended", f"it took {times.span((run.end - run.start).total_seconds())}")


# --- attempts ---------------------------------------------------------------------------------------------------------
def _attempts(paths: Paths, ids: Set[str], problems: list[str]) -> Iterator[Event]:
    for path in _records(paths, ids):
        try:
            yield _attempt(_outcome(path), path)
        except (OSError, ValueError) as error:
            if os.path.lexists(path):  # else it was renamed meanwhile
                problems.append(f"{path}: {error}")


def _records(paths: Paths, ids: Set[str]) -> Iterator[Path]:
    """Yield the outcomes and failure records of some runs or campaigns, of all analyses and versions."""
    for analysis in sorted(name for name in names_in(paths.outcomes) if not name.startswith(".")):
        for version in list_versions(paths, analysis):
            for shelf in {shelf_of(one) for one in ids}:
                folder = paths.shelves(analysis, version) / shelf
                yield from (folder / name for name in names_in(folder) if name.partition(".")[0] in ids)


def _outcome(path: Path) -> Outcome:
    name = path.name.replace(".superseded.", ".")  # the status in it is that of an outcome
    return outcome_named((path.parent.parent.parent.name, path.parent.parent.name), name, read_document(path))


def _attempt(outcome: Outcome, path: Path) -> Event:
    took, job = times.span(outcome.resources.wall_s), outcome.provenance.batch_job
    where = f"{took} at {outcome.provenance.host}" + (f", job {job.job} in {job.system}" if job else "")
    name = str(outcome.key)
    if outcome.failure:
        why = f"{outcome.failure.kind}: {outcome.failure.message}"
        what, details = f"attempt {outcome.attempt} failed", f"{why} ({where}); log {outcome.failure.log}"
    else:
        what, details = f"attempt {outcome.attempt} is done", where
        if path.name.endswith(".superseded.json"):
            details += "; its outcome is superseded"
    return Event(times.moment(outcome.ended), name, what, details)


# --- ticks, decisions, and what works on it ---------------------------------------------------------------------------
def _claims(paths: Paths, ids: Set[str], problems: list[str]) -> Iterator[Event]:
    for began, tick, claim in claims_of_ticks(paths, problems):
        if claim.key.run in ids:
            yield Event(began, str(claim.key), "a tick took it", f"tick {tick}, attempt {claim.attempt}")


def _decisions(made: Iterable[Decision], ids: Set[str]) -> Iterator[Event]:
    about = {one.name: one for one in made if one.what is not Verb.WITHDRAW and ids & set(one.subject.runs)}
    withdrawn = [one for one in made if about.keys() & set(one.subject.decisions)]
    for one in [*about.values(), *withdrawn]:
        until = f", until {times.text(one.until)}" if one.until else ""
        subject = " ".join(filter(None, (one.subject.analysis, one.subject.version)))
        yield Event(one.when, subject, f"{one.who} decided: {one.what}", f"{one.why}{until} ({one.name})")


def _at_work(paths: Paths, ids: Set[str], now: datetime) -> Iterator[Event]:
    owners = {key: owner for key, owner in lock_owners(paths).items() if key.run in ids}
    for key, owner in owners.items():
        what = "works on it" if owner.held else "worked on it and left its lock"
        yield Event(min(owner.began, now), str(key), f"attempt {owner.attempt} {what}", owner.where)
    for key, one in submissions.noted(paths).items():
        if key.run in ids and key not in owners:
            what = f"attempt {one.attempt} was submitted"
            yield Event(one.submitted, str(key), what, f"job {one.job}" if one.job else "its job has no number yet")
