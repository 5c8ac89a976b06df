"""What is said where an interpreter cannot be asked about a context."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.factory import settings
from xomflow.core.errors import ContextError
from xomflow.workflow.discover import open_context_probe


def said(folder: Path, script: str, times: int = 1) -> str:
    """The sentence about an interpreter that is a shell script, the last time that it is wanted."""
    interpreter = folder / "python"
    interpreter.write_text(f"#!/bin/sh\n{script}\n")
    interpreter.chmod(0o755)
    blocks = [{"interpreter": "/usr/bin/python3", "max_run": 9}, {"interpreter": str(interpreter), "min_run": 10}]
    configured = settings(folder / "work", software=blocks)
    probe = open_context_probe(configured, may_write=False)
    for _ in range(times - 1):
        with pytest.raises(ContextError):
            probe.describe(configured.software[1].program, configured.context, ["peaks"])
    with pytest.raises(ContextError) as caught:
        probe.describe(configured.software[1].program, configured.context, ["peaks"])
    start = f"nobody:asks under software[1].interpreter {interpreter}: "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


OUTPUTS = {"true": "nothing", "echo nonsense": r"'nonsense\n'", "echo 5": "'5'", "echo [1]": "'[1]'", "echo {}": "'{}'"}


@pytest.mark.parametrize(("script", "words"), OUTPUTS.items())
def test_what_is_no_interpreter_is_named_with_its_key(tmp_path: Path, script: str, words: str) -> None:
    expected = f"a Python interpreter with xomlib is needed, and this one printed {words}"
    assert said(tmp_path, script) == expected


def test_what_an_interpreter_lacks_is_said_of_it(tmp_path: Path) -> None:
    (tmp_path / "answer").write_text('{"error": "No module named numpy"}')
    assert said(tmp_path, f"cat {tmp_path / 'answer'}") == "No module named numpy"
    assert said(tmp_path, "echo no libc >&2; exit 3") == "no libc"


def test_an_interpreter_that_does_not_answer_is_asked_once(tmp_path: Path) -> None:
    assert "printed 'again" in said(tmp_path, f"echo again | tee -a {tmp_path / 'asked'}", times=3)
    assert (tmp_path / "asked").read_text() == "again\n"
