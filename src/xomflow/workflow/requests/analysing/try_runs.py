"""Try an analysis on runs as a tick does, without a trace in the site: on this machine."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xomflow.config.model import Config
from xomflow.config.software import command, environment
from xomflow.core.errors import ConfigurationError, UsageError
from xomflow.core.key import Key, first_run
from xomflow.core.paths import Paths
from xomflow.core.state import WAITINGS
from xomflow.outcomes.files import list_outcomes
from xomflow.outcomes.model import Outcome
from xomflow.outcomes.reading import read_outcome
from xomflow.workflow.requests.describe_job import describe_job
from xomlib.attempt import Attempt
from xomlib.documents.schema import SchemaError
from xomlib.files import dump_json, parse_json

_MODULE = "xomlib.attempt"


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt at a key outside a tick.

    Parameters
    ----------
    key
        The key.
    attempt
        What it gave.
    published
        The outcome that the key has; None: it has none.
    """

    key: Key
    attempt: Attempt
    published: Outcome | None

    def to_json(self) -> dict[str, Any]:
        """Return the attempt as a JSON object."""
        return {"key": self.key.as_dict(), **self.attempt.to_json()}


def try_here(config: Config, analysis: str, run: str, source: str, save: Path) -> Tried:
    """Try an analysis on a run on this machine, under the software of the run.

    Parameters
    ----------
    config
        The configuration; this process works in the folder of its site.
    analysis
        Name of the analysis.
    run
        Number or id of a run, or the id of a campaign.
    source
        Name of the configuration, for messages.
    save
        Folder for results and figures.

    Raises
    ------
    XomError
        If there is no such analysis, run or campaign, or its software cannot be started.
    """
    job = replace(describe_job(config, analysis, run, source), site=str(Path.cwd()))
    key = Key(job.key.analysis, job.key.version, job.key.run)
    software = config.software_of(first_run(key.run))
    assert software is not None  # else there is no description
    paths, program = Paths(config.work), replace(software.program, binds=(*software.program.binds, str(save)))
    with tempfile.TemporaryDirectory(prefix="xom-") as folder:
        description = Path(folder, "job.json")
        dump_json(description, job.to_json())
        words = command(program, paths, _MODULE, str(description), str(save))
        sys.stderr.flush()
        try:
            done = subprocess.run(words, env=environment(program, paths), stdout=subprocess.PIPE, check=False)
        except OSError as error:
            raise ConfigurationError(f"{program.name} cannot be started here: {error.strerror}") from None
    if done.returncode < 0 or done.returncode == 128 + 2:
        raise UsageError(f"{key}: the attempt was interrupted")
    try:
        made = Attempt.from_json(parse_json(done.stdout))
    except (ValueError, TypeError, LookupError):
        raise ConfigurationError(
            f"{program.name} made no attempt, it ended with exit status {done.returncode} and the reason above"
        ) from None
    return Tried(key, made, published(paths, key))


def published(paths: Paths, key: Key) -> Outcome | None:
    """Return the outcome of a key; None if there is none, or it cannot be read."""
    try:
        return read_outcome(paths.outcome(key))
    except (OSError, SchemaError):
        return None


def newest_runs(config: Config, analysis: str, number: int) -> list[str]:
    """Return the ids of the newest runs of an analysis whose data can be read, the newest first.

    Raises
    ------
    UsageError
        If there is none.
    """
    from xomflow.workflow.discover import survey_now

    survey = survey_now(config, may_write=False)
    block = config.analyses.get(analysis)
    done = list_outcomes(Paths(config.work), analysis, block.version).done if block else set()
    undone = {item.key.run for item in survey.items.get(analysis, ()) if item.state.name not in WAITINGS}
    if not (found := sorted(done | undone, reverse=True)[:number]):
        raise UsageError(f"there is no run of {analysis} whose data can be read; name one")
    return found
