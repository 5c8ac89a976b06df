"""What is generated in docs/ says what the model of the configuration says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from xomflow.config import reference
from xomflow.config.load import check_configuration
from xomflow.core.errors import ConfigurationError
from xomflow.core.paths import CONFIGURATION_PAGE, CONFIGURATION_SCHEMA, ROOT, Paths
from xomflow.core.state import State

SCHEMA = reference.json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
CONFIG = ROOT / "config.yaml"


def default_configuration() -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    return tree


def page_keys() -> set[str]:
    """Keys on the page, spelled with their block."""
    found, block = set(), ""
    for line in CONFIGURATION_PAGE.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"## (?:`(.+)`|Top level)", line):
            block = f"{heading[1]}." if heading[1] else ""
        elif row := re.match(r"\| `(\w+)` \|", line):
            found.add(block + row[1])
    return found


def test_the_schema_file_is_what_the_model_gives() -> None:
    assert CONFIGURATION_SCHEMA.read_text(encoding="utf-8") == reference.schema_text(), "run `make docs`"


def test_the_page_is_what_the_model_gives() -> None:
    introduction = runpy.run_path(str(ROOT / "scripts" / "make_docs.py"))["INTRODUCTION"]
    assert CONFIGURATION_PAGE.read_text(encoding="utf-8") == reference.page_text(introduction), "run `make docs`"


def test_the_page_has_every_key_and_no_other() -> None:
    below = {f"{place}.{name}" for place, block in reference.blocks(SCHEMA) for name in block["properties"]}
    assert page_keys() == below | SCHEMA["properties"].keys()


def test_every_key_has_a_description() -> None:
    table = [line for line in CONFIGURATION_PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert [line for line in table if not re.search(r"\| [^|]*\w[^|]*\. \|$", line)] == []


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_configuration_points_to_the_schema() -> None:
    first = CONFIG.read_text(encoding="utf-8").splitlines()[0]
    place = Path(first.partition("$schema=")[2])
    assert (CONFIG.parent / place).resolve() == CONFIGURATION_SCHEMA


def test_the_configuration_follows_the_schema() -> None:
    assert [error.message for error in VALIDATOR.iter_errors(default_configuration())] == []


def test_the_configuration_has_only_keys_of_the_page() -> None:
    tree = default_configuration()
    written = set(tree)
    for place, block in reference.blocks(SCHEMA):
        name = re.split(r"\[|\.", place)[0]
        value = tree.get(name, {})
        inside = value if place.endswith("[]") else value.values() if place.endswith("<name>") else [value]
        written |= {f"{place}.{key}" for one in inside for key in one}
        assert block["additionalProperties"] is False
    assert written <= page_keys()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("stale_aftr",), "2 d"),
        (("stale_after",), "2 days"),
        (("stale_after",), 2),
        (("max_jobs_per_tick",), 0),
        (("rundb", "kind"), "oracle"),
        (("context", "function"), "no_colon"),
        (("software",), []),
        (("store", "prefix"), "prod"),
        (("warm_start",), {"enabled": "yes"}),
        (("analyses", "event_rate", "version"), "a b"),
        (("analyses", "event_rate", "memory_mb"), -1),
        (("analyses", "Event Rate"), {"version": "v1"}),
    ],
)
def test_the_schema_and_the_model_refuse_the_same(place: tuple[str, ...], value: Any) -> None:
    tree = default_configuration()
    block = tree
    for name in place[:-1]:
        block = block[name]
    block[place[-1]] = value
    assert not VALIDATOR.is_valid(tree)
    with pytest.raises(ConfigurationError):
        check_configuration(tree, "config.yaml")


def test_every_default_follows_its_own_schema() -> None:
    inside = [block["properties"] for _, block in reference.blocks(SCHEMA)]
    for properties in [SCHEMA["properties"], *inside]:
        for name, field in properties.items():
            if "default" in field:
                valid = jsonschema.Draft202012Validator({**field, "$defs": SCHEMA["$defs"]}).is_valid(field["default"])
                assert valid, f"{name}: {field['default']!r}"


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "pattern": "^a$"}, "text that matches `^a$`"),
        ({"type": "string", "format": "path"}, "path"),
        ({"type": "string", "pattern": "^x$", "examples": ["2 d"]}, "length of time"),
        ({"type": "boolean"}, "`true` or `false`"),
        ({"type": "integer", "minimum": 1}, "whole number, at least 1"),
        ({"enum": ["a", "b"]}, "`a` or `b`"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "string"}}}, "list of lists of texts"),
        ({"type": "array", "items": {"$ref": "#/$defs/X"}, "minItems": 1}, "list of blocks, one at least"),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "number or nothing"),
    ],
)
def test_types_are_said_in_words(field: dict[str, Any], words: str) -> None:
    assert reference.describe_type(field, {"X": {}}) == words


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True))))
def test_a_default_is_shown_as_yaml_would_have_it(value: Any) -> None:
    shown = reference.describe_default({"default": value}, required=False)
    assert yaml.safe_load(shown.strip("`")) == value


PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub and GitLab make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        place, _, anchor = link.partition("#")
        target = page.parent / place if place else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", ["operator", "shifter"])
def test_a_page_that_explains_states_explains_each(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert [state for state in State if not re.search(rf"^\| `?{state}`? \|", text, re.MULTILINE)] == []


def test_no_page_spells_the_folder_that_the_configuration_names() -> None:
    """Only what `make` makes is in `work`, whatever `work:` is, and the logs of ticks that deploy/ writes beside it."""
    parts = {value.fget(Paths(Path())).parts[0] for value in vars(Paths).values() if isinstance(value, property)}
    spelled = re.compile(rf"(?<![\w>/.])work/(?:{'|'.join(sorted(parts))}|removed)\b")
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    lines = [f"{page.name}: {line}" for page in pages for line in page.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if spelled.search(line)] == []
