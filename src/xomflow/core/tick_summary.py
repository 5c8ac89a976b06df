"""What a tick leaves for people and for other ticks: its summary, with the keys it lists and the receipt of publishing.

Sentences for people come in four kinds, told apart by what a person has to do:

- a **configuration error** keeps an analysis from working: fix ``config.yaml`` or a rule file (exit code 3);
- a **site error** is a fault of a store, a disk or a file: look at it, nothing is lost (exit code 6);
- what **waits for a person** goes on when that person has done what the sentence names (exit code 8);
- a **warning** is about single run documents or an analysis that selects no run (no exit code).

The files have older names for them: ``mistakes``, ``troubles`` and ``problems``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from xomflow.core import times
from xomflow.core.key import Key
from xomflow.core.state import State

Counts = dict[str, dict[State, int]]


class JobCounts(NamedTuple):
    """Number of runs in the batch system: those that wait there, and those that a job works on."""

    pending: int = 0
    running: int = 0


class OldestReady(NamedTuple):
    """The oldest run of an analysis that is ready and waits for a tick to take it.

    Parameters
    ----------
    run
        Its id.
    since
        End of the run.
    """

    run: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ListedKey:
    """One key as survey and summary list it.

    Parameters
    ----------
    key
        Which analysis and run.
    state, reason
        Its state, with a phrase for people.
    attempt
        Number of the next attempt, or of the one that runs; of a failed key, once its record was read, of the newest.
    since
        End of its run; None if that is unknown.
    next_try
        When the next attempt is due; None if none is.
    log
        Path of the log of its newest attempt; None if there is none.
    start
        Start of its run; None if that is unknown.
    kind
        Class of its newest failure; empty if it has not failed.
    """

    key: Key
    state: State
    reason: str
    attempt: int = 1
    since: datetime | None = None
    next_try: datetime | None = None
    log: str | None = None
    start: datetime | None = None
    kind: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the form in files."""
        known = {"log": self.log, "start": times.text_or_none(self.start), "class": self.kind or None}
        return {
            **self.key.as_dict(),
            "state": str(self.state),
            "reason": self.reason,
            "attempt": self.attempt,
            "since": times.text_or_none(self.since),
            "next_try": times.text_or_none(self.next_try),
            **{name: value for name, value in known.items() if value is not None},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ListedKey:
        """Return what `to_json` wrote."""
        return cls(
            Key(content["analysis"], content["version"], content["run"]),
            State(content["state"]),
            content["reason"],
            content["attempt"],
            times.moment_or_none(content["since"]),
            times.moment_or_none(content["next_try"]),
            content.get("log"),
            times.moment_or_none(content.get("start")),
            content.get("class", ""),
        )


@dataclass(slots=True)
class Receipt:
    """What a tick published.

    Parameters
    ----------
    outcomes, points
        Number of outcomes that the store did not have in this form, and of their points.
    away
        Whether the store could not be used at all.
    problems
        Sentences about outcomes that could not be read, and about shelves that the store did not accept.
    """

    outcomes: int = 0
    points: int = 0
    away: bool = False
    problems: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the form in files."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Receipt:
        """Return what `to_json` wrote."""
        return cls(**content)


@dataclass(frozen=True, slots=True)
class Summary:
    """Where everything stands at the end of a tick.

    Parameters
    ----------
    tick
        Name of the tick.
    started, ended
        When it started and ended, UTC.
    counts
        Number of keys in each state, by analysis.
    taken
        The keys that the tick claimed, as they are now.
    listed
        Every key that is not done and was not left for a later tick; of very many in one state, those in the middle are
        only counted.
    configuration_errors, site_errors, warnings
        Sentences for people, see above.
    published
        The receipt of publishing; None if that step did not end.
    for_person
        Sentences about what waits for a person.
    batch_jobs
        Number of runs in the batch system when the tick looked for work, by analysis.
    oldest_ready
        The oldest ready run, by analysis; an analysis without one is left out.
    decisions
        Sentences about the decisions of people that hold.
    """

    tick: str
    started: datetime
    ended: datetime
    counts: Counts = field(default_factory=dict)
    taken: list[ListedKey] = field(default_factory=list)
    listed: list[ListedKey] = field(default_factory=list)
    configuration_errors: list[str] = field(default_factory=list)
    site_errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    published: Receipt | None = None
    for_person: list[str] = field(default_factory=list)
    batch_jobs: dict[str, JobCounts] = field(default_factory=dict)
    oldest_ready: dict[str, OldestReady] = field(default_factory=dict)
    decisions: list[str] = field(default_factory=list)

    @property
    def only_counted(self) -> Counter[State]:
        """Number of the keys in each state that are counted and not listed, of all analyses."""
        counted = Counter[State]()
        for numbers in self.counts.values():
            counted.update(numbers)
        counted.subtract(one.state for one in self.listed)
        return counted

    def to_json(self) -> dict[str, Any]:
        """Return the form in ``summary.json``."""
        return {
            "tick": self.tick,
            "started": times.text(self.started),
            "ended": times.text(self.ended),
            "counts": {analysis: {str(state): n for state, n in of.items()} for analysis, of in self.counts.items()},
            "taken": [one.to_json() for one in self.taken],
            "items": [one.to_json() for one in self.listed],
            "problems": self.warnings,
            "mistakes": self.configuration_errors,
            "troubles": self.site_errors,
            "published": self.published.to_json() if self.published else None,
            **({"for_person": self.for_person} if self.for_person else {}),
            **job_counts_to_json(self.batch_jobs),
            **oldest_ready_to_json(self.oldest_ready),
            **({"decisions": self.decisions} if self.decisions else {}),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Summary:
        """Return what `to_json` wrote, of any version so far; a document of another form raises an error."""
        return cls(
            content["tick"],
            times.moment(content["started"]),
            times.moment(content["ended"]),
            counts_from_json(content["counts"]),
            [ListedKey.from_json(one) for one in content["taken"]],
            [ListedKey.from_json(one) for one in content["items"]],
            content["mistakes"],
            content["troubles"],
            content["problems"],
            Receipt.from_json(content["published"]) if content["published"] else None,
            content.get("for_person", []),
            job_counts_from_json(content),
            oldest_ready_from_json(content),
            content.get("decisions", []),
        )


def oldest_of(ready: Iterable[tuple[Key, datetime | None]]) -> dict[str, OldestReady]:
    """Return the oldest of ready runs by analysis, from their keys and the ends of their runs."""
    found: dict[str, OldestReady] = {}
    for key, since in ready:
        if since and (key.analysis not in found or since < found[key.analysis].since):
            found[key.analysis] = OldestReady(key.run, since)
    return found


def oldest_ready_to_json(oldest: Mapping[str, OldestReady]) -> dict[str, Any]:
    """Return the entry of a file with the oldest ready runs; none where there are none."""
    return {"oldest_ready": {name: [one.run, times.text(one.since)] for name, one in oldest.items()}} if oldest else {}


def oldest_ready_from_json(content: Mapping[str, Any]) -> dict[str, OldestReady]:
    """Return what `oldest_ready_to_json` added to the content of a file."""
    found = content.get("oldest_ready", {})
    return {analysis: OldestReady(run, times.moment(since)) for analysis, (run, since) in found.items()}


def name_among(counts: Mapping[str, object], key: Key) -> str:
    """Return the name under which a key was counted: of a trial with its version, ``kr83m+v2``."""
    trial = f"{key.analysis}+{key.version}"
    return trial if trial in counts else key.analysis


def counts_from_json(content: Mapping[str, Mapping[str, int]]) -> Counts:
    """Return the number of keys in each state, by analysis, from a file."""
    return {analysis: {State(state): number for state, number in of.items()} for analysis, of in content.items()}


def job_counts_to_json(batch_jobs: Mapping[str, JobCounts]) -> dict[str, Any]:
    """Return the entry of a file with the number of jobs in the batch system; none where there are no jobs."""
    return {"batch_jobs": {analysis: one._asdict() for analysis, one in batch_jobs.items()}} if batch_jobs else {}


def job_counts_from_json(content: Mapping[str, Any]) -> dict[str, JobCounts]:
    """Return what `job_counts_to_json` added to the content of a file."""
    return {analysis: JobCounts(**one) for analysis, one in content.get("batch_jobs", {}).items()}
