"""Boards have the form that Grafana's own types describe; literals of TypeScript, so unknown keys are errors too."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from test_grafana import SITE

from support.grafana import panels
from xomflow.core.paths import ROOT
from xomflow.grafana import tree as grafana

pytestmark = pytest.mark.slow

INSTALLED = ROOT / "work/node"
Board = dict[str, Any]


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Board]], str]:
    """The complaints of the compiler about boards."""
    compiler = INSTALLED / "node_modules/.bin/tsc"
    if not (compiler.exists() and (INSTALLED / "node_modules/@grafana/schema").exists()):
        reason = f"{INSTALLED} lacks the compiler or @grafana/schema: `make lint` installs both, where node is"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("schema")
    options = {
        "noEmit": True,
        "strict": True,
        "skipLibCheck": True,
        "module": "esnext",
        "moduleResolution": "bundler",
        "types": [],
        "paths": {"@grafana/schema": [str(INSTALLED / "node_modules/@grafana/schema")]},
    }
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["boards.ts"]}))

    def of(boards: list[Board]) -> str:
        (folder / "boards.ts").write_text("\n".join(literals(boards)), encoding="utf-8")
        command = [compiler, "--project", folder / "tsconfig.json", "--pretty", "false"]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False).stdout

    return of


def literals(boards: list[Board]) -> list[str]:
    lines = [f'import type {{ Board, SeriesField, SeriesOptions }} from "{ROOT / "tests/grafana/types"}";']

    def add(kind: str, value: Any) -> None:
        lines.append(f"export const literal{len(lines)}: {kind} = {json.dumps(value)};")

    for board in boards:
        add("Board", board)
        for one in panels(board):
            if one["type"] == "timeseries":
                add("SeriesField", one["fieldConfig"]["defaults"]["custom"])
                add("SeriesOptions", one["options"])
    return lines


@pytest.fixture(scope="module")
def boards() -> list[Board]:
    return [json.loads(text) for name, text in grafana.files_of(SITE).items() if name.startswith("dashboards/")]


def test_the_form_is_that_of_grafanas_types(boards: list[Board], complaints: Callable[[list[Board]], str]) -> None:
    assert complaints(boards) == ""


def test_mistakes_are_named(boards: list[Board], complaints: Callable[[list[Board]], str]) -> None:
    (board,) = [one for one in boards if one["uid"] == "xom-prod-analysis-kr83m"]
    faults: dict[str, Callable[[Board], Any]] = {
        "number": lambda one: one.update(refresh=123),
        "'w'": lambda one: one["panels"][0]["gridPos"].pop("w"),
        "dots": lambda one: one["panels"][0]["fieldConfig"]["defaults"]["custom"].update(drawStyle="dots"),
        "every": lambda one: one["panels"][0]["options"]["tooltip"].update(mode="every"),
        "tilte": lambda one: one["panels"][0].update(tilte="a"),
        "target": lambda one: one["annotations"]["list"][0].pop("target"),
    }
    wrong = []
    for fault in faults.values():
        wrong.append(copy.deepcopy(board))
        fault(wrong[-1])
    said = complaints(wrong).splitlines()
    assert len(said) == len(faults), said
    assert [name for name, line in zip(faults, said, strict=True) if name not in line] == []
