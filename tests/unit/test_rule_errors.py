"""What is wrong with a rule file is one phrase, with its line."""

from __future__ import annotations

from typing import Any

import pytest

from xomflow.core.errors import ConfigurationError
from xomflow.workflow.snakemake.rule_check import describe_unreadable, describe_wrong_rules
from xomflow.workflow.snakemake.seam import RuleText

PATTERNS = {kind: {name: f"{kind}/{name}" for name in ("kr", "rate")} for kind in ("outcome", "log", "benchmark")}


def rule(**changes: Any) -> RuleText:
    files = {"outcome": ["outcome/kr"], "log": ["log/kr"], "benchmark": []}
    given: dict[str, Any] = {
        "name": "kr",
        "line": 3,
        "files": files,
        "texts": {"shell": "{params.command}", "message": None},
        "names": {"params": ["command"], "wildcards": ["run"]},
        "params": [],
        "resources": [],
    }
    return RuleText(**{**given, **changes})


def wrong(*rules: RuleText) -> str:
    return describe_wrong_rules("kr", rules or (rule(),), PATTERNS)


def test_a_rule_that_is_right_has_no_error() -> None:
    assert wrong() == ""
    assert (
        wrong(
            rule(texts={"shell": "nice {params.command} {wildcards.run} {odd} {params} {log.err}", "message": "{{x}}"})
        )
        == ""
    )
    assert wrong(rule(files={"outcome": [], "log": [], "benchmark": []}), rule()) == ""


def test_each_error_is_one_phrase_with_the_line_of_its_rule() -> None:
    texts = {"shell": "{params.command}", "message": None}
    other = {"outcome": ["outcome/kr"], "log": ["log/rate"], "benchmark": []}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"files": other}, ": rule kr makes the log of rate; write xom.log('kr')"),
        ({"texts": {"shell": None}}, ': rule kr runs nothing; it needs shell: "{params.command}"'),
        ({"texts": {"shell": "echo"}}, ': shell of rule kr runs no analysis; it needs "{params.command}"'),
        (
            {"resources": ["mem_mb", "slurm_extra"]},
            ": rule kr has the resource slurm_extra, of its own or of a profile, which XOM ignores; write its options "
            "into analyses.kr.slurm.options of the configuration",
        ),
        (
            {"params": [RunCommandOf("kr"), RunCommandOf("rate")]},
            ": rule kr runs rate; write xom.run('kr')",
        ),
        (
            {"texts": {**texts, "message": "{params.comand}"}},
            ": message of rule kr has {params.comand}; did you mean 'command'?",
        ),
        ({"texts": {**texts, "message": "{"}}, ": message of rule kr: "),
    ]
    for changes, phrase in cases:
        assert wrong(rule(**changes)).startswith(f", line 3{phrase}"), phrase
    assert wrong(rule(params=[RunCommandOf("kr"), object()])) == ""
    none = rule(files={"outcome": ["outcome/x"], "log": [], "benchmark": []})
    assert wrong(none) == ": no rule has the output xom.outcome('kr')"


class RunCommandOf:
    """A command in the parameters of a rule, for one analysis."""

    def __init__(self, analysis: str) -> None:
        self.analysis = analysis


def raised(code: str, file: str) -> Exception:
    try:
        exec(compile(code, file, "exec"), {"ConfigurationError": ConfigurationError})
    except Exception as error:
        return error
    raise AssertionError("no error")


def test_a_rule_file_that_cannot_be_read_has_its_line_and_the_reason() -> None:
    lines = {1: 10, 2: 20}
    assert (
        describe_unreadable(raised("x = 1\n1 / 0", "a.smk"), "a.smk", lines)
        == ", line 20: ZeroDivisionError: division by zero"
    )
    assert describe_unreadable(raised("\n1 / 0", "b.smk"), "a.smk", lines) == ": ZeroDivisionError: division by zero"
    assert describe_unreadable(raised("1 / 0", "a.smk"), "a.smk", {}) == ": ZeroDivisionError: division by zero"
    sentence = raised("raise ConfigurationError('\\n\\n a sentence \\nmore')", "a.smk")
    assert describe_unreadable(sentence, "a.smk", lines) == ", line 10: a sentence"
    assert describe_unreadable(AttributeError(""), "a.smk", lines) == ": no more is known"


@pytest.mark.parametrize(("text", "line"), [("the code", ", line 20"), (None, ", line 2")])
def test_a_syntax_error_has_the_line_of_the_file(text: str | None, line: str) -> None:
    error = SyntaxError("invalid syntax")
    error.lineno, error.text = 2, text
    assert describe_unreadable(error, "a.smk", {2: 20}) == f"{line}: invalid syntax"
    error.lineno = 7
    assert describe_unreadable(error, "a.smk", {2: 20}) == ", line 7: invalid syntax"
    error.lineno = None
    assert describe_unreadable(error, "a.smk", {1: 10}) == ": invalid syntax"
