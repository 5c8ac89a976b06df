"""Files are complete or absent, whatever happens while they are written."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given

from support.factory import json_values
from xomflow.core.paths import SOURCE
from xomlib import files
from xomlib.files import (
    NoFileError,
    create_atomically,
    dump_json,
    json_text,
    open_file,
    read_bytes,
    read_json,
    read_text,
    write_atomically,
)

OLD, NEW = "old content", "new content"


def test_a_file_and_its_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a/b/c.txt"
    write_atomically(path, NEW)
    assert path.read_text() == NEW


def test_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x", b"\x00\xff\r\n")
    assert (tmp_path / "x").read_bytes() == b"\x00\xff\r\n"


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("before", [OLD, None], ids=["over an old file", "no file before"])
@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "stopped"]
)
def test_a_failing_write_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, before: str | None, error: BaseException
) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.write_text(before)

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(files.os, step, fail)
    with pytest.raises(type(error)):
        write_atomically(path, NEW)
    monkeypatch.undo()
    assert [entry.name for entry in tmp_path.iterdir()] == ([] if before is None else ["file"])
    assert before is None or path.read_text() == before


def test_a_file_that_cannot_be_opened_is_that_error_with_the_name_that_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "something temporary")

    path = tmp_path / "file"
    monkeypatch.setattr("builtins.open", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomically(path, NEW)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert list(tmp_path.iterdir()) == []


def test_where_the_temporary_file_cannot_be_removed_either_the_first_error_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(number: int) -> Any:
        def failing(*_: Any, **__: Any) -> None:
            raise OSError(number, os.strerror(number))

        return failing

    monkeypatch.setattr(files.os, "fsync", fail(errno.ENOSPC))
    monkeypatch.setattr(files.Path, "unlink", fail(errno.EROFS))
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomically(tmp_path / "file", NEW)
    assert caught.value.filename == str(tmp_path / "file")


def test_the_content_is_on_the_disk_before_the_name_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[Any] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        steps.append(("fsync", os.fstat(descriptor).st_size))
        fsync(descriptor)

    def replaced(source: Any, target: Any) -> None:
        steps.append(("replace", Path(target).name))
        replace(source, target)

    monkeypatch.setattr(files.os, "fsync", synced)
    monkeypatch.setattr(files.os, "replace", replaced)
    write_atomically(tmp_path / "file", NEW)
    assert steps == [("fsync", len(NEW)), ("replace", "file")]


def test_a_folder_in_the_way_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "file", NEW)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_threads_that_write_the_same_file_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = {letter * 50_000 for letter in "abcd"}
    seen: set[str] = set()
    errors: list[BaseException] = []
    over = threading.Event()

    def write(content: str) -> None:
        try:
            for _ in range(20):
                write_atomically(path, content)
        except BaseException as error:
            errors.append(error)

    def read() -> None:
        while not over.is_set():
            if path.exists():
                seen.add(path.read_text())

    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    reader = threading.Thread(target=read)
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    reader.join()
    assert errors == []
    assert seen <= contents
    assert path.read_text() in contents
    assert list(tmp_path.iterdir()) == [path]


WRITER = """
import sys
from xomlib.files import write_atomically
for _ in range(50):
    write_atomically(sys.argv[1], sys.argv[2] * 50_000)
