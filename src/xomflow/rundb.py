"""The run database: one interface, a file of documents or a MongoDB server behind it."""

from __future__ import annotations

import configparser
import json
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from xomflow import settings as config
from xomflow.errors import RunDBError
from xomflow.runs import BadDocument, Run, run_of

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
        documents, problems = [], []
        for number, line in enumerate(lines, 1):
            try:
                documents.append(json.loads(line))
            except ValueError as error:
                problems.append(f"{self._path}, line {number} is not JSON: {error}")
        answer = understand(documents, min_run, max_run)
        answer.problems[:0] = problems
        return answer


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
        import pymongo  # loaded only where a server is asked: the embedded default should not pay for it
        import pymongo.errors

        account = read_credentials(self._block.credentials)
        milliseconds = int(self._block.timeout * 1000)
        options: dict[str, Any] = {"username": account["xent_user"], "password": account["xent_password"]}
        narrowed = {"number": {"$gte": min_run, **({"$lte": max_run} if max_run is not None else {})}}
        try:
            with pymongo.MongoClient(
                _address(account["xent_url"]),
                authSource=account["xent_database"],
                serverSelectionTimeoutMS=milliseconds,
                connectTimeoutMS=milliseconds,
                appname="xom",
                **options,
            ) as client:
                collection = client[account["xent_database"]][self._block.collection]
                documents = list(collection.find(narrowed, dict.fromkeys(FIELDS, 1)))
        except pymongo.errors.PyMongoError as error:
            server = account["xent_url"].rsplit("@", 1)[-1]
            raise RunDBError(f"the run database at {server} does not answer: {_first_clause(error)}") from None
        return understand(documents, min_run, max_run)


def understand(documents: Iterable[Any], min_run: int, max_run: int | None) -> Answer:
    """Make runs of documents; what cannot be understood is said once and costs only its own run."""
    answer = Answer()
    twice = set()
    for document in documents:
        try:
            if not isinstance(document, Mapping):
                raise BadDocument(f"a run document is {str(document)[:60]!r}, fields are needed")
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


def read_credentials(path: Path) -> dict[str, str]:
    """Read the account from the section ``[RunDB]`` of a file that only its owner may read.

    Raises
    ------
    RunDBError
        If the file is missing, readable by others, or lacks an entry; its content is never repeated.
    """
    place = path.expanduser()
    try:
        if place.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise RunDBError(f"rundb.credentials: {path} can be read by others; run: chmod 600 {path}")
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunDBError(f"rundb.credentials: {path} cannot be read: {error.strerror}") from None
    except (configparser.Error, UnicodeDecodeError):
        raise RunDBError(f"rundb.credentials: {path} is not a configuration file with sections") from None
    wanted = ("xent_url", "xent_user", "xent_password", "xent_database")
    missing = [name for name in wanted if not parser.has_option("RunDB", name)]
    if missing:
        raise RunDBError(f"rundb.credentials: {path} lacks {', '.join(missing)} in the section [RunDB]")
    return {name: parser.get("RunDB", name) for name in wanted}


def _address(url: str) -> str:
    return url if url.startswith("mongodb") else f"mongodb://{url}"


def _first_clause(error: Exception) -> str:
    return str(error).split(", full error")[0].split(", Timeout:")[0][:200]
