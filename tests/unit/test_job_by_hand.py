"""The job that a script tried by hand puts together from the configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from xomlib.by_hand import job_by_hand

OLD, NEW, OWN = ({"function": f"{name}:context"} for name in ("old", "new", "own"))


def job(folder: Path, run: str, **block: Any) -> dict[str, Any]:
    software = [{"max_run": 52001}, {"min_run": 52002, "max_run": 52009, "context": NEW}, {"min_run": 52010}]
    analyses = {"mine": {"version": "v1", **block}}
    tree = {"context": OLD, "software": software, "analyses": analyses}
    (folder / "config.yaml").write_text(yaml.safe_dump(tree))
    made: dict[str, Any] = job_by_hand(Path("mine.py"), run, folder / "config.yaml", None)
    return made


@pytest.mark.parametrize(("run", "context"), [("52001", OLD), ("52002", NEW), ("052009", NEW), ("52010", OLD)])
def test_the_context_is_that_of_the_software_for_the_run(tmp_path: Path, run: str, context: dict[str, str]) -> None:
    assert job(tmp_path, run)["context"] == context
    assert job(tmp_path, run, context=OWN)["context"] == OWN
