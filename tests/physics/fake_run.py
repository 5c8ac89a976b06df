"""A run that scripts can be given in tests: chunks in memory, facts of a run document, errors like those of strax."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from xomlib.documents.job_description import ContextSpec, JobDescription, JobKey
from xomlib.job import begin

RUN = "052894"
FACTS: dict[str, Any] = {
    "number": 52894,
    "mode": "background_linked",
    "source": "none",
    "start": "2026-11-22T12:00:00Z",
    "end": "2026-11-22T12:10:00Z",
    "detectors": ["muon_veto", "neutron_veto", "tpc"],
    "tags": [],
    "comments": [],
    "rate": {},
}


class DataCorrupted(Exception):
    """Has the name of strax's own."""


class FakeContext:
    """A strax context that has one run's chunks; a chunk that is an exception is raised."""

    storage: tuple[Any, ...] = ()

    def __init__(self, data: dict[str, list[Any]]) -> None:
        self.data = data
        self.read: list[tuple[str, tuple[str, ...]]] = []

    def set_context_config(self, config: dict[str, Any]) -> None:
        """Take what xomlib forbids."""

    def is_stored(self, run_id: str, target: str) -> bool:
        """Return whether there are chunks of a data type."""
        return target in self.data

    def get_iter(self, run_id: str, target: str, keep_columns: Any = (), progress_bar: bool = True) -> Any:
        """Give the chunks with the columns asked for."""
        self.read.append((target, tuple(keep_columns)))
        for chunk in self.data[target]:
            if isinstance(chunk, Exception):
                raise chunk
            yield SimpleNamespace(start=chunk.start, end=chunk.end, data=chunk.data[list(keep_columns)])


def attempt(call: Callable[[], Any]) -> str | None:
    """Return class and text of what a call raises."""
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def run_main(
    module: ModuleType,
    data: dict[str, list[Any]],
    draft: Path | None = None,
    facts: dict[str, Any] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Run a script's main with the real xomlib and a fake context; return what it said."""
    context = FakeContext(data)
    sys.modules["fake_site"] = SimpleNamespace(context=lambda: context)  # type: ignore[assignment]
    begun = begin(
        JobDescription(
            key=JobKey(module.__name__.removeprefix("analysis_"), "v1", RUN),
            script=str(module.__file__),
            context=ContextSpec("fake_site:context"),
            settings=settings,
            run=FACTS if facts is None else facts,
            draft=str(draft) if draft else None,
        )
    )
    raised = attempt(lambda: module.main(RUN))
    return {
        "results": {result["variable"]: result for result in begun.results},
        "figures": begun.figures,
        "messages": begun.messages,
        "problems": begun.problems,
        "raised": raised,
        "read": context.read,
    }


def chunk(data: np.ndarray, start: int, end: int) -> Any:
    """Return one chunk."""
    return SimpleNamespace(start=start, end=end, data=data)
