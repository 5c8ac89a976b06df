"""The truth beside a site in trouble: its runs, what should become of them, and troubles that come and go."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.in_process import FastSite
from support.site import document
from xomflow.core.key import run_id

FIRST, RUNS, GAP = 52001, 60, 5
BACKGROUND, CALIBRATION, BAD = "tpc_bkg", "tpc_kr83m", "bad"
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=10)
SINGLE = "xomlib.Xomresult(variable_name='number', variable_value=int(run_id), data={'names': run_id}).save()"
SUMS = """
runs = xomlib.runs()
xomlib.Xomresult(variable_name="runs", variable_value=len(runs), data={"names": ",".join(runs)}).save()
"""
ANALYSES = ("single", "sums")

_NAMES = re.compile(r'\b(?:data|text)_names="([0-9,]+)"')

# What is published of one analysis: the runs of each result.
Published = frozenset[tuple[str, ...]]


@dataclass
class Truth:
    """A run as it is, whether its document can be seen or not."""

    mode: str
    bad: bool = False
    seen: bool = True


@dataclass
class World:
    """A site and its runs, which change at random.

    Parameters
    ----------
    site
        The site; its ticks run in process.
    chance
        Makes every choice.
    """

    site: FastSite
    chance: random.Random
    runs: dict[int, Truth] = field(default_factory=dict)

    @property
    def slurm(self) -> Path:
        """The folder with the jobs of Slurm."""
        return self.site.folder / "slurm"

    def __post_init__(self) -> None:
        self.slurm.mkdir()
        self.site.tree["slurm"] = {"latency": "0 s", "patience": "0 s"}
        self.site.tree["selection"] = {"excluded_tags": [BAD]}
        self.site.tree["retries"] = {"attempts": 1000, "first_wait": "0 s"}
        self.site.analysis("single", SINGLE, run_modes=[BACKGROUND, CALIBRATION])
        self.site.analysis("sums", SUMS, run_modes=[CALIBRATION], period={"gap": f"{GAP} h", "wait": "0 s"})
        for number in range(FIRST, FIRST + RUNS, 2):
            self.runs[number] = Truth(self.chance.choice([BACKGROUND, CALIBRATION, CALIBRATION]))
        self.write_documents()

    # --- what is true ------------------------------------------------------------------------------------------------
    def write_documents(self) -> None:
        """Write the documents that can be seen."""
        lines = [json.dumps(_document(number, run)) for number, run in sorted(self.runs.items()) if run.seen]
        (self.site.folder / "runs.jsonl").write_text("".join(f"{line}\n" for line in lines))

    def good_runs(self) -> list[str]:
        """Return the runs that are not tagged."""
        return [run_id(number) for number, run in sorted(self.runs.items()) if not run.bad]

    def campaigns(self) -> Iterator[tuple[str, ...]]:
        """Return the runs of each campaign, whether their documents can be seen or not."""
        members: list[int] = []
        for number, run in sorted(self.runs.items()):
            ends = run.mode == BACKGROUND or (members and number - members[-1] > GAP)
            if ends and members:
                yield tuple(map(run_id, members))
                members = []
            if run.mode == CALIBRATION and not run.bad:
                members.append(number)
        if members:
            yield tuple(map(run_id, members))

    def published(self) -> dict[str, Published]:
        """Return what the store has now, by analysis; a result that it has twice is an error."""
        found = {}
        for analysis in ANALYSES:
            files = sorted((self.site.paths.store / f"test/{analysis}").glob("v1/*.lp"))
            names = [tuple(one.split(",")) for file in files for one in _NAMES.findall(file.read_text())]
            assert len(names) == len(set(names)), f"{analysis}: published twice: {names}"
            found[analysis] = frozenset(names)
        return found

    def excluded(self) -> set[str]:
        """Return the runs that are in no campaign for their tag or mode, as far as their documents can be seen."""
        return {run_id(number) for number, run in self.runs.items() if run.seen and (run.bad or run.mode == BACKGROUND)}

    # --- what happens ------------------------------------------------------------------------------------------------
    def change(self) -> str:
        """Change one run at random and return what happened to it."""
        number = self.chance.randrange(FIRST, FIRST + RUNS)
        run = self.runs.get(number)
        if run is None:
            run = self.runs[number] = Truth(self.chance.choice([BACKGROUND, CALIBRATION]))
            what = f"comes late as {run.mode}"
        else:
            what = self.chance.choice(["tag", "tag", "mode", "seen", "seen"])
            if what == "tag":
                run.bad = not run.bad
            elif what == "mode":
                run.mode = BACKGROUND if run.mode == CALIBRATION else CALIBRATION
            else:
                run.seen = not run.seen
        self.write_documents()
        return f"{number} {what}: {run}"

    def show_all(self) -> None:
        """Let every document be seen again."""
        for run in self.runs.values():
            run.seen = True
        self.write_documents()


def _document(number: int, run: Truth) -> dict[str, Any]:
    start = START + timedelta(hours=number - FIRST)
    times = {"start": start, "end": start + timedelta(minutes=50)}
    moments = {name: {"$date": f"{moment:%Y-%m-%dT%H:%M:%SZ}"} for name, moment in times.items()}
    tags = [{"name": BAD, "user": "shifter"}] if run.bad else []
    return document(number, mode=run.mode, tags=tags, **moments)
