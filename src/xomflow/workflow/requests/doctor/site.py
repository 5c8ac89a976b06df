"""All checks of a site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xomflow.config.load import load_configuration
from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.errors import in_words
from xomflow.core.paths import Paths
from xomflow.workflow.requests.doctor.finding import Check, Finding, examine
from xomflow.workflow.requests.doctor.folder import folder_checks
from xomflow.workflow.requests.doctor.servers import server_checks
from xomflow.workflow.requests.doctor.ticks import tick_checks


def examine_site(file: Path) -> Iterator[tuple[str, Finding]]:
    """Yield each finding about a site, with what it is about; never raises.

    Parameters
    ----------
    file
        The configuration. If it is wrong, nothing else can be looked at.
    """
    try:
        config = load_configuration(file)
    except Exception as error:
        sentence, code = in_words(error)
        for line in sentence.split("\n"):
            yield "configuration", Finding(line, "fix what the line names", code)
        return
    checks = *folder_checks(Paths(config.work)), *server_checks(config), *tick_checks(config, times.now())
    yield from examine([_configuration(config), *checks])


def _configuration(config: Config) -> Check:
    good = Finding(f"{len(config.analyses)} analyses: {', '.join(config.analyses)}")
    return Check("configuration", lambda: [good, *(Finding(one, "see the sentence") for one in config.warnings)])
