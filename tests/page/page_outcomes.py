"""Outcomes and states made up for the page's tests and try-outs; nothing here is physics."""

import math
import random
import struct
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.factory import typed
from xomflow import page
from xomflow.core.state import State

NOW = datetime(2026, 9, 25, 12, tzinfo=UTC)


def iso(time: datetime) -> str:
    """A time as the outcomes write it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def result(variable: str = "rate", value: float | None = 1.0, **changes: Any) -> dict[str, Any]:
    """One result of an outcome."""
    made = {
        "variable": variable,
        "value": value,
        "error": 0.1,
        "unit": "Hz",
        "n": 100,
        "limit": None,
        "insufficient": None,
        "data": {},
    }
    return {**made, **changes}


def outcome(
    number: int = 52894, results: list[dict[str, Any]] | None = None, *, start: datetime | None = None, **changes: Any
) -> dict[str, Any]:
    """One outcome with status "done"; ``changes`` replace keys, those of "key" and "run" only in part."""
    start = start or NOW
    made: dict[str, Any] = {
        "schema": "xom-outcome-2",
        "key": {"analysis": "event_rate", "version": "v1", "run": f"{number:06d}"},
        "status": "done",
        "attempt": 1,
        "message": "done",
        "failure": None,
        "results": [result()] if results is None else results,
        "figures": [],
        "run": {
            "number": number,
            "mode": "background_stable",
            "source": "none",
            "start": iso(start),
            "end": iso(start + timedelta(hours=1)),
            "detectors": ["tpc"],
            "tags": [],
            "comments": [],
            "rate": {"tpc": 20.1},
        },
        "provenance": {
            "lineage": {"event_info": "abcdef1234"},
            "software": "development",
            "versions": {"strax": "2.2.3", "straxen": "4.1.1"},
            "git": None,
            "host": "node01",
            "batch_job": None,
        },
        "resources": {"wall_s": 12.5, "cpu_s": 11.0, "peak_memory_mb": 400.0},
        "started": iso(start + timedelta(hours=2)),
        "ended": iso(start + timedelta(hours=2, seconds=12)),
    }
    for key in ("key", "run"):
        made[key].update(changes.pop(key, {}))
    return {**made, **changes}


def status(now: datetime, **changes: Any) -> dict[str, Any]:
    """A status as a tick that just ended writes it."""
    made: dict[str, Any] = {
        "generated": iso(now),
        "tick": {
            "id": "20260925T120000",
            "started": iso(now - timedelta(seconds=34)),
            "ended": iso(now),
            "interval_hint_s": None,
        },
        "states": [{"name": state, "meaning": state.meaning, "urgency": state.urgency} for state in State],
        "counts": {},
        "attention": [],
        "problems": [],
        "decisions": [],
        "science_runs": [],
        "events": [],
        "titles": {},
    }
    return {**made, **changes}


def write_page(folder: Path, outcomes: list[dict[str, Any]], told: dict[str, Any] | None) -> None:
    """Write a whole page, chunks and all."""
    chunks: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for one in outcomes:
        key = one["key"]
        chunks.setdefault((key["analysis"], key["version"], key["run"][:3]), []).append(one)
    page.write_frame(folder)
    for chunk, members in chunks.items():
        page.write_chunk(folder, *chunk, map(typed, members))
    page.write_index(folder, list(chunks))
    if told is not None:
        page.write_status(folder, told)


def png(width: int = 32, height: int = 20) -> bytes:
    """A small picture, so that a figure can be loaded."""

    def part(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + b"\x20\x60\xc0" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


def campaign(now: datetime, runs: int = 90, seed: int = 7) -> list[dict[str, Any]]:
    """Outcomes of three analyses over two months, with limits, runs of poor statistics and two versions."""
    dice = random.Random(seed)
    made = []
    for i in range(runs):
        number = 52980 - 2 * runs + 2 * i
        start = now - timedelta(days=60 * (runs - i) / runs, hours=dice.random() * 6)
        kr = i % 3 == 0
        run = {
            "mode": "tpc_kr83m" if kr else "background_stable",
            "source": "Kr-83m" if kr else "none",
            "tags": ["_sr1_preliminary"],
            "comments": ["calm"],
        }
        rate = 20 + 2 * math.sin(i / 14) + (3 if i > runs * 0.7 else 0) + dice.gauss(0, 0.25)
        results = [
            result("rate", rate, error=0.25, unit="Hz", n=int(rate * 3600)),
            result("rate_1_30_kev", rate / 9 + dice.gauss(0, 0.05), error=0.06, unit="Hz", n=int(rate * 400)),
            result(
                "rate_above_1_mev",
                0.02 if i % 11 == 4 else 0.05 + dice.gauss(0, 0.006),
                error=0.008,
                unit="Hz",
                n=i % 7 + 40,
                limit="upper" if i % 11 == 4 else None,
            ),
        ]
        made.append(outcome(number, results, start=start, run=run, figures=["overview.png"]))
        for version, shift in (("v1", 0.0), ("v2", 0.35)):
            if kr and (version == "v1" or i > runs // 3):
                made.append(_kr83m(number, version, shift, i, runs, start, run, dice))
    return made


def _kr83m(
    number: int,
    version: str,
    shift: float,
    i: int,
    runs: int,
    start: datetime,
    run: dict[str, Any],
    dice: random.Random,
) -> dict[str, Any]:
    poor = i % 27 == 6
    variables = (
        ("light_yield_9_4", 8.6, 0.11, "PE/keV"),
        ("light_yield_32_2", 7.9, 0.05, "PE/keV"),
        ("charge_yield_41_5", 142.0, 1.6, "PE/keV"),
        ("n_selected", 3120.0, 55.0, "events"),
    )
    results = []
    for name, middle, error, unit in variables:
        value = middle * (1 - 0.03 * i / runs) + shift * error * 4 + dice.gauss(0, error)
        wide = error * (1.5 if i % 10 == 0 else 1)
        shown = result(name, value, error=wide, unit=unit, n=3000 + 7 * i, data={"sigma": error * 9, "chi2_ndf": 1.05})
        results.append(
            result(name, None, error=None, unit=unit, n=12, insufficient="12 events selected, 50 needed")
            if poor
            else shown
        )
    return outcome(
        number, results, start=start, run=run, figures=["overview.png"], key={"analysis": "kr83m", "version": version}
    )
