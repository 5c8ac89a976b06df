"""Cost of the run documents of a MongoDB server: seconds of a tick and bytes on the wire, beside a file of the same.

``python benchmarks/rundb_cost.py [--documents 60000] [--repeat 5]``, under the workflow interpreter; needs the server
of ``make services``. What came out is in ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bson import json_util
from costs import load, say, table
from synthetic import FIRST_RUN, run_document

from local_servers.mongo import MongoAccess, MongoServer
from support.factory import rundb_credentials
from support.proxy import PASS, Proxy, proxy
from xomflow.config import model as config
from xomflow.rundb.database import FIELDS, RunDB, open_rundb

DATABASE = "xenonnt"
ENTRIES = 15  # of the list ``data``, which no look at all runs asks for
# A site's server runs for long, with its code compiled and its documents in memory.
LONG_LIFE = ("-XX:+UseParallelGC", "-Xmx4g")
COMMENT = {"user": "somebody", "comment": "the shifter saw nothing unusual during this run", "date": "2026-09-25"}
TAGS = [{"name": "_sr1_preliminary", "user": "corrections", "date": "2026-09-25"}]


def documents(count: int, entries: int) -> list[dict[str, Any]]:
    """Return documents with the entries that a real one has, the lineages of its data left out."""
    made = []
    for number in range(FIRST_RUN, FIRST_RUN + count):
        entry = {
            "host": "rucio-catalogue",
            "location": "UC_DALI_USERDISK",
            "status": "transferred",
            "protocol": "rucio",
        }
        data = [
            {**entry, "type": f"type_{one}", "did": f"xnt_{number:06d}:type_{one}-abcdefgh23"} for one in range(entries)
        ]
        made.append({**run_document(number), "tags": TAGS, "comments": [COMMENT], "data": data})
    return made


def fill(access: MongoAccess, made: list[dict[str, Any]]) -> None:
    """Put the documents into the server, with an index on their numbers, as XENON's has one."""
    with access.client() as client:
        collection = client[DATABASE].runs
        for begin in range(0, len(made), 5000):
            some = [json_util.loads(json.dumps(one)) for one in made[begin : begin + 5000]]
            collection.insert_many(some)
        collection.create_index("number")


class Wire:
    """Counts what passes a proxy."""

    def __init__(self, between: Proxy) -> None:
        self.bytes = 0
        between.up = between.down = self._count

    def _count(self, piece: bytes) -> Any:
        self.bytes += len(piece)
        return PASS


def measured(thing: Callable[[], Any], wire: Wire | None) -> tuple[float, float, int]:
    """Return the wall and CPU seconds of a call, and the bytes that passed."""
    before = wire.bytes if wire else 0
    gc.collect()
    gc.disable()  # as a tick does
    wall, cpu = time.perf_counter(), time.process_time()
    thing()
    spent = time.perf_counter() - wall, time.process_time() - cpu
    gc.enable()
    return *spent, (wire.bytes if wire else 0) - before


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=60_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--entries", type=int, default=ENTRIES, help="of `data` in each document; default: %(default)s")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = MongoServer(folder / "mongo", java=LONG_LIFE)
        try:
            server.start()
            say("filling the server")
            made = documents(options.documents, options.entries)
            fill(server.access, made)
            lines = [json.dumps({key: value for key, value in one.items() if key != "data"}) for one in made]
            (folder / "runs.jsonl").write_text("\n".join(lines))
            del made, lines
            with proxy(server.access.address) as between:
                print(measure_all(folder, server.access, between, options.documents, options.repeat))
        finally:
            server.stop()


def measure_all(folder: Path, access: MongoAccess, between: Proxy, count: int, repeat: int) -> str:
    """Measure everything in turn and return the table."""

    def mongo(address: str) -> RunDB:
        path = rundb_credentials(folder, address, xent_user=access.user, xent_password=access.password)
        return open_rundb(
            config.RunDB.model_validate(
                {"kind": "mongodb", "credentials": str(path), "timeout": "60 s", "read_limit": "10 min"}
            )
        )

    file = open_rundb(config.RunDB.model_validate({"kind": "file", "file": str(folder / "runs.jsonl")}))
    last = range(FIRST_RUN + count - 200, FIRST_RUN + count)
    wire = Wire(between)
    things: dict[str, tuple[Callable[[], Any], Wire | None]] = {
        "floor: pymongo alone fetches the same bytes": (lambda: _fetched(access), None),
        "MongoDB, something changed: fingerprint, then all runs": (lambda: _changed(mongo(access.address)), None),
        "MongoDB, nothing changed: fingerprint only": (lambda: mongo(access.address).fingerprint(0, None), None),
        "MongoDB, `data` of 200 waiting runs": (lambda: mongo(access.address).data_of(last), None),
        "the same through a counting relay: all runs": (lambda: _changed(mongo(between.address)), wire),
        "the same through a counting relay: 200 runs": (lambda: mongo(between.address).data_of(last), wire),
        "file, something changed: all runs": (lambda: file.runs(0, None), None),
        "file, `data` of 200 waiting runs": (lambda: file.data_of(last), None),
    }
    results: dict[str, list[tuple[float, float, int]]] = {name: [] for name in things}
    for number in range(repeat):
        say(f"  {number + 1}/{repeat} ({load()})")
        for name, (thing, through) in things.items():
            results[name].append(measured(thing, through))
    rows = []
    for name, all_of_it in results.items():
        walls, cpus, sizes = zip(*all_of_it, strict=True)
        size = f"{statistics.median(sizes) / 1e6:.2f}" if any(sizes) else None
        rows.append([name, min(walls), statistics.median(walls), min(cpus), size])
    head = f"{count:,} documents, {repeat} times in turn ({load()})\n\n"
    return head + table(["", "wall s", "median", "CPU s", "MB on the wire"], rows)


def _fetched(access: MongoAccess) -> None:
    with access.client() as client:
        for _ in client[DATABASE].runs.find_raw_batches({}, dict.fromkeys(FIELDS, 1)):
            pass


def _changed(rundb: RunDB) -> None:
    rundb.fingerprint(0, None)
    rundb.runs(0, None)


if __name__ == "__main__":
    main()
