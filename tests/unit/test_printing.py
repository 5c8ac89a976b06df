"""What people read on a terminal is text: nothing of it steers the terminal."""

from __future__ import annotations

import ast
import io
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given

from support.factory import any_text
from xomflow.core.paths import SOURCE
from xomlib.printing import printable, printable_lines, say, say_unforeseen


def test_characters_that_steer_are_shown() -> None:
    shown = {"a\x1b[2Jb": r"a\x1b[2Jb", "\x07\x7f\x9b": r"\x07\x7f\x9b", "a\nb\tc\r": r"a\nb\tc\r"}
    shown |= {"\u202edab\u2066": r"\u202edab\u2066", "\u2028": r"\u2028", "\ud83d": r"\ud83d", "\u200b": r"\u200b"}
    shown |= {"Rn-220 µs – 漢字 🎉 é": "Rn-220 µs – 漢字 🎉 é", r"a\x1b": r"a\x1b"}
    assert {text: printable(text) for text in shown} == shown
    assert printable_lines("a\x1b\nb") == "a\\x1b\nb"


@given(text=any_text)
def test_nothing_that_is_not_shown_is_left(text: str) -> None:
    left = {unicodedata.category(letter) for letter in printable(text)}
    assert not left & {"Cc", "Cs", "Zl", "Zp"}


def test_each_line_stays_one_line_in_any_encoding() -> None:
    for coding, shown in (("utf-8", "µ"), ("ascii", r"\xb5")):
        raw = io.BytesIO()
        with io.TextIOWrapper(raw, coding) as out:
            say("done", "mode a\nfake: µ", file=out)
            out.flush()
            assert raw.getvalue().decode(coding) == f"done\nmode a\\nfake: {shown}\n"


def test_an_error_that_nothing_handles_is_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("mode \x1b[2J\nand more")
    except ValueError as error:
        say_unforeseen(ValueError, error, error.__traceback__)
    assert capsys.readouterr().err.endswith("\nValueError: mode \\x1b[2J\nand more\n")


def test_everything_is_printed_by_the_one_function() -> None:
    places = [SOURCE / "xomflow", SOURCE / "snakemake_executor_plugin_xom_slurm"]
    prints = [
        f"{path}, line {node.lineno}"
        for path in (path for place in places for path in Path(place).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not prints
