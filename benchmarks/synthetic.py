"""Synthetic sites and data folders, built as fast as plain loops can: the content is right, no analysis ever ran."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from support.site import Site, document  # noqa: E402
from xomflow.core import times  # noqa: E402
from xomflow.core.key import Key, run_id  # noqa: E402
from xomflow.outcomes.document import new_outcome, own_provenance  # noqa: E402
from xomflow.outcomes.model import Outcome, Result, RunFacts, to_document  # noqa: E402
from xomflow.rundb.run import run_of  # noqa: E402
from xomlib.documents.schema import check_outcome  # noqa: E402

ANALYSES = tuple(f"analysis_{number}" for number in range(10))
FIRST_RUN = 1000
VARIABLES = ("light_yield", "charge_yield", "rate")
_BEGIN = datetime(2019, 11, 1, tzinfo=UTC)
_MOST_LINKS = 50_000  # ext4 allows 65,000 names of one file


def run_document(number: int) -> dict[str, Any]:
    """Return the document of an ordinary finished run; one starts every hour."""
    start = _BEGIN + timedelta(hours=number)
    end = start + timedelta(minutes=50)
    return document(number, start={"$date": times.text(start)}, end={"$date": times.text(end)})


def write_documents(file: Path, numbers: Iterable[int]) -> None:
    """Write run documents one by one: this process stays small, see `costs.measure`."""
    with file.open("w") as lines:
        for number in numbers:
            lines.write(json.dumps(run_document(number)) + "\n")


def idle_site(folder: Path, runs: int, new_runs: int) -> tuple[Site, float | None]:
    """Return a site in which every run is done by ten analyses, and the seconds it took to build; None if it was there.

    Parameters
    ----------
    folder
        Where it is, or will be.
    runs
        Number of runs, all with outcomes, documented in ``runs.jsonl``.
    new_runs
        Number of runs without outcomes that ``more.jsonl`` documents beside them.
    """
    marker = folder / "built"
    folder.mkdir(parents=True, exist_ok=True)
    site = Site(folder)
    site.tree["page"] = {"interval": "1 h"}
    for analysis in ANALYSES:
        site.analysis(analysis, "raise SystemExit('this site is only looked at')")
    begin = time.monotonic()
    numbers = range(FIRST_RUN, FIRST_RUN + runs)
    write_documents(folder / "runs.jsonl", numbers)
    write_documents(folder / "more.jsonl", range(FIRST_RUN, FIRST_RUN + runs + new_runs))
    if marker.exists():
        # Runs that a measurement added would be missed, and each tick would list them as pending.
        shutil.rmtree(site.paths.run_metadata("").parent, ignore_errors=True)
        return site, None
    for old in (site.work, folder / ".snakemake"):  # which remembers that there was a work folder
        shutil.rmtree(old, ignore_errors=True)
    for analysis in ANALYSES:
        write_outcomes(site, analysis, numbers)
    os.sync()  # else the disk is busy with it during the first measurements
    marker.touch()
    return site, time.monotonic() - begin


def write_outcomes(site: Site, analysis: str, numbers: Iterable[int]) -> None:
    """Write the outcome of each run: complete and valid, without the care of `xomflow.outcomes.files.write_outcome`."""
    whole: dict[str, Any] | None = None
    for number in numbers:
        key = Key(analysis, "v1", run_id(number))
        path = site.paths.outcome(key)
        if whole is None:
            whole = to_document(outcome(key))
            check_outcome(whole)
        if number % 1000 == 0 or not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
        whole |= {"key": key.as_dict(), "run": run_of(run_document(number)).as_dict()}
        for place, result in enumerate(whole["results"]):
            result["value"] = 10.0 + place + number * 7919 % 97 / 100  # no order, so nothing changes
        path.write_text(json.dumps(whole))


def outcome(key: Key) -> Outcome:
    """Return the outcome of a done key."""
    facts = RunFacts(**run_of(run_document(int(key.run))).as_dict())
    provenance = own_provenance({"event_info": "i3zmklpa6o"}, sys.executable, {"strax": "2.2.3"}, None)
    results = [Result(name, 10.0, 0.1, "PE/keV", 512, None, None, {}) for name in VARIABLES]
    return replace(new_outcome(key, 1, facts, times.now(), provenance, None), results=results)


def write_data(folder: Path, runs: Iterable[str], metadata: Mapping[str, Path], lacking: Mapping[str, int]) -> None:
    """Write folders of strax data without data: names and metadata, which are all that availability looks at.

    Parameters
    ----------
    folder
        The storage; made.
    runs
        Run ids.
    metadata
        For each ``<type>-<hash>`` a file of metadata. The folders get hard links of it, for its content says nothing
        of the run: 30 kB for each of 180,000 folders would be 5 GB.
    lacking
        For each ``<type>-<hash>`` a number n: every n-th run lacks it.
    """
    folder.mkdir(parents=True)
    for name, original in metadata.items():
        source = original
        for place, run in enumerate(runs):
            if place and place % _MOST_LINKS == 0:
                source = original.with_name(f"{original.name}.{place}")
                shutil.copy(original, source)
            if name in lacking and place % lacking[name] == 0:
                continue
            (folder / f"{run}-{name}").mkdir()
            os.link(source, folder / f"{run}-{name}" / f"{name}-metadata.json")
