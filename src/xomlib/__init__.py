"""The interface of scripts: context, settings, run, results, figures, trying a script by hand; results as a table.

May import: the standard library of Python 3.9, nothing else, since it works inside every software that runs analyses;
`xomlib.saving.pictures` also Pillow, where it is, and `xomlib.table` pandas.
Must never use the network.

A name of the interface is imported when it is used first: the start of a run's job needs none of them.
"""

import importlib
from typing import TYPE_CHECKING, Any

from xomlib import _own_folder, _renamed  # noqa: F401, the first acts when it is imported
from xomlib.context import context  # at once: its module has the same name, and would take its place
from xomlib.process import spawned

if TYPE_CHECKING:
    from xomlib.by_hand import cli, try_job
    from xomlib.errors import BadResult, DataBroken, JobError, ResultsError
    from xomlib.job import path, run, runs, settings
    from xomlib.saving import Xomresult, figure, xom_message
    from xomlib.table.compare import compare
    from xomlib.table.results import results

__version__ = "1.0.0"

_renamed.install(_renamed.MODULES)
spawned.join()

__all__ = [
    "BadResult",
    "DataBroken",
    "JobError",
    "ResultsError",
    "Xomresult",
    "__version__",
    "cli",
    "compare",
    "context",
    "figure",
    "path",
    "results",
    "run",
    "runs",
    "settings",
    "try_job",
    "xom_message",
]

_NAMES_IN = {
    "xomlib.by_hand": ("cli", "try_job"),
    "xomlib.errors": ("BadResult", "DataBroken", "JobError", "ResultsError"),
    "xomlib.job": ("path", "run", "runs", "settings"),
    "xomlib.saving": ("Xomresult", "figure", "xom_message"),
    "xomlib.table.compare": ("compare",),
    "xomlib.table.results": ("results",),
}
_MODULE_OF = {name: module for module, names in _NAMES_IN.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a name of the interface; Python calls this for a name that the module does not have yet."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list:
    return sorted({*globals(), *__all__})
