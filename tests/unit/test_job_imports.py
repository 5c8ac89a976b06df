"""What the process of a job imports: there may be 600,000 of them, so its start counts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

JOB = """
import sys
from datetime import datetime, UTC
from pathlib import Path

import xomflow.cli.job
import xomflow.jobs.batches.run_batch
import xomflow.jobs.runner
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.outcomes.document import silent_failure
from xomflow.outcomes.files import Failure, failure_path, write_outcome

paths, key, failure = Paths(Path(sys.argv[1])), Key("kr83m", "v1", "052894"), Failure(1, "lost", datetime.now(UTC))
write_outcome(failure_path(paths, key, failure), silent_failure(paths, key, failure, "lost", None, None))
print(*sys.modules)
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules of a process that has all of the job's path and has written an outcome."""
    folder = tmp_path_factory.mktemp("work")
    done = subprocess.run([sys.executable, "-c", JOB, str(folder)], capture_output=True, text=True, check=True)
    assert list(Path(folder).rglob("*.json"))
    return set(done.stdout.split())


@pytest.mark.parametrize("package", ["pydantic", "pydantic_core", "yaml", "snakemake", "influxdb_client", "pymongo"])
def test_a_job_does_not_import(imported: set[str], package: str) -> None:
    assert package not in imported


def test_the_job_of_one_run_does_not_import_what_few_jobs_need() -> None:
    """Modules of Python that take a millisecond or so, and parts of the interface of scripts."""
    code = "import sys, xomflow.cli, xomflow.cli.job, xomflow.jobs.runner; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    few_need = {"difflib", "logging", "tempfile", "traceback", "xomlib.attempt", "xomlib.by_hand", "xomlib.saving"}
    assert not few_need & set(imported)


def test_a_job_without_a_decision_about_it_does_not_import_decisions(imported: set[str]) -> None:
    assert not {name for name in imported if name.startswith("xomflow.decisions.")}
