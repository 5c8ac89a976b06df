"""The file of run documents: one bad line costs only itself, and a missing file is one sentence."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bson import json_util
from hypothesis import HealthCheck, example, given
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


@pytest.mark.parametrize("options", [{}, {"indent": 2}], ids=["array", "pretty array"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
def test_a_file_with_a_list_of_documents_is_refused_as_a_whole(
    tmp_path: Path, mark: bytes, options: dict[str, Any]
) -> None:
    sentence = r"runs\.jsonl has not one document a line: export it again without --jsonArray and --pretty"
    for content in (json.dumps([document(52000)], **options), json.dumps(document(52000), indent=1)):
        with pytest.raises(RunDBError, match=sentence):
            read(tmp_path, mark + content.encode())


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
@example([1000, 1001, 1002, 2000, 2001, 3000], {1000, 2000})
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
        if most == 0 and changed & set(order):
            assert len(passes) == 2, "no document is held"
        assert one.read(names) == shelves(after, [], most).read(names), "what was taken is there no more"


def test_a_question_about_few_runs_leaves_aside_what_is_wrong_with_others(tmp_path: Path) -> None:
    bad = b'{"number": %d, "mode": '
    lines = [bad % number for number in (51999, 52000, 52999, 53000)]
    (tmp_path / "runs.jsonl").write_bytes(b"\n".join([GOOD, *lines, b"{ odd", b"5", b""]))

    def lines_of(*ends: int | None) -> list[int]:
        found = FileRunDB(tmp_path / "runs.jsonl").runs(*ends).problems  # type: ignore[arg-type]
        return [int(named[1]) for one in found if (named := re.search(r", line (\d+) is not", one))]

    assert lines_of(52000, 52999) == [3, 4, 6]
    assert lines_of(52000, 53000) == lines_of(0, None) == lines_of(52000, None) == [2, 3, 4, 5, 6]
    assert lines_of(51999, 52000) == [2, 3, 6]


def test_what_is_wrong_with_a_line_is_about_the_run_whose_number_it_has(tmp_path: Path) -> None:
    lines = [b'{"number": 52001, {', b'{"number": 52002, "number": 52003 {', b"{ odd"]
    found = read(tmp_path, b"\n".join([*lines, GOOD]))
    assert [(one.kind, one.number) for one in found.complaints] == [
        ("not JSON", 52001),
        ("not JSON", None),
        ("not JSON", None),
    ]
    assert found.unclear == {52001}
    by_shelf = found.by_shelf()
    assert {name: (list(one.runs), [bad.number for bad in one.complaints]) for name, one in by_shelf.items()} == {
        "052": ([52000], [52001]),
        "": ([], [None, None]),
    }


def test_the_data_of_a_run_are_those_of_its_first_document_as_far_as_there_are_any(tmp_path: Path) -> None:
    first = document(52001) | {"data": [1], "deleted_data": [2], "other": [3]}
    rundb = file(
        tmp_path,
        [
            document(52001) | {"number": "x"},
            first,
            document(52001) | {"data": [4]},
            document(52002),
            document(52003) | {"data": [5]},
        ],
    )
    assert rundb.data_of([52001, 52002, 52004]) == {52001: {"data": [1], "deleted_data": [2]}, 52002: {}}


def test_a_file_has_the_same_stamp_until_it_changes(tmp_path: Path) -> None:
    rundb, path = file(tmp_path, [document(52000)]), tmp_path / "runs.jsonl"
    assert rundb.fingerprint(0, None) == ""  # what was written just now may change without a trace
    stamps = set()
    for seconds in (100, 50):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - seconds))
        stamps.add(rundb.fingerprint(0, None))
        assert rundb.fingerprint(0, None) in stamps
    assert len(stamps) == 2 and all(one.startswith(f"{path} ") for one in stamps)
    assert FileRunDB(tmp_path / "none").fingerprint(0, None) == ""


# --- shelves ----------------------------------------------------------------------------------------------------------
NUMBERS = [7, 999, 1000, 52000, 52999, 53000, 999_999]


def test_lines_are_on_the_shelf_of_their_run_and_only_what_changed_has_another_digest(tmp_path: Path) -> None:
    before = file(tmp_path, list(map(document, NUMBERS))).shelves(0, None).digests()
    assert sorted(before) == ["000", "001", "052", "053", "999"]
    rundb = file(tmp_path, [document(number, source="x" if number == 52999 else "none") for number in NUMBERS])
    after = rundb.shelves(0, None).digests()
    assert {name for name in after if after[name] != before[name]} == {"052"}
    found = rundb.shelves(0, None).read(["052", "053", "777"])
    assert {name: list(one.answer.runs) for name, one in found.items()} == {
        "052": [52000, 52999],
        "053": [53000],
        "777": [],
    }
    assert [found[name].digest for name in ("052", "053", "777")] == [after["052"], after["053"], ""]


def test_runs_outside_the_range_are_on_no_shelf(tmp_path: Path) -> None:
    odd = [document(1) | {"number": "000999"}, document(0), document(1) | {"number": True}]
    found = file(tmp_path, [*map(document, NUMBERS), *odd]).shelves(1000, 52998).read(["000", "001", "052", ""])
    assert len(found.pop("").answer.complaints) == 1, "what is no number may be that of any run"
    assert {name: list(one.answer.runs) for name, one in found.items()} == {"000": [], "001": [1000], "052": [52000]}


def test_a_shelf_with_a_line_that_is_not_json_has_no_digest_and_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_bytes(b"\n".join([GOOD, b"", b'{"number": 53001, {', json_util.dumps(document(53002)).encode(), b""]))
    asked = FileRunDB(path).shelves(0, None)
    found = asked.read(["052", "053"])
    asked.digests()
    assert asked.read(["052", "053"]) == found, "whether its documents are held or read again"
    assert found["052"].digest and not found["053"].digest
    assert (list(found["053"].answer.runs), found["053"].answer.unclear) == ([53002], {53001})
    assert found["053"].answer.problems[0].startswith(f"{path}, line 3 is not JSON: ")
    assert found["052"].answer.problems == []


def test_a_document_on_another_shelf_than_it_seems_makes_all_be_read_without_digests(tmp_path: Path) -> None:
    strange = {"other": {"number": 7001}, **document(52002)}
    found = file(tmp_path, [document(52000), strange, document(53000)]).shelves(0, None).read(["007"])
    assert {name: (one.digest, sorted(one.answer.runs)) for name, one in found.items()} == {
        "007": ("", []),
        "052": ("", [52000, 52002]),
        "053": ("", [53000]),
    }


_NUMBERS = ["7", "52", "999", "1000", "1999", "2000", "52001", "52999", "053000", "0520011", "12x", "x"]
_FORMS = ['{"number": N}', '{"number": N, "number": 52001}', '{"a": "N", "number": N }', '{"number": "N"}', "N"]
_FORMS += ['{"number": {"$numberInt": "N"}}', '{"a": {"number": N1}, "number": 52001}', '{"number":N.0}']


@example([(_FORMS[0], number) for number in ("1999", "19995", "1998x", "1997_", "2000", "20x0")])
@given(st.lists(st.tuples(st.sampled_from(_FORMS), st.sampled_from(_NUMBERS)), max_size=8))
@effort(max_examples=tries(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_line_is_on_the_shelf_of_its_first_number_whatever_lines_are_before(
    tmp_path: Path, chosen: list[tuple[str, str]]
) -> None:
    lines = [form.replace("N", number) for form, number in chosen]

    def shelves_of(some: list[str]) -> list[str]:
        (tmp_path / "runs.jsonl").write_text("".join(f"{one}\n" for one in some))
        return [shelf for shelf, _ in FileRunDB(tmp_path / "runs.jsonl")._shelved()]

    assert shelves_of(lines) == [shelf for one in lines for shelf in shelves_of([one])]
