"""The file of run documents: one bad line costs only itself, and a missing file is one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bson import json_util
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from support.effort import tries
from support.site import document
from xomflow.core.errors import RunDBError
from xomflow.core.exit_code import ExitCode
from xomflow.rundb.database import FileRunDB
from xomflow.rundb.query import RunQuery
from xomflow.rundb.shelves import DocumentShelves, Raw


def file(folder: Path, documents: list[Any]) -> FileRunDB:
    """The documents as ``mongoexport`` writes them."""
    path = folder / "runs.jsonl"
    lines = [json_util.dumps(one, json_options=json_util.RELAXED_JSON_OPTIONS) for one in documents]
    path.write_text("".join(f"{line}\n" for line in lines))
    return FileRunDB(path)


def read(folder: Path, content: bytes) -> RunQuery:
    (folder / "runs.jsonl").write_bytes(content)
    return FileRunDB(folder / "runs.jsonl").runs(0, None)


GOOD = json_util.dumps(document(52000)).encode()


def test_a_file_that_ends_in_the_middle_of_a_document_cannot_be_read(tmp_path: Path) -> None:
    whole = GOOD + b"\n" + json_util.dumps(document(52001, comments=[{"comment": "é"}]), ensure_ascii=False).encode()
    for size in range(len(GOOD) + 2, len(whole)):
        with pytest.raises(RunDBError, match=r"it ends in the middle of line 2, as while it is written") as caught:
            read(tmp_path, whole[:size])
        assert caught.value.exit_code == ExitCode.RUN_DATABASE
    with pytest.raises(RunDBError, match="line 3"):
        read(tmp_path, whole + b"\n\0\0\0")
    assert sorted(read(tmp_path, whole).runs) == [52000, 52001]


def test_single_documents_are_found_in_every_form_of_their_number(tmp_path: Path) -> None:
    numbers: list[Any] = [52000, 52001.0, "052002", {"$numberInt": "52003"}, {"$numberLong": "52004"}]
    numbers += [{"$numberDouble": "52005.0"}]
    lines = [json.dumps(document(1) | {"number": number, "data": [number]}) for number in numbers]
    (tmp_path / "runs.jsonl").write_text("\n".join(lines) + "\n")
    found = FileRunDB(tmp_path / "runs.jsonl").data_of(range(52000, 52006))
    assert {number: one["data"] for number, one in found.items()} == {52000 + n: [one] for n, one in enumerate(numbers)}


@pytest.mark.parametrize("bad", [b"{", b"\xff", b"{} {}", b"[" * 100_000], ids=["cut", "ff", "two", "deep"])
def test_a_line_that_is_not_json_costs_only_itself(tmp_path: Path, bad: bytes) -> None:
    answer = read(tmp_path, b"\n".join([GOOD, bad, json_util.dumps(document(52001)).encode(), b""]))
    assert sorted(answer.runs) == [52000, 52001]
    assert len(answer.problems) == 1
    assert answer.problems[0].startswith(f"{tmp_path / 'runs.jsonl'}, line 2 is not JSON: ")


@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n  \n", GOOD, GOOD + b"\n\n\n", b"\n" + GOOD, GOOD + b"\r\n"])
def test_empty_lines_are_no_problem(tmp_path: Path, content: bytes) -> None:
    answer = read(tmp_path, content)
    assert (list(answer.runs), answer.problems) == ([52000] if GOOD in content else [], [])


@pytest.mark.parametrize("line", [b"5", b"null", b'"text"', b"[]"])
def test_a_line_that_is_no_document_is_said(tmp_path: Path, line: bytes) -> None:
    answer = read(tmp_path, GOOD + b"\n" + line)
    assert list(answer.runs) == [52000]
    assert len(answer.problems) == 1


def test_line_separators_within_texts_do_not_end_a_line(tmp_path: Path) -> None:
    text = "a\u2028b\x85c\x0bd\x1ce"
    answer = file(tmp_path, [document(52000, comments=[{"comment": text}])]).runs(0, None)
    assert answer.runs[52000].comments == (text,)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunDBError) as caught:
        FileRunDB(tmp_path / "none.jsonl").runs(0, None)
    assert str(caught.value) == f"rundb.file: {tmp_path / 'none.jsonl'} cannot be read: No such file or directory"
    assert caught.value.exit_code == ExitCode.RUN_DATABASE


def test_one_run_of_a_file_is_found_whatever_form_its_number_has(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    forms = [52001, {"$numberLong": "52002"}, 52003.0]
    lines = [json.dumps(document(52001 + place) | {"number": form}) for place, form in enumerate(forms)]
    file.write_text("\n".join([*lines, '{"mode": "no number"}', "{ odd", ""]))
    found = FileRunDB(file)
    everything = found.runs(0, None)
    for number in (52001, 52002, 52003):
        one = found.runs(number, number)
        assert one.runs == {number: everything.runs[number]}
        assert one.complaints == everything.complaints
    assert found.runs(52004, 52004).runs == {}


def shelves(documents: list[tuple[str, bytes]], passes: list[None], most: int) -> DocumentShelves:
    """The shelves of stored documents; each pass over these is noted."""

    def parse(raw: list[Raw]) -> tuple[list[Any], list[Any]]:
        return [json_util.loads(one) for _, one in raw], []

    def stored() -> Iterator[tuple[str, bytes]]:
        passes.append(None)
        return iter(documents)

    return DocumentShelves(stored, parse, (0, None), most)


@given(st.permutations([1000, 1001, 1002, 2000, 2001, 3000]), st.sets(st.sampled_from([1000, 1002, 2000, 4000])))
@effort(max_examples=tries(40))
def test_changed_shelves_are_read_in_the_pass_that_finds_them(order: list[int], changed: set[int]) -> None:
    def stored(numbers: set[int]) -> list[tuple[str, bytes]]:
        others = {number: document(number, mode="other") for number in numbers}
        whole = {number: document(number) for number in order} | others
        return [(f"{n // 1000:03d}", json_util.dumps(one).encode()) for n, one in whole.items()]

    before, after = stored(set()), stored(changed)
    passes: list[None] = []
    known = shelves(before, passes, 10**6).digests()
    for most in (10**6, 800, 0):
        passes.clear()
        one = shelves(after, passes, most)
        names = [name for name, digest in one.digests(known).items() if known.get(name) != digest]
        assert set(names) == {f"{number // 1000:03d}" for number in changed}
        assert one.read(names) == shelves(after, [], most).read(names)
        if most == 10**6 and order == sorted(order):
            assert len(passes) == 1
        assert one.read(names) == shelves(after, [], most).read(names), "what was taken is there no more"
