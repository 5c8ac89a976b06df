"""The run database: one interface, a file of documents or a MongoDB server behind it."""

from __future__ import annotations

import configparser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from xomflow import clock
from xomflow import settings as config
from xomflow.errors import RunDBError
from xomflow.runs import BadDocument, Run, run_of
from xomflow.secrets import read_private
from xomlib.files import parse_json

FIELDS = ("number", "mode", "source", "status", "detectors", "tags", "start", "end", "rate", "comments")


@dataclass(slots=True)
class Answer:
    """What a run database said.

    Parameters
    ----------
    runs
        The runs, by number.
    problems
        A sentence for each document that could not be understood; its run is left out.
    """

    runs: dict[int, Run] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class RunDB(Protocol):
    """What the workflow asks of a run database."""

    def runs(self, min_run: int, max_run: int | None) -> Answer:
        """Return the runs with numbers in a range; what is selected of them is decided elsewhere.

        Raises
        ------
        RunDBError
            If the database cannot be asked.
        """
        ...

    def stamp(self) -> str:
        """Return a text that differs whenever the documents do; empty if only reading them all would tell."""
        ...


def open_rundb(block: config.RunDB) -> RunDB:
    """Return the run database that the configuration names."""
    if block.kind == "file":
        assert block.file is not None  # the model sees to it
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

    def runs(self, min_run: int, max_run: int | None) -> Answer:
        """Return the runs with numbers in a range; see `RunDB.runs`."""
        try:
            lines = self._path.read_bytes().splitlines()
        except OSError as error:
            raise RunDBError(f"rundb.file: {self._path} cannot be read: {error.strerror}") from None
        documents, problems = self._parse(lines)
        answer = understand(documents, min_run, max_run)
        answer.problems[:0] = problems
        return answer

    def stamp(self) -> str:
        """Return the file's place, time and size; see `RunDB.stamp`."""
        try:
            status = self._path.stat()
        except OSError:
            return ""
        if not clock.settled(status.st_mtime_ns):
            return ""
        return f"{self._path.absolute()} {status.st_mtime_ns} {status.st_size} {status.st_ino}"

    def _parse(self, lines: list[bytes]) -> tuple[list[Any], list[str]]:
        try:
            return parse_json(b"[" + b",".join(lines) + b"]"), []
        except ValueError:
            documents, problems = [], []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                documents.append(parse_json(line))
            except ValueError as error:
                problems.append(f"{self._path}, line {number} is not JSON: {error}")
        return documents, problems


class MongoRunDB:
    """A MongoDB server, asked with the credentials that XENON people have in ``~/.xenon_config``.

    Parameters
    ----------
    block
        The configuration's ``rundb``.
    """

    def __init__(self, block: config.RunDB) -> None:
        self._block = block

    def runs(self, min_run: int, max_run: int | None) -> Answer:
        """Return the runs with numbers in a range; see `RunDB.runs`."""
        import bson.errors  # loaded only where a server is asked: the embedded default should not pay for it
        import pymongo
        import pymongo.errors

        account = read_credentials(self._block.credentials)
        milliseconds = int(self._block.timeout * 1000)
        options: dict[str, Any] = {"username": account["xent_user"], "password": account["xent_password"]}
        try:
            with pymongo.MongoClient(
                _address(account["xent_url"]),
                authSource=account["xent_database"],
                serverSelectionTimeoutMS=milliseconds,
                connectTimeoutMS=milliseconds,
                socketTimeoutMS=milliseconds,
                # A time or a text that Python cannot hold costs its own run, not the whole query.
                datetime_conversion="DATETIME_AUTO",
                unicode_decode_error_handler="replace",
                appname="xom",
                **options,
            ) as client:
                collection = client[account["xent_database"]][self._block.collection]
                documents = list(collection.find(_narrowed(min_run, max_run), dict.fromkeys(FIELDS, 1)))
        # A wrong address may be a plain ValueError.
        except (pymongo.errors.PyMongoError, bson.errors.BSONError, ValueError) as error:
            server = account["xent_url"].rsplit("@", 1)[-1]
            raise RunDBError(f"the run database at {server} does not answer: {_first_clause(error)}") from None
        return understand(documents, min_run, max_run)

    def stamp(self) -> str:
        """Return nothing: a server does not tell whether documents changed; see `RunDB.stamp`."""
        return ""


def understand(documents: Iterable[Any], min_run: int, max_run: int | None) -> Answer:
    """Make runs of documents; what cannot be understood is said once and costs only its own run."""
    answer = Answer()
    twice = set()
    for document in documents:
        try:
            if not isinstance(document, Mapping):
                raise BadDocument(f"a run document is {str(document)[:60]!r}, fields are needed")
            if _is_outside(document.get("number"), min_run, max_run):
                continue
            run = run_of(document)
        except BadDocument as error:
            answer.problems.append(str(error))
            continue
        if run.number < min_run or (max_run is not None and run.number > max_run):
            continue
        if run.number in answer.runs:
            twice.add(run.number)
        answer.runs[run.number] = run
    for number in sorted(twice):
        del answer.runs[number]  # which of them is right cannot be known
        answer.problems.append(f"run document {number}: there are several with this number")
    return answer


def _narrowed(min_run: int, max_run: int | None) -> dict[str, Any]:
    """Return a query that leaves out what `_is_outside` does, and nothing else: odd numbers are judged here."""
    conditions = [{"number": {"$not": {"$lt": min_run, "$gte": 0}}}]
    if max_run is not None:
        conditions.append({"number": {"$not": {"$gt": max_run}}})
    return {"$and": conditions}


def _is_outside(number: Any, min_run: int, max_run: int | None) -> bool:
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    return 0 <= number < min_run or (max_run is not None and number > max_run)


def read_credentials(path: Path) -> dict[str, str]:
    """Read the account from the section ``[RunDB]`` of a file that only its owner may read.

    Raises
    ------
    RunDBError
        If the file is missing, readable by others, or lacks an entry; its content is never repeated.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read_private(path, "rundb.credentials", RunDBError))
    except configparser.Error:
        raise RunDBError(f"rundb.credentials: {path} is not a configuration file with sections") from None
    wanted = ("xent_url", "xent_user", "xent_password", "xent_database")
    missing = [name for name in wanted if not parser.get("RunDB", name, fallback="")]
    if missing:
        raise RunDBError(f"rundb.credentials: {path} lacks {', '.join(missing)} in the section [RunDB]")
    return {name: parser.get("RunDB", name) for name in wanted}


def _address(url: str) -> str:
    return url if url.startswith("mongodb") else f"mongodb://{url}"


def _first_clause(error: Exception) -> str:
    return str(error).split(", full error")[0].split(", Timeout:")[0][:200]
