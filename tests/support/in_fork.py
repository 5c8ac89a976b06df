"""A function in a fork of the test's process, which has imported everything: a new interpreter takes up to a second."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xomflow.jobs.ends.compose import git_revision
from xomflow.outcomes.reading import adapter
from xomflow.start import own_packages_first

Done = subprocess.CompletedProcess[str]
# Of a new interpreter, besides the folder of its program; pytest adds some.
_PATHS = (sys.prefix, sys.base_prefix, str(Path(__file__).resolve().parents[2] / "src"))
_QUIET = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


def prepare() -> None:
    """Make here, once, what each fork would make anew: that takes a third of the time of a tick."""
    adapter()
    git_revision()


def in_fork(work: Callable[[], int | None], folder: Path, environment: dict[str, str] | None = None) -> Done:
    """Call a function in a fork of this process, in a folder; its return value is the exit code."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = fork(lambda: redirected(work, folder, environment or {}, out, err))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return subprocess.CompletedProcess([], code, *texts)


def fork(work: Callable[[], int | None]) -> int:
    """Start a function in a fork that ends with its return value as the exit code; return the process id."""
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pytest's workers have threads
        pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        code = work() or 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def redirected(work: Callable[[], int | None], folder: Path, environment: dict[str, str], out: Any, err: Any) -> int:
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    os.environ.update(environment)
    os.chdir(folder)
    return work() or 0


def be_new() -> None:
    """Give this fork the path and the warnings of a new interpreter, instead of those of the tests."""
    own = [path for path in sys.path if path and any(map(Path(path).is_relative_to, _PATHS))]
    given = os.environ.get("PYTHONPATH", "")
    sys.path[:] = own_packages_first([*dict.fromkeys([*own, *filter(None, given.split(os.pathsep))])], given)
    warnings.resetwarnings()
    for category in _QUIET:
        warnings.simplefilter("ignore", category)
    warnings.filterwarnings("default", category=DeprecationWarning, module="__main__$")
    warnings.showwarning = _show_warning


def _show_warning(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
    print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=file or sys.stderr)
