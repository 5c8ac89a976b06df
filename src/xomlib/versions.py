"""The versions of the packages that an analysis may use, as they are installed: whatever this process has loaded.

A script that imports no strax has the same provenance in a process of its own, and as a fork of one that has imported
everything before.
"""

import contextlib
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

_PACKAGES = ("strax", "straxen", "cutax", "numpy", "scipy")
_VERSION = re.compile(r"^(?:__version__|version)\s*(?::\s*str\s*)?=\s*[\"']([^\"']+)[\"']", re.MULTILINE)


def versions() -> dict:
    """Return the versions of Python, xomlib and those of the collaboration's packages that are there."""
    found = {"python": ".".join(map(str, sys.version_info[:3])), "xomlib": sys.modules["xomlib"].__version__}
    return {**found, **{name: version for name in _PACKAGES if (version := version_of(name))}}


def version_of(name: str) -> Optional[str]:
    """Return the version of a package, which need not be loaded; None if there is no such package."""
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # it is loaded, but from no file
        return str(getattr(sys.modules[name], "__version__", "unknown"))
    if spec is None:
        return None
    written = next((found[1] for text in _texts(spec.origin) if (found := _VERSION.search(text))), None)
    try:
        return written or importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:  # a checkout that is merely on the path
        return str(getattr(sys.modules.get(name), "__version__", "unknown"))


def _texts(origin: Optional[str]) -> Iterator[str]:
    """Yield the files of a package that may contain its version."""
    place = Path(origin or "")
    for name in (place.name, "version.py", "_version.py") if origin else ():
        with contextlib.suppress(OSError):
            yield (place.parent / name).read_text(encoding="utf-8", errors="replace")
