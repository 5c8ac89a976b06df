"""What discovery asks and writes, without Snakemake."""

from __future__ import annotations

import pytest

from support import factory
from support.batch import FakeBatchSystem
from support.site import Site
from xomflow.core.key import Key
from xomflow.core.paths import TickPaths
from xomflow.outcomes.files import failures_of
from xomflow.planning.progress import in_progress
from xomflow.planning.progress.claims import hold_tick
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.submissions import Submission
from xomflow.workflow import discover
from xomlib.files import dump_json


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch) -> FakeBatchSystem:
    fake = FakeBatchSystem()
    for module in (in_progress, discover):
        monkeypatch.setattr(module, "open_batch_system", lambda config: fake)
    return fake


def test_discovery_asks_the_batch_system_once_and_settles_what_it_answers(site: Site, batch: FakeBatchSystem) -> None:
    site.runs([52001])
    site.analysis("good", "pass")
    key, tick = Key("good", "v1", "052001"), TickPaths(site.paths.tick("tick"))
    tree = {**site.tree, "work": str(site.work)}
    tree["rundb"] = {"kind": "file", "file": str(site.folder / "runs.jsonl")}
    tree["analysis_folders"] = [str(site.folder / "extra")]
    submissions.note(site.paths, Submission(key, 1, "20261122T120000-host-5", factory.NOW, "17"))
    with hold_tick(tick):
        dump_json(tick.settings, {"configuration": tree, "wrong": {}})
        discover.discover(tick)
    assert batch.listed == 1
    assert [failure.kind for failure in failures_of(site.paths, key)] == ["lost"]
    assert submissions.noted(site.paths) == {}
