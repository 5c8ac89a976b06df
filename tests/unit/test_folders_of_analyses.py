"""Where all of one analysis lies below ``work``, which `xom remove` moves away as a whole."""

from __future__ import annotations

from pathlib import Path

from support.factory import KEY
from xomflow.core.paths import Paths


def test_all_of_a_key_lies_in_the_folders_of_its_analysis() -> None:
    paths = Paths(Path("/work"))
    folders = paths.folders_of("kr83m")
    for file in (
        paths.outcome(KEY),
        paths.figure(KEY, "a.png"),
        paths.figures_of_layout_1(KEY),
        paths.log(KEY),
        paths.log_of_attempt(KEY, 2),
    ):
        assert [file.is_relative_to(one) for one in folders].count(True) == 1
        assert file.parent.name in (KEY.shelf, KEY.run)
        assert not any(file.is_relative_to(one) for one in paths.folders_of("kr83"))


def test_below_another_folder_they_have_the_same_places() -> None:
    paths, away = Paths(Path("/work")), Path("/work/removed/kr83m")
    here = [one.relative_to("/work") for one in paths.folders_of("kr83m")]
    assert [one.relative_to(away) for one in paths.folders_of("kr83m", away)] == here
