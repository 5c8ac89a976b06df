"""What the documentation quotes or names exists: messages in the code, files in the tree."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from xomflow.core.paths import ROOT

# Sentences that other programs print: Slurm, InfluxDB, MongoDB, the kernel.
FOREIGN = (
    "Authentication failed",
    "Config entries have to be defined as",
    "Invalid account",
    "Invalid config definition",
    "Invalid qos",
    "Memory specification can not be satisfied",
    "No space left on device",
    "Read-only file system",
    "Requested node configuration is not available",
    "Reserved for maintenance",
    "Unable to contact slurm controller",
    "cache-max-memory-size exceeded",
    "field type conflict",
    "invalid partition",
    "job requeued in held state",
    "launch failed requeued held",
    "must start with a valid identifier",
    "queue length exceeded",
    "retention policy",
    "timed out",
)
QUOTED = re.compile(r'"([^"`]{8,}?)"(?=[\s,;.:)*])')
# A word with one of these stands for a value.
_VALUE = re.compile(r"[0-9<>/'`_=*]|\.\w|\.\.\.")
# A line of the layers: its number, where a layer begins, and a sub-package.
LAYER = re.compile(r"^(\d| ) {2}(\w+) {2,}", re.MULTILINE)
MOST_MODULES = 12  # as CONTRIBUTING.md has it
_NAMES = {"sbatch", "squeue", "rate", "mode", "Slurm", "pending"}  # as words of a sentence these are values


def templates() -> list[str]:
    """Return every text of the code but docstrings; a value in it is a zero character."""
    found: list[str] = []
    for path in [*ROOT.glob("src/**/*.py"), *ROOT.glob("scripts/**/*.py")]:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "\0" for part in node.values]
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
                found.append(node.value)
    found += [
        path.read_text(encoding="utf-8")
        for path in ROOT.glob("src/xomflow/page/assets/**/*.js")
        if "uPlot" not in path.name
    ]
    return [" ".join(text.split()) for text in found]


def pieces(quote: str) -> list[str]:
    """Return the sequences of at least two plain words in a quoted sentence."""
    for foreign in FOREIGN:
        quote = quote.replace(foreign, " ... ")
    found: list[list[str]] = []
    for part in re.split(r"[:;,()]", quote):
        found.append([])
        for word in part.split():
            if _VALUE.search(word) or word in _NAMES:
                found.append([])
            else:
                found[-1].append(word)
    return [" ".join(words).strip(" .") for words in found if len(words) > 1]


def quotes(page: str) -> list[str]:
    """Return the sentences that a page quotes."""
    text = (ROOT / page).read_text(encoding="utf-8")
    headings = set(re.findall(r"^\*\*(.*)\*\*", text, re.MULTILINE))
    found = {" ".join(quote.split()) for quote in QUOTED.findall(text)}
    return sorted(quote for quote in found if quote not in headings and not quote.endswith("?"))


@pytest.mark.parametrize("page", ["docs/playbook.md", "docs/operator.md"])
def test_a_page_quotes_messages_that_the_code_has(page: str) -> None:
    known = templates()
    wrong = [
        f"{quote!r}: {piece!r}"
        for quote in quotes(page)
        for piece in pieces(quote)
        if not any(piece in one for one in known)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md", "README.md"])
def test_the_files_that_a_page_names_are_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(
        re.findall(
            r"`((?:src|docs|tests|rules|scripts|profiles|services|envs|deploy)/[\w./-]+|\w+/\w+\.(?:py|smk))`", text
        )
    )
    homes = (Path(), Path("src"), Path("src/xomflow"))
    missing = [name for name in sorted(named) if not any((ROOT / home / name).exists() for home in homes)]
    assert not missing


def test_the_architecture_names_each_sub_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = [path.parent.relative_to(ROOT / "src").as_posix() for path in ROOT.glob("src/*/**/__init__.py")]
    named = {*re.findall(r"`(?:src/)?([\w/]+)/?`", text), *(package for _, package in LAYER.findall(text))}
    missing = [one for one in sorted(packages) if not {one, f"{one}/", one.removeprefix("xomflow/")} & named]
    assert missing == []


def test_the_architecture_has_the_layers_that_lint_checks() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown: list[set[str]] = []
    for number, package in LAYER.findall(text):
        shown += [set()] * bool(number.strip())
        shown[-1] = shown[-1] | {package}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(one["layers"] for one in contracts if one.get("containers") == ["xomflow"])
    assert shown == [set(re.findall(r"\w+", layer)) for layer in layers]


def test_no_folder_of_the_source_holds_more_modules_than_one_can_look_through() -> None:
    folders = {path.parent for path in ROOT.glob("src/**/*.py")}
    modules = {
        folder.relative_to(ROOT).as_posix(): len([path for path in folder.glob("*.py") if path.stem != "__init__"])
        for folder in folders
    }
    assert {name: number for name, number in modules.items() if number > MOST_MODULES} == {}
