"""A MongoDB server: the account in the form that the collaboration uses, and queries with time limits."""

from __future__ import annotations

import configparser
import contextlib
import os
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from xomflow.config import model as config
from xomflow.core.errors import RunDBError
from xomflow.core.files.private_files import read_private

_WANTED = ("xent_url", "xent_user", "xent_password", "xent_database")
_ACCOUNT_CODES = (13, 18)  # Unauthorized, AuthenticationFailed in MongoDB's table of error codes
_SCHEMES = ("mongodb://", "mongodb+srv://")
_LENGTH = struct.Struct("<i")
_NUMBER_ENTRY = b"number\0"
_NUMBER_FORMS = {b"\x10": struct.Struct("<i"), b"\x12": struct.Struct("<q"), b"\x01": struct.Struct("<d")}


@dataclass(frozen=True, slots=True)
class Account:
    """The server and the account; the secret parts are not in its representation.

    Parameters
    ----------
    address
        Hosts and ports, for messages.
    database
        Name of the database.
    url, options
        Arguments of the client.
    """

    address: str
    database: str
    url: str = field(repr=False)
    options: dict[str, Any] = field(repr=False)


def credentials_path(named: Path | None) -> Path:
    """Return the file with the account: the configured one, else the one that utilix reads."""
    return named or Path(os.environ.get("XENON_CONFIG") or "~/.xenon_config")


def read_account(named: Path | None, read_preference: str) -> Account:
    """Return the account in a file that only its owner may read.

    The file is a configuration with the section ``[RunDB]``, read as utilix does, or one line with a whole
    ``mongodb://`` address.

    Raises
    ------
    RunDBError
        If the file is missing, readable by others, or lacks an entry; the message has none of its content.
    """
    path = credentials_path(named)
    text = read_private(path, "rundb.credentials", RunDBError)
    if text.strip().startswith(_SCHEMES):
        return _account_of_uri(path, text.strip(), read_preference)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        raise RunDBError(f"rundb.credentials: {path} is not a configuration file with sections") from None
    missing = [name for name in _WANTED if not parser.get("RunDB", name, fallback="")]
    if missing:
        raise RunDBError(f"rundb.credentials: {path} lacks {', '.join(missing)} in the section [RunDB]")
    return _account_of_section(path, parser["RunDB"], read_preference)


def _account_of_uri(path: Path, uri: str, read_preference: str) -> Account:
    import pymongo.errors
    from pymongo.uri_parser import parse_uri

    try:
        database = parse_uri(uri, validate=False)["database"]
    except (pymongo.errors.PyMongoError, ValueError):  # the message of the error has the password
        raise RunDBError(f"rundb.credentials: {path} is not a mongodb:// address that can be understood") from None
    if not database:
        raise RunDBError(f"rundb.credentials: {path} lacks the name of the database after the hosts, as /xenonnt")
    address = _hosts_of(uri)
    chosen = {} if "readpreference=" in uri.lower() else {"readPreference": read_preference}
    return Account(address, database, uri, chosen)


def _account_of_section(path: Path, section: Mapping[str, str], read_preference: str) -> Account:
    """Return the account as utilix reads it: with variables, escapes, and only the last of several servers."""
    entries = {name: os.path.expandvars(value) for name, value in section.items()}
    url = entries["xent_url"]
    options: dict[str, Any] = {
        "username": unquote_plus(entries["xent_user"]),
        "password": unquote_plus(entries["xent_password"]),
        "readPreference": entries.get("read_preference", read_preference),
    }
    if not url.startswith(_SCHEMES):
        if _boolean(path, entries, "force_single_server"):
            url = url.split(",")[-1].strip()
        options["directConnection"] = _boolean(path, entries, "direct_connection") and "," not in url
        url = f"mongodb://{url}"
    address = _hosts_of(url)
    return Account(address, entries["xent_database"], url, options)


def _hosts_of(url: str) -> str:
    return url.partition("://")[2].rpartition("@")[2].partition("/")[0]


def _boolean(path: Path, entries: Mapping[str, str], name: str) -> bool:
    value = configparser.ConfigParser.BOOLEAN_STATES.get(entries.get(name, "yes").lower())
    if value is None:
        raise RunDBError(f"rundb.credentials: {path} has {name} in the section [RunDB], which is neither yes nor no")
    return value


