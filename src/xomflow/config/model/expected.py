"""The block ``expected``, and what is expected of one variable."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from xomflow.config.model.base import Model
from xomflow.config.values import BareName, Between, Label, Positive, PositiveDuration, SizeText, length


class Expected(Model):
    """What is expected of each variable from its own history, and which changes are alarms: see docs/normal.md."""

    minimum: Annotated[Positive, Field(ge=10)] = Field(
        30, description="Results of a variable before the first verdict on one: not enough history until then."
    )
    accept: Annotated[Positive, Field(ge=10)] = Field(
        48, description="Results after which a new level counts as normal by itself; it stays listed without a reason."
    )
    groups: dict[Label, list[BareName]] = Field(
        {},
        description="Run modes that share a history: `{calibration: [kr83m, ar37]}`. A mode in none has a history of "
        "its own.",
    )
    together: list[BareName] = Field(
        [],
        description="Analyses whose results do not depend on the run mode, such as slow control: all their runs share "
        "a history. So do those of an analysis of a single mode.",
    )
    time_per_tick: PositiveDuration = Field(
        length("0.2 s"),
        description="Time in which a tick judges results; later ticks go on. `xom rebuild` judges all at once.",
    )

    @model_validator(mode="after")
    def _one_group_each(self) -> Expected:
        group_of = dict[str, str]()
        for group, modes in self.groups.items():
            for mode in modes:
                if (other := group_of.setdefault(mode, group)) != group:
                    raise ValueError(f"groups: mode {mode} is in {other} and in {group}: leave it in one of them")
        return self


class ExpectedVariable(Model):
    """What is of interest about a variable; sizes are parts of its level, such as `0.5 %`, or in its unit."""

    matters: SizeText = Field("", description="The smallest error that counts: differences far below do not matter.")
    tolerance: SizeText = Field(
        "", description="How far the level may move in 30 days; without it no drift is an alarm."
    )


class VariableLimits(Model):
    """Between which values a variable is expected: the lowest and the highest, `null` where there is none."""

    warn: Between = Field((None, None), description="Values outside deserve a look.")
    error: Between = Field((None, None), description="Values outside mean that something is wrong.")
    runs: Positive = Field(2, description="Results that have to be outside before Grafana alerts.")
    of: Annotated[Positive, Field(le=50)] = Field(3, description="Number of the newest results among which they are.")

    @model_validator(mode="after")
    def _possible(self) -> VariableLimits:
        if self.runs > self.of:
            raise ValueError(f"runs is {self.runs}, more than of, which is {self.of}")
        return self
