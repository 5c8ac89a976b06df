"""The survey of a tick as its later steps read it: ``survey.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xomflow.core.key import Key
from xomflow.core.tick_summary import (
    Counts,
    JobCounts,
    ListedKey,
    OldestReady,
    counts_from_json,
    job_counts_from_json,
    job_counts_to_json,
    oldest_ready_from_json,
    oldest_ready_to_json,
)
from xomflow.planning.runs.science_runs import ScienceRunTimes
from xomflow.workflow.documents import ReportConfig


@dataclass(frozen=True, slots=True)
class SurveyDocument:
    """The survey of a tick, as far as its later steps need it.

    Parameters
    ----------
    config
        The part of the configuration that they need.
    counts
        Number of keys in each state, by analysis.
    listed
        Every key that is claimed, or neither done nor ready nor vetoed. The others are only counted: in a backfill
        there are 100,000 of them.
    configuration_errors, site_errors, warnings
        Sentences for people, see `xomflow.core.tick_summary`.
    science_runs
        When the science runs were, for the page.
    for_person
        Sentences about what waits for a person.
    ended_by
        The keys of which one has to succeed to end what a sentence is about: a suspended analysis.
    batch_jobs
        Number of runs in the batch system, by analysis.
    oldest_ready
        The oldest of the ready runs that the tick left, by analysis.
    decisions
        Sentences about the decisions of people that hold.
    """

    config: ReportConfig
    counts: Counts
    listed: list[ListedKey]
    configuration_errors: list[str]
    site_errors: list[str]
    warnings: list[str]
    science_runs: list[ScienceRunTimes]
    for_person: list[str] = field(default_factory=list)
    ended_by: dict[str, list[Key]] = field(default_factory=dict)
    batch_jobs: dict[str, JobCounts] = field(default_factory=dict)
    oldest_ready: dict[str, OldestReady] = field(default_factory=dict)
    decisions: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the form in ``survey.json``."""
        science_runs = [one._asdict() for one in self.science_runs]
        ended_by = {sentence: [one.as_dict() for one in keys] for sentence, keys in self.ended_by.items()}
        return {
            "counts": {analysis: {str(state): n for state, n in of.items()} for analysis, of in self.counts.items()},
            "problems": self.warnings,
            "mistakes": self.configuration_errors,
            "troubles": self.site_errors,
            "items": [one.to_json() for one in self.listed],
            "settings": self.config.to_json(),
            **({"for_person": self.for_person} if self.for_person else {}),
            **({"ended_by": ended_by} if ended_by else {}),
            **job_counts_to_json(self.batch_jobs),
            **oldest_ready_to_json(self.oldest_ready),
            **({"science_runs": science_runs} if science_runs else {}),
            **({"decisions": self.decisions} if self.decisions else {}),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> SurveyDocument:
        """Return what `to_json` wrote, of any version so far."""
        return cls(
            ReportConfig.from_json(content["settings"]),
            counts_from_json(content["counts"]),
            [ListedKey.from_json(one) for one in content["items"]],
            content["mistakes"],
            content["troubles"],
            content["problems"],
            [ScienceRunTimes(**one) for one in content.get("science_runs", [])],
            content.get("for_person", []),
            {sentence: [Key(**one) for one in keys] for sentence, keys in content.get("ended_by", {}).items()},
            job_counts_from_json(content),
            oldest_ready_from_json(content),
            content.get("decisions", []),
        )
