"""A hundred runs in which the first of an analysis' four variables changes with the 81st run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from support.site import document

FIRST, RUNS, CHANGED = 52_001, 100, 52_081
_SCRIPT = """
import random

number = int(run_id)
for i in range(4):
    noise = random.Random(f"NAME {number} {i}").gauss(0, 1)
    step = STEP if number >= CHANGED and i == 0 else 0
    xomlib.Xomresult(variable_name=f"v{i}", variable_value=100 + noise + step, error=1.0, unit="PE").save()
"""


def script(name: str, step: float) -> str:
    """Return an analysis of four variables; the first one changes by ``step``."""
    return _SCRIPT.replace("NAME", name).replace("STEP", str(step)).replace("CHANGED", str(CHANGED))


def hourly_runs(newest: datetime) -> list[dict[str, Any]]:
    """Return the documents of the runs, one an hour, each of 50 minutes; the last one begins at ``newest``."""
    starts = [newest - timedelta(hours=RUNS - 1 - at) for at in range(RUNS)]
    return [
        document(FIRST + at, start=_moment(start), end=_moment(start + timedelta(minutes=50)))
        for at, start in enumerate(starts)
    ]


def _moment(time: datetime) -> dict[str, str]:
    return {"$date": f"{time:%Y-%m-%dT%H:%M:%SZ}"}
