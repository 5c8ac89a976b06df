"""How many files a (run, analysis) with one figure has in `work`, before and after its files move, and what that costs.

    python benchmarks/files.py --runs 5000

Files of finished runs are laid down as jobs of layout 1 left them, in ticks of 100 runs. Then the folder is converted,
and logs and ticks move into archives, as a tick does in pieces of ten seconds. Last, 24 more logs move into archives
that are full, as on each day of a live site. A ratio compares the move of a log with reading it and removing it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src")]

from xomflow.core import times  # noqa: E402
from xomflow.core.files.work_format import bring_up_to_date  # noqa: E402
from xomflow.core.key import Key, run_id  # noqa: E402
from xomflow.core.paths import Paths, TickPaths  # noqa: E402
from xomflow.workflow.upkeep.archives import archive_old_files  # noqa: E402
from xomlib.files import dump_json  # noqa: E402

ANALYSES = ("analysis_0", "analysis_1")
OF_A_TICK = 100
# Sizes as of the mini-XENONnT; only the number of files and the time for logs matter here.
OUTCOME, LOG = b"{}\n" * 1000, b"XOM kr83m v2 run 052801: success, with a line of an analysis\n" * 4
OLD = time.time() - 2 * 86400


def keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (OLD, OLD))


def add_run(paths: Paths, tick: TickPaths, key: Key) -> None:
    """Write the files of a finished run of layout 1."""
    keep(paths.outcome(key), OUTCOME)
    keep(paths.figures_of_layout_1(key) / "overview.png", b"PNG")
    keep(paths.log(key), LOG + os.urandom(100))
    keep(tick.made(key), b"")
    tick.log_link(key).parent.mkdir(parents=True, exist_ok=True)
    tick.log_link(key).symlink_to(paths.log(key))


def build(paths: Paths, first: int, runs: int) -> None:
    names = []
    for number in range(first, first + runs):
        began = times.from_epoch(int(OLD) + number // OF_A_TICK)
        tick = TickPaths(paths.tick(f"{began:%Y%m%dT%H%M%S}-host-{number // OF_A_TICK}"))
        for analysis in ANALYSES:
            add_run(paths, tick, Key(analysis, "v1", run_id(number)))
            keep(tick.run_list(analysis), b"052894\twaiting\tfor peaks\n" * 100)
        keep(tick.lock, b"")
        names.append(tick.folder.name)
    dump_json(paths.ledger_of("local") / "ticks.json", names)


def inodes(folder: Path) -> int:
    return sum(len(folders) + len(files) for _, folders, files in os.walk(folder))


def cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def move(paths: Paths) -> None:
    paths.archived.unlink(missing_ok=True)
    problems = archive_old_files(paths, 30 * 86400.0, times.now() + timedelta(days=1), longest=1e9)
    assert problems == [], problems


def read_and_remove(folder: Path) -> None:
    for log in sorted(folder.rglob("*.log")):
        log.read_bytes()
        log.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5000)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        paths, pairs = Paths(Path(folder) / "work"), runs * len(ANALYSES)
        build(paths, 52000, runs)
        copy = shutil.copytree(paths.logs, Path(folder) / "copy")
        before = inodes(paths.work)
        converting = cpu(lambda: bring_up_to_date(paths))
        moving, floor = cpu(lambda: move(paths)), cpu(lambda: read_and_remove(copy))
        after = inodes(paths.work)
        daily = [Key(analysis, "v1", f"{run_id(52000 + n)}") for analysis in ANALYSES for n in range(24)]
        for n, key in enumerate(daily):
            keep(paths.log_of_attempt(key, 1 + n), LOG)
        day = cpu(lambda: move(paths))
    print(f"{runs} runs x {len(ANALYSES)} analyses with one figure")
    print(f"inodes of a (run, analysis): {before / pairs:.2f} before, {after / pairs:.3f} after")
    print(f"converting a figure: {1e3 * converting / pairs:.3f} ms of CPU")
    print(f"moving a log: {1e3 * moving / pairs:.3f} ms of CPU, {moving / floor:.1f} times reading and removing it")
    print(f"24 logs of each analysis more: {1e3 * day / len(daily):.2f} ms of CPU for each")


if __name__ == "__main__":
    main()
