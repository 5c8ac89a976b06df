"""Export and compare results: what needs pandas runs in the environment of the analyses."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

from xomflow.config.model import Config
from xomflow.config.software import Program, command, environment
from xomflow.core import times
from xomflow.core.errors import ConfigurationError, UsageError
from xomflow.core.key import RUN_DIGITS
from xomflow.core.paths import Paths
from xomflow.planning.runs.wanted import WantedRuns

_MODULE = "xomlib.table.commands"


def make_table(config: Config, what: str, analysis: str, wanted: WantedRuns, output: Path | None, *more: str) -> int:
    """Export or compare results under the software of the newest runs; return the exit code.

    Parameters
    ----------
    config
        The configuration.
    what
        ``export`` or ``compare``.
    analysis
        Name of the analysis.
    wanted
        The runs.
    output
        File or folder to write to; None: standard output.
    more
        Further options of `xomlib.table.commands`.

    Raises
    ------
    ConfigurationError
        If no software is configured for the newest runs, or it cannot be started.
    """
    software = config.software_of(10**RUN_DIGITS - 1)
    if software is None:
        raise ConfigurationError("no software is configured for the newest runs, whose pandas is needed")
    paths, program = Paths(config.work), software.program
    if output is not None:
        program = replace(program, binds=(*program.binds, str(output if output.is_dir() else output.parent)))
    words = [what, str(config.work.absolute()), analysis, *_options(analysis, wanted), *more]
    words += [] if output is None else ["--output", str(output)]
    try:
        return subprocess.run(
            command(program, paths, _MODULE, *words), env=_environment(program, paths), check=False
        ).returncode
    except OSError as error:
        raise ConfigurationError(f"{program.name} cannot be started here: {error.strerror}") from None


def _options(analysis: str, wanted: WantedRuns) -> list[str]:
    """Return RUNS and what narrows them down as options; `UsageError` for a campaign of another analysis."""
    for word in wanted.words:
        if word.campaign and word.analysis != analysis:
            raise UsageError(f"RUNS {word.text!r} is a campaign of {word.analysis}, not of {analysis}")
    given = [("--run", word.campaign or word.text) for word in wanted.words]
    given += [("--mode", one) for one in wanted.modes] + [("--tag", one) for one in wanted.tags]
    given += [("--since", times.text(wanted.since))] if wanted.since else []
    return [f"{name}={value}" for name, value in given]


def _environment(program: Program, paths: Paths) -> dict[str, str]:
    """Return the environment, without a cache of matplotlib where this account may not write."""
    variables = environment(program, paths)
    if not os.access(paths.cache, os.W_OK):
        del variables["MPLCONFIGDIR"]
    own = os.environ.get("XDG_CACHE_HOME")
    return {**variables, **({"XDG_CACHE_HOME": own} if own else {})}
