"""The old names of modules: they work for one release, with a warning, so that people's scripts go on.

With the next release delete this module, its two lines in `xomlib/__init__.py`, what `xomphysics` has of it, and
their tests.
"""

import importlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Optional

MODULES = {
    "xomlib.document": "xomlib.documents.run_document",
    "xomlib.job_description": "xomlib.documents.job_description",
    "xomlib.pictures": "xomlib.saving.pictures",
    "xomlib.plain_values": "xomlib.saving.plain_values",
    "xomlib.run_document": "xomlib.documents.run_document",
    "xomlib.schema": "xomlib.documents.schema",
    "xomlib.session": "xomlib.job",
    "xomlib.shell": "xomlib.by_hand",
    "xomlib.warm": "xomlib.process.fork_server",
    "xomlib.work": "xomlib.process.worker",
}
"""Old to new name."""


class _Finder:
    """Finds modules by their old names. It has no base class: `importlib.abc` takes longer than the rest of xomlib."""

    def __init__(self, modules: Mapping[str, str], names: Mapping[str, Mapping[str, str]]) -> None:
        self.modules = modules
        self._names = names

    def find_spec(
        self, name: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        """Return the spec of a module that has another name now, and warn."""
        if name not in self.modules:
            return None
        message = f"{name} is now {self.modules[name]}; the next release no longer has the old name"
        warnings.warn(message, DeprecationWarning, stacklevel=2)  # importlib's own frames are not counted
        loader: Any = _Loader(self.modules[name], self._names.get(name, {}))
        return ModuleSpec(name, loader)


class _Loader:
    def __init__(self, new: str, names: Mapping[str, str]) -> None:
        self._new = new
        self._names = names

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making of the module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Put the module of the new name in the place of the old one: both names give the same object."""
        new: Any = importlib.import_module(self._new)
        for old_name, new_name in self._names.items():
            setattr(new, old_name, getattr(new, new_name))
        sys.modules[module.__name__] = new


def install(modules: Mapping[str, str], names: Optional[Mapping[str, Mapping[str, str]]] = None) -> None:
    """Let modules be imported by their old names; the finder is the last one, so it costs other imports nothing.

    Parameters
    ----------
    modules
        Old to new names of modules.
    names
        Old to new names of their content, by the old name of the module.
    """
    if any(isinstance(finder, _Finder) and finder.modules is modules for finder in sys.meta_path):
        return
    sys.meta_path.append(_Finder(modules, names or {}))
    if not sys.warnoptions:  # else Python shows a DeprecationWarning in __main__ only, and a job's script is not that
        warnings.filterwarnings("default", r"xom(lib|physics)\.\w+ is now ", DeprecationWarning)