class Server:
    """A MongoDB server, of which one collection is read.

    Parameters
    ----------
    block
        The configuration's ``rundb``.
    """

    def __init__(self, block: config.RunDB) -> None:
        self._block = block
        self._account: Account | None = None

    @property
    def account(self) -> Account:
        """The account, read from its file at the first use; `RunDBError` if that fails."""
        if self._account is None:
            self._account = read_account(self._block.credentials, self._block.read_preference)
        return self._account

    @property
    def place(self) -> str:
        """Database, collection and address, for messages."""
        account = self.account
        return f"database {account.database}, collection {self._block.collection} at {account.address}"

    def read(self, query: Mapping[str, Any], projection: Mapping[str, Any]) -> list[bytes]:
        """Return the documents that a query finds, in batches of BSON with any number of whole documents each.

        Raises
        ------
        RunDBError
            If the server cannot be reached, refuses the account, or takes longer than the configuration allows.
        """
        end = time.monotonic() + self._block.read_limit
        batches = []
        with self._collection() as collection:
            limit = int(self._block.read_limit * 1000)
            for batch in collection.find_raw_batches(query, projection, max_time_ms=limit):
                batches.append(batch)
                if time.monotonic() > end:
                    raise RunDBError(
                        f"the run database at {self.account.address} is too slow: "
                        f"only a part of the documents came within {self._block.read_limit:.0f} s (rundb.read_limit)"
                    )
        return batches

    def holds(self, hosts: str, database: str, collection: str) -> bool:
        """Return whether this is the collection of these hosts with ports, database and name."""
        import pymongo.errors
        from pymongo.uri_parser import split_hosts

        try:
            own = split_hosts(self.account.address)
            there = split_hosts(hosts)
        except (pymongo.errors.PyMongoError, ValueError):
            return False
        return bool(set(own) & set(there)) and (database, collection) == (self.account.database, self._block.collection)

    @contextlib.contextmanager
    def _collection(self) -> Iterator[Any]:
        import bson.errors  # here, so that a site with a file of run documents does not load it
        import pymongo
        import pymongo.errors

        account, milliseconds = self.account, int(self._block.timeout * 1000)
        try:
            with pymongo.MongoClient(
                account.url,
                serverSelectionTimeoutMS=milliseconds,
                connectTimeoutMS=milliseconds,
                socketTimeoutMS=milliseconds,
                appname="xom",
                **account.options,
            ) as client:
                yield client[account.database][self._block.collection]
        # A wrong address may be a plain ValueError.
        except (pymongo.errors.PyMongoError, bson.errors.BSONError, ValueError) as error:
            # Only errors that a server sent have a code.
            did = "refused the account" if getattr(error, "code", None) in _ACCOUNT_CODES else "does not answer"
            raise RunDBError(f"the run database at {account.address} {did}: {_first_clause(error)}") from None


def decoded(batches: list[bytes]) -> list[dict[str, Any]]:
    """Return the documents in batches of BSON; a time or a text that Python cannot hold costs its own run only."""
    import bson
    from bson.codec_options import CodecOptions, DatetimeConversion

    options: CodecOptions[dict[str, Any]] = CodecOptions(
        datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
    )
    return [document for batch in batches for document in bson.decode_all(batch, options)]


def shelved(batches: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield each document in batches of BSON with the shelf of its run number, ``""`` where that is no plain number.

    Only the bytes are looked at (bsonspec.org): a document begins with its length, an entry with its type and name.
    """
    for batch in batches:
        place, end = 0, len(batch)
        while place < end:
            (size,) = _LENGTH.unpack_from(batch, place)
            document = batch[place : place + size]
            place += size
            found = document.find(_NUMBER_ENTRY)
            kind = _NUMBER_FORMS.get(document[found - 1 : found]) if found > 0 else None
            number = kind.unpack_from(document, found + len(_NUMBER_ENTRY))[0] if kind else -1
            yield f"{int(number) // 1000:03d}" if 0 <= number < 10**6 else "", document


def _first_clause(error: Exception) -> str:
    return str(error).split(", full error")[0].split(", Timeout:")[0].split(" (configured timeouts:")[0][:200]
