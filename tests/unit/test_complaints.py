"""However many run documents have an error, each kind of it is one sentence."""

from __future__ import annotations

import json
from typing import Any

from support.site import document
from xomflow.rundb.complaints import Complaint, summarize
from xomflow.rundb.query import read_documents


def sentences(*documents: Any) -> list[str]:
    return summarize(read_documents(documents, 0, None).complaints)


def test_complaints_come_back_from_what_is_kept_of_them() -> None:
    never = document(3, mode=3) | {"start": None, "end": None}
    made = read_documents([document(2, mode=2), never, 5], 0, None).complaints
    assert [bool(one.start) for one in made] == [True, False, False]
    assert [Complaint.from_json(json.loads(json.dumps(one.to_json()))) for one in made] == list(made)


def test_a_document_without_a_number_is_named_by_its_start() -> None:
    nameless = [document(1, start={"$date": "2026-09-25T12:00:00Z"}) | {"number": None}, {"number": None}]
    made = read_documents([document(2, mode=2), *nameless], 0, None).complaints
    assert [one.run for one in made] == [
        "000002",
        "one that began at 2026-09-25T12:00:00Z",
        "one without number and start",
    ]


def test_a_few_errors_are_told_one_by_one() -> None:
    assert sentences(*(document(number, mode=number) for number in (1, 2, 3))) == [
        f"run document {number}: mode is {number}, a text is needed" for number in (1, 2, 3)
    ]


def test_many_errors_of_a_kind_are_one_sentence_with_a_count() -> None:
    many = [document(number, start="no time") for number in range(49000, 52000)]
    other = [document(number, mode=number) for number in range(5)]
    without = [document(7) | {"number": f"x{number}"} for number in range(9)]
    assert sentences(document(1), *many, *other, *without, 5, 6, 7, 8) == [
        "run document 49000: start is 'no time', a time is needed "
        "(2999 more documents have the same error, `xom status --documents` lists them)",
        "run document 0: mode is 0, a text is needed "
        "(4 more documents have the same error, `xom status --documents` lists them)",
        "a run document has the number 'x0'; at most six digits are needed "
        "(8 more documents have the same error, `xom status --documents` lists them)",
        "a run document is '5', fields are needed "
        "(3 more documents have the same error, `xom status --documents` lists them)",
    ]
