"""Worker processes that make the data of runs. Only they import strax, and they start only when needed."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.connection import wait
from pathlib import Path

from mini_xenonnt.schedule import Run

Report = Callable[[str], None]


class Workers:
    """Worker processes with strax; they start with the first request."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self._folder = folder.resolve()
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pool is None:
            return
        if kind is not None:
            for process in multiprocessing.active_children():
                process.terminate()  # their results are no longer needed
        self._pool.shutdown(cancel_futures=True)

    def lineage_hashes(self) -> dict[str, str]:
        """Return the lineage hash of each stored data type."""
        answers = [self._started().submit(_lineage_hashes) for _ in range(self._jobs)]  # all start to import now
        return answers[0].result()

    def produce(self, runs: list[Run], report: Report) -> list[str]:
        """Make the data of some runs, the longest first, and return the run ids of those that failed."""
        if not runs:
            return []
        begin = time.monotonic()
        report(
            f"making the data of {len(runs)} runs with {self._jobs} processes (strax starts and compiles: some 30 s)"
        )
        order = sorted(runs, key=lambda run: (run.mode != "tpc_kr83m", run.number))
        futures = {self._started().submit(_produce, self._folder, run): run for run in order}
        failed = []
        for i, future in enumerate(as_completed(futures), start=1):
            run = futures[future]
            head = f"[{i:>{len(str(len(runs)))}}/{len(runs)}] {run.run_id} {run.mode:<17}"
            if error := future.exception():
                failed.append(run.run_id)
                report(f"{head} failed: {type(error).__name__}: {error}")
                continue
            seconds, megabytes = future.result()
            report(f"{head} {seconds:5.1f} s {megabytes:6.1f} MB  after {time.monotonic() - begin:.0f} s")
        return failed

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            os.environ.setdefault("NUMBA_CACHE_DIR", str(self._folder.parent / "cache" / "numba"))
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._jobs, mp_context=spawn, initializer=_start)
        return self._pool


def _start() -> None:
    """Prepare a worker process: it ignores Ctrl-C, logs errors only and ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("strax").setLevel(logging.ERROR)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _lineage_hashes() -> dict[str, str]:
    from mini_xenonnt.production import strax_data

    return strax_data.lineage_hashes()


def _produce(folder: Path, run: Run) -> tuple[float, float]:
    from mini_xenonnt.production import strax_data

    return strax_data.produce(folder, run)
