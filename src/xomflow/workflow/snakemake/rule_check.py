"""The errors that a rule file of an analysis may have, one phrase for each."""

from __future__ import annotations

import string
import traceback
from collections.abc import Iterable, Mapping

from snakemake.exceptions import WorkflowError

from xomflow.core.errors import XomError
from xomflow.core.messages import did_you_mean
from xomflow.workflow.snakemake.seam import RuleText


def describe_wrong_rules(analysis: str, rules: Iterable[RuleText], patterns: Mapping[str, Mapping[str, str]]) -> str:
    """Return the first error of a rule file that Snakemake could read; empty if there is none.

    Parameters
    ----------
    analysis
        The analysis of the rule file.
    rules
        The rules that the file defines.
    patterns
        ``outcome``, ``log`` and ``benchmark`` to the pattern of each configured analysis.
    """
    own = None
    for rule in rules:
        for kind, files in rule.files.items():
            for name, pattern in patterns[kind].items():
                if name != analysis and pattern in files:
                    error = f"rule {rule.name} makes the {kind} of {name}; write xom.{kind}({analysis!r})"
                    return f"{_place(rule.line)}: {error}"
        if patterns["outcome"][analysis] in rule.files["outcome"]:
            own = rule
    if own is None:
        return f": no rule has the output xom.outcome({analysis!r})"
    place = _place(own.line)
    if own.texts["shell"] is None:
        return f'{place}: rule {own.name} runs nothing; it needs shell: "{{params.command}}"'
    if "{params" not in own.texts["shell"]:
        return f'{place}: shell of rule {own.name} runs no analysis; it needs "{{params.command}}"'
    if "slurm_extra" in own.resources:
        where = "of its own or of a profile, which XOM ignores"
        write = f"write its options into analyses.{analysis}.slurm.options of the configuration"
        return f"{place}: rule {own.name} has the resource slurm_extra, {where}; {write}"
    for command in own.params:
        if getattr(command, "analysis", analysis) != analysis:
            return f"{place}: rule {own.name} runs {command.analysis}; write xom.run({analysis!r})"
    return _describe_unfilled(own)


def _describe_unfilled(rule: RuleText) -> str:
    """Return the first name in a text of a rule that Snakemake cannot fill in; it would end the whole tick."""
    for keyword, text in rule.texts.items():
        try:
            fields = [field for _, field, _, _ in string.Formatter().parse(text or "") if field]
        except ValueError as error:
            return f"{_place(rule.line)}: {keyword} of rule {rule.name}: {error}"
        for field in fields:
            head, _, name = field.partition(".")
            if head in rule.names and name and name not in rule.names[head]:
                place, hint = _place(rule.line), did_you_mean(name, rule.names[head])
                return f"{place}: {keyword} of rule {rule.name} has {{{field}}}{hint}"
    return ""


def describe_unreadable(error: Exception, file: str, lines: Mapping[int, int]) -> str:
    """Return the line of a rule file that Snakemake could not read, and the reason.

    Parameters
    ----------
    error
        The error that reading it raised.
    file
        The rule file.
    lines
        Lines of the code that Snakemake makes of the file to lines of the file.
    """
    if isinstance(error, SyntaxError):
        # Snakemake's own reader counts the file's lines, Python's those of the code made of it.
        line = error.lineno if error.text is None else lines.get(error.lineno or 0, error.lineno)
        return f"{_place(line)}: {_first_line(str(error.msg))}"
    inside = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line = lines.get(inside[-1] or 0) if inside else getattr(error, "lineno", None)
    message = _first_line(str(error))
    is_sentence = isinstance(error, XomError | AttributeError | WorkflowError)
    return f"{_place(line)}: {message if is_sentence else f'{type(error).__name__}: {message}'}"


def _place(line: int | None) -> str:
    return f", line {line}" if line else ""


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else "no more is known"
