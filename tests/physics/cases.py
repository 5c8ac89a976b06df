"""How the scripts of cases answer: one JSON document on the last line of what they print."""

import json
from collections.abc import Mapping
from typing import Any


def print_all(namespace: Mapping[str, Any]) -> None:
    """Call every function ``case_<name>`` of a module and print what they return, by name.

    Parameters
    ----------
    namespace
        The module's ``globals()``.
    """
    calls = {name.removeprefix("case_"): call for name, call in namespace.items() if name.startswith("case_")}
    document = {name: call() for name, call in calls.items()}  # the scripts under test print too
    print(json.dumps(document, default=lambda value: value.item()))
