"""Which data the runs of an analysis lack, with one phrase for each run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xomflow.config.model import Config, Software
from xomflow.core.errors import ContextError
from xomflow.core.reason import Reason
from xomflow.rundb.run import Run, describe_missing_entries
from xomflow.storage.availability import Availability


class MissingData:
    """Finds out what runs lack before an analysis can take them.

    Parameters
    ----------
    config
        The configuration.
    available
        Knows which data can be read.
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

    def of(self, analysis: str, runs: list[Run]) -> dict[str, Reason]:
        """Return what each run lacks, by run id; complete runs are left out."""
        if analysis in self._rule_errors:
            broken = Reason(f"its rule file must be fixed: {self._rule_errors[analysis]}")
            return dict.fromkeys((run.id for run in runs), broken)
        block = self._config.analyses[analysis]
        lacking: dict[str, Reason] = {}
        for software, ids in _by_software(self._config, runs):
            if software is None:
                lacking |= dict.fromkeys(ids, Reason("no software is configured for this run"))
            elif block.types:
                lacking |= self._unreadable(analysis, software, ids)
        for run in runs if block.needs_document else ():
            if late := describe_missing_entries(run, block.needs_document):
                lacking[run.id] = Reason("; ".join(filter(None, [late, lacking.get(run.id)])))
        return lacking

    def _unreadable(self, analysis: str, software: Software, ids: list[str]) -> dict[str, Reason]:
        """Return which strax data of these runs cannot be read; an analysis with a broken context stops no other."""
        block, program = self._config.analyses[analysis], software.program
        context = self._config.context_of(analysis, software)
        try:
            lacking = self._available.lacking(program, context, ids, block.alternatives)
            self._absent_places += self._available.absent_places(program, context, block.types)
        except ContextError as error:
            self._context_errors.setdefault(str(error), {})[f"analyses.{analysis}"] = None
            return dict.fromkeys(ids, Reason(f"the data that it needs are unknown: {error}"))
        return {run: Reason(words) for run, words in lacking.items()}

    def keep(self) -> None:
        """Keep what was expensive to find, where that is allowed."""
        self._available.keep()


def _by_software(config: Config, runs: Iterable[Run]) -> Iterable[tuple[Software | None, list[str]]]:
    """Return the ids of runs, grouped by the software for them."""
    runs = list(runs)
    # Software is for a range of runs, so that of the first and the last is that of all between them.
    ends = [config.software_of(number) for number in _ends(runs)]
    if ends and ends[0] is not None and ends[0] is ends[-1]:
        return [(ends[0], [run.id for run in runs])]
    groups: dict[int, tuple[Software | None, list[str]]] = {}
    for run in runs:
        software = config.software_of(run.number)
        groups.setdefault(id(software), (software, []))[1].append(run.id)
    return groups.values()


def _ends(runs: list[Run]) -> list[int]:
    numbers = [run.number for run in runs]
    return [min(numbers), max(numbers)] if numbers else []
