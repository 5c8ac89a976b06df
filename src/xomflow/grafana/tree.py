"""The files for Grafana: which there are, and writing those that changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from xomflow.grafana import provisioning
from xomflow.grafana.boards.of_analysis import board_of
from xomflow.grafana.boards.operations import operations
from xomflow.grafana.boards.overview import overview
from xomflow.grafana.boards.run import run_board
from xomflow.grafana.panels import Json
from xomflow.grafana.rules import alerting
from xomflow.grafana.site import Site
from xomlib.files import read_bytes, write_atomically

_BOARDS = "dashboards"
_HEAD = "# Written by XOM, see docs/grafana.md; a change here is lost with the next one of the configuration.\n"


def files_of(site: Site) -> dict[str, str]:
    """Return the content of all files, by their path in the tree.

    What Grafana calls YAML is written as JSON, which is YAML too.
    """
    boards = [overview(site), operations(site), run_board(site), *(board_of(site, one) for one in site.analyses)]
    provisioned = {
        "datasources": provisioning.data_sources(site),
        "dashboards": provisioning.providers(site),
        "alerting": alerting(site),
    }
    return {
        **{f"provisioning/{kind}/{site.name}.yaml": _HEAD + _text(one) for kind, one in provisioned.items()},
        **{f"{_BOARDS}/{board['uid']}.json": _text(board) for board in boards},
    }


def write_tree(folder: Path, site: Site) -> list[str]:
    """Write the files that changed, and remove the boards of analyses that are gone; return the paths in the tree.

    Boards of another prefix, and files that XOM did not write, stay.

    Parameters
    ----------
    folder
        The tree; made if it does not exist.
    site
        What it depends on.
    """
    wanted = files_of(site)
    changed = [name for name, text in wanted.items() if _differs(folder / name, text)]
    for name in changed:
        write_atomically(folder / name, _bytes(wanted[name]))
    own = (path for path in (folder / _BOARDS).glob(f"{site.name}-*.json"))
    gone = sorted(name for path in own if (name := f"{_BOARDS}/{path.name}") not in wanted)
    for name in gone:
        (folder / name).unlink()
    return [*changed, *gone]


def _differs(path: Path, text: str) -> bool:
    try:
        return read_bytes(path) != _bytes(text)
    except FileNotFoundError:
        return True


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # names of variables may have half characters


def _text(content: Json) -> str:
    """Return JSON with a line for each entry and each panel or rule: fast to write, and differences are short."""
    return "{\n" + ",\n".join(f"{_line(name)}: {_value(value)}" for name, value in content.items()) + "\n}\n"


def _value(value: Any) -> str:
    return "[\n " + ",\n ".join(map(_line, value)) + "\n]" if isinstance(value, list) and value else _line(value)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
