"""Start a process under the software that the configuration gives for a run.

The software is an interpreter, an image of apptainer or singularity, or a shell file to source first (cvmfs). The
runner is the same for all three; each must have Python 3.9 or later.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xomflow.core.paths import ROOT, SOURCE, Paths
from xomlib.process import launch

# A set-up file gets no arguments, and its PYTHONPATH must not hide xomlib.
_SET_UP = """
set_up() { source "$XOM_SET_UP" >&2; }
set_up || { echo "$XOM_SET_UP failed with exit status $?" >&2; exit 1; }
export PYTHONPATH="$XOM_SOURCE${PYTHONPATH:+:$PYTHONPATH}"
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Program:
    """The program that runs the analyses of some runs.

    Parameters
    ----------
    interpreter
        Python interpreter; with an image the one inside, with a set-up file the one that it brings.
    image
        Image of apptainer or singularity; empty: none.
    binds
        Folders that are visible in the image beside the project, the working directory and apptainer's own.
    launcher
        The command that starts images.
    set_up
        Shell file to source first; empty: none.
    """

    interpreter: Path
    image: str = ""
    binds: tuple[str, ...] = ()
    launcher: str = "apptainer"
    set_up: str = ""

    @property
    def name(self) -> str:
        """Its name in outcomes."""
        around = self.image or self.set_up
        return f"{around} {self.interpreter}" if around else str(self.interpreter)

    @property
    def own_file(self) -> Path:
        """The file that is compared to notice a change of the software."""
        return Path(self.image or self.set_up or self.interpreter).expanduser()

    def to_json(self) -> dict[str, Any]:
        """Return the program as a JSON object, which `from_json` reads."""
        return {**asdict(self), "interpreter": str(self.interpreter)}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Program:
        """Return the program in a JSON object."""
        return cls(**{**tree, "interpreter": Path(tree["interpreter"]), "binds": tuple(tree["binds"])})


def command(program: Program, paths: Paths, module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of xomlib under ``program``.

    Parameters
    ----------
    program
        The program that runs it.
    paths
        The folders that it needs.
    module, arguments
        The module, and its arguments.
    """
    python = [str(program.interpreter), "-m", module, *arguments]
    if program.image:
        return [*_contained(program, paths), *python]
    if program.set_up:
        return ["bash", "-c", _SET_UP, "xom", *python]
    python[0] = str(program.interpreter.expanduser().absolute())
    return python


def _contained(program: Program, paths: Paths) -> list[str]:
    """Return the command that starts an image with the folders that XOM needs, and without the environment."""
    import tempfile  # here, as it takes long and most software is no image

    here = Path.cwd()
    own = (ROOT, paths.work.absolute(), here, tempfile.gettempdir())
    seen = dict.fromkeys([*map(str, own), *program.binds])
    variables = environment(program, paths)
    del variables["PATH"]  # the image has its own
    given = [f"--env={name}={value}" for name, value in sorted(variables.items())]
    options = ["--cleanenv", f"--bind={','.join(seen)}", f"--pwd={here}", *given]
    return [program.launcher, "exec", *options, program.image]


def environment(program: Program, paths: Paths) -> dict[str, str]:
    """Return the environment of a process under ``program``, free of the workflow's own.

    Parameters
    ----------
    program
        The program that runs the process.
    paths
        Where numba and matplotlib keep their caches: containers and homes may be read-only.
    """
    own = str(Path(sys.prefix) / "bin")
    search = [part for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part and part != own]
    if not program.image and not program.set_up:
        search.insert(0, str(program.interpreter.expanduser().absolute().parent))
    variables = launch.environment(search, str(SOURCE), caches(paths))
    return {**variables, **({"XOM_SET_UP": program.set_up, "XOM_SOURCE": str(SOURCE)} if program.set_up else {})}


def caches(paths: Paths) -> dict[str, str]:
    """Return the variables that name the caches of packages."""
    return {
        "NUMBA_CACHE_DIR": str(paths.compiled.absolute()),
        "MPLCONFIGDIR": str(paths.cache.absolute() / "matplotlib"),
    }
