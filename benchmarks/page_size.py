"""The page in a browser: 100,000 results at once, and 4.5 million (60,000 runs x 10 analyses) by windows of time.

``python benchmarks/page_size.py [--repeat 3] [--folder DIR]``, under the workflow interpreter; needs Chromium. The
pages are kept for the next time; delete the folder after a change of the page's files.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from costs import load, say
from synthetic import ROOT

sys.path[:0] = [str(ROOT / "tests" / "page")]

from devtools import Tab, tab  # noqa: E402
from page_outcomes import iso, outcome, result, status  # noqa: E402

from support.factory import typed  # noqa: E402
from xomflow import page  # noqa: E402
from xomflow.core.key import run_id  # noqa: E402
from xomflow.core.verdicts import SeriesId, Verdict  # noqa: E402
from xomflow.outcomes.model import Outcome  # noqa: E402

VARIABLES = (7, 8)  # of one analysis and of the next
NOW = datetime(2026, 9, 25, 12, tzinfo=UTC)
FIRST_RUN = 1000
HUNDRED_THOUSAND = (1334, 10)
MILLIONS = (60_000, 10)


def build(folder: Path, runs: int, analyses: int) -> None:
    """Write a page with bands, or what it lacks; a run starts every hour, and every seventh is a calibration."""
    if (folder / "built").exists():
        return
    dice, last, chunks = random.Random(1), FIRST_RUN + runs, []
    page.write_frame(folder)
    for shelf in range(FIRST_RUN // 1000, (last - 1) // 1000 + 1):
        numbers = range(max(FIRST_RUN, 1000 * shelf), min(last, 1000 * (shelf + 1)))
        for a in range(analyses):
            key = (f"analysis_{a}", "v1", run_id(1000 * shelf)[:3])
            chunks.append(key)
            if page.bands_source(folder, *key):
                continue
            outcomes = list(_outcomes(dice, key[0], a, numbers, last))
            page.write_chunk(folder, *key, outcomes)
            page.write_bands(folder, *key, _bands(key[0], outcomes), "built")
    begin = time.monotonic()
    page.write_index(folder, chunks)
    say(f"- {len(chunks)} chunks: the index and the newest results are written in {time.monotonic() - begin:.2f} s")
    titles = {f"analysis_{a}": {"title": "", "documentation": "", "main": ["var_0", "var_1"]} for a in range(analyses)}
    page.write_alarms(folder, [])
    page.write_status(folder, status(NOW, titles=titles))
    (folder / "built").touch()


def _outcomes(dice: random.Random, name: str, a: int, numbers: range, last: int) -> Iterator[Outcome]:
    for number in numbers:
        calibration = number % 7 == 0
        mode = "tpc_kr83m" if calibration else "background_stable"
        results = [
            result(f"var_{v}", (90.0 if calibration else 10.0) + dice.gauss(0, 0.1), data={"quality": "good"})
            for v in range(VARIABLES[a % 2])
        ]
        start = NOW - timedelta(hours=last - number)
        made = outcome(number, results, start=start, run={"mode": mode}, key={"analysis": name}, figures=["a.png"])
        yield typed(made)


def _bands(name: str, outcomes: list[Outcome]) -> dict[SeriesId, list[Verdict]]:
    found: dict[SeriesId, list[Verdict]] = {}
    for one in outcomes:
        group = "calibration" if one.run.mode == "tpc_kr83m" else "background"
        middle = 90.0 if group == "calibration" else 10.0
        for of in one.results:
            value = of.value or 0.0
            verdict = Verdict(
                *(one.key.run, str(one.run.start), value, middle, middle - 0.3, middle + 0.3),
                round((value - middle) / 0.1, 2),
            )
            found.setdefault(SeriesId(name, "v1", group, of.variable), []).append(verdict)
    return found


def timed(browser: Tab, script: str) -> str:
    """Return how long the page takes to do what a script asks for, and to draw it, in words."""
    begin, before = time.monotonic(), cpu(browser)
    browser.evaluate(script)
    browser.wait("!document.querySelector('#panels[aria-busy]')")
    browser.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    return f"{time.monotonic() - begin:.2f} s, CPU {cpu(browser) - before:.2f} s"


def opened(browser: Tab, address: str, repeat: int) -> str:
    """Return how long a page takes until its first screen is drawn, and the CPU of its process, in words."""
    walls, cpus = [], []
    for _ in range(repeat):
        browser.open("about:blank", waiting="true")
        before = cpu(browser)
        walls.append(browser.open(address))
        cpus.append(cpu(browser) - before)
    return f"least {min(walls):.2f} s, median {median(walls):.2f} s; least CPU {min(cpus):.2f} s"


def cpu(browser: Tab) -> float:
    """Return the CPU seconds of the page's process."""
    found = {one["name"]: one["value"] for one in browser.ask("Performance.getMetrics")["metrics"]}
    return float(found["ProcessTime"])


def size_of(folder: Path, *names: str) -> str:
    """Return the size of some files below the page's data, in MB."""
    files: list[Path] = [file for name in names for file in (folder / "data").glob(name)]
    return f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB"


def go_to(fragment: str) -> str:
    """Return a script that changes the address and waits until the page has begun to follow."""
    following = "new Promise(done => addEventListener('hashchange', () => setTimeout(done), { once: true }))"
    return f"(() => {{ const following = {following}; location.hash = '{fragment}'; return following; }})()"


def measure(browser: Tab, folder: Path, repeat: int, steps: dict[str, str], fragment: str = "") -> None:
    """Open a page several times, take steps in it, and print how long each took."""
    address = folder.resolve().as_uri() + "/index.html"
    browser.ask("Performance.enable")
    say(f"- from the address to the first screen drawn: {opened(browser, address + fragment, repeat)}")
    for what, script in steps.items():
        browser.open(address + fragment)
        say(f"- {what}: {timed(browser, script)}; {heap(browser):.0f} MB of JavaScript afterwards")


def heap(browser: Tab) -> float:
    """Return the memory of the page's scripts, in MB."""
    used: Any = browser.evaluate("performance.memory.usedJSHeapSize")
    return float(used) / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=ROOT / "work" / "benchmarks" / "page")
    options = parser.parse_args()
    for runs, analyses in (HUNDRED_THOUSAND, MILLIONS):
        folder = options.folder / str(runs) / "page"
        build(folder, runs, analyses)
        results = runs * analyses * sum(VARIABLES) // 2
        say(f"## {results:,} results: {runs:,} runs x {analyses} analyses ({load()})")
        begins = size_of(folder, "index.js", "newest.js", "status.js", "alarms.js")
        say(f"- data {size_of(folder, '*/*/*.js')}, of which a page begins with {begins}")
        steps = {
            "the window before": "document.querySelector('#filter-earlier').click()",
            "all times, one analysis": go_to("#show=analysis_0&range=all"),
            "all times, all analyses": go_to("#range=all"),
        }
        with tab() as browser:
            browser.look_like(1400, 900)
            measure(browser, folder, options.repeat, steps)
    say(f"End: {load()}; {iso(datetime.now(UTC))}")


if __name__ == "__main__":
    main()
