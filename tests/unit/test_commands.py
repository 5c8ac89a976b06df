"""What all commands have in common: tables, a dry-run, a question before many keys."""

from __future__ import annotations

import argparse
import io
import json
import os
import pty
import sys
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.in_process import fork
from xomflow.cli import command_line, main
from xomflow.cli.command_line import COMMANDS, make_parser
from xomflow.cli.conventions import MANY, Plan, add_conventions, carry_out
from xomflow.cli.table import say_table, table
from xomflow.core.errors import UsageError
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import Key, run_id
from xomflow.core.state import State
from xomflow.workflow.ending.terminal import count_lines

ROWS = [
    ["052894", "failed", "raised at attempt 2: a sentence that is much longer than the others"],
    ["052895", None, "x"],
]


def test_a_table_is_as_wide_as_it_needs_where_nothing_bounds_it() -> None:
    lines = list(table(("run", "state", "reason"), ROWS))
    assert lines == [
        "run     state   reason",
        "052894  failed  raised at attempt 2: a sentence that is much longer than the others",
        "052895          x",
    ]


@pytest.mark.parametrize("most", [80, 60, 30])
def test_the_states_that_do_not_fit_beside_each_other_stand_below(most: int) -> None:
    counts = {"photo_ionization": {state: 60_000 + number for number, state in enumerate(State)}, "busy": {}}
    lines = count_lines(counts, most)
    assert max(map(len, lines)) <= most
    assert [line.split()[0] for line in lines if line][:3] == ["analysis", "photo_ionization", "busy"]
    numbers = [word for line in lines if line.startswith("photo") for word in line.split()[1:]]
    assert numbers == [str(60_000 + number) for number in range(len(State))], "each state once, in order"
    assert len(count_lines(counts)) == 3


def test_in_a_terminal_the_widest_column_is_wrapped() -> None:
    assert list(table(("run", "state", "reason"), ROWS, 40)) == [
        "run     state   reason",
        "052894  failed  raised at attempt 2: a",
        "                sentence that is much",
        "                longer than the others",
        "052895          x",
    ]


def test_a_printed_table_is_as_wide_as_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    say_table(("run", "state", "reason"), ROWS)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    say_table(("run", "state", "reason"), ROWS)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines[:3])) == 83, "into a file it goes whole"
    assert max(map(len, lines[3:])) <= 40


@pytest.mark.parametrize("as_json", [True, False])
def test_a_row_has_a_cell_for_each_heading(as_json: bool) -> None:
    with pytest.raises(ValueError, match="zip"):
        say_table(("run", "state"), [["052894"]], as_json)


@given(
    st.lists(st.tuples(*[st.text(max_size=60)] * 4), max_size=5),
    st.integers(40, 200),
)
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[str, ...]], width: int) -> None:
    lines = list(table(("a", "b", "c", "d"), rows, width))
    assert [line for line in lines if len(line) > width] == []


