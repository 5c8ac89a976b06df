"""The sites of older layouts that `tests/data/work-*` keep, laid into a folder; their READMEs describe them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import yaml

from support.in_process import FastSite
from support.site import Site

OLD = Path(__file__).resolve().parents[1] / "data/work-0"
LAYOUT_1 = OLD.with_name("work-1")
# Its newest tick, whose claim is not worked on yet.
LIVE_TICK = max(path.name for path in (OLD / "work/ticks").glob("*-host-*"))
# No Slurm answers, whatever the machine has.
WITHOUT_SLURM = {"SLURM_CONF": "/dev/null"}


def old_site(folder: Path, *, in_place: bool = False, fast: bool = True, kept: Path = OLD) -> Site:
    """Return a kept site: with valid caches, as an upgrade in place finds it, or with new times, as a copy has."""
    site = FastSite(folder) if fast else Site(folder)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes().replace(b"@SITE@", bytes(folder))
            path.write_bytes(content.replace(b"@PYTHON@", sys.executable.encode()))
    site.tree = yaml.safe_load((folder / "config.yaml").read_text())
    site.documents = {run["number"]: run for run in map(json.loads, (folder / "runs.jsonl").read_text().splitlines())}
    if in_place:
        _restore_times(site)
    return site


def _restore_times(site: Site) -> None:
    """Give files and folders their old times, and the kept index of outcomes the stamps that the files have here."""
    times: dict[str, int] = json.loads((OLD / "times.json").read_text())
    for kept in (site.work / "cache/outcomes").rglob("*.json"):
        index = json.loads(kept.read_text())
        for entry in index.values():
            key = entry[2]["key"]
            outcome = site.work / "outcomes" / key["analysis"] / key["version"] / key["run"][:3] / f"{key['run']}.json"
            status = outcome.stat()
            entry[0] = [times[str(outcome.relative_to(site.folder))], status.st_size, status.st_ino]
        kept.write_text(json.dumps(index))
    for name in sorted(times, reverse=True):  # a folder after what is in it
        path = site.folder / name
        if not path.exists():
            path.mkdir(parents=True)  # version control keeps no empty folder
        os.utime(path, ns=(times[name], times[name]))
