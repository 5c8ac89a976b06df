"""Which data the runs of an analysis lack, with one phrase for each run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from xomflow.config.model import Config, Software
from xomflow.core.errors import ContextError
from xomflow.core.reason import Reason
from xomflow.rundb.run import Run, describe_missing_entries
from xomflow.storage.availability import Availability

# Returns phrases about some runs, by their ids.
_Describe = Callable[[Collection[str]], Mapping[str, str]]


@dataclass(slots=True)
class Lacking:
    """The runs that lack something; phrases about it are made only for those that are asked for.

    Parameters
    ----------
    data
        Ids of runs that lack data, in groups, each with what makes the phrases.
    entries
        The runs whose documents lack entries, by id, with phrases about them.
    """

    data: list[tuple[Collection[str], _Describe]] = field(default_factory=list)
    entries: dict[str, Reason] = field(default_factory=dict)

    @property
    def runs(self) -> set[str]:
        """Ids of the runs."""
        return {run for runs, _ in self.data for run in runs} | self.entries.keys()

    def describe(self, runs: Collection[str]) -> dict[str, Reason]:
        """Return what each of some runs lacks, by run id; complete runs are left out."""
        found: dict[str, str] = {}
        for poor, words in self.data:
            found |= words([run for run in runs if run in poor])
        late = {run: self.entries[run] for run in runs if run in self.entries}
        joined = {run: "; ".join(filter(None, [late.get(run), found.get(run)])) for run in found | late}
        return {run: Reason(words) for run, words in joined.items()}


class MissingData:
    """Finds out what runs lack before an analysis can take them.

    Parameters
    ----------
    config
        The configuration.
    available
        Finds which data can be read.
    rule_errors
        Errors in rule files, by analysis: all runs of these analyses wait.
    """

    def __init__(self, config: Config, available: Availability, rule_errors: Mapping[str, str]) -> None:
        self._config = config
        self._available = available
        self._rule_errors = rule_errors
        self._absent_places: list[str] = []
        self._context_errors: dict[str, dict[str, None]] = {}  # analyses, in order, by the error that they share

    @property
    def configuration_errors(self) -> list[str]:
        """Sentences about the errors for which runs wait, as far as runs were asked about."""
        shared = [f"{', '.join(analyses)}: {error}" for error, analyses in self._context_errors.items()]
        return [*self._rule_errors.values(), *self._absent_places, *shared]

    def of(self, analysis: str, runs: list[Run]) -> Lacking:
        """Return which of these runs lack something."""
        lacking = Lacking()
        if analysis in self._rule_errors:
            broken = f"its rule file must be fixed: {self._rule_errors[analysis]}"
            lacking.data.append(_alike({run.id for run in runs}, broken))
            return lacking
        block = self._config.analyses[analysis]
        for software, ids in _by_software(self._config, runs):
            if software is None:
                lacking.data.append(_alike(set(ids), "no software is configured for this run"))
            elif block.types:
                lacking.data.append(self._unreadable(analysis, software, ids))
        for run in runs if block.needs_document else ():
            if late := describe_missing_entries(run, block.needs_document):
                lacking.entries[run.id] = late
        return lacking

    def _unreadable(self, analysis: str, software: Software, ids: list[str]) -> tuple[Collection[str], _Describe]:
        """Return which strax data of these runs cannot be read; an analysis with a broken context stops no other."""
        block, program = self._config.analyses[analysis], software.program
        context = self._config.context_of(analysis, software)
        try:
            poor = self._available.lacking(program, context, ids, block.alternatives)
            self._absent_places += self._available.absent_places(program, context, block.types)
        except ContextError as error:
            self._context_errors.setdefault(str(error), {})[f"analyses.{analysis}"] = None
            return _alike(set(ids), f"the data that it needs are unknown: {error}")

        def describe(runs: Collection[str]) -> dict[str, str]:
            return self._available.describe(program, context, {run: poor[run] for run in runs}, block.alternatives)

        return poor, describe


def _alike(runs: Collection[str], words: str) -> tuple[Collection[str], _Describe]:
    """Return runs that all lack the same."""
    return runs, lambda some: dict.fromkeys(some, words)


def _by_software(config: Config, runs: list[Run]) -> Iterable[tuple[Software | None, list[str]]]:
    """Return the ids of runs, grouped by the software for them."""
    numbers = [run.number for run in runs]
    # Software is for a range of runs, so that of the first and the last is that of all between them.
    if numbers and (first := config.software_of(min(numbers))) and first is config.software_of(max(numbers)):
        return [(first, [run.id for run in runs])]
    groups: dict[int, tuple[Software | None, list[str]]] = {}
    for run in runs:
        software = config.software_of(run.number)
        groups.setdefault(id(software), (software, []))[1].append(run.id)
    return groups.values()
