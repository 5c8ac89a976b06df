"""The published schema of outcomes, and the part of JSON Schema that it uses, in the standard library."""

import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

from xomlib.files import read_json
from xomlib.printing import shown

SCHEMA: dict = read_json(Path(__file__).parents[1] / "outcome.schema.json")

_TYPES: Dict[str, Callable[[Any], bool]] = {
    "null": lambda x: x is None,
    "boolean": lambda x: isinstance(x, bool),
    "integer": lambda x: _is_number(x) and x == int(x),
    "number": lambda x: _is_number(x),
    "string": lambda x: isinstance(x, str),
    "array": lambda x: isinstance(x, list),
    "object": lambda x: isinstance(x, dict),
}


class SchemaError(ValueError):
    """A document that does not follow the schema; the message has the place and what is wrong."""


def check_outcome(document: Any) -> None:
    """Raise `SchemaError` at the first place where ``document`` is not an outcome."""
    for place, complaint in complaints(document, SCHEMA):
        raise SchemaError(f"{place or 'the document'} {complaint}")


def complaints(value: Any, schema: dict, place: str = "") -> Iterator:
    """Yield the places where a value does not follow a schema.

    Supported are ``type``, ``enum``, ``const``, ``pattern``, ``minimum``, ``maximum``, ``properties``, ``required``,
    ``propertyNames``, ``additionalProperties``, ``items``, ``oneOf`` and ``$ref`` into ``$defs`` of the outcome's
    schema. One thing is stricter than in the standard: a number must fit into a 64-bit float.

    Yields
    ------
    tuple of (str, str)
        The place, such as ``results[2].value``, and what is wrong there.
    """
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    kinds = schema.get("type")
    if kinds is not None:
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not any(_TYPES[kind](value) for kind in kinds):
            yield place, f"should be {' or '.join(kinds)}, is {shown(value)}"
            return
    if "const" in schema and value != schema["const"]:
        yield place, f"should be {schema['const']!r}, is {shown(value)}"
    if "enum" in schema and value not in schema["enum"]:
        yield place, f"should be one of {', '.join(map(str, schema['enum']))}, is {shown(value)}"
    if "pattern" in schema and isinstance(value, str) and not _compiled(schema["pattern"]).search(value):
        yield place, f"should match {schema['pattern']}, is {shown(value)}"
    if "minimum" in schema and isinstance(value, (int, float)) and value < schema["minimum"]:
        yield place, f"should be at least {schema['minimum']}, is {shown(value)}"
    if "maximum" in schema and isinstance(value, (int, float)) and value > schema["maximum"]:
        yield place, f"should be at most {schema['maximum']}, is {shown(value)}"
    if isinstance(value, dict):
        yield from _complaints_of_object(value, schema, place)
    if "oneOf" in schema and sum(not any(complaints(value, form)) for form in schema["oneOf"]) != 1:
        yield place, f"should have exactly one of {' and '.join(schema['oneOf'][0]['properties'])}"
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from complaints(item, schema["items"], f"{place}[{index}]")


def _complaints_of_object(value: dict, schema: dict, place: str) -> Iterator:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield place, f"lacks {name!r}"
    rest = schema.get("additionalProperties", True)
    for name, item in value.items():
        inside = f"{place}.{name}" if place else str(name)
        if "propertyNames" in schema:
            yield from complaints(name, schema["propertyNames"], f"the key {shown(name)} in {place}")
        if name in known:
            yield from complaints(item, known[name], inside)
        elif rest is False:
            yield inside, "is not known"
        elif isinstance(rest, dict):
            yield from complaints(item, rest, inside)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


@lru_cache(maxsize=None)
def _compiled(pattern: str) -> "re.Pattern[str]":
    # JSON Schema means ECMA's "$", the very end; Python's also matches before a last line feed.
    return re.compile(re.sub(r"\$$", r"\\Z", pattern))
