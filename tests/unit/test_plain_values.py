"""What a script passes as a number, a count or an item of data: each kind of value, at each boundary."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from xomlib.errors import BadResult
from xomlib.saving.plain_values import LONGEST_TEXT, NotFinite, count, errors, item, number, text

HUGE = 10**400
DAY = datetime.date(2026, 9, 1)


class Scalar:
    """As numpy's scalars and arrays look."""

    def __init__(self, value: Any, size: int = 1, kind: str = "f", **more: Any) -> None:
        self._value, self.size, self.dtype = value, size, SimpleNamespace(kind=kind)
        vars(self).update(more)

    def item(self) -> Any:
        if self.size != 1:
            raise ValueError
        return self._value


def of_pandas(name: str, length: int = 1, ndim: int = 1) -> Any:
    kind = type(name, (), {"__module__": "pandas.core", "iloc": None, "ndim": ndim, "__len__": lambda _: length})
    return kind()


NAT = type("NaTType", (), {})()
SPAN = "a is a time span, a number in the unit is needed: value.total_seconds() gives seconds"
DATE = "a is a date, a number is needed: value.timestamp() gives seconds since 1970"
REFUSED: list[tuple[Any, str]] = [
    (True, "a is True, a number is needed"),
    ("5", "a is '5', a number is needed"),
    (b"5", "a is b'5', a number is needed"),
    (HUGE, "a is larger than a 64-bit float can hold"),
    ([5], "a is list, a single number is needed"),
    (math.nan, "a is nan, a finite number is needed"),
    (-math.inf, "a is -inf, a finite number is needed"),
    (datetime.timedelta(1), SPAN),
    (DAY, DATE),
    (datetime.datetime(2026, 9, 1), DATE),
    (datetime.time(1), DATE),
    (NAT, "a is NaT, a finite number is needed"),
    (of_pandas("Series"), "a is a pandas Series, a single number is needed: save .item()"),
    (of_pandas("Series", 2), "a is a pandas Series, a single number is needed: save one of its values"),
    (of_pandas("DataFrame", 1, 2), "a is a pandas DataFrame, a single number is needed: save one of its values"),
    (type("NAType", (), {"__module__": "pandas._libs"})(), "a is NAType, a single number is needed"),
    (Scalar(1, kind="m"), "a is a time span, a number in the unit is needed: value / numpy.timedelta64(1, 's') gives"),
    (Scalar(1, kind="M"), "a is a date, a number is needed: subtract a reference and divide by numpy.timedelta64(1"),
    (Scalar(1, kind="O"), "a is of dtype object, a number is needed: value.astype(float)"),
    (Scalar(1, kind="c"), "a is complex, a real number is needed: value.real"),
    (Scalar(1, kind="V"), "a is a row of a table, one of its columns is needed: value['name']"),
    (Scalar(1, mask=True), "a is masked, a number is needed, or insufficient='why there is none'"),
    (Scalar(None), "a is None in an array, a number is needed"),
    (Scalar(DAY), DATE),
    (Scalar(1, size=2), "a is Scalar, a single number is needed"),
]


@pytest.mark.parametrize(("value", "words"), REFUSED, ids=lambda one: one if isinstance(one, str) else "")
def test_what_is_no_number_is_refused_with_what_to_do(value: Any, words: str) -> None:
    for read in (number, count):
        with pytest.raises(BadResult) as caught:
            read(value, "a")
        assert str(caught.value).startswith(words)
        assert isinstance(caught.value, NotFinite) is (isinstance(value, float))


def test_numbers_become_floats() -> None:
    odd = SimpleNamespace(item=5, __float__=None)
    rows = [
        (None, None),
        (5, 5.0),
        (-0.5, -0.5),
        (Scalar(3), 3.0),
        (Scalar(3, mask=False), 3.0),
        (2**53 + 2, 2.0**53 + 2),
    ]
    for value, expected in rows:
        found = number(value, "a")
        assert (found, type(found)) == (expected, type(expected))
    with pytest.raises(BadResult, match="SimpleNamespace, a single number"):
        number(odd, "a")


def test_a_count_is_whole_and_can_be_held_by_a_float() -> None:
    assert [count(value, "n") for value in (None, 0, 5.0, 2**53 - 1)] == [None, 0, 5, 2**53 - 1]
    for value in (-1, 0.5, 2**53, 2**60):
        with pytest.raises(BadResult, match=r"^n is .*, a count is needed$"):
            count(value, "n")


def test_an_error_is_one_number_or_two_sides() -> None:
    rows = {
        None: (None, None, None),
        0.5: (0.5, None, None),
        (0.5, 0.5): (0.5, None, None),
        (0.25, 0.5): (0.5, 0.25, 0.5),
        (0.5, 0.25): (0.5, 0.5, 0.25),
        (0, 0): (0.0, None, None),
    }
    assert {value: errors(value, "a") for value in rows} == rows
    assert errors([0.25, 0.5], "a") == (0.5, 0.25, 0.5)

    class Array:
        shape = (2,)

        def __iter__(self) -> Iterator[float]:
            yield from (1, 2)

    assert errors(Array(), "a") == (2.0, 1.0, 2.0)
    for value, words in (
        (-0.1, r"^a is -0\.1, it cannot be negative$"),
        ((0.1, -0.1), r"^a is \(0\.1, -0\.1\), it cannot be negative$"),
        ((None, 1), r"^a is .*, two numbers, \(down, up\), are needed$"),
        ((1, None), r"two numbers, \(down, up\), are needed$"),
        ((1, 2, 3), r"^a is tuple, a single number is needed$"),
        ("ab", "a number is needed"),
    ):
        with pytest.raises(BadResult, match=words):
            errors(value, "a")


def test_an_item_of_data_stays_what_it_is() -> None:
    longest = "x" * LONGEST_TEXT
    for value, expected in (
        (True, True),
        ("", ""),
        (longest, longest),
        (5, 5),
        (0.5, 0.5),
        (Scalar(7), 7),
        (Scalar("t"), "t"),
        (Scalar(False), False),
    ):
        found = item(value, "a")
        assert (found, type(found)) == (expected, type(expected))
    for value, words in (
        (None, "a is None, a number, text or truth value is needed"),
        (longest + "x", f"a is a text of {LONGEST_TEXT + 1} characters, at most 60000 are kept"),
        (math.inf, "a is inf, a finite number is needed"),
        ({}, "a is dict, a single number is needed"),
        (DAY, DATE),
    ):
        with pytest.raises(BadResult, match=f"^{words.replace('(', '.').replace(')', '.')}$"):
            item(value, "a")


def test_a_reason_is_a_text_that_is_not_blank() -> None:
    assert [text(value, "a") for value in (None, "", " \n", "few events")] == [None, None, None, "few events"]
    with pytest.raises(BadResult, match=r"^a is 5, a text is needed$"):
        text(5, "a")
