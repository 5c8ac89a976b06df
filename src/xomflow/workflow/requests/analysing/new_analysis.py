"""Begin an analysis: the pieces of the example in docs/analyst.md under another name, ready to run.

The example is printed in one place only, and the tests run it from there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xomflow.config.load import check_configuration
from xomflow.config.strict_yaml import parse_yaml
from xomflow.core.errors import ConfigurationError, UsageError
from xomflow.core.paths import ANALYST_PAGE, ROOT, TEMPLATES
from xomlib.files import create_atomically, write_atomically

_EXAMPLE = "drift_time"
_RULE = f"rules/analyses/{_EXAMPLE}.smk"
_BLOCK = re.compile(r'^```\w+ title="(.+?)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_TOP_LEVEL = re.compile(r"^[^\s#-].*", re.MULTILINE)
_ANALYSES = re.compile(r"^analyses:[ \t]*(?:#.*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NewAnalysis:
    """What is written for a new analysis.

    Parameters
    ----------
    files
        New files with their content.
    source
        The configuration.
    configuration
        Its new content.
    """

    files: Mapping[Path, str]
    source: Path
    configuration: str

    def write(self) -> None:
        """Write everything, the configuration last; what was written is removed if something cannot be.

        Raises
        ------
        UsageError
            If a file appeared meanwhile.
        OSError
            If a disk cannot be written.
        """
        written: list[Path] = []
        try:
            for path, content in self.files.items():
                if not create_atomically(path, content) and not _has(path, content):
                    raise UsageError(f"{path} is there already; take another name, nothing was written")
                written.append(path)
            write_atomically(self.source, self.configuration)
        except BaseException:
            for path in written:
                path.unlink(missing_ok=True)
            raise


def new_analysis(name: str, source: Path, folder: Path) -> NewAnalysis:
    """Return the files of a new analysis.

    Parameters
    ----------
    name
        Its name.
    source
        The file of the configuration.
    folder
        Where script, rule and page go; if it is the project itself, so do truth and test.

    Raises
    ------
    UsageError
        If the name is that of a module of Python, or a file is there already.
    ConfigurationError
        If the configuration has such an analysis, or would be wrong with it.
    """
    if name in sys.stdlib_module_names:
        raise UsageError(f"{name} is the name of a module of Python, which the script would hide; take another name")
    files = {folder / place: text for place, text in _pieces(name, with_tests=folder == ROOT).items()}
    # What a command has left that was killed is taken up.
    if there := next((path for path, text in files.items() if path.exists() and not _has(path, text)), None):
        raise UsageError(f"{there} is there already; take another name, nothing was written")
    return NewAnalysis(files, source, _with_block(source, name))


def _has(path: Path, content: str) -> bool:
    """Return whether a file has this content."""
    try:
        return path.read_text(encoding="utf-8") == content
    except (OSError, ValueError):
        return False


def _pieces(name: str, with_tests: bool) -> dict[Path, str]:
    """Return the new files, by their place in the folder."""
    examples = dict(_BLOCK.findall(ANALYST_PAGE.read_text(encoding="utf-8")))
    script, rule = Path("scripts/analyses", f"{_EXAMPLE}.py"), Path(_RULE)
    found = {
        script.with_name(f"{name}.py"): examples[str(script)],  # the script does not name itself
        rule.with_name(f"{name}.smk"): rule_text(name),
        Path("docs/analyses", f"{name}.md"): _template("page.md", name),
    }
    tests = Path("tests/physics")
    if with_tests:
        found[tests / "truths" / f"{name}.py"] = _template("truth.py", name)
        found[tests / f"{name}_cases.py"] = _template("cases.py", name)
        found[tests / f"test_{name}.py"] = _template("test.py", name)
    return found


def rule_text(name: str) -> str:
    """Return the rule file of an analysis: they are all alike."""
    return dict(_BLOCK.findall(ANALYST_PAGE.read_text(encoding="utf-8")))[_RULE].replace(_EXAMPLE, name)


def _template(file: str, name: str) -> str:
    return (TEMPLATES / f"{file}.txt").read_text(encoding="utf-8").replace("NAME", name)


def _with_block(source: Path, name: str) -> str:
    """Return the configuration with the block of the new analysis at the end of ``analyses:``, all else as it was."""
    text = source.read_text(encoding="utf-8")
    before = parse_yaml(text, str(source))
    if name in (before.get("analyses") or {}):
        raise ConfigurationError(f"{source} has analyses.{name} already; take another name, nothing was written")
    block = _block(name)
    changed = _inserted(text, block)
    expected = {**before, "analyses": {**(before.get("analyses") or {}), **parse_yaml(f"a:\n{block}", "")["a"]}}
    if changed is None or not _contains(changed, expected):
        raise ConfigurationError(
            f"{source}: analyses: has another form than indented blocks, so add this block yourself:\n{block.rstrip()}"
        )
    check_configuration(expected, str(source), check_files=False)
    return changed


def _contains(text: str, expected: Mapping[str, Any]) -> bool:
    try:
        return parse_yaml(text, "") == expected
    except ConfigurationError:
        return False


def _block(name: str) -> str:
    """Return the block of the example under another name, indented by two blanks."""
    example = dict(_BLOCK.findall(ANALYST_PAGE.read_text(encoding="utf-8")))["config.yaml"]
    block = example.partition("analyses:\n")[2].replace(f"  {_EXAMPLE}:", f"  {name}:", 1)
    return re.sub(r"title: [^#\n]*?( #|\n)", rf"title: {name.replace('_', ' ').capitalize()}\1", block, count=1)


def _inserted(text: str, block: str) -> str | None:
    """Return a configuration with a block at the end of ``analyses:``; None if it has no such line of its own."""
    found = _ANALYSES.search(text)
    if found is None:
        return None
    following = _TOP_LEVEL.search(text, found.end())
    end = following.start() if following else len(text)
    body = text[found.end() : end]
    # Comments without an indentation belong to what follows.
    inner = (
        re.sub(r"(?:^[ \t]*\n|^#[^\n]*(?:\n|\Z))*\Z", "", body, flags=re.MULTILINE) if following else body.rstrip("\n")
    )
    head = text[: found.end()] + inner.rstrip("\n")
    return f"{head}\n\n{block.rstrip()}\n{body[len(inner) :] if following else ''}{text[end:]}"
