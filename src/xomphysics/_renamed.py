"""The old names of modules: they work for one release, with a warning, so that people's scripts go on.

With the next release delete this module, its two lines in `xomphysics/__init__.py` and its test.
"""

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MODULES = {
    "xomphysics.attenuation": "xomphysics.fits.attenuation",
    "xomphysics.channels": "xomphysics.vetoes.channels",
    "xomphysics.counting": "xomphysics.poisson",
    "xomphysics.decay": "xomphysics.fits.decay",
    "xomphysics.delayed": "xomphysics.photo_ionization",
    "xomphysics.errors": "xomphysics.fits.errors",
    "xomphysics.goodness": "xomphysics.fits.goodness",
    "xomphysics.line": "xomphysics.fits.line",
    "xomphysics.scada": "xomphysics.slow_control_client",
    "xomphysics.seconds": "xomphysics.rate_per_second",
    "xomphysics.series": "xomphysics.time_series",
    "xomphysics.stream": "xomphysics.chunks",
    "xomphysics.veto_detector": "xomphysics.vetoes.tally",
    "xomphysics.veto_figure": "xomphysics.vetoes.figure",
}
"""Old to new name."""
NAMES = {
    "xomphysics.channels": {"Odd": "OddChannels", "judge": "find_odd_channels", "least_median": "minimum_median"},
    "xomphysics.scada": {"Patience": "RetryPolicy", "Scada": "SlowControlClient"},
    "xomphysics.seconds": {"Seconds": "CountsPerSecond"},
}
"""Old to new names of what such a module holds."""


class _Finder(MetaPathFinder):
    """Finds modules by their old names; it is the last finder, so it costs other imports nothing."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module that has another name now, and warn."""
        if name not in MODULES:
            return None
        message = f"{name} is now {MODULES[name]}; the next release no longer has the old name"
        warnings.warn(message, DeprecationWarning, stacklevel=2)  # importlib's own frames are not counted
        return ModuleSpec(name, _Loader())


class _Loader(Loader):
    def exec_module(self, module: ModuleType) -> None:
        """Put the module of the new name in the place of the old one: both names give the same object."""
        old, new = module.__name__, importlib.import_module(MODULES[module.__name__])
        for old_name, new_name in NAMES.get(old, {}).items():
            setattr(new, old_name, getattr(new, new_name))
        sys.modules[old] = new


def install() -> None:
    """Let the old names of modules be imported."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
