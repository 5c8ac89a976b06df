"""Checks of what ticks ask: the software of the analyses, the run database, the store and the batch system."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TypeVar

from xomflow.config.model import Config
from xomflow.core.errors import BatchSystemError
from xomflow.core.exit_code import ExitCode
from xomflow.core.messages import some_of
from xomflow.core.paths import Paths
from xomflow.publishing.open_store import StoreConfig, open_store
from xomflow.rundb.database import open_rundb
from xomflow.slurm.asked import statuses
from xomflow.slurm.open_batch_system import open_batch_system
from xomflow.slurm.status import held_jobs
from xomflow.slurm.submitting import submissions
from xomflow.workflow.discover import open_context_probe
from xomflow.workflow.requests.doctor.finding import Check, Finding

T = TypeVar("T")

# Seconds: importing straxen may take a minute.
_LONGEST_IMPORT = 120.0
_LONGEST_ANSWER = 60.0


def server_checks(config: Config) -> list[Check]:
    """Return the checks of what the configuration names."""
    return [
        Check("software", lambda: _software(config), _LONGEST_IMPORT),
        Check("run database", lambda: _run_database(config), _LONGEST_ANSWER),
        Check("store", lambda: _store(config), _LONGEST_ANSWER),
        Check("Slurm", lambda: _slurm(config), _LONGEST_ANSWER),
    ]


def _software(config: Config) -> Iterator[Finding]:
    """Ask each software for the lineage hashes that analyses need."""
    probe = open_context_probe(config, may_write=False)
    types = {name: block.types for name, block in config.analyses.items() if block.types}
    for software in config.software:
        contexts = {config.context_of(name, software).model_dump_json(): name for name in types}
        for name in contexts.values():
            context = config.context_of(name, software)
            found = probe.describe(software.program, context, set().union(*types.values()))
            versions = ", ".join(f"{package} {version}" for package, version in sorted(found.versions.items()))
            yield Finding(f"{software.program.name}: {context.function} works, {versions}")


def _run_database(config: Config) -> Iterator[Finding]:
    rundb, first = open_rundb(config.rundb), config.selection.min_run
    _, seconds = _timed(lambda: rundb.runs(first, first))
    yield Finding(f"{rundb.place} answers in {seconds:.1f} s")


def _store(config: Config) -> Iterator[Finding]:
    with closing(open_store(StoreConfig.of(config.store), Paths(config.work))) as store:
        _, seconds = _timed(store.check)
        yield Finding(f"{store.name} answers in {seconds:.1f} s")


def _slurm(config: Config) -> Iterator[Finding]:
    slurm, is_used = open_batch_system(config), bool(submissions.noted(Paths(config.work)))
    if shutil.which("squeue") is None and not is_used:
        yield Finding("its commands are not here, and no job was submitted: runs are analysed on this machine")
        return
    try:
        jobs, seconds = _timed(slurm.jobs)
    except BatchSystemError as error:
        if is_used:
            raise
        yield Finding(f"{error}; no job was submitted", "nothing, if runs are analysed on this machine")
        return
    left = sum(not one.is_over for one in jobs)  # Slurm lists ended jobs for a while
    yield Finding(f"squeue answers in {seconds:.1f} s: {left} jobs of this account have not ended")
    paths, latency = Paths(config.work), config.slurm.latency
    for sentence in held_jobs(statuses(paths, slurm, latency).values()):
        yield Finding(sentence, "do what the sentence names", ExitCode.WAITS_FOR_PERSON)
    if out := slurm.nodes_out():
        yield Finding(
            f"some nodes take no jobs: {some_of(out)}", "`sinfo -R` has the reasons, the site can take them back"
        )
    try:
        slurm.ended_jobs(["1"])
    except BatchSystemError as error:
        yield Finding(f"no accounting: {error}", "nothing: how jobs that vanished ended is unknown, they count as lost")


def _timed(ask: Callable[[], T]) -> tuple[T, float]:
    began = time.monotonic()
    return ask(), time.monotonic() - began
