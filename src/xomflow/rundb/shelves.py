"""Run documents by shelf of runs: a digest of each shelf shows whether it changed, and only what changed is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from xomflow.core.key import run_id, shelf_of
from xomflow.rundb.complaints import Complaint
from xomflow.rundb.query import RunQuery, read_documents

# The place of a document among all, from 1, and its bytes.
Raw = tuple[int, bytes]
NOTHING_KNOWN: Mapping[str, str] = MappingProxyType({})
# Those of some fifty shelves.
_MOST_HELD = 16_000_000
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

    def digests(self, known: Mapping[str, str] = NOTHING_KNOWN) -> dict[str, str]:
        """Return a digest for each shelf that has documents, see `Shelf`; those that are not as known are read soon."""
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

    def digests(self, known: Mapping[str, str] = NOTHING_KNOWN) -> dict[str, str]:
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
    most_held
        Bytes of documents that may wait to be read.
    """

    def __init__(
        self,
        documents: Callable[[], Iterator[tuple[str, bytes]]],
        parse: _Parse,
        ends: tuple[int, int | None],
        most_held: int = _MOST_HELD,
    ) -> None:
        self._documents = documents
        self._parse = parse
        self._ends = ends
        self._most_held = most_held
        self._held: _Held | None = None

    def digests(self, known: Mapping[str, str] = NOTHING_KNOWN) -> dict[str, str]:
        """Return a digest for each shelf, see `Shelves.digests`; documents of changed shelves are held for `read`."""
        found: dict[str, Any] = {}
        held, place = _Held(self._most_held), 1
        # Most documents lie in the order of their numbers, so that few calls digest many.
        for shelf, documents in groupby(self._documents(), key=itemgetter(0)):
            some = list(map(itemgetter(1), documents))
            digest = found.setdefault(shelf, hashlib.sha256())
            digest.update(b"".join(some))
            if _text(digest) == known.get(shelf):
                held.drop(shelf)
            else:
                held.add(shelf, place, some)
            place += len(some)
        self._held = held
        return {shelf: _text(digest) for shelf, digest in found.items()}

    def read(self, shelves: Collection[str]) -> dict[str, Shelf]:
        """Return the runs of some shelves, see `Shelves.read`; their digests are those of what is read here."""
        chosen = self._held.take(shelves) if self._held else None
        if chosen is None:
            chosen = self._chosen(shelves)
        found = {shelf: self._read(documents) for shelf, documents in chosen.items()}
        return self._all() if any(map(_is_astray, found.items())) else found

    def _chosen(self, shelves: Collection[str]) -> dict[str, list[Raw]]:
        chosen: dict[str, list[Raw]] = {shelf: [] for shelf in shelves}
        for place, (shelf, document) in enumerate(self._documents(), 1):
            if shelf in chosen:
                chosen[shelf].append((place, document))
        return chosen

    def _read(self, raw: Iterable[Raw]) -> Shelf:
        documents, complaints = self._parse(list(raw))
        answer = read_documents(documents, *self._ends)
        answer.complaints[:0] = complaints  # which name the place of a document, and that may change
        content = b"" if complaints else b"".join([document for _, document in raw])
        return Shelf(_text(hashlib.sha256(content)) if content else "", answer)

    def _all(self) -> dict[str, Shelf]:
        """Return the runs of all shelves, by their numbers; what only a glance showed does not count."""
        seeming, raw = set(), []
        for place, (shelf, document) in enumerate(self._documents(), 1):
            seeming.add(shelf)
            raw.append((place, document))
        # Without a digest each of them is read again next time, and what is astray is found again.
        nothing = {shelf: Shelf("", RunQuery()) for shelf in seeming}
        return nothing | AnsweredShelves(self._read(raw).answer).read(())


class _Held:
    """The documents of some shelves, each with all of its documents or not at all.

    Parameters
    ----------
    most
        So many bytes of documents at most.
    """

    def __init__(self, most: int) -> None:
        self._left = most
        self._documents: dict[str, list[Raw]] = {}
        self._incomplete: set[str] = set()

    def add(self, shelf: str, place: int, documents: Sequence[bytes]) -> None:
        """Hold more documents of a shelf, the first of which has this place."""
        size = sum(map(len, documents))
        if shelf in self._incomplete or size > self._left:
            self.drop(shelf)
            return
        self._left -= size
        self._documents.setdefault(shelf, []).extend(enumerate(documents, place))

    def drop(self, shelf: str) -> None:
        """Free the documents of a shelf, and keep no later ones of it."""
        self._incomplete.add(shelf)
        self._left += sum(len(document) for _, document in self._documents.pop(shelf, ()))

    def take(self, shelves: Collection[str]) -> dict[str, list[Raw]] | None:
        """Return the documents of these shelves and hold them no longer; None if not all are held, nor is then any."""
        if not self._incomplete.isdisjoint(shelves):
            self._documents.clear()
            return None
        self._incomplete.update(shelves)
        return {shelf: self._documents.pop(shelf, []) for shelf in shelves}


def _text(digest: Any) -> str:
    return str(digest.hexdigest()[:32])


def _is_astray(found: tuple[str, Shelf]) -> bool:
    """Return whether a document lies on another shelf than that of its run."""
    name, shelf = found
    return any(shelf_of(run_id(number)) != name for number in (*shelf.answer.runs, *shelf.answer.unclear))
