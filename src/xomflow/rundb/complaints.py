"""What is wrong with run documents: one sentence for each kind, however many documents share it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xomflow.core import times
from xomflow.core.key import run_id
from xomlib.documents.run_document import BadDocument, span_of

# Number of one kind that are named one by one.
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Complaint:
    """A run document that cannot be understood; its run is left out.

    Parameters
    ----------
    sentence
        The run number, the reason and the value.
    kind
        The reason without number and value.
    number
        The run number; None if the document has none that can be understood.
    start, end
        UTC; None if the document has none that can be understood.
    """

    sentence: str
    kind: str
    number: int | None = None
    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def of(cls, error: BadDocument, document: Any) -> Complaint:
        """Return the complaint about a document that could not be read."""
        return cls(str(error), error.kind, error.number, *span_of(document))

    def to_json(self) -> list[Any]:
        """Return the form in kept files."""
        moments = [moment and moment.isoformat() for moment in (self.start, self.end)]
        return [self.sentence, self.kind, self.number, *moments]

    @classmethod
    def from_json(cls, content: Any) -> Complaint:
        """Return what `to_json` wrote."""
        sentence, kind, number, *moments = content
        start, end = (datetime.fromisoformat(one) if one else None for one in moments)
        return cls(str(sentence), str(kind), number, start, end)

    @property
    def run(self) -> str:
        """The run id, or what is known in its place."""
        if self.number is not None:
            return run_id(self.number)
        return f"one that began at {times.text(self.start)}" if self.start else "one without number and start"


def summarize(complaints: Iterable[Complaint]) -> list[str]:
    """Return a sentence for each complaint, or one with an example and a count where many are of one kind."""
    by_kind: dict[str, list[str]] = {}
    for one in complaints:
        by_kind.setdefault(one.kind, []).append(one.sentence)
    sentences = []
    for alike in by_kind.values():
        if len(alike) <= _MOST_TOLD:
            sentences += alike
        else:
            rest = f"{len(alike) - 1} more documents have the same error"
            sentences.append(f"{alike[0]} ({rest}, `xom status --documents` lists them)")
    return sentences
