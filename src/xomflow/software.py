"""How a process is started under the software that the configuration gives for a run."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from xomflow.paths import SOURCE, Paths

# Only what a process needs to find its way; everything else belongs to the workflow's own environment.
_PASSED_ON = ("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XENON_CONFIG", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Program:
    """What runs the analyses of some runs.

    Parameters
    ----------
    interpreter
        Python interpreter.
    """

    interpreter: Path

    @property
    def name(self) -> str:
        """How outcomes name it."""
        return str(self.interpreter)


def command(program: Program, module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of xomlib under ``program``."""
    return [str(program.interpreter.expanduser().absolute()), "-m", module, *arguments]


def environment(program: Program, paths: Paths) -> dict[str, str]:
    """Return the environment of a process under ``program``, free of the workflow's own.

    Parameters
    ----------
    program
        What runs the process.
    paths
        Where numba and matplotlib keep what they make: containers and homes may be read-only.
    """
    passed = {one: os.environ[one] for one in _PASSED_ON if one in os.environ}
    own = str(Path(sys.prefix) / "bin")
    search = [part for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part and part != own]
    return {
        "LANG": "C.UTF-8",  # without any, Python would add a setting of its own to some processes and not to others
        **passed,
        "PATH": os.pathsep.join([str(program.interpreter.expanduser().absolute().parent), *search]),
        "PYTHONPATH": str(SOURCE),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_CACHE_DIR": str(paths.cache.absolute() / "numba"),
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(paths.cache.absolute() / "matplotlib"),
        "OMP_NUM_THREADS": "1",
    }
