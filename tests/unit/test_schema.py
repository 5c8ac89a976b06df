"""What an outcome may hold: the typed model, the check at writing, and the published schema agree."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pydantic import ValidationError

from support.factory import failed, json_values, outcome, result
from xomflow.outcomes.model import to_document
from xomflow.outcomes.published_schema import SCHEMA_FILE, schema_text
from xomflow.outcomes.reading import adapter, parse_outcome
from xomlib.documents.schema import SCHEMA, SchemaError, check_outcome, complaints


def ecma_pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    """JSON Schema means ECMA's ``$``, the very end; Python's also matches before a last line feed."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield jsonschema.ValidationError(f"{value!r} does not match")


REFERENCE = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": ecma_pattern})(SCHEMA)


def accepted(document: Any) -> bool:
    """Whether the check at writing accepts a document; the model, which reads, has to agree."""
    try:
        check_outcome(document)
    except SchemaError:
        checked = False
    else:
        checked = True
    try:
        adapter().validate_python(document)
    except ValidationError:
        read = False
    else:
        read = True
    assert read == checked, document
    return checked


def places(value: Any, place: tuple = ()) -> Iterator[tuple]:
    """Every place of a tree, the root included."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from places(inner, (*place, name))


WHOLE = (
    outcome(
        results=[result(), result("rate", None, insufficient="12 events, 50 needed", data={"flat": 1.0, "x": "y"})]
    ),
    failed(provenance={**outcome()["provenance"], "batch_job": {"system": "slurm", "job": "4711"}}),
)
# Values that are nearly right somewhere in an outcome.
NEAR_VALUES = [
    None,
    True,
    False,
    0,
    1,
    -1,
    1.0,
    1.5,
    "",
    "done",
    "failed",
    "lower",
    "052894",
    "052894\n",
    "kr83m\n",
    "v 1",
    "a\\b",
    'a"b',
    "a.png",
    "../a.png",
    "raised",
    [],
    {},
    [1],
    ["a"],
    {"a": 1},
    {"a": None},
    {"a\\b": 1.0},
    {"a\n": "x"},
    {"": True},
    10**16,
]
NEAR = st.sampled_from(NEAR_VALUES)
FINITE = json_values.filter(lambda value: all(math.isfinite(one) for one in floats_in(value)))


def floats_in(value: Any) -> list[float]:
    if isinstance(value, float):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [one for part in inner for one in floats_in(part)]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """An outcome in which one to three places are replaced, removed or added to."""
    document = copy.deepcopy(draw(st.sampled_from(WHOLE)))
    values = (NEAR | FINITE).map(copy.deepcopy)
    names = st.text(st.characters(codec="utf-8"), max_size=20)  # pydantic refuses the others even where it reads none
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(list(places(document))))
        if not place:
            return draw(FINITE)
        parent = document
        for part in place[:-1]:
            parent = parent[part]
        action = draw(st.sampled_from(["replace", "remove", "add"]))
        if action == "replace":
            parent[place[-1]] = draw(values)
        elif action == "remove":
            del parent[place[-1]]
        elif isinstance(parent, dict):
            parent[draw(names)] = draw(values)
        else:
            parent.append(draw(values))
    return document


def test_the_published_file_is_what_the_model_gives() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run: make docs"


def test_a_result_has_exactly_one_of_value_and_reason() -> None:
    both = [(value, reason) for value in (1.5, None) for reason in ("too few", "", " ", None)]
    right = [pair for pair in both if accepted(outcome(results=[result("a", pair[0], insufficient=pair[1])]))]
    assert right == [(1.5, None), (None, "too few")]
    with pytest.raises(SchemaError, match=r"results\[0\] should have exactly one of value and insufficient"):
        check_outcome(outcome(results=[result("a", None)]))


def test_the_schema_itself_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize("document", WHOLE, ids=["done", "failed"])
def test_whole_outcomes_are_accepted(document: dict[str, Any]) -> None:
    assert accepted(document)
    REFERENCE.validate(document)


@pytest.mark.parametrize("whole", WHOLE, ids=["done", "failed"])
def test_it_agrees_with_the_reference_on_every_nearly_right_value(whole: dict[str, Any]) -> None:
    adapter.cache_clear()
    for place in list(places(whole))[1:]:
        for value in NEAR_VALUES:
            document = copy.deepcopy(whole)
            parent = document
            for part in place[:-1]:
                parent = parent[part]
            parent[place[-1]] = value
            assert accepted(document) == REFERENCE.is_valid(document), (place, value)


@given(document=mutated())
@effort(max_examples=300)
def test_it_agrees_with_the_reference_on_changed_outcomes(document: Any) -> None:
    assert accepted(document) == REFERENCE.is_valid(document)


@given(document=FINITE)
def test_it_agrees_with_the_reference_on_anything(document: Any) -> None:
    assert accepted(document) == REFERENCE.is_valid(document)


def keywords(schema: Any) -> Iterator[str]:
    """The keywords that a schema uses, without the names of properties."""
    for name, inner in schema.items():
        yield name
        if name in ("properties", "$defs"):
            for one in inner.values():
                yield from keywords(one)
        elif isinstance(inner, dict):
            yield from keywords(inner)


def test_the_schema_uses_only_keywords_that_the_validator_knows() -> None:
    described = set(re.findall(r"``([$\w]+)``", complaints.__doc__ or ""))
    assert set(keywords(SCHEMA)) <= described | {"$schema", "title", "$defs"}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400], ids=["nan", "inf", "-inf", "10**400"])
def test_a_number_that_no_float_holds_is_refused(value: float) -> None:
    adapter.cache_clear()
    document = outcome(results=[result(value=value)])
    assert not accepted(document)
    with pytest.raises(SchemaError, match=r"results\[0\]\.value"):
        check_outcome(document)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"status": "well"}, "status should be one of done, failed, is 'well'"),
        ({"attempt": 0}, "attempt should be at least 1, is 0"),
        ({"figures": ["../x.png"]}, "figures[0] should match"),
        ({"extra": 1}, "extra is not known"),
        ({"results": [result(error=-1.0)]}, "results[0].error should be at least 0, is -1.0"),
        ({"message": 5}, "message should be string, is 5"),
        ({"results": [5]}, "results[0] should be object, is 5"),
        ({"schema": "xom-outcome-3"}, "schema should be 'xom-outcome-2', is 'xom-outcome-3'"),
    ],
)
def test_a_complaint_names_the_place_and_the_value(change: dict[str, Any], sentence: str) -> None:
    for complain in (check_outcome, parse_outcome):
        with pytest.raises(SchemaError) as caught:
            complain(outcome(**change))
        assert str(caught.value).startswith(sentence)


def test_a_missing_key_is_named() -> None:
    document = outcome()
    del document["run"]["tags"]
    with pytest.raises(SchemaError, match="run lacks 'tags'"):
        check_outcome(document)


@pytest.mark.parametrize("document", WHOLE, ids=["done", "failed"])
def test_what_was_read_is_written_as_it_was(document: dict[str, Any]) -> None:
    document["run"]["rate_max"] = {}
    assert to_document(parse_outcome(document)) == document


def test_a_campaign_keeps_its_runs() -> None:
    document = outcome(run={"runs": ["052801", "052802"], "runs_missing": [], "rate_max": {}})
    assert to_document(parse_outcome(document)) == document


@given(document=mutated())
@effort(max_examples=300)
def test_whatever_is_read_can_be_written(document: Any) -> None:
    try:
        read = parse_outcome(document)
    except SchemaError:
        return
    check_outcome(to_document(read))
