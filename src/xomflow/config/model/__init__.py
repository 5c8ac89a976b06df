"""The typed model of the configuration, one module for each block.

The defaults, the JSON schema and ``docs/configuration.md`` come from it.
"""

from __future__ import annotations

from xomflow.config.model.analysis import Analysis, Period, Trial, Variable
from xomflow.config.model.base import Model, RunRange
from xomflow.config.model.config import Config
from xomflow.config.model.display import Grafana, Page
from xomflow.config.model.expected import Expected, ExpectedVariable, VariableLimits
from xomflow.config.model.notify import Notify
from xomflow.config.model.retries import Retries
from xomflow.config.model.rundb import RunDB
from xomflow.config.model.selection import ScienceRun, Selection
from xomflow.config.model.slurm import Batches, Slurm, SlurmOptions
from xomflow.config.model.software import Context, Software, WarmStart
from xomflow.config.model.store import Store

__all__ = [
    "Analysis",
    "Batches",
    "Config",
    "Context",
    "Expected",
    "ExpectedVariable",
    "Grafana",
    "Model",
    "Notify",
    "Page",
    "Period",
    "Retries",
    "RunDB",
    "RunRange",
    "ScienceRun",
    "Selection",
    "Slurm",
    "SlurmOptions",
    "Software",
    "Store",
    "Trial",
    "Variable",
    "VariableLimits",
    "WarmStart",
]
