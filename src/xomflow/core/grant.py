"""Attempts that a person allows beyond what the configuration does."""

from __future__ import annotations

from dataclasses import dataclass

from xomflow.core.reason import Reason


@dataclass(frozen=True, slots=True)
class Grant:
    """More attempts at one key, the first of them now.

    Parameters
    ----------
    after
        Number of the last attempt when they were allowed; the first of them has the next number.
    attempts
        How many they are.
    words
        Who allowed them, and why.
    """

    after: int
    attempts: int
    words: Reason

    def covers(self, attempt: int) -> bool:
        """Return whether an attempt of this number is one of them."""
        return self.after < attempt <= self.after + self.attempts

    def wants_now(self, attempt: int) -> bool:
        """Return whether an attempt of this number is the first of them, which waits for nothing."""
        return self.attempts > 0 and attempt == self.after + 1
