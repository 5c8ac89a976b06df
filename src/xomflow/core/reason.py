"""Why something is refused or has to wait."""

from __future__ import annotations

import re

_AGE = re.compile(r" \(since the run ended [^()]*\)$")
# A number, or the parts of a moment: 2026-11-28T17:14:12Z and 20261128T171412, as in names of ticks.
_COUNT = re.compile(r"\b\d+(?:T\d+)?Z?\b")
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+(?:[.,:]\d+)*")


class Reason(str):
    """A phrase for people, never empty: where there is no reason, there is None.

    Raises
    ------
    ValueError
        If the phrase has no words.
    """

    __slots__ = ()

    def __new__(cls, words: str) -> Reason:
        """Make a reason of some words."""
        if not words.strip():
            raise ValueError("a reason needs words; None means that there is none")
        return super().__new__(cls, words)

    @classmethod
    def of(cls, words: str) -> Reason | None:
        """Return words as a reason; None for an empty text."""
        return cls(words) if words else None


def subject_of(sentence: str) -> str:
    """Return what sentences have in common that differ only in numbers or moments, not in names such as kr83m."""
    return _COUNT.sub("0", sentence)


def form_of(words: str) -> str:
    """Return what reasons have in common that differ only in their numbers, or in how long they have held."""
    return _NUMBER.sub("#", _AGE.sub("", words))