"""


def test_processes_that_write_the_same_file_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "file"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), letter]) for letter in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            seen.add(path.read_text())
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen | {path.read_text()} <= {"a" * 50_000, "b" * 50_000}
    assert list(tmp_path.iterdir()) == [path]


def linking(monkeypatch: pytest.MonkeyPatch, code: int, makes_it: bool = False) -> None:
    """Let no link be made, or one be made and refused."""
    link = os.link

    def refuse(old: Any, new: Any) -> None:
        if makes_it:
            link(old, new)
        raise OSError(code, os.strerror(code), str(old), None, str(new))

    monkeypatch.setattr(os, "link", refuse)


NO_LINKS = [errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV]


@pytest.mark.parametrize("code", [0, *NO_LINKS])
def test_of_files_that_are_created_the_first_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    if code:
        linking(monkeypatch, code)
    assert create_atomically(tmp_path / "a.json", OLD)
    assert not create_atomically(tmp_path / "a.json", NEW)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.json": OLD}


def test_where_there_are_no_links_a_link_to_nothing_stays_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linking(monkeypatch, errno.EPERM)
    (tmp_path / "a.json").symlink_to("nothing")
    assert not create_atomically(tmp_path / "a.json", NEW)
    assert (tmp_path / "a.json").is_symlink()


def test_a_link_that_a_late_file_server_made_and_refused_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linking(monkeypatch, errno.EEXIST, makes_it=True)
    assert create_atomically(tmp_path / "a.json", NEW)
    assert (tmp_path / "a.json").read_text() == NEW


def test_a_file_that_cannot_be_created_is_that_error_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linking(monkeypatch, errno.EDQUOT)
    with pytest.raises(OSError) as error:
        create_atomically(tmp_path / "a.json", NEW)
    assert (error.value.errno, error.value.filename) == (errno.EDQUOT, str(tmp_path / "a.json"))
    assert not list(tmp_path.iterdir())


def test_texts_in_json_files_can_be_read_by_people() -> None:
    assert json_text({"unit": "µs"}) == '{\n "unit": "µs"\n}\n'


@given(value=json_values)
@example(value="half a character: \ud83d")
@example(value={"x": [math.nan]})
@example(value=-math.inf)
def test_what_is_dumped_comes_back(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = tmp_path_factory.mktemp("json") / "x.json"
    try:
        wanted = json.loads(json.dumps(value, allow_nan=False))
    except ValueError:
        with pytest.raises(ValueError, match="Out of range float"):
            dump_json(path, value)
        assert not path.exists()
    else:
        dump_json(path, value)
        assert read_json(path) == wanted


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"a": 1', b"\xff", b"{} {}", b"[" * 100_000], ids=["", "{", "cut", "ff", "two", "deep"]
)
def test_what_is_not_json_is_a_value_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError):
        read_json(tmp_path / "x.json")


def pipe(place: Path) -> None:
    os.mkfifo(place)


def socket_in(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(place))


def device(place: Path) -> None:
    place.symlink_to("/dev/zero")


@pytest.mark.parametrize("mode", ["rb", "r+b", "ab", "wb"])
@pytest.mark.parametrize("make", [pipe, socket_in, device])
def test_what_is_no_file_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: Callable[[Path], None], mode: str
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket may not be long
    make(Path("odd"))
    kind = make.__name__.partition("_")[0]
    with pytest.raises(NoFileError, match=f"It is a {kind}, not a file"):
        open_file("odd", mode)
    for read in (read_bytes, read_text, read_json):
        with pytest.raises(NoFileError):
            read("odd")


def test_a_folder_is_refused_as_by_open(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read_bytes(tmp_path)


# Files that are not below `work`, such as the null device, or that this module has just made itself; a configuration
# may be a pipe of the shell.
OTHER_READERS = {
    *("xomflow/cli/__init__.py", "xomflow/config/load.py", "xomflow/rundb/database.py"),
    *("xomflow/jobs/batches/node_home.py", "xomflow/jobs/processes/oom.py", "xomflow/storage/context_probe.py"),
    *("xomflow/page/__init__.py", "xomflow/reports/week.py", "xomflow/workflow/upkeep/installed_units.py"),
    *("xomflow/workflow/requests/analysing/new_analysis.py", "xomflow/workflow/requests/looking/outdated.py"),
    "xomflow/workflow/requests/moving/former_config.py",
    *("xomlib/files.py", "xomlib/saving/pictures.py", "xomlib/process/worker.py", "xomlib/table/work_folder.py"),
    *("xomlib/versions.py", "xomlib/compat/xomlibutils.py"),
}


def test_every_reader_of_the_files_below_work_refuses_what_is_no_file() -> None:
    found = set()
    for path in sorted((SOURCE / "xomflow").rglob("*.py")) + sorted((SOURCE / "xomlib").rglob("*.py")):
        text = re.sub(r"os\.open|webbrowser\.open", "", path.read_text())
        if re.search(r"\.read_text\(|\.read_bytes\(|(?<![\w])open\(|ZipFile\(archive", text):
            found.add(str(path.relative_to(SOURCE)))
    assert found == OTHER_READERS
