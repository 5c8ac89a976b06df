"""What an analysis imports: its context, its settings, and a way to say its results.

Standard library only, Python 3.9 or later, no network: it has to work inside every software image a run may ask for.
"""

from xomlib.context import context
from xomlib.errors import BadResult, DataBroken, JobError
from xomlib.results import Xomresult, figure, xom_message
from xomlib.session import run, runs, settings
from xomlib.shell import cli

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
