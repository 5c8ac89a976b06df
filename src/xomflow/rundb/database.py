"""The run database: one interface, a file of documents or a MongoDB server behind it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from xomflow.config import model as config
from xomflow.core import times
from xomflow.core.errors import RunDBError
from xomflow.core.key import run_id
from xomflow.rundb.complaints import Complaint
from xomflow.rundb.mongo import Server, decoded
from xomflow.rundb.run import Run, run_of
from xomlib.files import parse_json
from xomlib.run_document import FIELDS, BadDocument, number_of

DATA_FIELDS = tuple(
    f"{which}.{name}"
    for which in ("data", "deleted_data")
    for name in ("type", "host", "location", "status", "did", "meta.lineage_hash")
)
# BSON types: text, document, list, bytes, id, boolean, time, regular expression (bsonspec.org).
_NOT_NUMBERS = (2, 3, 4, 5, 7, 8, 9, 11)
_NUMBER = re.compile(rb'"number"\s*:\s*(?:\{\s*"\$number[A-Z][a-z]+"\s*:\s*)?"?([0-9]{1,6})\b')


_Range = tuple[int, int | None]  # smallest and largest run number


@dataclass(slots=True)
class RunQuery:
    """The answer of a run database.

    Parameters
    ----------
    runs
        The runs, by number.
    complaints
        The documents that cannot be understood; their runs are left out.
    unseen
        Numbers of the runs that were in earlier answers and are not in this one; they are among the runs as they were.
    given_up
        Numbers of the runs that are not in this answer and of which a person decided that they are gone.
    before
        The runs that are left out, as they were when their documents could be understood.
    """

    runs: dict[int, Run] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    unseen: frozenset[int] = frozenset()
    given_up: frozenset[int] = frozenset()
    before: dict[int, Run] = field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        """A sentence for each document that cannot be understood."""
        return [one.sentence for one in self.complaints]

    @property
    def unclear(self) -> set[int]:
        """Numbers of the runs that are left out, as far as their documents have one."""
        return {one.number for one in self.complaints if one.number is not None}


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
        documents, complaints = self._parse(self._lines())
        answer = read_documents(documents, min_run, max_run)
        answer.complaints[:0] = complaints
        return answer

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
        lines = [line for line in self._lines() if any(int(one) in wanted for one in _NUMBER.findall(line))]
        return _data_of(self._parse(lines)[0], wanted)

    def _lines(self) -> list[bytes]:
        try:
            content = self._path.read_bytes()
        except OSError as error:
            raise RunDBError(f"rundb.file: {self._path} cannot be read: {error.strerror}") from None
        lines = content.splitlines()
        if lines and not content.endswith((b"\n", b"\r")) and _is_cut(lines[-1]):
            raise RunDBError(
                f"rundb.file: {self._path} cannot be read: it ends in the middle of line {len(lines)}, "
                "as while it is written; nothing changes until it is whole"
            )
        return lines

    def _parse(self, lines: list[bytes]) -> tuple[list[Any], list[Complaint]]:
        try:
            return parse_json(b"[" + b",".join(lines) + b"]"), []
        except ValueError:
            documents, complaints = [], []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                documents.append(parse_json(line))
            except ValueError as error:
                run = {int(one) for one in _NUMBER.findall(line)}
                sentence = f"{self._path}, line {number} is not JSON: {error}"
                complaints.append(Complaint(sentence, "not JSON", run.pop() if len(run) == 1 else None))
        return documents, complaints


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


def read_documents(documents: Iterable[Any], min_run: int, max_run: int | None) -> RunQuery:
    """Return the runs of documents with numbers in a range; a document that cannot be read costs only its own run."""
    answer = RunQuery()
    twice = set()
    for document in documents:
        if isinstance(document, Mapping) and _is_out_of_range(document.get("number"), min_run, max_run):
            continue  # most documents, and fast
        try:
            run = run_of(document)
        except BadDocument as error:
            if not _is_out_of_range(error.number, min_run, max_run):
                answer.complaints.append(Complaint.of(error, document))
            continue
        if _is_out_of_range(run.number, min_run, max_run):
            continue
        if answer.runs.get(run.number, run) != run:  # the same document twice, as after two exports, is no problem
            twice.add(run.number)
        answer.runs[run.number] = run
    for number in sorted(twice):
        del answer.runs[number]  # there is no way to see which of them is right
        several = "there are several with this number, and they differ"
        answer.complaints.append(Complaint(f"run document {number}: {several}", several, number))
    return answer


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
    malformed = [{"number": {"$lt": 0}}, {"number": None}, {"number": {"$type": list(_NOT_NUMBERS)}}]
    return {"$or": [{"number": inside}, *malformed]}


def _is_out_of_range(number: Any, min_run: int, max_run: int | None) -> bool:
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    return 0 <= number < min_run or (max_run is not None and number > max_run)
