"""Figures get a palette where that cannot be seen, and are left where it could."""

from collections.abc import Callable
from typing import Any


def test_a_usual_figure_becomes_less_than_half_as_large_and_looks_the_same(run_script: Callable[..., Any]) -> None:
    for name, dpi in (("lines", 130), ("histogram", 100)):
        seen = run_script("pictures")[name]
        assert (seen["mode"], seen["dpi"], seen["left"]) == ("P", dpi, []), name
        assert seen["smaller"] < 0.5, name
        assert (seen["background"], seen["mean"] < 0.5, seen["largest"] < 32) == ([0, 0, 0, 0], True, True), name


def test_a_picture_that_would_look_different_or_is_transparent_stays_as_it_is(run_script: Callable[..., Any]) -> None:
    for name, mode in (("noise", "RGB"), ("transparent", "RGBA")):
        seen = run_script("pictures")[name]
        assert (seen["mode"], seen["smaller"], seen["mean"], seen["left"]) == (mode, 1.0, 0.0, []), name
