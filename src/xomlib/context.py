"""The strax context that the configuration names, with everything that could create data switched off."""

import importlib
from typing import Any

from xomlib.errors import JobError
from xomlib.session import current


def context() -> Any:
    """Return this job's strax context: the configured one, read-only, never making data.

    Returns
    -------
    strax.Context
        The context that availability was asked with, so the lineage hashes are the same.

    Raises
    ------
    JobError
        If the configured function cannot be found or does not take the configured arguments.
    """
    return build(current().context)


def build(spec: dict) -> Any:
    """Build the context of ``spec``: ``function`` ("module:name"), ``arguments``, ``storage`` (extra folders)."""
    function = locate(spec["function"])
    try:
        st = function(**spec.get("arguments", {}))
    except TypeError as error:
        raise JobError(f"context.arguments do not fit {spec['function']}: {error}") from error
    extra = spec.get("storage", [])
    if extra:
        strax = importlib.import_module("strax")
        st.storage += [strax.DataDirectory(path, readonly=True) for path in extra]
    for frontend in st.storage:
        frontend.readonly = True
    # strax computes and stores whatever is missing unless told otherwise.
    st.set_context_config({"forbid_creation_of": "*"})
    return st


def locate(name: str) -> Any:
    """Return the object that "module:name" points at; `JobError` where there is none."""
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise JobError(f"context.function is {name!r}, but {error}") from error
    target = getattr(module, attribute, None)
    if not callable(target):
        raise JobError(f"context.function is {name!r}, but module {module_name} has no function {attribute!r}")
    return target
