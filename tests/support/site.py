"""A small site in a temporary folder: run documents, analyses, a configuration, driven through the real Snakemake."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import yaml

from support.in_fork import be_new, in_fork
from xomflow.core.key import Key, run_id
from xomflow.core.paths import ROOT, Paths, TickPaths

RULE = """
rule {name}:
    output:
        xom.outcome("{name}"),
    log:
        xom.log("{name}"),
    params:
        command=xom.run("{name}"),
    shell:
        "{{params.command}}"
"""


def document(number: int, **changes: Any) -> dict[str, Any]:
    """A run document as mongoexport writes it, of an ordinary finished run."""
    start = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(hours=number % 1000)
    whole: dict[str, Any] = {
        "number": number,
        "name": run_id(number),
        "detectors": ["tpc"],
        "mode": "tpc_bkg",
        "source": "none",
        "start": {"$date": f"{start:%Y-%m-%dT%H:%M:%SZ}"},
        "end": {"$date": f"{start + timedelta(minutes=50):%Y-%m-%dT%H:%M:%SZ}"},
        "status": "transferred",
        "tags": [],
        "comments": [],
        "rate": {"tpc": {"avg": 20.0, "max": 30.0}},
    } | changes
    return {name: value for name, value in whole.items() if value is not ...}


class Site:
    """A working directory with everything a tick needs.

    Analyses added with `analysis` are plain Python and need no data, so ticks are fast.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.paths = Paths(self.work)
        self.documents: dict[int, dict[str, Any]] = {}
        self.tree: dict[str, Any] = {
            "work": "work",
            "rundb": {"kind": "file", "file": "runs.jsonl"},
            "context": {"function": "nobody:asks"},
            "software": [{"interpreter": sys.executable}],
            "retries": {"attempts": 3, "first_wait": "1 h"},
            "warm_start": {"enabled": False},
            "analysis_folders": ["extra"],
            "analyses": {},
        }
        self.runs([])

    def copy(self, folder: Path) -> Self:
        """Return a copy in another folder: tests that begin alike share the ticks before.

        Scripts name the folder, so those of the copy are others than the ones that made its outcomes.
        """
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        copied = type(self)(folder)
        copied.tree = copy.deepcopy(self.tree)
        copied.runs(self.documents.values())
        for script in folder.glob("extra/scripts/analyses/*.py"):
            script.write_text(script.read_text().replace(str(self.folder), str(folder)))
        return copied

    def runs(self, documents: Iterable[Any]) -> None:
        """Add run documents (or plain numbers) to the run database."""
        for one in documents:
            added = document(one) if isinstance(one, int) else one
            self.documents[added["number"]] = added
        lines = [json.dumps(one) for one in self.documents.values()]
        (self.folder / "runs.jsonl").write_text("\n".join(lines) + "\n")

    def analysis(self, name: str, body: str, **block: Any) -> None:
        """Add an analysis whose ``main(run_id)`` has this body; it works here, so that tests see what it writes."""
        script = self.folder / "extra/scripts/analyses" / f"{name}.py"
        script.parent.mkdir(parents=True, exist_ok=True)
        indented = "\n".join(f"    {line}" for line in body.splitlines())
        header = f"import os, signal, sys, time; os.chdir({str(self.folder)!r})\nimport xomlib\n\n"
        script.write_text(f"{header}def main(run_id):\n{indented}\n")
        rule = self.folder / "extra/rules/analyses" / f"{name}.smk"
        rule.parent.mkdir(parents=True, exist_ok=True)
        rule.write_text(RULE.format(name=name))
        self.tree["analyses"][name] = {"version": "v1", **block}

    def write_config(self) -> None:
        path, text = self.folder / "config.yaml", yaml.safe_dump(self.tree, sort_keys=False)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)

    # --- Snakemake ---------------------------------------------------------------------------------------------------
    def command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("snakemake")), "-s", str(ROOT / "Snakefile"), *arguments]

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake to its end, in a fork: its imports take a second of CPU each time."""
        self.write_config()
        words, main = self.command(*arguments), _snakemake_main()

        def work() -> None:
            be_new()
            sys.argv = words
            main()

        return in_fork(work, self.folder, environment)

    def tick(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.snakemake(**environment)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a tick in a process group of its own."""
        self.write_config()
        with (self.folder / "tick.log").open("a") as log:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
                # Tests that run in the background of a shell would hand down that interrupts are ignored.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def processes(self) -> list[int]:
        """Every process that works in this site's folder."""
        found = []
        for link in Path("/proc").glob("[0-9]*/cwd"):
            try:
                if link.readlink().is_relative_to(self.folder):
                    found.append(int(link.parent.name))
            except OSError:
                continue  # it has ended meanwhile
        return found

    def pending(self, *arguments: str, **environment: str) -> set[tuple[str, str]]:
        """What ``snakemake -n`` lists: pairs of analysis and run."""
        done = self.snakemake("-n", *arguments, **environment)
        assert done.returncode == 0, done.stderr + done.stdout
        return jobs_in(done.stdout + done.stderr, self.tree["analyses"])

    def ticks(self) -> list[TickPaths]:
        """The ticks so far, the first one first."""
        folders = [folder for folder in self.paths.ticks.glob("*") if folder.is_dir()]
        return [TickPaths(folder) for folder in sorted(folders, key=lambda folder: folder.stat().st_ctime_ns)]

    def claimed(self) -> set[tuple[str, str]]:
        """What the last tick claimed."""
        newest = max(self.paths.ticks.glob("*/claims.json"), key=lambda path: path.stat().st_mtime_ns)
        return {(analysis, run) for analysis, _, run, _ in json.loads(newest.read_text())}

    # --- what came out -----------------------------------------------------------------------------------------------
    def outcome(self, analysis: str, number: int, version: str = "v1") -> dict[str, Any]:
        return json.loads(self.paths.outcome(Key(analysis, version, run_id(number))).read_text())

    def done(self, analysis: str, version: str = "v1") -> set[int]:
        folder = self.paths.shelves(analysis, version)
        return {int(path.stem) for path in folder.glob("*/??????.json")}

    def failures(self, analysis: str, number: int) -> list[dict[str, Any]]:
        """The failure records of a run, in order."""
        folder = self.paths.outcome(Key(analysis, "v1", run_id(number))).parent
        found = [json.loads(path.read_text()) for path in folder.glob(f"{run_id(number)}.failed-*.json")]
        return sorted(found, key=lambda record: record["attempt"])


def _snakemake_main() -> Callable[[], None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from snakemake.cli import main
    return main


def jobs_in(output: str, analyses: Iterable[str]) -> set[tuple[str, str]]:
    """The per-run jobs that a dry-run prints."""
    found = {
        (name, run)
        for name, run in re.findall(r"^Job \d+: (\w+): runs? (?:from )?(\d{6}[-0-9a-f]*)", output, re.MULTILINE)
    }
    for block in re.split(r"\n(?=\S)|\n\n", output):
        rule = re.search(r"^(?:local)?rule (\w+):", block, re.MULTILINE)
        run = re.search(r"wildcards: .*run=(\d{6}[-0-9a-f]*)", block)
        if rule and run and rule[1] in set(analyses):
            found.add((rule[1], run[1]))
    return found
