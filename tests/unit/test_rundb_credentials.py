"""The file with the account of the run database: what is refused, and that nothing of it is repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pymongo
import pymongo.errors
import pytest

from support.factory import PASSWORD, rundb_credentials
from xomflow.config.model import RunDB
from xomflow.core.errors import RunDBError
from xomflow.rundb.database import open_rundb
from xomflow.rundb.mongo import Account, Server, credentials_path, read_account


def account(path: Path) -> Account:
    return read_account(path, "secondaryPreferred")


def refused(path: Path) -> str:
    with pytest.raises(RunDBError) as caught:
        account(path)
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


def test_credentials_are_read_as_they_stand(tmp_path: Path) -> None:
    assert account(rundb_credentials(tmp_path, "xenon.lngs.it:27017")).options["password"] == PASSWORD


def test_escapes_and_variables_are_understood_as_utilix_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_OF_XENON", "xenon.lngs.it")
    path = rundb_credentials(tmp_path, "$HOST_OF_XENON:27017", xent_password="a%40b%2Bc")
    assert account(path).options["password"] == "a@b+c"
    assert account(path).address == "xenon.lngs.it:27017"


def test_of_several_servers_the_last_is_asked_directly_as_utilix_does(tmp_path: Path) -> None:
    path = rundb_credentials(tmp_path, "one:27017,two:27018")
    assert (account(path).url, account(path).options["directConnection"]) == ("mongodb://two:27018", True)
    path = rundb_credentials(tmp_path, "one:27017,two:27018", force_single_server="False")
    assert (account(path).url, account(path).options["directConnection"]) == ("mongodb://one:27017,two:27018", False)


def test_what_is_neither_yes_nor_no_is_said(tmp_path: Path) -> None:
    path = rundb_credentials(tmp_path, "x", direct_connection="perhaps")
    assert refused(path).endswith("has direct_connection in the section [RunDB], which is neither yes nor no")


def test_the_file_with_the_account_may_choose_the_read_preference(tmp_path: Path) -> None:
    assert account(rundb_credentials(tmp_path, "x")).options["readPreference"] == "secondaryPreferred"
    path = rundb_credentials(tmp_path, "x", read_preference="primary")
    assert account(path).options["readPreference"] == "primary"


def uri(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "uri"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_file_may_hold_a_whole_address_instead(tmp_path: Path) -> None:
    text = f"mongodb://xenon:{quote_plus(PASSWORD)}@one:27017,two/xenonnt?replicaSet=rs0"
    found = account(uri(tmp_path, f"{text}\n"))
    assert (found.address, found.database, found.url) == ("one:27017,two", "xenonnt", text)
    assert found.options == {"readPreference": "secondaryPreferred"}
    assert account(uri(tmp_path, f"{text}&readPreference=nearest")).options == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mongodb://one:port/xenonnt", "is not a mongodb:// address that can be understood"),
        (f"mongodb://xenon:{PASSWORD}@one/xenonnt", "is not a mongodb:// address that can be understood"),
        (f"mongodb://xenon:{quote_plus(PASSWORD)}@one", "lacks the name of the database after the hosts, as /xenonnt"),
    ],
)
def test_an_address_that_is_none_is_said_without_its_content(tmp_path: Path, text: str, words: str) -> None:
    path = uri(tmp_path, text)
    assert refused(path) == f"rundb.credentials: {path} {words}"


def test_an_address_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = uri(tmp_path, "mongodb://xenon:x@one/xenonnt", 0o644)
    assert refused(path).endswith(f"can be read by others; run: chmod 600 {path}")


def test_the_account_stands_where_utilix_looks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XENON_CONFIG", raising=False)
    assert credentials_path(None) == Path("~/.xenon_config")
    monkeypatch.setenv("XENON_CONFIG", "/etc/xenon")
    assert credentials_path(None) == Path("/etc/xenon")
    assert credentials_path(Path("own")) == Path("own")


def test_an_account_does_not_show_what_is_secret(tmp_path: Path) -> None:
    whole = uri(tmp_path, f"mongodb://xenon:{quote_plus(PASSWORD)}@one/xenonnt")
    for path in (whole, rundb_credentials(tmp_path, "x")):
        assert PASSWORD not in repr(account(path))
        assert quote_plus(PASSWORD) not in repr(account(path))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o610, 0o777])
def test_credentials_that_others_can_read_are_refused(tmp_path: Path, mode: int) -> None:
    path = rundb_credentials(tmp_path, "x", mode)
    assert refused(path) == f"rundb.credentials: {path} can be read by others; run: chmod 600 {path}"


@pytest.mark.parametrize("value", [..., ""], ids=["missing", "empty"])
@pytest.mark.parametrize("name", ["xent_url", "xent_user", "xent_password", "xent_database"])
def test_a_missing_entry_is_named(tmp_path: Path, name: str, value: Any) -> None:
    path = rundb_credentials(tmp_path, "x", **{name: value})
    assert refused(path) == f"rundb.credentials: {path} lacks {name} in the section [RunDB]"


@pytest.mark.parametrize("content", [b"", b"[other]\nxent_url = x\n"])
def test_a_missing_section_lacks_everything(tmp_path: Path, content: bytes) -> None:
    path = rundb_credentials(tmp_path, "x")
    path.write_bytes(content)
    assert "lacks xent_url, xent_user, xent_password, xent_database in the section [RunDB]" in refused(path)


@pytest.mark.parametrize(
    "content",
    [
        f"xent_password = {PASSWORD}",
        f"[RunDB]\n{PASSWORD.rstrip(':')}",
        f"[RunDB]\nx = {PASSWORD}\nx = {PASSWORD}",
    ],
    ids=["no section", "no key", "twice"],
)
def test_a_file_that_is_no_configuration_is_said_without_its_content(tmp_path: Path, content: str) -> None:
    path = rundb_credentials(tmp_path, "x")
    path.write_text(content)
    assert refused(path) == f"rundb.credentials: {path} is not a configuration file with sections"


def test_a_file_that_is_not_text_is_said(tmp_path: Path) -> None:
    path = rundb_credentials(tmp_path, "x")
    path.write_bytes(b"\xff" + PASSWORD.encode())
    assert refused(path) == f"rundb.credentials: {path} is not text"


def test_a_missing_credentials_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "none"
    assert refused(path) == f"rundb.credentials: {path} cannot be read: No such file or directory"


def test_the_home_of_somebody_unknown_is_said() -> None:
    assert "cannot be read: " in refused(Path("~nobody-of-this-name/x"))


def said_after(folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> str:
    """The sentence after a question that the client could not get answered."""

    def fail(*_arguments: Any, **_options: Any) -> None:
        raise error

    monkeypatch.setattr(pymongo, "MongoClient", fail)
    block = RunDB(kind="mongodb", credentials=rundb_credentials(folder, "127.0.0.1:27017"))
    with pytest.raises(RunDBError) as caught:
        Server(block).read({}, {})
    return str(caught.value)


@pytest.mark.parametrize(("code", "words"), [(18, "Authentication failed."), (13, "not authorized on xenonnt")])
def test_a_server_that_does_not_take_the_account_has_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    said = said_after(tmp_path, monkeypatch, pymongo.errors.OperationFailure(words, code))
    assert said.startswith(f"the run database at 127.0.0.1:27017 refused the account: {words}")


def test_a_server_that_is_not_there_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = said_after(tmp_path, monkeypatch, pymongo.errors.ServerSelectionTimeoutError("Connection refused"))
    assert said == "the run database at 127.0.0.1:27017 does not answer: Connection refused"


def test_the_place_of_the_documents_is_told_without_the_account(tmp_path: Path) -> None:
    place = uri(tmp_path, f"mongodb://xenon:{quote_plus(PASSWORD)}@one:27017,two:27018/xenonnt\n")
    rundb = open_rundb(RunDB(kind="mongodb", credentials=place))
    assert rundb.place == "database xenonnt, collection runs at one:27017,two:27018"
    assert quote_plus(PASSWORD) not in rundb.place
