"""What Grafana reads at its start: where the store is, and where the boards are.

Grafana replaces ``$NAME`` in these files by variables of its environment, so a dollar sign is written twice.
"""

from __future__ import annotations

from typing import Any

from xomflow.grafana.panels import Json
from xomflow.grafana.site import Site

_ONE = 1  # the form of these files, and Grafana's main organization
_REREAD_S = 60
_LONGEST_QUERY_S = 30
_MOST_SERIES = 10_000


def data_sources(site: Site) -> Json:
    """Return the store as a data source; its token stays in a file that only Grafana reads."""
    url, org, bucket = map(plain, site.bucket)
    source: dict[str, Any] = {
        "name": site.title,
        "uid": site.name,
        "type": "influxdb",
        "access": "proxy",
        "url": url,
        "editable": False,
        "jsonData": {
            "version": "Flux",
            "organization": org,
            "defaultBucket": bucket,
            "maxSeries": _MOST_SERIES,
            "timeout": _LONGEST_QUERY_S,
        },
        "secureJsonData": {"token": f"$__file{{{site.settings.token}}}"},
    }
    return {"apiVersion": _ONE, "datasources": [source]}


def providers(site: Site) -> Json:
    """Return where Grafana finds the boards. It reads them again every minute, and refuses to save over them."""
    provider = {
        "name": site.title,
        "orgId": _ONE,
        "folder": site.title,
        "folderUid": site.name,
        "type": "file",
        "disableDeletion": False,
        "allowUiUpdates": False,
        "updateIntervalSeconds": _REREAD_S,
        "options": {"path": plain(str(site.folder / "dashboards"))},
    }
    return {"apiVersion": _ONE, "providers": [provider]}


def plain(text: str) -> str:
    """Return a text of which Grafana replaces nothing."""
    return text.replace("$", "$$")
