"""What an analysis imports: its context, its settings, and a way to say its results.

Standard library only, Python 3.9 or later, no network: it has to work inside every software image a run may ask for.
"""

from xomlib.by_hand import cli
from xomlib.context import context
from xomlib.errors import BadResult, DataBroken, JobError
from xomlib.job import run, runs, settings
from xomlib.results import Xomresult, figure, xom_message

__version__ = "1.0.0"

__all__ = [
    "BadResult",
    "DataBroken",
    "JobError",
    "Xomresult",
    "__version__",
    "cli",
    "context",
    "figure",
    "run",
    "runs",
    "settings",
    "xom_message",
]
