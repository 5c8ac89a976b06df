"""The block ``retries``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from xomflow.config.model.base import Model
from xomflow.config.values import Duration, Growth, Positive, PositiveDuration, length


class Retries(Model):
    """When failed runs are tried again; the wait grows by `factor` from one attempt to the next."""

    attempts: Positive = Field(4, description="Attempts after which an analysis gives up on a run.")
    first_wait: Duration = Field(length("1 h"), description="Wait between the first and the second attempt.")
    factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] = Field(
        4.0, description="Factor by which the wait grows with each attempt."
    )
    lost_attempts: Positive = Field(
        50,
        description="Attempts that end through no fault of the analysis (killed with their tick, node failure, "
        "cancelled) after which it gives up.",
    )
    more_memory: Growth = Field(2.0, description="Factor by which memory grows after each `out_of_memory`.")
    most_memory_mb: Positive = Field(32_000, description="Limit of this growth, in megabytes.")
    more_time: Growth = Field(2.0, description="Factor by which the time limit grows after each `timeout`.")
    most_time: PositiveDuration = Field(length("12 h"), description="Limit of this growth.")
