"""Read YAML strictly: a value is what a person takes it for, or it is refused with what to write instead.

YAML 1.1, the form that PyYAML and Snakemake read, takes ``052601`` for an octal number, ``no`` for a truth value,
``1:40`` for a hundred, and ``1e-3`` for a text. Where nothing is refused here, both readings are the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import chain
from typing import Any

import yaml

from xomflow.core.errors import ConfigurationError

_PREFIX = "tag:yaml.org,2002:"
_PLAIN_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*|(?=\.[0-9]))(?:\.[0-9]*)?(?:[eE][-+][0-9]+)?")
_TRUTH = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
# What a person takes for a number, whatever YAML takes it for; \d also matches the digits of other scripts.
_LIKE_A_NUMBER = re.compile(
    r"""[-+\u2212\u2013]?(?:
        (?:\d[\d_,' \u00a0\u202f]*)?\.?\d[\d_]*\.?(?:[eEdD][-+]?\d+)?[lLfF]?  # 089, 1e-3, 1_000, +.5, 1.5d3, 10L
        | 0[xXoObB][0-9a-fA-F_]+
        | \d+(?::\d+)+(?:\.\d*)?  # 1:40, which is a hundred in base 60
        | \.?(?:inf|infinity|nan)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_DECIMAL = re.compile(r"([-+]?)([0-9][0-9_]*)?(?:\.([0-9][0-9_]*))?")
_D = re.compile("[dD]")
_EXPONENT = re.compile(r"([-+]?)([0-9]*)(?:\.([0-9]*))?[eEdD]([-+]?)([0-9]+)")


def parse_yaml(text: str, source: str) -> Any:
    """Return the content of a YAML text.

    Parameters
    ----------
    text
        One document.
    source
        Where it is from, for messages.

    Raises
    ------
    ConfigurationError
        One line per error, each with the source, the line, the value and what to write.
    """
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        wrong = [] if node is None else [f"{source}, {line}" for line in _refusals(node, (), set())]
        if wrong:
            raise ConfigurationError("\n".join(wrong))
        return None if node is None else loader.construct_document(node)
    except ConfigurationError:
        raise
    except Exception as error:  # PyYAML's own, and those of its readers of times and numbers
        reason = " ".join(str(error).replace('in "<unicode string>", ', "at ").split())
        raise ConfigurationError(f"{source}: is not YAML: {reason or type(error).__name__}") from None


def parse_assignments(entries: Iterable[str]) -> dict[str, Any]:
    """Return the values of ``key=value`` as Snakemake's ``--config`` takes them; `ConfigurationError` as `parse_yaml`.

    Snakemake itself reads nested numbers as texts.
    """
    pairs = (entry.split("=", 1) for entry in entries)
    return {key: parse_yaml(value, f"--config {key}") for key, value in pairs}


def update_tree(tree: MutableMapping[str, Any], newer: Mapping[str, Any]) -> None:
    """Replace values of a configuration, in place; blocks are merged, as Snakemake does."""
    for key, value in newer.items():
        if isinstance(value, Mapping) and isinstance(tree.get(key), MutableMapping):
            update_tree(tree[key], value)
        else:
            tree[key] = value


def _refusals(node: yaml.Node, outer: tuple[yaml.Node, ...], seen: set[int]) -> Iterator[str]:
    """Return a sentence for each value and key that is refused; each begins with the number of its line."""
    where = f"line {node.start_mark.line + 1}: "
    if node in outer:
        yield f"{where}a value contains itself: write it out"
    if id(node) in seen:
        return  # a value with an anchor stands in several places
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        if refusal := _refusal(node):
            yield where + refusal
    elif node.tag not in (f"{_PREFIX}map", f"{_PREFIX}seq"):
        yield f"{where}{_shown_tag(node)} is not known here: write a plain list or block"
    else:
        yield from _wrong_keys(node, is_top=not outer) if isinstance(node, yaml.MappingNode) else ()
        parts = chain.from_iterable(node.value) if isinstance(node, yaml.MappingNode) else node.value
        for part in parts:
            yield from _refusals(part, (*outer, node), seen)


def _wrong_keys(block: yaml.MappingNode, is_top: bool) -> Iterator[str]:
    """Return a sentence for each key that stands twice, of which one would be lost, or makes a template of the file."""
    seen: dict[str, int] = {}
    for key, _ in block.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == f"{_PREFIX}merge":
            continue
        line = key.start_mark.line + 1
        if key.value in seen:
            yield f"line {line}: the key '{key.value}' stands twice, first in line {seen[key.value]}: remove one"
        elif is_top and key.value == "__use_yte__":
            yield f"line {line}: __use_yte__ makes a template of the file, which XOM does not read: remove it"
        seen.setdefault(key.value, line)


def _refusal(node: yaml.ScalarNode) -> str:
    """Return why a value is refused, with what to write instead; empty if YAML reads it as a person does."""
    kind, text = node.tag.removeprefix(_PREFIX), node.value
    if node.style is not None or kind in ("null", "merge"):
        return "" if kind in ("str", "null", "merge") else f"{_shown_tag(node)} is not known here: write a plain value"
    if kind == "str":
        if unseen := next((one for one in text if unicodedata.category(one) == "Cf"), "") or _blank_at_an_end(text):
            return f"{text!r} has the invisible character U+{ord(unseen):04X}: remove it, or put the text in quotes"
        if not _LIKE_A_NUMBER.fullmatch(text):
            return ""
        return f"{text} looks like a number, and YAML reads a text: write {_advice(text)}"
    if kind == "bool":
        return "" if text.lower() in ("true", "false") else f"{text} is a truth value in YAML: write {_truth(text)}"
    if kind in ("int", "float"):
        if _PLAIN_NUMBER.fullmatch(text):
            return ""
        return f"{text} is read as {_value_of(node)}: write {_advice(text)}"
    if kind == "timestamp":
        return f"{text} is read as a time: write '{text}'"
    return f"{_shown_tag(node)} is not known here: write a plain value"


def _blank_at_an_end(text: str) -> str:
    """Return a blank with which a text begins or ends, such as U+00A0; YAML removes only plain ones."""
    return next((one for one in (text[:1], text[-1:]) if one.isspace()), "")


def _value_of(node: yaml.ScalarNode) -> Any:
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (ValueError, OverflowError):
        return "no number"


def _truth(text: str) -> str:
    return f"{_TRUTH[text.lower()]}, or '{text}' where a text is meant"


def _advice(text: str) -> str:
    """Return how the number that a person sees in a text is written, and how the text."""
    meant = _decimal(text)
    return f"{meant}, or '{text}' where a text is meant" if meant else f"a plain decimal number, or '{text}'"


def _decimal(text: str) -> str:
    power = ""
    if found := _EXPONENT.fullmatch(text):
        sign, whole, part, *exponent = found.groups(default="")
        number = float(_D.sub("e", text))
        if number.is_integer() and 0 < abs(number) < 1e15:  # a key for a whole number refuses an exponent
            return f"{number:.0f}"
        part, power = part or "0", f"e{exponent[0] or '+'}{exponent[1]}"
    elif found := _DECIMAL.fullmatch(text):
        sign, whole, part = found.groups(default="")
    else:
        return ""
    digits = whole.replace("_", "").lstrip("0") or "0"
    return f"{sign.strip('+')}{digits}{'.' * bool(part)}{part.replace('_', '')}{power}"


def _shown_tag(node: yaml.Node) -> str:
    return node.tag.replace(_PREFIX, "!!")
