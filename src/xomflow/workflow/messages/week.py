"""Write the report of a period as an HTML file, and as PDF where there is a browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from xomflow.config.model import Config
from xomflow.core.paths import Paths
from xomflow.reports.facts import Period
from xomflow.reports.week import week_page
from xomflow.workflow.documents import ReportConfig
from xomflow.workflow.messages.period import facts_of
from xomlib.files import write_atomically

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
# Plots begin so many periods earlier: what was before shows whether a value is normal.
_BEFORE = 3
_LONGEST = 120.0


def write_report(config: Config, period: Period, file: Path) -> list[str]:
    """Write a report; return sentences about what was written.

    Parameters
    ----------
    config
        Of the site.
    period
        The period.
    file
        The HTML file; the PDF lies beside it.
    """
    begin = period.begin - _BEFORE * (period.end - period.begin)
    facts = facts_of(Paths(config.work), ReportConfig.of(config), period, since=begin)
    write_atomically(file, week_page(facts, begin))
    return [str(file), _printed(file, file.with_suffix(".pdf"))]


def _printed(page: Path, file: Path) -> str:
    """Print a page to a PDF file; return a sentence."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        return f"no PDF: none of {', '.join(_BROWSERS)} is on the PATH; print the page from a browser"
    # Beside its place, since some browsers see no temporary folders; an interrupted one is in nobody's way.
    part = file.with_name(f".{file.stem}.part.pdf")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            *(browser, "--headless", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}"),
            # In containers it cannot be confined; the page is our own and has no script.
            *("--no-sandbox", "--no-pdf-header-footer", f"--print-to-pdf={part}", page.as_uri()),
        ]
        environment = {**os.environ, "HOME": profile}
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False, timeout=_LONGEST
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"no PDF: {browser} did not print the page: {type(error).__name__}"
    if done.returncode or not part.exists():
        return f"no PDF: {browser} ended with {done.returncode}"
    part.replace(file)
    return str(file)
