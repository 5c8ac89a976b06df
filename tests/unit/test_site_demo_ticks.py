"""The configuration of ``make site-demo``, and when its ticks end."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xomflow.config.load import check_configuration
from xomflow.core.paths import ROOT, Paths


@pytest.fixture
def demo() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("site_demo", ROOT / "scripts/site_demo.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "site_demo", module)  # where its dataclasses look
        spec.loader.exec_module(module)
        yield module


def test_it_goes_on_while_jobs_of_a_tick_whose_time_was_up_are_in_slurm(
    demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path)
    paths.submissions.mkdir(parents=True)
    left = paths.submissions / "one+v1+052001.json"
    left.touch()
    taken, asked = iter([2, 0, 0]), []

    def tick(_site: Any, _log: Path) -> int:
        if asked:
            left.unlink(missing_ok=True)  # it has seen that the job has ended
        folder = paths.ticks / f"tick-{len(list(paths.ticks.glob('*')))}"
        folder.mkdir(parents=True)
        (folder / "summary.json").write_text(json.dumps({"taken": next(taken)}))
        return 0

    monkeypatch.setattr(demo, "tick", tick)
    site = SimpleNamespace(paths=paths, slurm=SimpleNamespace(answer=lambda *words: asked.append(words) or ""))
    assert list(demo.ticks(site, tmp_path / "log")) == [0, 0, 0]
    assert not left.exists()


def test_its_configuration_is_that_of_a_site_with_any_of_the_analyses(demo: Any, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.touch(0o700)
    for only in ([], ["--only", "busy", "daq_rate"], ["--only", "scada"]):
        options = demo.parsed(["--python", str(python), *only])
        config = check_configuration(demo.configuration(options), "config.yaml", check_files=False)
        assert list(config.analyses) == only[1:] or not only
