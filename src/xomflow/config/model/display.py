"""The blocks ``page`` and ``grafana``: where people look at results."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from xomflow.config.model.base import Model
from xomflow.config.values import Address, PositiveDuration, WebPage, length


class Page(Model):
    """The page that shows the results."""

    interval: PositiveDuration = Field(length("1 h"), description="Time between ticks; the page warns after three.")
    url: Address = Field(
        "",
        description="Address of `<work>/page/` or of its index.html, if a web server shows `<work>`; points then "
        "have the addresses of figures. Default: none.",
    )


class Grafana(Model):
    """Dashboards for Grafana, which each tick writes below `<work>/grafana/` if the store is InfluxDB."""

    token: Path = Field(
        Path("/etc/grafana/xom_influxdb_token"),
        description="File on Grafana's machine with a token that may only read the bucket. XOM does not read it.",
    )
    folder: Path | None = Field(
        None, description="`<work>/grafana` as Grafana's machine sees it; default: the same path as here."
    )
    playbook: WebPage = Field(
        "", description="Address of a copy of `docs/playbook.md`, to which alerts lead. Default: none."
    )
