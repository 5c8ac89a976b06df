"""A value in YAML is what a person takes it for, or it is refused with its line and with what to write."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from support.factory import any_text
from xomflow.config.strict_yaml import parse_assignments, parse_yaml, update_tree
from xomflow.core.errors import ConfigurationError


def refusal(text: str) -> str:
    """The sentence about a value; empty if it is read."""
    try:
        parse_yaml(text, "config.yaml")
    except ConfigurationError as error:
        return str(error)
    return ""


def test_what_is_written_plainly_is_read() -> None:
    read = (
        "52601 -1.5 1.0e-3 0 0.25 +5 .5 true false True null ~ tpc v2 1.2.3 y n 2d x=1 127.0.0.1 '052601' '1e-3' 'no'"
    )
    values: list[Any] = [52601, -1.5, 0.001, 0, 0.25, 5, 0.5, True, False, True, None, None]
    values += ["tpc", "v2", "1.2.3", "y", "n", "2d", "x=1", "127.0.0.1", "052601", "1e-3", "no"]
    assert parse_yaml("\n".join(f"- {one}" for one in read.split()), "config.yaml") == values
    assert parse_yaml("a: 2 d\nb:\nc: |\n  052601\n", "config.yaml") == {"a": "2 d", "b": None, "c": "052601\n"}


# The value, how YAML reads it, and what to write.
OTHERWISE = {
    "052601": (21889, "52601, or '052601' where a text is meant"),
    "00": (0, "0, or '00' where a text is meant"),
    "-052": (-42, "-52, or '-052' where a text is meant"),
    "007.50": (7.5, "7.50, or '007.50' where a text is meant"),
    "0x1F": (31, "a plain decimal number, or '0x1F'"),
    "0b11": (3, "a plain decimal number, or '0b11'"),
    "1_00": (100, "100, or '1_00' where a text is meant"),
    "1:40": (100, "a plain decimal number, or '1:40'"),
    "12:30:45.5": (45045.5, "a plain decimal number, or '12:30:45.5'"),
    ".inf": (math.inf, "a plain decimal number, or '.inf'"),
}
LIKE_NUMBERS = {
    "1e-3": "1.0e-3",
    "1e3": "1000",
    "1.5E3": "1500",
    "-2d2": "-200",
    "1.25e1": "1.25e+1",
    "1e30": "1.0e+30",
    "1e-999": "1.0e-999",
    "1e99999999999999999999": "1.0e+99999999999999999999",
    "1d-3": "1.0e-3",
    "089": "89",
    "+.5": "0.5",
    "-.5": "-0.5",
}
_NO_DECIMAL = ["0o17", "0X1f", "1:99", "1,000", "52601, 52602", "52 601", "٥٢", "−5", "nan", "Infinity"]
LIKE_NUMBERS |= dict.fromkeys(_NO_DECIMAL, "")
TRUTHS = dict.fromkeys(("yes", "Yes", "ON", "on"), "true") | dict.fromkeys(("no", "NO", "off"), "false")


def test_what_yaml_reads_otherwise_is_refused_with_what_to_write() -> None:
    for text, (value, write) in OTHERWISE.items():
        assert yaml.safe_load(text) == value
        assert refusal(f"a: 1\nb: [{text}]") == f"config.yaml, line 2: {text} is read as {value}: write {write}"
    for text, meant in TRUTHS.items():
        write = f"write {meant}, or '{text}' where a text is meant"
        assert refusal(text) == f"config.yaml, line 1: {text} is a truth value in YAML: {write}"
    assert refusal("a: 2026-01-01") == "config.yaml, line 1: 2026-01-01 is read as a time: write '2026-01-01'"


def test_what_looks_like_a_number_and_is_read_as_a_text_is_refused_with_what_to_write() -> None:
    for text, meant in LIKE_NUMBERS.items():
        write = f"{meant}, or '{text}' where a text is meant" if meant else f"a plain decimal number, or '{text}'"
        said = f"config.yaml, line 1: {text} looks like a number, and YAML reads a text: write {write}"
        assert refusal(f"a: {text}") == said


@pytest.mark.parametrize("text", ["52601\u00a0", "\u200b052601", "52\u200b601", "\u2060bad", "bad\u202f"])
def test_an_invisible_character_is_refused_unless_the_text_is_in_quotes(text: str) -> None:
    """Copied from a slide or a chat; the value would be a text, and match nothing."""
    sentence = refusal(f"runs: [{text}]")
    assert "has the invisible character U+" in sentence
    assert "remove it, or put the text in quotes" in sentence
    assert parse_yaml(f"- '{text}'\n- Rate\u00a0of events", "config.yaml") == [text, "Rate\u00a0of events"]


def test_keys_are_values_too() -> None:
    assert "052601 is read as 21889" in refusal("settings: {052601: good}")
    assert "on is a truth value" in refusal("on: {a: 1}")


def test_each_wrong_value_is_named() -> None:
    said = refusal("except_runs:\n  - 052601\n  - 52602\n  - 052603\nenabled: yes")
    assert [line.split(" ")[2] for line in said.split("\n")] == ["2:", "4:", "5:"]


def test_a_key_that_stands_twice_is_refused_with_both_lines() -> None:
    said = refusal("work: a\nanalyses:\n  kr83m: {version: v1}\n  'kr83m': {version: v2}\nwork: b")
    assert said == (
        "config.yaml, line 5: the key 'work' stands twice, first in line 1: remove one\n"
        "config.yaml, line 4: the key 'kr83m' stands twice, first in line 3: remove one"
    )


def test_what_makes_other_things_than_values_is_refused() -> None:
    for text in ("!!python/name:os.system ''", "!!set {a}", "!!binary aGk=", "!own 5", "!!float '1'", "=", "&a [*a]"):
        assert "config.yaml, line 1: " in refusal(f"a: {text}"), text
    assert "makes a template of the file" in refusal("work: w\n__use_yte__: true")
    assert parse_yaml("work: {__use_yte__: true}", "config.yaml") == {"work": {"__use_yte__": True}}


def test_values_with_anchors_may_be_used_again_and_replaced() -> None:
    text = "a: &common {version: v1, title: x}\nb:\n  <<: *common\n  title: y\nc: *common"
    assert parse_yaml(text, "config.yaml")["b"] == {"version": "v1", "title": "y"}
    twice = "a: &a {version: v1}\nb: &b {title: x}\nc:\n  <<: *a\n  <<: *b"
    assert parse_yaml(twice, "config.yaml")["c"] == {"version": "v1", "title": "x"}


def test_many_uses_of_one_value_are_checked_once() -> None:
    lines = ["a0: &a0 [1_0]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))]
    assert refusal("\n".join(lines)).count("\n") == 0


@given(value=st.recursive(st.none() | st.booleans() | st.integers() | any_text, lambda one: st.lists(one, max_size=3)))
@effort(max_examples=200)
def test_what_is_read_is_what_snakemake_reads(value: Any) -> None:
    text = yaml.dump({"a": value}, allow_unicode=True)
    try:
        read = parse_yaml(text, "config.yaml")
    except ConfigurationError:
        return
    assert read == yaml.load(text, yaml.FullLoader)


def test_the_command_line_is_read_as_the_file_is() -> None:
    given = ["max_jobs_per_tick=1000", "selection={min_run: 52601, excluded_tags: [bad]}", "store={'prefix': 'test_'}"]
    read = {"max_jobs_per_tick": 1000, "selection": {"min_run": 52601, "excluded_tags": ["bad"]}}
    assert parse_assignments(given) == {**read, "store": {"prefix": "test_"}}
    assert parse_assignments(["work=", "title=a=b"]) == {"work": None, "title": "a=b"}
    for entry in ("selection={min_run: 052601}", "max_jobs_per_tick=0100", "stale_after=1e3"):
        with pytest.raises(ConfigurationError, match=rf"--config {entry.split('=')[0]}, line 1: "):
            parse_assignments([entry])


def test_the_command_line_replaces_single_values_of_blocks() -> None:
    tree = {"selection": {"min_run": "5", "max_run": 9}, "software": [1], "work": "w"}
    update_tree(tree, {"selection": {"min_run": 5}, "software": [2], "work": {"a": 1}})
    assert tree == {"selection": {"min_run": 5, "max_run": 9}, "software": [2], "work": {"a": 1}}
