"""Files of bookkeeping that cannot be read: what they may be about waits, and everything else goes on."""

from __future__ import annotations

from dataclasses import dataclass, field

from xomflow.core.key import Key


@dataclass(slots=True)
class Unclear:
    """What may be being worked on, by files that cannot be read.

    Parameters
    ----------
    runs
        (analysis, run id) to a phrase with the file.
    analyses
        Analyses of which any run may be worked on, to such a phrase.
    sentences
        One for each file, for people.
    """

    runs: dict[tuple[str, str], str] = field(default_factory=dict)
    analyses: dict[str, str] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)

    def about(self, key: Key) -> str:
        """Return why it is unknown whether a process works on a key; empty if it is known."""
        return self.runs.get((key.analysis, key.run)) or self.analyses.get(key.analysis, "")

    def note(self, file: object, error: Exception, consequence: str) -> str:
        """Add the sentence about a file, and return the phrase with it."""
        phrase = f"{file} cannot be read: {getattr(error, 'strerror', None) or _first_line(error)}"
        self.sentences.append(f"{phrase}; {consequence}")
        return phrase


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:100] or type(error).__name__
