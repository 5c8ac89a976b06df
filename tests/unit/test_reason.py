"""A reason has words; where there is none, there is None."""

from __future__ import annotations

import pytest
from hypothesis import given

from support.factory import any_text
from xomflow.core.reason import Reason


@given(any_text)
def test_a_reason_always_has_words(words: str) -> None:
    if words.strip():
        assert Reason(words) == words
    else:
        with pytest.raises(ValueError, match="needs words"):
            Reason(words)


def test_an_empty_text_is_no_reason() -> None:
    assert Reason.of("") is None
    assert Reason.of("because") == Reason("because")
