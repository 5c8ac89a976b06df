"""The folder of a site and its ``work`` may have any name that a person gives to a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.site import Site
from xomflow.slurm.commands import _plain

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize(
    ("site", "work"), [("plain", "my work"), ("my $pro{j}ect's %j", "it's \"$x`;*"), ('new\nline "x"', "a\\b%j~?")]
)
def test_a_tick_works_below_an_odd_path(tmp_path: Path, site: str, work: str) -> None:
    folder = tmp_path / site
    folder.mkdir()
    made = Site(folder)
    made.analysis("one", f"xomlib.figure('a', b'\\x89PNG\\r\\n\\x1a\\n')\n{GOOD}")
    made.runs([52001])
    made.tree["work"] = work
    done = made.tick()
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (folder / work).glob("outcomes/one/v1/052/052*")] == ["052001.json"]
    assert {path.name for path in folder.iterdir()} == {".snakemake", "config.yaml", "extra", "runs.jsonl", work}


def test_slurm_replaces_nothing_in_the_path_of_a_log() -> None:
    assert _plain(Path("/a/50%/%j.log")) == "/a/50%%/%%j.log"
    assert _plain(Path("/a\\b/%j.log")) == "/a\\b/%j.log"  # with a backslash Slurm replaces nothing
