"""What the start of a run's job costs: `xom job run` up to the reading of its tick, against ``python -c pass``.

The tick does not exist, so the command imports all that a job imports, fails to read the job's description, and ends.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUN = ("analysis", "v1", "052001")


def job_command(python: Path, root: Path) -> list[str]:
    """Return the command with which a rule of the project in ``root`` starts a job, without tick and run."""
    console = python.with_name("xom")
    return [str(console), "job", "run"] if console.exists() else [str(python), str(root / "scripts/xom.py"), "run"]


def cpu_seconds(command: list[str]) -> tuple[float, str]:
    """Return the CPU time of a command, and what it printed as error."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    with process.stderr as stream:
        printed = stream.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, printed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout, with environments of its own")
    parser.add_argument("--repeat", type=int, default=40)
    options = parser.parse_args()
    python = options.root.absolute() / "work/envs/workflow/bin/python"
    with tempfile.TemporaryDirectory() as folder:
        tick = Path(folder) / "work/ticks/20260901T000000-host-1"
        job = [*job_command(python, options.root), str(tick), *RUN]
        seconds: dict[str, list[float]] = {"python -c pass": [], "job": []}
        for _ in range(options.repeat):  # in turn, so that a busy moment hits both
            seconds["python -c pass"].append(cpu_seconds([str(python), "-c", "pass"])[0])
            spent, printed = cpu_seconds(job)
            if str(tick) not in printed:
                sys.exit(f"{' '.join(job)} did not come to the reading of its tick: {printed}")
            seconds["job"].append(spent)
    print(" ".join(job[:-4]))
    print("| | least CPU s | median CPU s |\n| --- | --- | --- |")
    for name, values in seconds.items():
        print(f"| {name} | {min(values):.3f} | {statistics.median(values):.3f} |")
    least, middle = (of(seconds["job"]) / of(seconds["python -c pass"]) for of in (min, statistics.median))
    print(f"| ratio | {least:.2f} | {middle:.2f} |")


if __name__ == "__main__":
    main()
