"""Describe a strax context for the workflow: ``python -m xomlib.probe REQUEST.json`` prints the answer as JSON.

The workflow has no strax. It asks once per (software, context, configuration) for the lineage hash of every data type
and for the places where data are kept, and keeps the answer as long as the files it came from stay as they are.
"""

import difflib
import importlib
import json
import os
import sys
from typing import Any

from xomlib.context import build
from xomlib.documents.job_description import ContextSpec
from xomlib.errors import JobError
from xomlib.files import read_json
from xomlib.versions import versions

# A run that cannot exist: contexts of XENONnT have the same lineage for every run, which is checked below.
_RUN, _OTHER_RUN = "000000", "999999"
# Options with which strax takes data that are not exactly what was asked for.
_INEXACT = ("fuzzy_for", "fuzzy_for_options", "allow_incomplete")


def main(argv: list) -> int:
    """Answer the request in the file ``argv[0]``: about a context, or about stored data."""
    out, sys.stdout = sys.stdout, sys.stderr  # what libraries print must not mix with the answer
    request = read_json(argv[0])
    try:
        st = build(ContextSpec.from_json(request["context"]))
        answer = answer_stored(st, request["stored"]) if "stored" in request else answer_context(st, request)
    except JobError as error:
        answer = {"error": str(error)}
    json.dump(answer, out)
    return 0


def answer_context(st: Any, request: dict) -> dict:
    """Return the lineage hashes, why some types have none, the storage, the versions, and the files this came from."""
    hashes, without, keep = {}, {}, True
    for name in request["types"]:
        if name not in st._plugin_class_registry:
            near = difflib.get_close_matches(name, st._plugin_class_registry, n=1)
            without[name] = f"it has no data type {name}" + (f"; did you mean {near[0]}?" if near else "")
            continue
        try:
            hashes[name], other = (st.key_for(run, name).lineage_hash for run in (_RUN, _OTHER_RUN))
        except Exception as error:  # of one plugin; the others can be answered
            without[name] = f"the lineage of {name} cannot be computed: {type(error).__name__}: {error}"
            keep = False
            continue
        if other != hashes[name]:
            without[name] = f"the lineage of {name} differs from run to run, which XOM cannot follow yet"
    return {
        "hashes": hashes,
        "without": without,
        "keep": keep,  # what went wrong may go right next time
        "storage": [describe(st, frontend, hashes) for frontend in st._sorted_storage],
        "versions": versions(),
        "files": _stamps(request["context"]["function"]),
    }


def describe(st: Any, frontend: Any, types: Any = ()) -> dict:
    """Return the description of a storage frontend, which `xomflow.storage.frontends` reads.

    Its ``kind`` is "other" unless the workflow can give strax's own answer itself.

    Parameters
    ----------
    st
        The context.
    frontend
        One of its storage frontends.
    types
        Types that have a lineage; ``straxen.RunDB`` looks for whole lineages.
    """
    taken = {"take_only": list(frontend.take_only), "exclude": list(frontend.exclude)}
    other = {"kind": "other", "name": repr(frontend), **taken}
    if any(st.context_config.get(option) for option in _INEXACT):
        return other
    strax, straxen = importlib.import_module("strax"), sys.modules.get("straxen")
    if type(frontend) is strax.DataDirectory:
        return {"kind": "folder", "path": os.path.abspath(frontend.path), **taken}
    if type(frontend) is getattr(straxen, "RucioLocalFrontend", None):
        # Without a path, at hosts that straxen has no paths for, it has nothing.
        path = os.path.abspath(frontend.path) if frontend.path else os.devnull
        return {"kind": "rucio_local", "path": path, **taken}
    if type(frontend) is getattr(straxen, "RunDB", None):
        try:
            return {"kind": "rundb", **_rundb(st, frontend, types), **taken}
        except Exception as error:  # a server that is away, a lineage that is not JSON: strax must answer
            print(f"{frontend!r} is left to strax: {type(error).__name__}: {error}", file=sys.stderr)
    return other


def _rundb(st: Any, frontend: Any, types: Any) -> dict:
    """Return server and queries of a ``straxen.RunDB``; nothing secret."""
    rucio = [one.rucio_dir for one in frontend.backends if type(one).__name__ == "RucioLocalBackend"]
    collection = frontend.collection
    host, port = frontend.client.address
    lineages = {name: st.key_for(_RUN, name).lineage for name in types}
    return {
        "server": [f"{host}:{port}", collection.database.name, collection.name],
        "runid_field": frontend.runid_field,
        "places": frontend.available_query,
        "rucio_path": frontend.rucio_path,
        "rucio_backend": rucio[0] if rucio else None,
        "lineages": json.loads(json.dumps(lineages, allow_nan=False, default=dict)),
    }


def answer_stored(st: Any, questions: list) -> dict:
    """Return which of these (run, type) strax itself finds; slow, since it is asked run by run.

    Raises
    ------
    JobError
        If a server that the storage asks is away: each further question would wait for it again.
    """

    def stored(run: str, name: str) -> bool:
        try:
            return bool(st.is_stored(run, name))
        except Exception as error:  # where this raises, reading would raise as well
            if type(error).__module__.partition(".")[0] in ("pymongo", "requests", "urllib3"):
                raise JobError(f"its storage cannot be asked: {type(error).__name__}: {str(error)[:200]}") from None
            return False

    return {"stored": [[run, name] for run, name in questions if stored(run, name)]}


def _stamps(function: str) -> dict:
    """Return the time stamps of all files that decide lineages: a checkout may change in a module far down."""
    packages = {function.partition(":")[0].partition(".")[0], "strax", "straxen", "cutax"}
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] in packages]
    files = {getattr(module, "__file__", None) for module in modules}
    return {file: os.stat(file).st_mtime_ns for file in sorted(filter(None, files))}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
