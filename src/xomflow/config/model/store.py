"""The block ``store``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from xomflow.config.model.base import Model
from xomflow.config.values import Positive, Prefix


class Store(Model):
    """Where results are published."""

    kind: Literal["local", "influxdb"] = Field(
        "local", description="Files of line protocol under `work`, or an InfluxDB 2 server."
    )
    prefix: Prefix = Field(
        "test_",
        description="Prefix of the measurements' names, `prod_` or `test_`; the analysis' name follows.",
    )
    credentials: Path = Field(
        Path("~/.xom_influxdb.json"),
        description="For `influxdb`: JSON file with `url`, `token` (may read and write the bucket), `org`, `bucket` "
        "(keeps data indefinitely), readable by its owner only.",
    )
    batch: Positive = Field(5000, description="For `influxdb`: points per request.")
    mirror: Literal["xomdata"] | None = Field(
        None,
        description="`xomdata`: results once more in the measurement and under the names of the first XOM, so that its "
        "panels go on, see docs/moving.md. Default: none.",
    )
