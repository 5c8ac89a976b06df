"""Pictures of boards: panels drawn by Grafana's own Apache-licensed components in a headless browser, and compared.

`make pictures` installs the components into ``work/node-boards``. Grafana's server is not needed, and not installed.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from support.grafana import Asker, Frame, panels
from xomflow.core.paths import ROOT

LISTS = ROOT / "tests/grafana"
INSTALLED = ROOT / "work/node-boards"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1"),
    *(
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--virtual-time-budget=20000",
        "--enable-logging=stderr",
    ),
)
_BUNDLE = (
    *("--bundle", "--format=iife", "--minify", "--jsx=automatic", '--define:process.env.NODE_ENV="production"'),
    "--alias:react-custom-scrollbars-2=./scrollbars.js",
    *("--loader:.svg=dataurl", "--loader:.woff2=dataurl", "--loader:.ttf=dataurl", "--log-level=error"),
)
# Pixels of a column and a line of a board, as in draw.jsx.
_COLUMN, _LINE = 50, 36
_KINDS = {"double": "number", "long": "number", "unsignedLong": "number", "boolean": "boolean", "string": "string"}
# Both pictures at a quarter of their size, so that edges of letters do not count; the part of pixels that differ.
_COMPARE = """
<body><script>
const pixels = async address => {
  const image = new Image();
  await new Promise((done) => Object.assign(image, { onload: done, src: address }));
  const [width, height] = [image.width, image.height].map(size => Math.ceil(size / 4));
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  return { width, height, data: context.getImageData(0, 0, width, height).data };
};
(async () => {
  const [one, other] = await Promise.all(%s.map(pixels));
  let differ = one.width === other.width && one.height === other.height ? 0 : Infinity;
  for (let at = 0; at < one.data.length; at += 4)
    differ += [0, 1, 2].some(color => Math.abs(one.data[at + color] - other.data[at + color]) > 24);
  document.body.textContent = "differ " + (4 * differ) / one.data.length + " ";
})();
</script></body>
"""


def missing() -> str:
    """Return what is not there to draw with; empty if all is."""
    if not browser():
        return "there is no Chromium"
    lock = INSTALLED / "done.json"
    if not lock.exists() or lock.read_bytes() != (LISTS / "package-lock.json").read_bytes():
        return f"{INSTALLED} lacks Grafana's components: `make pictures` installs them, where node is"
    return ""


def browser() -> str | None:
    """Return the browser that draws."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def bundle() -> Path:
    """Return the folder with the script that draws; it is made again when something of it changed."""
    sources = [LISTS / "draw.jsx", LISTS / "scrollbars.js", LISTS / "package-lock.json"]
    digest = hashlib.sha256(b"".join(one.read_bytes() for one in sources)).hexdigest()[:16]
    made = INSTALLED / f"bundle-{digest}"
    if not (made / "draw.js").exists():
        for one in sources[:2]:
            shutil.copy(one, INSTALLED)
        bundler = str(INSTALLED / "node_modules/.bin/esbuild")
        command = [bundler, "draw.jsx", f"--outfile={made}/draw.js", *_BUNDLE]
        subprocess.run(command, cwd=INSTALLED, check=True, timeout=300)
    return made


def picture(board: dict[str, Any], ask: Asker, path: Path) -> None:
    """Draw a board from what its queries answer.

    Parameters
    ----------
    board
        The board.
    ask
        Asks as Grafana does, for the time that is drawn.
    path
        Where the picture goes, as PNG.
    """
    shown = [one for one in panels(board) if one["type"] != "row" and one not in _closed(board)]
    drawn = [{"panel": one, "frames": [_frame(frame) for frame in _answer(one, ask)]} for one in shown]
    notes = [_annotation(one, ask) for one in board["annotations"]["list"]]
    document = {"from": ask.start, "to": ask.stop, "panels": drawn, "annotations": notes, "chosen": ask.chosen}
    script = json.dumps(document).replace("<", "\\u003c")
    page = path.with_suffix(".html")
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="{bundle()}/draw.css">'
        '<body style="margin:0;background:#f4f5f5"><div id="root"></div>'
        f'<script>window.BOARD = {script};</script><script src="{bundle()}/draw.js"></script>',
        encoding="utf-8",
    )
    height = max(one["gridPos"]["y"] + one["gridPos"]["h"] for one in shown) * _LINE + 8
    _browse(page, f"--screenshot={path}", f"--window-size={24 * _COLUMN + 8},{height}")
    assert path.exists(), f"{page} was not drawn"


def part_that_differs(one: Path, other: Path) -> float:
    """Return which part of the pixels of two pictures differ, 0 to 1."""
    addresses = [f"data:image/png;base64,{base64.b64encode(each.read_bytes()).decode()}" for each in (one, other)]
    page = other.with_suffix(".compare.html")
    page.write_text(_COMPARE % json.dumps(addresses), encoding="utf-8")
    found = re.search(r"differ (\S+) ", html.unescape(_browse(page, "--dump-dom")))
    assert found, f"{page} was not compared"
    return float(found[1])


def _browse(page: Path, *options: str) -> str:
    command = [str(browser()), *_OPTIONS, "--allow-file-access-from-files", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    faults = [line for line in done.stderr.splitlines() if "Uncaught" in line]
    assert faults == [], f"{page}: {faults}"
    return done.stdout


def _closed(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [inner for one in board["panels"] for inner in one.get("panels", [])]


def _answer(panel: dict[str, Any], ask: Asker) -> list[Frame]:
    """Return what a panel is drawn from; as in Grafana, the window is what one of its pixels stands for."""
    span = datetime.fromisoformat(ask.stop) - datetime.fromisoformat(ask.start)
    of_panel = replace(ask, window_ms=int(span.total_seconds() * 1000) // (panel["gridPos"]["w"] * _COLUMN))
    return [frame for target in panel.get("targets", []) for frame in of_panel(target["query"])]


def _annotation(one: dict[str, Any], ask: Asker) -> dict[str, Any]:
    rows = [row for frame in ask(one["target"]["query"]) for row in frame.rows]
    times = [{"time": _milliseconds(row["_time"]), "timeEnd": int(row["timeEnd"])} for row in rows]
    return {"color": one["iconColor"], "rows": times}


def _frame(frame: Frame) -> dict[str, Any]:
    """Return a frame in the form of Grafana's data sources."""
    fields: list[dict[str, Any]] = []
    for name, kind in frame.kinds.items():
        values = [row[name] for row in frame.rows]
        if kind.startswith("dateTime"):
            fields.append({"name": name, "type": "time", "values": [one and _milliseconds(one) for one in values]})
        else:
            fields.append({"name": name, "type": _KINDS[kind], "labels": frame.labels, "values": values})
    return {"fields": fields}


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
