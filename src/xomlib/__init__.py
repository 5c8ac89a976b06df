"""The interface of scripts: context, settings, run, results, figures, trying a script by hand; results as a table.

May import: the standard library of Python 3.9, nothing else, since it works inside every software that runs analyses;
`xomlib.saving.pictures` also Pillow, where it is, and `xomlib.table` pandas.
Must never use the network.
"""

from xomlib import _own_folder, _renamed  # noqa: F401, the first acts when it is imported
from xomlib.by_hand import cli, try_job
from xomlib.context import context
from xomlib.errors import BadResult, DataBroken, JobError, ResultsError
from xomlib.job import path, run, runs, settings
from xomlib.process import spawned
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
