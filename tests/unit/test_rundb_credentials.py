"""The file with the account of the run database: what is refused, and that nothing of it is repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.factory import PASSWORD, rundb_credentials
from xomflow.errors import RunDBError
from xomflow.rundb import read_credentials


def refused(path: Path) -> str:
    with pytest.raises(RunDBError) as caught:
        read_credentials(path)
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


def test_credentials_are_read_as_they_stand(tmp_path: Path) -> None:
    assert read_credentials(rundb_credentials(tmp_path, "xenon.lngs.it:27017"))["xent_password"] == PASSWORD


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