def test_the_same_table_as_json_has_the_whole_cells(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(("run", "state", "reason"), ROWS, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [list(row.values()) for row in found] == ROWS
    assert list(found[0]) == ["run", "state", "reason"]


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_conventions(parser)
    return parser.parse_args(words)


class Acts:
    def __init__(self, number: int) -> None:
        self.done = 0
        self.plan = Plan("are tried again", [Key("kr", "v1", run_id(n)) for n in range(number)], self.act, ["a note"])

    def act(self) -> Iterable[str]:
        self.done += 1
        return ["a file was written"]


def test_a_command_prints_how_many_keys_it_touches_and_does_nothing_in_a_dry_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    few = Acts(2)
    assert (carry_out(few.plan, options("--dry-run")), few.done) == (0, 0)
    told = "a note\n2 keys are tried again: kr v1 run 000000, kr v1 run 000001\n"
    assert capsys.readouterr().out == f"{told}nothing was done\n"
    assert (carry_out(few.plan, options()), few.done) == (0, 1)
    assert capsys.readouterr().out == f"{told}a file was written\n"


def test_json_has_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    carry_out(Acts(MANY).plan, options("--json"))
    found = json.loads(capsys.readouterr().out)
    assert (len(found["keys"]), found["keys"][1]["run"]) == (MANY, "000001")
    assert (found["done"], found["notes"], found["dry_run"]) == (["a file was written"], ["a note"], False)
    assert found["what"] == "are tried again"


def test_many_keys_need_a_yes_where_there_is_no_terminal() -> None:
    many = Acts(MANY + 1)
    with pytest.raises(UsageError, match=r"^101 keys are more than 100, and there is no terminal to ask: .* --yes"):
        carry_out(many.plan, options())
    assert (carry_out(many.plan, options("--dry-run")), many.done) == (0, 0)
    assert (carry_out(many.plan, options("--yes")), many.done) == (0, 1)


@pytest.mark.parametrize(("answer", "does"), [("y\n", True), ("\n", False), ("no\n", False)])
def test_a_terminal_is_asked(answer: str, does: bool) -> None:
    ours, theirs = pty.openpty()

    def work() -> int:
        for number in range(3):
            os.dup2(theirs, number)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
        many = Acts(MANY + 1)
        carry_out(many.plan, options())
        return many.done

    pid = fork(work)
    os.write(ours, answer.encode())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    os.close(theirs)
    assert "101 keys are tried again" in shown and "go on? [y/N]" in shown
    assert (code, "nothing was done" in shown) == (int(does), not does)


class Interrupted(io.StringIO):
    """A terminal at which Ctrl-C is typed."""

    def isatty(self) -> bool:
        return True

    def readline(self, size: int | None = -1) -> str:
        raise KeyboardInterrupt


def test_without_a_terminal_for_question_and_answer_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    many, terminal, file = Acts(MANY + 1), Interrupted(), io.StringIO()
    for stdin, stderr, words in ((terminal, file, ()), (file, terminal, ()), (terminal, terminal, ("--json",))):
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stderr", stderr)
        with pytest.raises(UsageError, match=r"^101 keys are more than 100"):
            carry_out(many.plan, options(*words))


def test_ctrl_c_at_the_question_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Interrupted())
    monkeypatch.setattr(sys, "stderr", Interrupted())
    many = Acts(MANY + 1)
    with pytest.raises(UsageError, match="interrupted; nothing was done"):
        carry_out(many.plan, options())
    assert many.done == 0


def test_ctrl_c_ends_a_command_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(words: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "main", interrupted)
    assert main(["drain", "--wait"]) == ExitCode.UNFORESEEN
    assert capsys.readouterr().err == "\ninterrupted; the same command does what is left\n"


def test_options_may_stand_between_the_words() -> None:
    parser = make_parser()
    for _ in ("once", "again"):
        assert parser.parse_args(["cancel", "52001", "--site", "here", "52002"]).runs == ["52001", "52002"]


def test_a_command_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.main([])
    assert "required: COMMAND" in capsys.readouterr().err


def test_each_command_has_a_name_and_one_sentence_of_help() -> None:
    names = [command.name for command in COMMANDS]
    assert len(set(names)) == len(names)
    assert [command.name for command in COMMANDS if not command.help.endswith((".", "--why."))] == []
    lines = [line.split()[0] for line in make_parser().format_help().splitlines() if line.startswith("  ")]
    assert [name for name in names if name not in lines] == []


@pytest.mark.parametrize("lines", [1, 10_000])
def test_a_reader_that_has_closed_the_pipe_is_no_error(lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of `xom status | head -1`."""
    monkeypatch.setattr(command_line, "main", lambda words: print("line\n" * lines) or 0)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:  # which complains at its end about what it could not write
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["status"]) == ExitCode.OK


def test_the_words_are_those_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["xom", "status", "52001"])
    monkeypatch.setattr(command_line, "main", lambda words: print(words) or 0)
    assert main() == ExitCode.OK
    assert capsys.readouterr().out == "['status', '52001']\n"
