"""The blocks ``selection`` and ``science_runs``: ranges of runs, and which of them are monitored."""

from __future__ import annotations

from pydantic import Field

from xomflow.config.model.base import RunRange
from xomflow.config.values import BareName, Label


class Selection(RunRange):
    """The runs that are monitored at all; each analysis narrows this further."""

    excluded_modes: list[BareName] = Field(
        [], description="Run modes that are never monitored unless an analysis names them; `*` stands for any text."
    )
    excluded_tags: list[BareName] = Field([], description="Runs with one of these tags are not monitored.")
    status: list[str] = Field(
        ["transferred"], description="Values of the run document's `status` with which a run can be monitored."
    )


class ScienceRun(RunRange):
    """A science run: a range of runs, which the page shades and can show alone."""

    name: Label = Field(description="Its name, such as `SR1`.")
