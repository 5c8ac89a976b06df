"""The run database: one interface, a file of documents or a MongoDB server behind it."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from xomflow.config import model as config
from xomflow.core import times
from xomflow.core.errors import RunDBError
from xomflow.core.key import run_id
from xomflow.rundb.complaints import Complaint
from xomflow.rundb.mongo import Server, decoded, shelved
from xomflow.rundb.query import RunQuery, read_documents
from xomflow.rundb.shelves import DocumentShelves, Raw, Shelves
from xomlib.documents.run_document import FIELDS, BadDocument, number_of
from xomlib.files import parse_json

DATA_FIELDS = tuple(
    f"{which}.{name}"
    for which in ("data", "deleted_data")
    for name in ("type", "host", "location", "status", "did", "meta.lineage_hash")
)
# BSON types: text, document, list, bytes, id, boolean, time, regular expression (bsonspec.org).
_NOT_NUMBERS = (2, 3, 4, 5, 7, 8, 9, 11)
_NUMBER = re.compile(rb'"number"\s*:\s*(?:\{\s*"\$number[A-Z][a-z]+"\s*:\s*)?"?([0-9]{1,6})\b')
# Up to this many numbers, only their documents are decoded, not the whole file.
_FEW = 1000

_Range = tuple[int, int | None]  # smallest and largest run number


class RunDB(Protocol):
    """What a run database offers to the workflow."""

    @property
    def place(self) -> str:
        """A description of where the documents are, for messages; it has nothing secret."""
        ...

    def runs(self, min_run: int, max_run: int | None) -> RunQuery:
        """Return the runs with numbers in a range.

        Raises
        ------
        RunDBError
            If the database does not answer.
        """
        ...

    def shelves(self, min_run: int, max_run: int | None) -> Shelves:
        """Return the documents of a range by shelf of runs, of which those that changed can be read alone."""
        ...

    def fingerprint(self, min_run: int, max_run: int | None) -> str:
        """Return a text that differs whenever the documents of a range do; empty if that cannot be seen at present.

        The runs that `runs` returns afterwards are those of the fingerprint, or newer.
        """
        ...

    def data_of(self, numbers: Collection[int]) -> dict[int, dict[str, Any]]:
        """Return the entries ``data`` and ``deleted_data`` of the documents of single runs, as far as there are any.

        Raises
        ------
        RunDBError
            If the database does not answer.
        """
        ...


def open_rundb(block: config.RunDB) -> RunDB:
    """Return the run database that the configuration names."""
    if block.kind == "file":
        assert block.file is not None  # the model of the configuration demands it
        return FileRunDB(block.file)
    return MongoRunDB(block)


class FileRunDB:
    """A file with one run document a line, as ``mongoexport`` writes it.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def place(self) -> str:
        """A description of where the documents are; see `RunDB.place`."""
        return f"file {self._path.absolute()}"

    def runs(self, min_run: int, max_run: int | None) -> RunQuery:
        """Return the runs with numbers in a range; see `RunDB.runs`."""
        few = range(min_run, max_run + 1) if max_run is not None and max_run - min_run < _FEW else None
        lines = [raw for raw in enumerate(self._lines(), 1) if few is None or _may_be_in(raw[1], few)]
        documents, complaints = self._parse(lines)
        answer = read_documents(documents, min_run, max_run)
        answer.complaints[:0] = complaints
        return answer

    def shelves(self, min_run: int, max_run: int | None) -> Shelves:
        """Return the lines of the file by shelf of runs; see `RunDB.shelves`."""
        return DocumentShelves(self._shelved, self._parse, (min_run, max_run))

    def fingerprint(self, min_run: int, max_run: int | None) -> str:
        """Return the file's path, time and size; see `RunDB.fingerprint`."""
        try:
            status = self._path.stat()
        except OSError:
            return ""
        if not times.settled(status.st_mtime_ns):
            return ""
        return f"{self._path.absolute()} {status.st_mtime_ns} {status.st_size} {status.st_ino} {status.st_ctime_ns}"

    def data_of(self, numbers: Collection[int]) -> dict[int, dict[str, Any]]:
        """Return the entries about the data of single runs; see `RunDB.data_of`."""
        wanted = set(numbers)
        numbered = enumerate(self._lines())
        lines = [raw for raw in numbered if any(int(one) in wanted for one in _NUMBER.findall(raw[1]))]
        return _data_of(self._parse(lines)[0], wanted)

    def _lines(self) -> Iterator[bytes]:
        """Yield the lines one by one: the file may be larger than the memory."""
        try:
            # It may be a pipe of the site's: a tick that waits for it is named by the others.
            with self._path.open("rb") as file:
                self._check_form(file.peek())
                count, line = 0, b""
                for line in file:
                    count += 1
                    yield line
        except OSError as error:
            raise RunDBError(f"rundb.file: {self._path} cannot be read: {error.strerror}") from None
        if not line.endswith(b"\n") and _is_cut(line):
            raise RunDBError(
                f"rundb.file: {self._path} cannot be read: it ends in the middle of line {count}, "
                "as while it is written; nothing changes until it is whole"
            )

    def _check_form(self, begin: bytes) -> None:
        """Raise `RunDBError` where the file begins with a list, or with a line that has the begin of a document."""
        if re.match(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*\{|\{\s*\n)", begin):
            then = "export it again without --jsonArray and --pretty"
            raise RunDBError(f"rundb.file: {self._path} has not one document a line: {then}")

    def _shelved(self) -> Iterator[tuple[str, bytes]]:
        """Yield each line with the shelf of the first run number in it, which is nearly always that of the document."""
        for line in self._lines():
            found = _NUMBER.search(line)
            yield found[1][:-3].decode().zfill(3) if found else "", line

    def _parse(self, lines: list[Raw]) -> tuple[list[Any], list[Complaint]]:
        lines = [(number, line) for number, line in lines if not line.isspace()]
        try:
            return parse_json(b"[" + b",".join([line for _, line in lines]) + b"]"), []
        except ValueError:
            documents, complaints = [], []
        for number, line in lines:
            try:
                documents.append(parse_json(line))
            except ValueError as error:
                run = {int(one) for one in _NUMBER.findall(line)}
                sentence = f"{self._path}, line {number} is not JSON: {error}"
                complaints.append(Complaint(sentence, "not JSON", run.pop() if len(run) == 1 else None))
        return documents, complaints


def _may_be_in(line: bytes, numbers: range) -> bool:
    """Return whether a line may be the document of one of these runs; one without a number may be."""
    found = _NUMBER.findall(line)
    return not found or any(int(one) in numbers for one in found)


def _is_cut(line: bytes) -> bool:
    """Return whether a last line without an end is only the beginning of a document."""
    try:
        parse_json(line)
    except ValueError:
        return bool(line.strip())
    return False


class MongoRunDB:
    """A MongoDB server. A tick fetches all documents once; each question about single runs is a query of its own.

    Parameters
    ----------
    block
        The configuration's ``rundb``.
    """

    def __init__(self, block: config.RunDB) -> None:
        self.server = Server(block)
        self._fingerprints: dict[_Range, str] = {}
        self._batches: dict[_Range, list[bytes]] = {}

    @property
    def place(self) -> str:
        """A description of where the documents are; see `RunDB.place`."""
        return self.server.place

    def runs(self, min_run: int, max_run: int | None) -> RunQuery:
        """Return the runs with numbers in a range; see `RunDB.runs`."""
        numbers = min_run, max_run
        if numbers not in self._batches:
            self._fetch(numbers)
        return read_documents(decoded(self._batches.pop(numbers)), min_run, max_run)

    def shelves(self, min_run: int, max_run: int | None) -> Shelves:
        """Return the documents as the server sent them, by shelf of runs; see `RunDB.shelves`."""
        numbers = min_run, max_run
        if numbers not in self._batches:
            self._fetch(numbers)
        batches = self._batches.pop(numbers)
        return DocumentShelves(lambda: shelved(batches), _decode, numbers)

    def fingerprint(self, min_run: int, max_run: int | None) -> str:
        """Return a digest of the documents as the server sent them; see `RunDB.fingerprint`.

        There is no cheaper way to see that nothing changed: states and rates change without a date or a new document.
        """
        numbers = min_run, max_run
        if numbers not in self._fingerprints:
            self._fetch(numbers)
        return self._fingerprints[numbers]

    def data_of(self, numbers: Collection[int]) -> dict[int, dict[str, Any]]:
        """Return the entries about the data of single runs; see `RunDB.data_of`."""
        wanted = sorted(numbers)
        query = {"number": {"$in": [*wanted, *map(str, wanted), *map(run_id, wanted)]}}
        return _data_of(self.find(query, dict.fromkeys(["number", *DATA_FIELDS], 1)), numbers)

    def find(self, query: Mapping[str, Any], projection: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the documents that a query finds; `RunDBError` if the server does not answer."""
        return decoded(self.server.read(query, projection))

    def _fetch(self, numbers: _Range) -> None:
        batches = self.server.read(_range_query(*numbers), {**dict.fromkeys(FIELDS, 1), "_id": 0})
        digest = hashlib.sha256(repr((numbers, self.server.account.address)).encode())
        for batch in batches:
            digest.update(batch)
        self._batches[numbers], self._fingerprints[numbers] = batches, digest.hexdigest()


def _decode(documents: list[Raw]) -> tuple[list[Any], list[Complaint]]:
    return decoded([b"".join([document for _, document in documents])]), []


def _data_of(documents: Iterable[Any], numbers: Collection[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for document in documents:
        try:
            number = number_of(document)
        except BadDocument:
            continue
        if number in numbers and number not in found:
            found[number] = {name: document[name] for name in ("data", "deleted_data") if name in document}
    return found


def _range_query(min_run: int, max_run: int | None) -> dict[str, Any]:
    """Return a query for a range of runs. It also finds documents with malformed run numbers, which are reported.

    Each alternative is a range of an index on the number, so a server need not open the other documents.
    """
    inside = {"$gte": min_run} if max_run is None else {"$gte": min_run, "$lte": max_run}
    malformed: list[Any] = [{"$lt": 0}, math.nan, None, {"$type": list(_NOT_NUMBERS)}]
    return {"$or": [{"number": one} for one in (inside, *malformed)]}
