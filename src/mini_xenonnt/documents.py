"""Run documents with the schema of the RunDB's collection `runs`, as `mongoexport` writes them."""

import json
import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from mini_xenonnt.schedule import MODES, Run

RAW_RECORDS_HASH = "rfzvpzj4mf"
"""Lineage hash of the raw data in the documents; the mini-XENONnT does not have these data."""
HOSTILE_COMMENT = "</script><img src=x onerror=\"alert(1)\">\x07\x1b[31m \u202e'quoted', a=b\\ c\nsecond line & more"
"""The comment of the run that holds markup and control characters."""

RATE_DELAY = timedelta(minutes=15)
"""Time from the end of a run until the DAQ rate is in its document."""
_RATE = {"tpc": 12.0, "muon_veto": 1.5, "neutron_veto": 6.0}


def date(when: datetime) -> dict[str, str]:
    """Return a date in relaxed extended JSON; whole seconds only."""
    return {"$date": when.strftime("%Y-%m-%dT%H:%M:%SZ")}


def run_document(run: Run, lineage: Mapping[str, str], seed: int, present: datetime) -> dict[str, Any]:
    """Return the document of one run.

    Parameters
    ----------
    run : Run
        The run as planned.
    lineage : Mapping
        Lineage hash of each stored data type.
    seed : int
        Decides the noise of the DAQ rate.
    present : datetime
        The simulated present; the rate of a run that ended less than `RATE_DELAY` before is not there yet.

    Returns
    -------
    dict
        JSON-ready; dates are in extended JSON. A running run has no rate, no status and `end` null.
    """
    mode = MODES[run.mode]
    running = run.odd == "running"
    document: dict[str, Any] = {
        "_id": {"$oid": f"{0x6ABC0000 + run.number:08x}{run.number:016x}"},
        "number": run.number,
        "name": run.run_id,
        "detectors": list(mode.detectors),
        "user": "daq",
        "mode": run.mode,
        "source": mode.source,
        "start": date(run.start),
        "end": None if running else date(run.end),
        "daq_config": _daq_config(run),
        "tags": [{"name": tag, "user": "shifter", "date": date(run.end)} for tag in run.tags],
        "comments": _comments(run),
        "data": [] if running else _data(run, lineage),
        "deleted_data": _deleted(run, lineage),
    }
    if not running:
        document["bootstrax"] = _bootstrax(run)
        document["status"] = "eb_ready_to_upload" if run.odd == "not_transferred" else "transferred"
        if run.odd != "no_rate" and run.end + RATE_DELAY <= present:
            document["rate"] = _rate(run, seed)
    return document


def _daq_config(run: Run) -> dict[str, Any]:
    return {
        "name": run.mode,
        "user": "daq",
        "detectors": list(MODES[run.mode].detectors),
        "V1495": {"tpc": {"firmware_version": 9}},
    }


def _bootstrax(run: Run) -> dict[str, Any]:
    return {
        "state": "done",
        "host": f"eb{run.number % 6}.xenon.local",
        "time": date(run.end + timedelta(minutes=2)),
        "n_failures": 0,
        "next_retry": None,
    }


def _comments(run: Run) -> list[dict[str, Any]]:
    when = date(run.end)
    if run.odd == "markup":
        return [{"user": "shifter", "date": when, "comment": HOSTILE_COMMENT}]
    if run.odd == "messy":
        return [{"user": "shifter", "date": when, "text": "hot spot seen, rate went up"}]
    if run.odd == "bad":
        return [{"user": "shifter", "date": when, "comment": "PMT high voltage tripped"}]
    return []


def _rate(run: Run, seed: int) -> dict[str, dict[str, float]]:
    noise = random.Random(f"{seed}-{run.number}")
    out = {}
    for name in MODES[run.mode].detectors:
        scale = 2.5 if run.mode == "tpc_kr83m" else 1.0
        average = round(_RATE[name] * scale * noise.uniform(0.95, 1.05), 3)
        out[name] = {"avg": average, "max": round(average * noise.uniform(1.1, 1.6), 3)}
    return out


def _data(run: Run, lineage: Mapping[str, str]) -> list[dict[str, Any]]:
    if run.odd == "abandon":
        return []
    if run.odd == "not_transferred":
        return [_at_event_builder(run, "raw_records", RAW_RECORDS_HASH)] + [
            _at_event_builder(run, name, lineage[name]) for name in MODES[run.mode].types
        ]
    named = MODES[run.mode].types if run.odd == "old_no_data" else run.types
    return [_in_rucio(run, "raw_records", RAW_RECORDS_HASH, "LNGS_USERDISK")] + [
        _in_rucio(run, name, lineage[name], "UC_DALI_USERDISK") for name in named
    ]


def _in_rucio(run: Run, data_type: str, lineage_hash: str, location: str) -> dict[str, Any]:
    return {
        "type": data_type,
        "host": "rucio-catalogue",
        "location": location,
        "did": f"xnt_{run.run_id}:{data_type}-{lineage_hash}",
        "status": "transferred",
        "protocol": "rucio",
        "meta": {"lineage_hash": lineage_hash},
    }


def _at_event_builder(run: Run, data_type: str, lineage_hash: str) -> dict[str, Any]:
    host = f"eb{run.number % 6}.xenon.local"
    return {
        "type": data_type,
        "host": host,
        "location": f"/data/xenonnt_processed/{run.run_id}-{data_type}-{lineage_hash}",
        "protocol": "strax",
        "meta": {"lineage_hash": lineage_hash},
    }


def _deleted(run: Run, lineage: Mapping[str, str]) -> list[dict[str, Any]]:
    if run.odd != "abandon":
        return []
    entry = _in_rucio(run, "raw_records", RAW_RECORDS_HASH, "LNGS_USERDISK")
    return [{**entry, "status": "deleted", "at": date(run.end + timedelta(days=1)), "by": "ajax"}]


def to_lines(documents: Iterable[Mapping[str, Any]]) -> str:
    """Return documents as `mongoexport` writes a collection: one JSON object per line."""
    return "".join(json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n" for document in documents)
