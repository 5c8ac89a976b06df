"""Which results were made by another lineage, software, script or settings than a tick would use today."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from xomflow.config.load import script_of
from xomflow.config.model import Config, Software
from xomflow.core.errors import ContextError
from xomflow.core.key import first_run
from xomflow.core.paths import Paths
from xomflow.outcomes.cache import OutcomeCache, Shelf
from xomflow.outcomes.campaigns.groups import CurrentResults
from xomflow.outcomes.past.makers import Made, Maker, look_at_makers
from xomflow.storage.context_probe import ContextProbe
from xomflow.workflow.discover import open_context_probe
from xomlib.files import digest

# What can differ, in the order of tables.
PARTS = ("lineage", "software", "script", "settings")
# Packages whose version is part of the software; the others change no data.
_PACKAGES = ("strax", "straxen", "cutax")


@dataclass(frozen=True, slots=True)
class Today:
    """What a tick would make a result with.

    Parameters
    ----------
    script, settings
        Their digests.
    software
        Name of the software.
    lineage, versions
        As far as they are known.
    """

    script: str
    settings: str
    software: str
    lineage: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Outdated:
    """The outdated results of one analysis.

    Parameters
    ----------
    analysis, version
        Which analysis.
    results
        Number of all its current results.
    outdated
        Number of those that are outdated.
    parts
        In how many of them each part differs.
    example
        Id of the newest of them; empty if there is none.
    """

    analysis: str
    version: str
    results: int = 0
    outdated: int = 0
    parts: Counter[str] = field(default_factory=Counter)
    example: str = ""

    def add(self, parts: frozenset[str], number: int, newest: str) -> None:
        """Add results in which these parts differ."""
        self.results += number
        if parts:
            self.outdated += number
            self.parts.update(dict.fromkeys(parts, number))
            self.example = max(self.example, newest)


@dataclass(frozen=True, slots=True)
class OutdatedRun:
    """One outdated result: analysis, version, id of its run, and what differs."""

    analysis: str
    version: str
    run: str
    parts: tuple[str, ...]


def differences(maker: Maker, today: Today | None) -> frozenset[str]:
    """Return in which parts the making of a result differs from today; a part that is unknown does not count."""
    if today is None:
        return frozenset()
    made = dict(maker.versions)
    versions = [name for name in _PACKAGES if name in today.versions and name in made]
    found = {
        "lineage": any(today.lineage.get(name, hashed) != hashed for name, hashed in maker.lineage),
        # Another checkout of the same software has another path, so the name counts only where no version is known.
        "software": any(made[name] != today.versions[name] for name in versions)
        if versions
        else maker.software != today.software,
        "script": bool(maker.script) and maker.script != today.script,
        "settings": bool(maker.settings) and maker.settings != today.settings,
    }
    return frozenset(part for part, differs in found.items() if differs)


class _AllToday:
    """What a tick would make the results of each analysis with today."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._probe: ContextProbe = open_context_probe(config, may_write=False)
        self._known: dict[tuple[str, int], Today] = {}
        self.problems: dict[str, None] = {}

    def of(self, analysis: str, run: str) -> Today | None:
        """Return it for a run or campaign; None if no software is configured for it."""
        software = self._config.software_of(first_run(run))
        if software is None:
            return None
        place = (analysis, self._config.software.index(software))
        if place not in self._known:
            self._known[place] = self._today(analysis, software)
        return self._known[place]

    def is_one(self, made: Made) -> bool:
        """Return whether the same software is configured for all these results."""
        software = self._config.software_of(first_run(made.first))
        return software is not None and software.covers(first_run(made.last))

    def _today(self, analysis: str, software: Software) -> Today:
        block, program = self._config.analyses[analysis], software.program
        script = digest(script_of(self._config, analysis).read_bytes())
        settings = digest(json.dumps(block.settings, sort_keys=True).encode())
        # Versions are found with data types: for an analysis without any, with those of another one.
        named = {analysis: block, **self._config.analyses}
        lender = next((name for name, one in named.items() if one.types), None)
        if lender is None:
            return Today(script, settings, program.name)
        try:
            found = self._probe.describe(program, self._config.context_of(lender, software), named[lender].types)
        except ContextError as error:
            self.problems[f"{error}; its lineage is not compared"] = None
            return Today(script, settings, program.name)
        return Today(script, settings, program.name, found.hashes, found.versions)


class _Results:
    """The current results of the configured versions."""

    def __init__(self, config: Config) -> None:
        self._paths = Paths(config.work)
        self._versions = {name: block.version for name, block in config.analyses.items()}
        self._outcomes = OutcomeCache(self._paths, may_write=False)

    @functools.cached_property
    def _current(self) -> CurrentResults:
        return CurrentResults(self._paths)

    def by_maker(self) -> Iterator[tuple[Shelf, Maker, Made]]:
        """Yield them by shelf and maker."""
        for shelf, makers in look_at_makers(self._paths).found.items():
            if self._versions.get(shelf.analysis) == shelf.version:
                yield from ((shelf, maker, made) for maker, made in makers.made.items())

    def runs(self, shelf: Shelf, maker: Maker) -> list[str]:
        """Return the ids of those of a shelf that have this maker."""
        outcomes = self._current.of(shelf, self._outcomes.outcomes(shelf))
        return [run for run, outcome in outcomes.items() if Maker.of(outcome) == maker]


def outdated(config: Config) -> tuple[list[Outdated], list[str]]:
    """Return the outdated results by analysis, and sentences about what could not be compared; reads only."""
    found = [_outdated(one) for one in _with_trials(config)]
    return [one for all_of, _ in found for one in all_of], list(dict.fromkeys(one for _, said in found for one in said))


def outdated_runs(config: Config) -> tuple[list[OutdatedRun], list[str]]:
    """Return each outdated result, the newest runs of each analysis first, and sentences as of `outdated`."""
    found = [_outdated_runs(one) for one in _with_trials(config)]
    return [one for all_of, _ in found for one in all_of], list(dict.fromkeys(one for _, said in found for one in said))


def _with_trials(config: Config) -> list[Config]:
    return [config, *filter(None, [config.trials])]


def _outdated(config: Config) -> tuple[list[Outdated], list[str]]:
    today, results = _AllToday(config), _Results(config)
    found = {name: Outdated(name, block.version) for name, block in config.analyses.items()}
    for shelf, maker, made in results.by_maker():
        if today.is_one(made):
            found[shelf.analysis].add(differences(maker, today.of(shelf.analysis, made.last)), made.number, made.last)
            continue
        for run in results.runs(shelf, maker):
            found[shelf.analysis].add(differences(maker, today.of(shelf.analysis, run)), 1, run)
    return list(found.values()), list(today.problems)


def _outdated_runs(config: Config) -> tuple[list[OutdatedRun], list[str]]:
    today, results, found = _AllToday(config), _Results(config), list[OutdatedRun]()
    for shelf, maker, made in results.by_maker():
        if today.is_one(made) and not differences(maker, today.of(shelf.analysis, made.last)):
            continue
        for run in results.runs(shelf, maker):
            if parts := differences(maker, today.of(shelf.analysis, run)):
                ordered = tuple(part for part in PARTS if part in parts)
                found.append(OutdatedRun(shelf.analysis, shelf.version, run, ordered))
    found.sort(key=lambda one: one.run, reverse=True)
    return sorted(found, key=lambda one: one.analysis), list(today.problems)
