"""What may be wrong with the rule file of an analysis, in words."""

from __future__ import annotations

import string
import traceback
from collections.abc import Iterable, Mapping
from typing import Any

from snakemake.exceptions import WorkflowError
from snakemake.io import strip_wildcard_constraints

from xomflow.core.errors import XomError
from xomflow.core.messages import did_you_mean


def mistake(analysis: str, rules: Iterable[Any], patterns: Mapping[str, Mapping[str, str]]) -> str:
    """Return what a rule file lacks that could be read; empty if it is all right.

    Parameters
    ----------
    analysis
        Whose rule file it is.
    rules
        Snakemake's rules that the file defines.
    patterns
        ``outcome``, ``log`` and ``benchmark`` to the pattern of each configured analysis.
    """
    own = None
    for rule in rules:
        files = {"outcome": rule.output, "log": rule.log, "benchmark": [rule.benchmark] if rule.benchmark else []}
        for kind, found in files.items():
            for name, pattern in patterns[kind].items():
                if name != analysis and pattern in map(strip_wildcard_constraints, found):
                    return f": rule {rule.name} makes the {kind} of {name}; write xom.{kind}({analysis!r})"
        if patterns["outcome"][analysis] in map(strip_wildcard_constraints, rule.output):
            own = rule
    if own is None:
        return f": no rule has the output xom.outcome({analysis!r})"
    if own.shellcmd is None:
        return f': rule {own.name} runs nothing; it needs shell: "{{params.command}}"'
    for command in own.params:
        if getattr(command, "analysis", analysis) != analysis:
            return f": rule {own.name} runs {command.analysis}; write xom.run({analysis!r})"
    return _unfilled(own)


def _unfilled(rule: Any) -> str:
    """Return which text of a rule Snakemake could not fill in, which would end the whole tick; empty if none."""
    known = {"params": set(rule.params.keys()), "wildcards": rule.wildcard_names}
    for keyword, text in (("shell", rule.shellcmd), ("message", rule.message or "")):
        try:
            fields = [field for _, field, _, _ in string.Formatter().parse(text) if field]
        except ValueError as error:
            return f": {keyword} of rule {rule.name}: {error}"
        for field in fields:
            head, _, name = field.partition(".")
            if head in known and name and name not in known[head]:
                return f": {keyword} of rule {rule.name} has {{{field}}}{did_you_mean(name, known[head])}"
    return ""


def words(error: Exception, file: str, lines: Mapping[int, int]) -> str:
    """Return the line of a rule file that could not be read, and why.

    Parameters
    ----------
    error
        What reading it raised.
    file
        The rule file.
    lines
        Lines of the code that Snakemake makes of the file to lines of the file.
    """
    if isinstance(error, SyntaxError) and error.msg:
        # Snakemake's own reader counts the file's lines, Python's those of the code made of it.
        line = error.lineno if error.text is None else lines.get(error.lineno or 0, error.lineno)
        return f"{_line(line)}: {_first(error.msg)}"
    inside = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line = lines.get(inside[-1] or 0) if inside else getattr(error, "lineno", None)
    said = _first(str(error))
    own = isinstance(error, XomError | AttributeError | WorkflowError)
    return f"{_line(line)}: {said if own else f'{type(error).__name__}: {said}'}"


def _line(number: int | None) -> str:
    return f", line {number}" if number else ""


def _first(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else "no more is known"
