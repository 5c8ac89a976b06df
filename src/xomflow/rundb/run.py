"""Runs, made of run documents: what selection and results need of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from xomflow.core import times
from xomflow.core.key import group_id, run_id
from xomflow.core.reason import Reason
from xomflow.rundb.united import RunEntries
from xomlib.documents.run_document import read_run_document


class Run(NamedTuple):
    """One run, or a campaign as if it were one run.

    Parameters
    ----------
    number, mode, source, status, detectors, tags, start, end, rate, rate_max, comments
        What the run document has, see `xomlib.documents.run_document.RunDocument`.
    members, missing
        Of a campaign: numbers of the runs that are analysed together, and of those that belong to it and are left out.
    """

    number: int
    mode: str
    source: str
    status: str
    detectors: frozenset[str]
    tags: frozenset[str]
    start: datetime
    end: datetime | None
    rate: tuple[tuple[str, float], ...]
    rate_max: tuple[tuple[str, float], ...]
    comments: tuple[str, ...]
    members: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """The six-digit id of the run, or the id of the campaign."""
        return group_id(self.members) if self.members else run_id(self.number)

    @property
    def entries(self) -> RunEntries:
        """What results have of the run."""
        seconds = (self.end - self.start).total_seconds() if self.end else None
        return RunEntries(self.mode, self.source, sorted(self.tags), list(self.comments), dict(self.rate), seconds)

    def as_dict(self) -> dict[str, Any]:
        """Return the entry ``run`` of job descriptions and outcomes."""
        campaign = {"runs": self.members, "runs_missing": self.missing} if self.members else {}
        return {
            **{name: [run_id(number) for number in numbers] for name, numbers in campaign.items()},
            "number": self.number,
            "mode": self.mode,
            "source": self.source,
            "start": times.text(self.start),
            "end": times.text_or_none(self.end),
            "detectors": sorted(self.detectors),
            "tags": sorted(self.tags),
            "comments": list(self.comments),
            "rate": dict(self.rate),
            "rate_max": dict(self.rate_max),
        }

    def as_document(self) -> dict[str, Any]:
        """Return a run document from which `run_of` makes this run again."""
        mean, highest = dict(self.rate), dict(self.rate_max)
        moments = {"start": self.start, "end": self.end}
        return {
            **self.as_dict(),
            **{name: {"$date": moment.isoformat()} for name, moment in moments.items() if moment},
            "status": self.status,
            "rate": {
                name: {key: rates[name] for key, rates in (("avg", mean), ("max", highest)) if name in rates}
                for name in mean | highest
            },
        }


def run_of(document: Any) -> Run:
    """Return the run of a run document; `xomlib.documents.run_document.BadDocument` if it cannot be read."""
    return Run(*read_run_document(document))


def describe_missing_entries(run: Run, entries: Iterable[str]) -> Reason | None:
    """Return which of these entries the run document does not have yet, as a reason to wait; None if it has all."""
    missing = [name for name in entries if not getattr(run, name)]
    return Reason(f"waiting for the {' and the '.join(missing)} in the run document") if missing else None
