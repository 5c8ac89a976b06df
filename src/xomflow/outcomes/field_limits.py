"""The limits of an outcome's fields: what pydantic and the published schema accept in each.

A job must not pay for the import of pydantic. So the limits are plain annotations; pydantic asks each of them for its
part when the first outcome is read (`outcomes.reading`). They are named tuples, which are made several times faster
than dataclasses.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

from xomflow.core.key import Key

_NOT_BLANK = r"\S"


class _AnyText:
    """Any text, half characters included, which some run documents hold and pydantic's own `str` refuses."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.json_or_python_schema(core_schema.str_schema(), core_schema.is_instance_schema(str))


class Matching(NamedTuple):
    """A text without half characters that matches a pattern; ``published`` is the pattern that excludes these too."""

    pattern: str
    published: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.str_schema(pattern=self.pattern)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        return {"type": "string", "pattern": self.published or self.pattern}


class _Number(NamedTuple):
    """A number that a 64-bit float can hold."""

    least: float | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.float_schema(strict=True, allow_inf_nan=False, ge=self.least)


class Whole(NamedTuple):
    """A whole number, which JSON may write as ``2.0``."""

    least: int
    most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        number = core_schema.float_schema(strict=True, allow_inf_nan=False, ge=self.least, le=self.most)
        whole = core_schema.no_info_after_validator_function(_whole, number)
        return core_schema.json_or_python_schema(core_schema.int_schema(ge=self.least, le=self.most), whole)


class _Plain:
    """A number, a text or a truth value, kept as it is."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        number = core_schema.float_schema(strict=True, allow_inf_nan=False)
        return core_schema.no_info_wrap_validator_function(_plain, number)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        return {"type": ["number", "string", "boolean"]}


class KeyLimits:
    """A `Key` whose parts can be names of folders and files."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        patterns = {
            "analysis": "^[a-z][a-z0-9_]*$",
            "version": "^[A-Za-z0-9][A-Za-z0-9._]*$",
            "run": "^[0-9]{6}(-[0-9a-f]{4})?$",
        }
        parts = [
            core_schema.dataclass_field(name, core_schema.str_schema(pattern=pattern))
            for name, pattern in patterns.items()
        ]
        arguments = core_schema.dataclass_args_schema("Key", parts)
        closed = core_schema.CoreConfig(extra_fields_behavior="forbid")
        return core_schema.dataclass_schema(Key, arguments, list(patterns), slots=True, config=closed)


class ValueOrReason:
    """A `Result` with exactly one of value and reason."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(_value_or_reason, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        reference = handler(schema)
        value = {"value": {"type": "number"}, "insufficient": {"type": "null"}}
        reason = {"value": {"type": "null"}, "insufficient": {"type": "string", "pattern": _NOT_BLANK}}
        handler.resolve_ref_schema(reference)["oneOf"] = [{"properties": value}, {"properties": reason}]
        return reference


def _value_or_reason(result: Any) -> Any:
    reason = result.insufficient
    if (result.value is None) == (reason is None) or (reason is not None and not re.search(_NOT_BLANK, reason)):
        raise ValueError("exactly one of value and insufficient is needed")
    return result


def _whole(number: float) -> int:
    if not number.is_integer():
        raise ValueError("a whole number is needed")
    return int(number)


def _plain(value: Any, check_number: Any) -> float | str | bool:
    if not isinstance(value, bool | str):
        check_number(value)
    return value


Text = Annotated[str, _AnyText()]
# What can be a name in a time series: no quotes, backslashes, control characters or half characters.
Name = Annotated[str, Matching(r'^[^\x00-\x1f"\\]+$', r'^[^\u0000-\u001f"\\\ud800-\udfff]+$')]
Number = Annotated[float, _Number()]
Amount = Annotated[float, _Number(least=0)]
Plain = Annotated[float | str | bool, _Plain()]
