"""The published JSON schema of outcomes, made from the model; `make docs` writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

import xomlib
from xomflow.outcomes.reading import adapter

SCHEMA_FILE = Path(xomlib.__file__).with_name("outcome.schema.json")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NOTES = ("title", "description", "default")
_TITLE = "XOM outcome: the results of one analysis for one run, or the failure of one attempt"


class _Generator(GenerateJsonSchema):
    """Uses only the keywords that `xomlib.documents.schema` implements, so that a job can check what it writes."""

    def nullable_schema(self, schema: Any) -> dict[str, Any]:
        inner = self.generate_inner(schema["schema"])
        if "$ref" in inner:
            inner = self.get_schema_from_definitions(inner["$ref"]) or inner
        if "enum" in inner:
            return {"enum": [*inner["enum"], None]}
        return {**inner, "type": [inner["type"], "null"]}

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        names = self.generate_inner(schema["keys_schema"])
        values = {"additionalProperties": self.generate_inner(schema["values_schema"])}
        return {"type": "object", **({"propertyNames": names} if "pattern" in names else {}), **values}


def schema_text() -> str:
    """Return the JSON schema of outcomes as the content of its file."""
    schema = _without_notes(adapter().json_schema(schema_generator=_Generator))
    definitions = schema.pop("$defs")
    return json.dumps({"$schema": _DIALECT, "title": _TITLE, **schema, "$defs": definitions}, indent=1) + "\n"


def _without_notes(part: Any) -> Any:
    """Return a part of a schema without what pydantic adds from the names and docstrings of classes."""
    if isinstance(part, list):
        return [_without_notes(one) for one in part]
    if isinstance(part, dict):
        return {name: _without_notes(one) for name, one in part.items() if name not in _NOTES}
    return part
