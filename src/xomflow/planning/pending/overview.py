"""The modes, detectors, tags and science runs among runs: warnings need them, and nothing else of the run documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from xomflow.config.model import Analysis, ScienceRun
from xomflow.core.messages import did_you_mean
from xomflow.planning.runs.science_runs import Span, join_spans, spans_of
from xomflow.planning.runs.selection import matches
from xomflow.rundb.run import Run


@dataclass(slots=True)
class Overview:
    """The modes, detectors, tags and science runs among some runs.

    Parameters
    ----------
    runs
        Their number.
    modes, detectors
        Their modes, and the detectors that took part in one of them.
    tags
        For each tag the number of runs that have it, and the id of the newest.
    spans
        When the science runs were, by name.
    """

    runs: int = 0
    modes: set[str] = field(default_factory=set)
    detectors: set[str] = field(default_factory=set)
    tags: dict[str, tuple[int, str]] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)

    @classmethod
    def of(cls, groups: Iterable[Mapping[str, Run]], science_runs: Iterable[ScienceRun]) -> Overview:
        """Return the overview of runs, which are given by id and in groups with equal `selection_key`."""
        found = cls()
        for group in groups:
            sample = next(iter(group.values()))
            one = cls(len(group), {sample.mode}, set(sample.detectors))
            one.tags = dict.fromkeys(sample.tags, (len(group), max(group)))
            one.spans = spans_of(science_runs, group.values()) if science_runs else {}
            found.add(one)
        return found

    def add(self, other: Overview) -> None:
        """Add what there is among other runs."""
        self.runs += other.runs
        self.modes |= other.modes
        self.detectors |= other.detectors
        for tag, (number, newest) in other.tags.items():
            known = self.tags.get(tag, (0, newest))
            self.tags[tag] = (known[0] + number, max(known[1], newest))
        join_spans(self.spans, other.spans)

    def to_json(self) -> dict[str, Any]:
        """Return the form in files."""
        return {**asdict(self), "modes": sorted(self.modes), "detectors": sorted(self.detectors), "spans": self.spans}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Overview:
        """Return what `to_json` wrote."""
        tags = {str(tag): (int(number), str(newest)) for tag, (number, newest) in content["tags"].items()}
        spans = {str(name): Span(*one) for name, one in content["spans"].items()}
        return cls(int(content["runs"]), set(content["modes"]), set(content["detectors"]), tags, spans)

    def describe_empty_selection(self, place: str, block: Analysis) -> str:
        """Return a sentence about an analysis that selects no run, with those of its names that no run has.

        Parameters
        ----------
        place
            The analysis' place in the configuration.
        block
            Its block there.
        """
        modes, detectors = self.modes, self.detectors
        unknown = [
            ("mode", name, modes) for name in block.run_modes if not any(matches(mode, [name]) for mode in modes)
        ]
        unknown += [("detector", name, detectors) for name in block.detectors if name not in detectors]
        why = [f", none has the {kind} '{name}'{did_you_mean(name, sorted(known))}" for kind, name, known in unknown]
        return f"{place} selects none of the {self.runs} runs{''.join(why)}"
