"""Asks strax, run by run and type by type, what is stored; runs under the analysis interpreter.

The file that is named first holds a list of questions, each with ``context``, ``runs`` and ``types``. The answer to
each, in the file named second: [run, type, true, false or "raises"] of every pair. Each question has a process of its
own, since a context may change what the next one would see of the host; all are forks of one that has imported straxen.
"""

import importlib
import json
import multiprocessing
import sys
from pathlib import Path
from typing import Any

from xomlib.context import build
from xomlib.documents.job_description import ContextSpec


def answer(question: dict[str, Any]) -> list[list[Any]]:
    st = build(ContextSpec.from_json(question["context"]))
    return [[run, name, stored(st, run, name)] for run in question["runs"] for name in question["types"]]


def stored(st: Any, run: str, name: str) -> Any:
    try:
        return bool(st.is_stored(run, name))
    except Exception:
        return "raises"


if __name__ == "__main__":
    questions = json.loads(Path(sys.argv[1]).read_text())
    importlib.import_module("straxen")
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        answers = pool.map(answer, questions, chunksize=1)
    Path(sys.argv[2]).write_text(json.dumps(answers))
