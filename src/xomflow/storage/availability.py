"""Which data of which runs can be read: answered for all runs at once, the same as strax answers for each.

Frontends are looked into in strax's order. Where strax would raise, because metadata cannot be read, the data are not
available, even if a later frontend has them: reading would raise as well. If only strax can look into a frontend, strax
is asked, in one process, about all runs that no earlier frontend has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from xomflow.config.model import Context
from xomflow.config.software import Program
from xomflow.rundb.database import RunDB
from xomflow.storage.context_probe import ContextProbe
from xomflow.storage.folder_listings import FolderListings
from xomflow.storage.frontend import Sources
from xomflow.storage.locations import DataLocations, describe_location
from xomflow.storage.missing import describe_missing


class Availability:
    """Answers which data can be read, for one tick.

    Parameters
    ----------
    probe
        Asks contexts for lineage hashes and storage frontends.
    rundb
        The run database of the workflow; None: there is none.
    folders
        Folders of strax data; None: new ones, of which nothing is kept.
    locations
        Where the data of waiting runs are; None: sentences do not name it.
    """

    def __init__(
        self,
        probe: ContextProbe,
        rundb: RunDB | None = None,
        folders: FolderListings | None = None,
        locations: DataLocations | None = None,
    ) -> None:
        self._probe = probe
        self._folders = folders or FolderListings()
        self._sources = Sources(self._folders, rundb)
        self._locations = locations
        self._reported_absent: set[str] = set()

    def stored(
        self, program: Program, context: Context, runs: Collection[str], types: Iterable[str]
    ) -> dict[str, set[str]]:
        """Return for each run id the types that can be read.

        Parameters
        ----------
        program, context
            Software and context of the runs.
        runs
            Run ids.
        types
            Strax data types.

        Raises
        ------
        ContextError
            If the context cannot be asked, or one of its folders cannot be listed.
        RunDBError
            If its run database cannot be asked.
        """
        types = sorted(types)
        described = self._probe.describe(program, context, types)
        found: dict[str, set[str]] = {run: set() for run in runs}
        for_strax: list[tuple[str, str]] = []
        for name in types:
            undecided = set(found)
            for frontend in (one for one in described.storage if one.takes(name)):
                result = frontend.look(self._sources, undecided, name, described.hashes[name])
                if result is None:
                    for_strax += [(run, name) for run in sorted(undecided)]
                    break
                undecided -= result.complete | result.broken
                for run in result.complete:
                    found[run].add(name)
        for run, name in self._probe.stored(program, context, for_strax) if for_strax else ():
            found[run].add(name)
        return found

    def lacking(
        self,
        program: Program,
        context: Context,
        runs: Collection[str],
        alternatives: Collection[Collection[str]],
    ) -> dict[str, set[str]]:
        """Return the runs that lack data, each with the types that it has.

        Parameters
        ----------
        program, context
            Software and context of the runs.
        runs
            Run ids.
        alternatives
            Sets of types of which one must be complete.
        """
        found = self.stored(program, context, runs, {name for one in alternatives for name in one})
        return {run: have for run, have in found.items() if not any(have.issuperset(one) for one in alternatives)}

    def describe(
        self,
        program: Program,
        context: Context,
        poor: Mapping[str, Collection[str]],
        alternatives: Collection[Collection[str]],
    ) -> dict[str, str]:
        """Return a sentence for each run that lacks data.

        Parameters
        ----------
        program, context, alternatives
            As for `lacking`.
        poor
            What `lacking` returned, or a part of it.
        """
        folders = self._folders.of_runs(poor)
        hashes = self._probe.describe(program, context, {name for one in alternatives for name in one}).hashes
        entries = self._locations.of(poor) if self._locations else {}
        sentences = {}
        for run, have in poor.items():
            locations = {name: describe_location(entries.get(run), name, digest) for name, digest in hashes.items()}
            sentences[run] = describe_missing(alternatives, have, folders[run], hashes, locations)
        return sentences

    def keep(self) -> None:
        """Write down what makes the next answer quicker."""
        self._folders.keep()
        if self._locations:
            self._locations.keep()

    def absent_places(self, program: Program, context: Context, types: Iterable[str]) -> list[str]:
        """Return a sentence, once, for each configured folder of data that is not there.

        A folder that only the context names may be absent as long as one of its folders is there.
        """
        places = [one.folder for one in self._probe.describe(program, context, types).storage if one.folder]
        absent = [place for place in places if not Path(place).is_dir()]
        named = {str(Path(place).absolute()) for place in context.storage}
        if len(absent) < len(places):
            absent = [place for place in absent if place in named]
        fresh = [place for place in absent if place not in self._reported_absent]
        self._reported_absent.update(fresh)
        return [f"context: the folder {place} of strax data is not there" for place in fresh]
