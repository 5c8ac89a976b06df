"""Generate the JSON schema and the page of the configuration from its model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema

from xomflow.config.model import Config

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_LIMITS = {"minimum": "at least", "maximum": "at most"}
_NOUN = re.compile("^(list|text|path|block|whole number|number)")


class _Generator(GenerateJsonSchema):
    """Omits the titles that pydantic makes of the keys; they only repeat them."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the configuration.

    Returns
    -------
    dict
        As strict as the model where JSON Schema can be: errors that concern several keys are found by loading only.
    """
    schema = Config.model_json_schema(schema_generator=_Generator)
    for block in (schema, *schema["$defs"].values()):
        for field in block.get("properties", {}).values():
            if "$ref" in field:
                # The block's own keys have defaults, and lengths of time would be in seconds here.
                field.pop("default", None)
            if "patternProperties" in field:
                field["additionalProperties"] = False
    return {"$schema": _DIALECT, **schema, "title": "XOM configuration"}


def schema_text() -> str:
    """Return the JSON schema as the content of its file."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def page_text(introduction: str) -> str:
    """Return the page that explains every key, in Markdown.

    Parameters
    ----------
    introduction
        Text above the tables, with the page's heading.
    """
    schema = json_schema()
    parts = [introduction.strip(), "## Top level", _table(schema, schema["$defs"])]
    for place, block in blocks(schema):
        parts += [f"## `{place}`", block["description"], _table(block, schema["$defs"])]
    return "\n\n".join(parts) + "\n"


def blocks(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each block below the top level once, in the model's order.

    Yields
    ------
    tuple of (str, dict)
        Its place, such as ``analyses.<name>`` or ``software[]``, and its part of the schema.
    """
    for name, field in schema["properties"].items():
        for suffix, one in (
            ("", field),
            ("[]", field.get("items", {})),
            *((".<name>", value) for value in field.get("patternProperties", {}).values()),
        ):
            if "$ref" in one:
                yield name + suffix, _target(one, schema["$defs"])


def describe_type(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return a phrase about the values of a key.

    Parameters
    ----------
    field
        Its part of the JSON schema.
    definitions
        The blocks that ``$ref`` points at.
    """
    if "$ref" in field:
        return "block"
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(describe_type(one, definitions) for one in field["anyOf"]))
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    kind = field["type"]
    if kind == "array":
        least = ", one at least" if field.get("minItems") else ""
        return "list of " + _NOUN.sub(r"\1s", describe_type(field["items"], definitions)) + least
    if kind == "object":
        return "blocks by name" if "patternProperties" in field else "keys and values"
    if kind == "string":
        return _describe_text(field)
    word = {"integer": "whole number", "number": "number", "boolean": "`true` or `false`", "null": "nothing"}[kind]
    return word + "".join(f", {limit} {field[name]}" for name, limit in _LIMITS.items() if name in field)


def describe_default(field: dict[str, Any], required: bool) -> str:
    """Return the default of a key in YAML, or a note that there is none."""
    if required:
        return "**needed**"
    if "default" not in field:
        return "see its keys"
    written = yaml.safe_dump(field["default"], default_flow_style=True, width=1000)
    return f"`{written.splitlines()[0]}`"


def _describe_text(field: dict[str, Any]) -> str:
    if field.get("format") == "path":
        return "path"
    if "examples" in field:
        return "length of time"
    return f"text that matches `{field['pattern']}`" if "pattern" in field else "text"


def _table(block: dict[str, Any], definitions: dict[str, Any]) -> str:
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    required = block.get("required", ())
    for name, field in block["properties"].items():
        meaning = field.get("description") or _target(field, definitions)["description"]
        cells = (f"`{name}`", describe_type(field, definitions), describe_default(field, name in required), meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _target(field: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    target: dict[str, Any] = definitions[field["$ref"].rsplit("/", 1)[1]]
    return target
