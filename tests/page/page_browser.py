"""A page in headless Chromium, driven by a script that the test puts beside the page's own.

The page allows scripts from its own folder only, so the test's script lies there too: it runs before the page's
scripts, notes every error and every violation of the security policy, does what the test asks, and writes what it
saw into the document.
"""

import html
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--enable-logging=stderr", "--window-size=1400,900", "--dump-dom"),
)

_PROBE = """
"use strict";
window.faults = [];
addEventListener("error", event => faults.push("error: " + event.message));
addEventListener("unhandledrejection", event => faults.push("rejection: " + event.reason));
addEventListener("securitypolicyviolation", event => {
  faults.push("policy: " + event.violatedDirective + " " + event.blockedURI);
});
const $ = (selector, node) => (node || document).querySelector(selector);
const $$ = (selector, node) => [...(node || document).querySelectorAll(selector)];
const pause = time => new Promise(done => setTimeout(done, time || 50));
async function until(what) { for (let i = 0; i < 250 && !what(); i++) await pause(20); return what(); }
function copyOf(canvas) {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  return copy.getImageData(0, 0, canvas.width, canvas.height);
}
function pixels(canvas, colour) {
  const box = document.createElement("span");
  box.style.color = colour;
  document.body.append(box);
  const [r, g, b] = getComputedStyle(box).color.match(/\\d+/g).map(Number);
  const { data } = copyOf(canvas);
  let count = 0;
  const near = i => Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 60;
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 60 && near(i)) count++;
  box.remove();
  return count;
}
addEventListener("DOMContentLoaded", async () => {
  await until(() => document.documentElement.dataset.ready);
  let seen = null;
  try { seen = await probe(); } catch (error) { faults.push("probe: " + error); }
  const out = document.createElement("pre");
  out.id = "probe-says";
  out.textContent = JSON.stringify({ seen, faults });
  document.body.append(out);
});
async function probe() { %s }
"""


def chromium() -> str | None:
    """Path of a Chromium, or None; the environment variable XOM_CHROMIUM names another one."""
    return os.environ.get("XOM_CHROMIUM") or next((found for name in NAMES if (found := shutil.which(name))), None)


def visit(folder: Path, script: str, address: str | None = None, fragment: str = "", seconds: int = 8) -> Any:
    """Open a page, run ``script`` (the body of an async function) in it and return what it returns.

    The browser's clock is a virtual one that jumps over idle times; ``seconds`` is how far it goes.

    Raises
    ------
    AssertionError
        If anything went wrong in the page: an error, a line on the console, a violation of the security policy.
    """
    browser = chromium()
    assert browser is not None, "no Chromium on PATH (Debian: apt-get install chromium; or set XOM_CHROMIUM)"
    (folder / "probe.js").write_text(_PROBE % script)
    index = (folder / "index.html").read_text()
    if "probe.js" not in index:
        (folder / "index.html").write_text(
            index.replace("<script defer", '<script src="probe.js"></script>\n  <script defer', 1)
        )
    url = (address or folder.resolve().as_uri()) + "/index.html" + fragment
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            str(chromium()),
            *OPTIONS,
            f"--virtual-time-budget={1000 * seconds}",
            f"--user-data-dir={profile}",
            url,
        ]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    said = re.search(r'<pre id="probe-says">(.*?)</pre>', run.stdout, re.DOTALL)
    assert said, f"the page did not answer: {run.stdout[-500:]} {run.stderr[-2000:]}"
    answer = json.loads(html.unescape(said.group(1)))
    console = [line for line in run.stderr.splitlines() if ":CONSOLE" in line]
    assert answer["faults"] == [] and console == [], f"{answer['faults']} {console}"
    return answer["seen"]
