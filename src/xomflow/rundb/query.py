"""The answer of a run database, and how it is made of run documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xomflow.core.key import run_id, shelf_of
from xomflow.rundb.complaints import Complaint
from xomflow.rundb.run import Run, run_of
from xomlib.documents.run_document import BadDocument


@dataclass(slots=True)
class RunQuery:
    """The answer of a run database.

    Parameters
    ----------
    runs
        The runs, by number.
    complaints
        The documents that cannot be understood; their runs are left out.
    unseen
        Numbers of the runs that were in earlier answers and are not in this one; they are among the runs as they were.
    given_up
        Numbers of the runs that are not in this answer and of which a person decided that they are gone.
    before
        The runs that are left out, as they were when their documents could be understood.
    """

    runs: dict[int, Run] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    unseen: frozenset[int] = frozenset()
    given_up: frozenset[int] = frozenset()
    before: dict[int, Run] = field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        """A sentence for each document that cannot be understood."""
        return [one.sentence for one in self.complaints]

    @property
    def unclear(self) -> set[int]:
        """Numbers of the runs that are left out, as far as their documents have one."""
        return {one.number for one in self.complaints if one.number is not None}

    def by_shelf(self) -> dict[str, RunQuery]:
        """Return what a run database answers, by shelf of runs; documents without a number are on the shelf ``""``."""
        shelves: dict[str, RunQuery] = {}
        for number, run in self.runs.items():
            shelves.setdefault(shelf_of(run_id(number)), RunQuery()).runs[number] = run
        for one in self.complaints:
            shelf = "" if one.number is None else shelf_of(run_id(one.number))
            shelves.setdefault(shelf, RunQuery()).complaints.append(one)
        return shelves


def read_documents(documents: Iterable[Any], min_run: int, max_run: int | None) -> RunQuery:
    """Return the runs of documents with numbers in a range; a document that cannot be read costs only its own run."""
    answer = RunQuery()
    twice = set()
    for document in documents:
        if isinstance(document, Mapping) and is_out_of_range(document.get("number"), min_run, max_run):
            continue  # most documents, and fast
        try:
            run = run_of(document)
        except BadDocument as error:
            if not is_out_of_range(error.number, min_run, max_run):
                answer.complaints.append(Complaint.of(error, document))
            continue
        if is_out_of_range(run.number, min_run, max_run):
            continue
        if answer.runs.get(run.number, run) != run:  # the same document twice, as after two exports, is no problem
            twice.add(run.number)
        answer.runs[run.number] = run
    for number in sorted(twice):
        del answer.runs[number]  # there is no way to see which of them is right
        several = "there are several with this number, and they differ"
        answer.complaints.append(Complaint(f"run document {number}: {several}", several, number))
    return answer


def is_out_of_range(number: Any, min_run: int, max_run: int | None) -> bool:
    """Return whether a value is a number of a run outside a range; what is no such number may be inside."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    return 0 <= number < min_run or (max_run is not None and number > max_run)
