"""Outcomes on disk: what their names say, and what is not accepted as one."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factory import KEY, any_text, failed, keep, keep_failure, key_of, outcome, typed
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.outcomes.files import (
    Failure,
    digest_of,
    failure_path,
    failures_of,
    list_outcomes,
    list_versions,
    quarantine,
    replace_outcome,
    superseded_path,
)
from xomflow.outcomes.reading import read_outcome
from xomlib.documents.schema import SCHEMA, SchemaError

KINDS = SCHEMA["properties"]["failure"]["properties"]["class"]["enum"]
failure_strategy = st.builds(
    Failure,
    attempt=st.integers(1, 999_999),
    kind=st.sampled_from(KINDS),
    ended=st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


def put(path: Path, content: str = "{}") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


# --- names ------------------------------------------------------------------------------------------------------------


@given(failure=failure_strategy, number=st.integers(0, 999_999))
def test_the_name_of_a_failure_says_all_of_it(
    tmp_path_factory: pytest.TempPathFactory, failure: Failure, number: int
) -> None:
    paths, key = Paths(tmp_path_factory.mktemp("work")), key_of(number)
    put(failure_path(paths, key, failure))
    assert failures_of(paths, key) == [failure]
    found = list_outcomes(paths, key.analysis, key.version)
    assert (found.done, found.failures, found.foreign) == (set(), {key.run: [failure]}, [])


@given(name=any_text.map(lambda text: re.sub(r"[/\x00\ud800-\udfff]", "", text)))
def test_any_other_name_is_foreign(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    paths = Paths(tmp_path_factory.mktemp("work"))
    if name in ("", ".", ".."):
        return
    path = put(paths.outcome(KEY).with_name(name))
    found = list_outcomes(paths, "kr83m", "v1")
    assert (found.done, found.failures) == (set(), {})
    assert found.foreign == ([] if name.startswith(".") else [path])


@pytest.mark.parametrize(
    "name",
    [
        "52894.json",
        "0528940.json",
        "052894.json~",
        "052894.JSON",
        "05289a.json",
        "052894.failed-0-raised-1.json",
        "052894.failed-x-raised-1.json",
        "052894.failed-1-Raised-1.json",
        "052894.failed-1-raised-.json",
        "052894.failed-1-raised-99999999999999999999.json",
        "052٨٩٤.json",
        "052٨٩٤.failed-1-raised-1.json",
        "052894.failed-٣-raised-1.json",
        "053894.json",
        "053894.failed-1-raised-1.json",
    ],
)
def test_names_that_are_nearly_right_are_foreign(paths: Paths, name: str) -> None:
    path = put(paths.outcome(KEY).with_name(name))
    found = list_outcomes(paths, "kr83m", "v1")
    assert (found.done, found.failures, found.foreign) == (set(), {}, [path])
    assert failures_of(paths, key_of(53894)) == []


def test_a_listing_tells_everything_by_name(paths: Paths) -> None:
    for number in (52001, 52002, 60123):
        put(paths.outcome(key_of(number)), "never opened")
    second = Failure(2, "killed", datetime(2026, 9, 26, tzinfo=UTC))
    tenth = Failure(10, "raised", datetime(2026, 9, 27, tzinfo=UTC))
    first = Failure(1, "raised", datetime(2026, 9, 25, tzinfo=UTC))
    for failure in (tenth, second, first):
        put(failure_path(paths, KEY, failure), "never opened")
    put(paths.outcome(key_of(52003, version="v2")))
    put(paths.outcome(key_of(52004, analysis="other")))
    put(paths.outcome(KEY).with_name(".052894.json.12.34.part"))
    put(superseded_path(paths.outcome(key_of(52005))))
    put(paths.outcomes / "kr83m/v1/README")
    put(paths.outcomes / "kr83m/notes.txt")
    found = list_outcomes(paths, "kr83m", "v1")
    assert found.done == {"052001", "052002", "060123"}
    assert found.superseded == {"052005"}
    assert found.failures == {"052894": [first, second, tenth]}
    assert found.foreign == []


def test_there_is_nothing_where_nothing_is(paths: Paths) -> None:
    found = list_outcomes(paths, "kr83m", "v1")
    assert (found.done, found.failures, found.foreign) == (set(), {}, [])
    assert list_versions(paths, "kr83m") == []
    assert failures_of(paths, KEY) == []


def test_the_failures_of_one_run_are_not_those_of_another(paths: Paths) -> None:
    failure = Failure(1, "raised", datetime(2026, 9, 25, tzinfo=UTC))
    put(failure_path(paths, key_of(52895), failure))
    assert failures_of(paths, KEY) == []
    put(paths.outcome(KEY))
    put(failure_path(paths, KEY, failure))
    assert failures_of(paths, KEY) == [failure], "neither is an outcome one"


# --- reading and writing ----------------------------------------------------------------------------------------------


def test_what_was_written_is_read(paths: Paths) -> None:
    keep(paths, outcome())
    assert read_outcome(paths.outcome(KEY)) == typed(outcome())


def test_a_failure_record_is_read_under_its_name(paths: Paths) -> None:
    path = failure_path(paths, KEY, Failure(1, "raised", datetime(2026, 9, 25, tzinfo=UTC)))
    keep_failure(path, failed())
    assert read_outcome(path) == typed(failed())


def test_the_first_outcome_stays_and_only_the_one_that_is_named_is_replaced(paths: Paths) -> None:
    path, first, second = paths.outcome(KEY), typed(outcome(attempt=1)), typed(outcome(attempt=2))
    assert replace_outcome(path, first, "")
    before = digest_of(path)
    for named in ("", "0" * 16):
        assert not replace_outcome(path, second, named)
        assert digest_of(path) == before
    assert replace_outcome(path, second, before)
    assert read_outcome(path).attempt == 2


def test_a_document_that_is_no_outcome_is_not_written(paths: Paths) -> None:
    with pytest.raises(SchemaError, match="status should be one of"):
        keep(paths, outcome(status="well"))
    assert not paths.outcome(KEY).exists()


def refused(path: Path) -> str:
    with pytest.raises(SchemaError) as caught:
        read_outcome(path)
    return str(caught.value)


WHOLE = json.dumps(outcome(), indent=1)


@given(length=st.integers(0, len(WHOLE) - 1))
def test_a_truncated_outcome_is_refused(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    path = put(Paths(tmp_path_factory.mktemp("work")).outcome(KEY), WHOLE[:length])
    assert refused(path).startswith("is not JSON: ")


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"5", b"{}", b"\xff\xfe", b"\x00" * 100, b"[" * 100_000])
def test_a_foreign_file_is_refused(paths: Paths, content: bytes) -> None:
    path = put(paths.outcome(KEY))
    path.write_bytes(content)
    assert refused(path)


@pytest.mark.parametrize("other", [key_of(52895), key_of(52894, version="v2"), key_of(52894, analysis="rate")], ids=str)
def test_the_outcome_of_another_key_is_refused(paths: Paths, other: Key) -> None:
    path = put(paths.outcome(KEY), json.dumps(outcome(other)))
    assert refused(path) == f"is the outcome of {other.analysis} {other.version} {other.run}"


def test_a_failure_under_the_name_of_a_finished_run_is_refused(paths: Paths) -> None:
    assert refused(put(paths.outcome(KEY), json.dumps(failed()))) == "has the status failed"


@pytest.mark.parametrize("start", [None, "yesterday", "2026-13-45T12:00:00Z", ""])
def test_an_outcome_whose_points_would_have_no_time_is_refused(paths: Paths, start: Any) -> None:
    path = put(paths.outcome(KEY), json.dumps(outcome(run={"start": start})))
    assert refused(path) == f"has the start {start!r}, a time is needed"


# --- setting aside ----------------------------------------------------------------------------------------------------


def test_what_is_set_aside_counts_as_absent_and_is_kept(paths: Paths) -> None:
    path = put(paths.outcome(KEY), "corrupt")
    sentence = quarantine(paths, path, "is not JSON")
    target = paths.set_aside / "kr83m/v1/052/052894.json.1"
    assert sentence == f"{path} is not JSON; moved to {target}, its run counts as not done"
    assert target.read_text() == "corrupt"
    other = put(paths.outcome(KEY).with_name("notes.txt"))
    target = paths.set_aside / "kr83m/v1/052/notes.txt.1"
    assert quarantine(paths, other, "is not an outcome") == f"{other} is not an outcome; moved to {target}"
    assert list_outcomes(paths, "kr83m", "v1").done == set()


def test_setting_aside_never_overwrites(paths: Paths) -> None:
    for number in range(1, 1003):
        put(paths.set_aside / f"kr83m/v1/052/052894.json.{number}", f"content {number}")
    quarantine(paths, put(paths.outcome(KEY), "one more"), "is not JSON")
    kept = {path.read_text() for path in (paths.set_aside / "kr83m/v1/052").iterdir()}
    assert kept == {f"content {number}" for number in range(1, 1003)} | {"one more"}


def test_a_file_that_another_tick_has_set_aside_is_no_error(paths: Paths) -> None:
    path = paths.outcome(KEY)
    assert quarantine(paths, path, "is not JSON") == f"{path} is not JSON; it is gone meanwhile"
