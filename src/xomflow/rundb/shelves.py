"""Run documents by shelf of runs: a digest of each shelf shows whether it changed, and only what changed is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from xomflow.core.key import run_id, shelf_of
from xomflow.rundb.complaints import Complaint
from xomflow.rundb.query import RunQuery, read_documents

# The place of a document among all, from 1, and its bytes.
Raw = tuple[int, bytes]
_Parse = Callable[[list[Raw]], tuple[list[Any], list[Complaint]]]


class Shelf(NamedTuple):
    """The runs of one shelf.

    Parameters
    ----------
    digest
        Differs whenever their documents do; empty: that cannot be seen.
    answer
        The runs, and the documents that cannot be understood.
    """

    digest: str
    answer: RunQuery


class Shelves(Protocol):
    """The documents of a run database by shelf of runs."""

    def digests(self) -> dict[str, str]:
        """Return a digest for each shelf that has documents, see `Shelf`."""
        ...

    def read(self, shelves: Collection[str]) -> dict[str, Shelf]:
        """Return the runs of some shelves; those of all if documents cannot be told apart by shelf."""
        ...


class AnsweredShelves:
    """The shelves of an answer, whose changes cannot be seen.

    Parameters
    ----------
    answer
        What a run database answers.
    """

    def __init__(self, answer: RunQuery) -> None:
        self._answer = answer

    def digests(self) -> dict[str, str]:
        """Return nothing but empty digests."""
        return dict.fromkeys(self._answer.by_shelf(), "")

    def read(self, shelves: Collection[str]) -> dict[str, Shelf]:
        """Return the runs of all shelves."""
        return {shelf: Shelf("", one) for shelf, one in self._answer.by_shelf().items()}


class DocumentShelves:
    """The shelves of documents as they are stored.

    Parameters
    ----------
    documents
        Yields each document with its shelf as far as a glance at its bytes shows it; may be called again.
    parse
        Turns stored documents into values, with complaints about those that it cannot read.
    ends
        Smallest and largest run number.
    """

    def __init__(
        self, documents: Callable[[], Iterator[tuple[str, bytes]]], parse: _Parse, ends: tuple[int, int | None]
    ) -> None:
        self._documents = documents
        self._parse = parse
        self._ends = ends

    def digests(self) -> dict[str, str]:
        """Return a digest for each shelf, see `Shelves.digests`."""
        found: dict[str, Any] = {}
        # Most documents lie in the order of their numbers, so that few calls digest many.
        for shelf, documents in groupby(self._documents(), key=itemgetter(0)):
            digest = found.get(shelf) or found.setdefault(shelf, hashlib.sha256())
            digest.update(b"".join(map(itemgetter(1), documents)))
        return {shelf: digest.hexdigest()[:32] for shelf, digest in found.items()}

    def read(self, shelves: Collection[str]) -> dict[str, Shelf]:
        """Return the runs of some shelves, see `Shelves.read`; their digests are those of what is read now."""
        chosen: dict[str, list[Raw]] = {shelf: [] for shelf in shelves}
        for place, (shelf, document) in enumerate(self._documents(), 1):
            if shelf in chosen:
                chosen[shelf].append((place, document))
        found = {shelf: self._read(documents) for shelf, documents in chosen.items()}
        return self._all() if any(map(_is_astray, found.items())) else found

    def _read(self, raw: Iterable[Raw]) -> Shelf:
        documents, complaints = self._parse(list(raw))
        answer = read_documents(documents, *self._ends)
        answer.complaints[:0] = complaints  # which name the place of a document, and that may change
        content = b"" if complaints else b"".join([document for _, document in raw])
        return Shelf(hashlib.sha256(content).hexdigest()[:32] if content else "", answer)

    def _all(self) -> dict[str, Shelf]:
        """Return the runs of all shelves, by their numbers; what only a glance showed does not count."""
        seeming, raw = set(), []
        for place, (shelf, document) in enumerate(self._documents(), 1):
            seeming.add(shelf)
            raw.append((place, document))
        # Without a digest each of them is read again next time, and what is astray is found again.
        nothing = {shelf: Shelf("", RunQuery()) for shelf in seeming}
        return nothing | AnsweredShelves(self._read(raw).answer).read(())


def _is_astray(found: tuple[str, Shelf]) -> bool:
    """Return whether a document lies on another shelf than that of its run."""
    name, shelf = found
    return any(shelf_of(run_id(number)) != name for number in (*shelf.answer.runs, *shelf.answer.unclear))
