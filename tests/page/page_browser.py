"""A page in headless Chromium, driven by a script that the test puts beside the page's own.

The page allows scripts from its own folder only, so the test's script lies there too: it runs before the page's
scripts, notes every error and every violation of the security policy, does what the test asks, and writes what it
saw into the document.
"""

import contextlib
import functools
import json
from pathlib import Path
from typing import Any

from devtools import Tab, chromium, tab

__all__ = ["chromium", "close", "visit"]

_TIMES = 5
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
async function until(what) { for (let i = 0; i < 900 && !what(); i++) await pause(20); return what(); }
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
  await pause();  // the clock stands still while files are loaded: what these bring is there then
  let seen = null;
  try { seen = await probe(); } catch (error) { faults.push("probe: " + error); }
  const out = document.createElement("pre");
  out.id = "probe-says";
  out.textContent = JSON.stringify({ seen, faults });
  document.body.append(out);
});
async function probe() { %s }
"""


_stack = contextlib.ExitStack()


@functools.cache
def _browser() -> Tab:
    return _stack.enter_context(tab())


def close() -> None:
    """End the browser of all visits."""
    _stack.close()
    _browser.cache_clear()


def visit(folder: Path, script: str, address: str | None = None, fragment: str = "", seconds: int = 20) -> Any:
    """Open a page, run ``script`` (the body of an async function) in it and return what it returns.

    The browser's clock is a virtual one that jumps over idle times; ``seconds`` is how far it goes, and again where
    the page did not answer.

    Raises
    ------
    AssertionError
        If anything went wrong in the page: an error, a line on the console, a violation of the security policy.
    """
    assert chromium() is not None, "no Chromium on PATH (Debian: apt-get install chromium; or set XOM_CHROMIUM)"
    (folder / "probe.js").write_text(_PROBE % script)
    index = (folder / "index.html").read_text()
    if "probe.js" not in index:
        (folder / "index.html").write_text(
            index.replace("<script defer", '<script src="probe.js"></script>\n  <script defer', 1)
        )
    opened = _browser()
    opened.renew()
    opened.open_at_standstill((address or folder.resolve().as_uri()) + "/index.html" + fragment)
    for _ in range(_TIMES):  # on a busy machine the clock jumps while a file, such as a saved one, is still made
        opened.pass_time(seconds)
        if said := opened.evaluate("document.getElementById('probe-says')?.textContent"):
            break
    entries = [told for told in opened.named("Log.entryAdded") if told["entry"]["source"] != "network"]
    console = [*opened.named("Runtime.consoleAPICalled", "Runtime.exceptionThrown"), *entries]
    assert said, f"the page did not answer: {console}"
    answer = json.loads(said)
    assert answer["faults"] == [] and console == [], f"{answer['faults']} {console}"
    return answer["seen"]
