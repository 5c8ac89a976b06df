"""Which data of which runs can be read: answered for all runs at once, with strax's own answer.

Storage is looked into in strax's order. Folders (``strax.DataDirectory``) and rucio's layout
(``straxen.RucioLocalFrontend``) are listed, the run database (``straxen.RunDB``) is asked one question for all runs of
a type. Where strax would raise, because metadata cannot be read, the data are not available, even if a later place
has them: reading would raise as well. What no place before storage of another kind has is asked through strax itself,
in one process for all runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from xomflow.config.model import Context
from xomflow.config.software import Program
from xomflow.core.errors import RunDBError
from xomflow.rundb.database import MongoRunDB, RunDB
from xomflow.storage.context_probe import ContextProbe
from xomflow.storage.data_directory import Folders
from xomflow.storage.locations import DataLocations, describe_location
from xomflow.storage.metadata import Found, listing
from xomflow.storage.rucio import look_into_rucio
from xomflow.storage.straxen_rundb import look_into_straxen_rundb


class Availability:
    """Answers what is stored, for one tick.

    Parameters
    ----------
    asker
        Knows lineage hashes and places.
    rundb
        The run database of the workflow; nothing: ``straxen.RunDB`` is asked through strax.
    folders
        Folders of strax data; nothing: looked into without remembering what was complete.
    whereabouts
        Knows where the data of waiting runs are; nothing: it is not said.
    """

    def __init__(
        self,
        asker: ContextProbe,
        rundb: RunDB | None = None,
        folders: Folders | None = None,
        whereabouts: DataLocations | None = None,
    ) -> None:
        self._asker = asker
        self._rundb = rundb if isinstance(rundb, MongoRunDB) else None
        self._folders = folders or Folders()
        self._whereabouts = whereabouts
        self._listings: dict[str, Collection[str]] = {}
        self._missed: set[str] = set()

    def stored(
        self, program: Program, context: Context, runs: Collection[str], types: Iterable[str]
    ) -> dict[str, set[str]]:
        """Return for each run id the types that can be read.

        Parameters
        ----------
        program, context
            What the data are asked with.
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
        facts = self._asker.facts(program, context, types)
        found: dict[str, set[str]] = {run: set() for run in runs}
        for_strax: list[tuple[str, str]] = []
        for name in types:
            undecided = set(found)
            for frontend in facts.storage:
                if not _takes(frontend, name):
                    continue
                if not self._understands(frontend):
                    for_strax += [(run, name) for run in sorted(undecided)]
                    break
                said = self._look(frontend, undecided, name, facts.hashes[name])
                undecided -= said.complete | said.broken
                for run in said.complete:
                    found[run].add(name)
        for run, name in self._asker.stored(program, context, for_strax) if for_strax else ():
            found[run].add(name)
        return found

    def lacking(
        self,
        program: Program,
        context: Context,
        runs: Collection[str],
        alternatives: Collection[Collection[str]],
    ) -> dict[str, str]:
        """Say for each run that lacks data what it lacks, in words.

        Parameters
        ----------
        program, context
            What the data are asked with.
        runs
            Run ids.
        alternatives
            Sets of types of which one must be complete.
        """
        types = {name for one in alternatives for name in one}
        found = self.stored(program, context, runs, types)
        poor = {run for run, have in found.items() if not any(have.issuperset(one) for one in alternatives)}
        folders = self._folders.of_runs(poor)
        hashes = self._asker.facts(program, context, types).hashes
        known = self._whereabouts.of(poor) if self._whereabouts else {}
        words = {}
        for run in poor:
            places = {name: describe_location(known.get(run), name, digest) for name, digest in hashes.items()}
            words[run] = missing_words(alternatives, found[run], folders[run], hashes, places)
        return words

    def keep(self) -> None:
        """Write down what makes the next answer quicker."""
        self._folders.keep()
        if self._whereabouts:
            self._whereabouts.keep()

    def absent_places(self, program: Program, context: Context, types: Iterable[str]) -> list[str]:
        """Return a sentence, once, if a configured folder of data or all folders of a context are not there."""
        places = [one["path"] for one in self._asker.facts(program, context, types).storage if one["kind"] == "folder"]
        absent = [place for place in places if not Path(place).is_dir()]
        named = {str(Path(place).absolute()) for place in context.storage}
        if len(absent) < len(places):
            absent = [place for place in absent if place in named]
        fresh = [place for place in absent if place not in self._missed]
        self._missed.update(fresh)
        return [f"context: the folder {place} of strax data is not there" for place in fresh]

    def _look(self, frontend: Mapping[str, Any], runs: Collection[str], name: str, digest: str) -> Found:
        """Return what one frontend says, which is one that is understood."""
        if frontend["kind"] == "folder":
            return self._folders.look(frontend["path"], runs, name, digest)
        if frontend["kind"] == "rucio_local":
            root = frontend["path"]
            if root not in self._listings:
                self._listings[root] = listing(root)
            return look_into_rucio(root, self._listings[root], runs, name, digest)
        assert self._rundb is not None
        return look_into_straxen_rundb(self._rundb, frontend, runs, name, digest)

    def _understands(self, frontend: Mapping[str, Any]) -> bool:
        """Return whether a frontend can be looked into from here."""
        if frontend["kind"] != "rundb":
            return frontend["kind"] in ("folder", "rucio_local")
        try:
            return self._rundb is not None and self._rundb.server.holds(*frontend["server"])
        except RunDBError:  # without an account of our own
            return False


def missing_words(
    alternatives: Iterable[Collection[str]],
    have: Collection[str],
    folders: dict[tuple[str, str], bool],
    hashes: dict[str, str],
    places: Mapping[str, str] | None = None,
) -> str:
    """Say which data are missing, what is there instead, and what is wrong with it.

    Parameters
    ----------
    alternatives
        Sets of types of which one must be complete, and none is.
    have
        Types that can be read.
    folders
        The (type, hash) of all the run's folders, and whether they can be read.
    hashes
        The lineage hashes that are wanted.
    places
        Where the types are according to the run database, each beginning with a space; see `place_words`.
    """
    places = places or {}
    gaps = [tuple(name for name in one if name not in have) for one in alternatives]
    gap = min(gaps, key=len)
    wanted = " or ".join(" + ".join(one) for one in dict.fromkeys(gaps))
    lacking = {name for one in gaps for name in one}
    here = sorted({name for (name, _), readable in folders.items() if readable and name not in lacking})
    there = f"{_and(here)} {'is' if len(here) == 1 else 'are'} here" if here else "nothing of the run can be read here"
    return f"waiting for {wanted}: {there}, " + ", ".join(
        _why_not(name, folders, hashes[name]) + places.get(name, "") for name in gap
    )


def _why_not(name: str, folders: Iterable[tuple[str, str]], wanted: str) -> str:
    found = {digest for one, digest in folders if one == name}
    if wanted in found:
        return f"{name} is here but broken: writing it went wrong"
    if f"{wanted}_temp" in found:
        return f"{name} is being written, or was left unfinished"
    others = sorted(digest for digest in found if not digest.endswith("_temp"))
    if others:
        return f"{name} is here with another lineage ({others[0]}, wanted {wanted})"
    return f"{name} is not at this site"


def _and(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _takes(frontend: dict[str, Any], name: str) -> bool:
    return name not in frontend["exclude"] and (not frontend["take_only"] or name in frontend["take_only"])
