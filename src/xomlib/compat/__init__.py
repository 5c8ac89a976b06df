"""The calls of the first XOM, for scripts that were written for it: ``compat: true`` in the block of an analysis.

Its public repository (github.com/XENONnT/xom, 2023 and 2024) gives the names and signatures; what they do here is
written anew: results go into the outcome, nothing uses the network, and nothing of the first XOM is read or written.

`install` puts the modules of this package where such scripts look for them: ``xomlib.dblib``, ``xomlib.xomlibutils``,
``xomlib.constant`` and ``xomlib.xomresult``.
"""

import importlib
import sys

_MODULES = ("constant", "xomlibutils", "dblib", "xomresult")


def install() -> None:
    """Let the script of this process use the calls of the first XOM."""
    import xomlib

    for name in _MODULES:
        module = importlib.import_module(f"xomlib.compat.{name}")
        sys.modules[f"xomlib.{name}"] = module
        setattr(xomlib, name, module)
    xomlib.Xomresult = sys.modules["xomlib.xomresult"].Xomresult  # type: ignore[misc]
