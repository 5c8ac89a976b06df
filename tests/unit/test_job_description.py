"""The description of a job survives JSON, and any other form is refused with a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factory import json_values
from xomlib import JobError
from xomlib.documents.job_description import ByHand, ContextSpec, JobDescription, JobKey

TREE: dict[str, Any] = {
    "key": {"analysis": "kr83m", "version": "v1", "run": "052894"},
    "script": "scripts/analyses/kr83m.py",
    "context": {"function": "straxen:contexts", "arguments": {"a": 1}, "storage": ["/data"]},
    "settings": {"cut": 3.5},
    "run": {"number": 52894},
    "why_no_run": "",
    "needs": ["event_info"],
    "draft": "/tmp/draft",
    "site": "/site",
    "by_hand": {"memory_mb": 1000, "time_limit_s": 60.0, "caches": {"NUMBA_CACHE_DIR": "/cache"}, "clean": False},
    "promised": {"light_yield": "PE/keV", "rate": None},
    "arguments": ["[run]", "--fast"],
    "compat": True,
}


def changed(place: str, value: Any) -> dict[str, Any]:
    """The tree with another value, or without one (...), at a place with one dot at most."""
    tree = json.loads(json.dumps(TREE))
    outer, _, inner = place.rpartition(".")
    block = tree[outer] if outer else tree
    block[inner] = value
    if value is ...:
        del block[inner]
    return tree


def test_a_description_survives_json() -> None:
    description = JobDescription.from_json(TREE)
    assert description.key == JobKey("kr83m", "v1", "052894")
    assert description.context == ContextSpec("straxen:contexts", {"a": 1}, ["/data"])
    assert json.loads(json.dumps(description.to_json())) == TREE


def test_what_may_be_left_out_has_an_empty_value() -> None:
    short = JobDescription.from_json(
        {name: TREE[name] for name in ("key", "script")} | {"context": {"function": "a:b"}}
    )
    assert short == JobDescription(JobKey("kr83m", "v1", "052894"), TREE["script"], ContextSpec("a:b"))
    assert (short.settings, short.run, short.draft) == ({}, None, None)


def test_a_script_by_hand_may_have_no_limits() -> None:
    assert ByHand.from_json({"memory_mb": 0, "time_limit_s": 0}) == ByHand(0, 0)
    for number in (-1, 1e9, float("nan")):
        with pytest.raises(JobError, match=r"by_hand\.memory_mb is .*, a number is needed"):
            ByHand.from_json({"memory_mb": number, "time_limit_s": 0})


def test_the_run_number_of_a_campaign_is_that_of_its_first_run() -> None:
    assert [JobKey("a", "v1", run).run_number for run in ("052801", "052801-3f2a")] == [52801, 52801]


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        ("key", ..., "the job description lacks key"),
        ("key.run", ..., "key lacks run"),
        ("promised", {"rate": 5}, "promised.rate is 5, a text is needed"),
        ("arguments", ["[run]", 5], "arguments is 5, a text is needed"),
        ("compat", 1, "compat is 1, true or false is needed"),
        ("key.run", 52894, "key.run is 52894, a text is needed"),
        ("key", [], "key is [], an object is needed"),
        ("script", None, "script is None, a text is needed"),
        ("context.function", ..., "context lacks function"),
        ("context.storage", "/data", "context.storage is '/data', a list is needed"),
        ("context.storage", ["/data", 5], "context.storage[1] is 5, a text is needed"),
        ("context.extra", 1, "context has unknown entries: 'extra'"),
        ("settings", [1], "settings is [1], an object is needed"),
        ("run", "052894", "run is '052894', an object is needed"),
        ("draft", 5, "draft is 5, a text is needed"),
        ("documents", "runs.jsonl", "the job description has unknown entries: 'documents'"),
    ],
)
def test_another_form_is_refused_with_its_place_and_value(place: str, value: Any, sentence: str) -> None:
    with pytest.raises(JobError) as caught:
        JobDescription.from_json(changed(place, value))
    assert str(caught.value) == sentence


@given(place=st.sampled_from([*TREE, *(f"key.{name}" for name in TREE["key"]), "context.storage"]), value=json_values)
def test_any_value_is_taken_or_refused(place: str, value: Any) -> None:
    tree = changed(place, value)
    try:
        assert JobDescription.from_json(tree).to_json().keys() == TREE.keys()
    except JobError as error:
        assert len(str(error)) < 400
