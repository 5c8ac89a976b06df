"""The strax context of the configuration, made so that it never creates data."""

import contextlib
import importlib
import inspect
import os
import re
from collections.abc import Iterator
from typing import Any

from xomlib.documents.job_description import ContextSpec
from xomlib.errors import JobError
from xomlib.job import current

_OF_A_PATH = re.compile("path|dir|folder|root")  # names of attributes
_UNKNOWN = re.compile(r"(?:Unknown config|Invalid context) option (\w+)")


def context() -> Any:
    """Return the strax context of this job: the configured one, read-only, which never creates data.

    Returns
    -------
    strax.Context
        The context for which the workflow has found the data, so the lineage hashes are the same.

    Raises
    ------
    JobError
        If the configured function cannot be found or does not take the configured arguments.
    """
    description = current().description
    if description.site is None:
        return build(description.context)
    with working_in(description.site):
        st = build(description.context)
        _make_absolute(st.storage)
    return st


@contextlib.contextmanager
def working_in(folder: str) -> Iterator[None]:
    """Work in a folder meanwhile: the relative paths of a configuration begin there."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _make_absolute(storage: Any) -> None:
    """Let storage frontends go on finding the folders that they name by relative paths."""
    for frontend in storage:
        for part in (frontend, *getattr(frontend, "backends", ())):
            for name, value in list(vars(part).items()):
                if isinstance(value, str) and _OF_A_PATH.search(name) and os.path.exists(value):
                    setattr(part, name, os.path.abspath(value))


def build(spec: ContextSpec) -> Any:
    """Return the strax context that ``spec`` describes; `JobError` as of `context`."""
    function, arguments = locate(spec.function), spec.arguments
    _check_arguments(function, spec.function, arguments)
    try:
        with _unknown_options() as unknown:
            st = function(**arguments)
    except TypeError as error:
        raise JobError(f"context.arguments do not fit {spec.function}: {error}") from error
    for name in arguments:
        if name in unknown:
            raise JobError(f"context.arguments.{name}: {spec.function} takes no such argument")
    if spec.storage:
        strax = importlib.import_module("strax")
        st.storage += [strax.DataDirectory(path, readonly=True) for path in spec.storage]
    for frontend in st.storage:
        frontend.readonly = True
    # By default strax computes and stores all data that are missing.
    st.set_context_config({"forbid_creation_of": "*"})
    return st


def _check_arguments(function: Any, name: str, arguments: dict) -> None:
    """Raise a `JobError` that names the first argument that the function does not take, or the one it lacks."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # written in C: only the call shows which arguments it takes
    taken = {
        one.name for one in signature.parameters.values() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    }
    open_end = any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values())
    for argument in arguments if not open_end else ():
        if argument not in taken:
            import difflib  # here and below: the start of a run's job needs neither

            near = difflib.get_close_matches(argument, taken, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise JobError(f"context.arguments.{argument}: {name} takes no such argument{hint}")
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise JobError(f"context.arguments do not fit {name}: {error}") from error


@contextlib.contextmanager
def _unknown_options() -> Iterator[set]:
    """Collect the options that strax does not have; strax itself only logs a line about them."""
    import logging

    found: set = set()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            match = _UNKNOWN.match(record.getMessage())
            if match:
                found.add(match[1])

    listener, root = Listener(), logging.getLogger()
    root.addHandler(listener)
    try:
        yield found
    finally:
        root.removeHandler(listener)


def locate(name: str) -> Any:
    """Return the function with the name ``module:name``; `JobError` if there is none."""
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # the import of a module may raise anything
        kind = "" if isinstance(error, ImportError) else f"importing {module_name} raises {type(error).__name__}: "
        raise JobError(f"context.function is {name!r}, but {kind}{error}") from error
    target = getattr(module, attribute, None)
    if not callable(target):
        raise JobError(f"context.function is {name!r}, but module {module_name} has no function {attribute!r}")
    return target
