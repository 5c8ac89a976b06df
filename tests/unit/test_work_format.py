"""Code never works on a ``work`` folder whose layout it does not know."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.in_process import FastSite
from xomflow.core.errors import ConfigurationError
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.work_format import CONVERTERS, FORMAT, bring_up_to_date, check_format, format_of
from xomflow.core.key import Key
from xomflow.core.paths import Paths

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


def test_there_is_a_converter_from_every_older_layout() -> None:
    assert set(CONVERTERS) == set(range(1, FORMAT))


def test_a_new_folder_gets_the_present_number(paths: Paths) -> None:
    check_format(paths)
    assert (paths.work.exists(), format_of(paths)) == (False, FORMAT)
    bring_up_to_date(paths)
    assert paths.format.read_text() == f"{FORMAT}\n"


def test_a_folder_of_version_1_0_has_layout_1_and_gets_the_number(paths: Paths) -> None:
    paths.outcomes.mkdir(parents=True)
    assert format_of(paths) == 1
    bring_up_to_date(paths)
    assert format_of(paths) == FORMAT


def test_an_older_layout_is_converted_step_by_step_once(paths: Paths) -> None:
    paths.outcomes.mkdir(parents=True)
    steps: list[int] = []
    converters = {number: lambda _, number=number: steps.append(number) for number in (1, 2)}
    with pytest.raises(ConfigurationError, match=r"has layout 1, this version of XOM needs 3: run `snakemake`"):
        check_format(paths, 3, oldest=3)
    check_format(paths, 3, will_convert=True)
    bring_up_to_date(paths, present=3, converters=converters)
    bring_up_to_date(paths, present=3, converters=converters)
    assert (steps, paths.format.read_text()) == ([1, 2], "3\n")
    check_format(paths, 3, oldest=3)


FIGURES = {
    "kr83m/v1/052/052894/one.png": b"one",
    "kr83m/v1/052/052894/two.png": b"two",
    "kr83m/v1/052/052894-3f2a/one.png": b"of a campaign",
    "kr83m/v1/052/052895.one.png": b"of this version",
    "busy/v2/053/053000/one.png": b"busy",
    "busy/v2/notes.txt": b"of a person",
    "busy/v2/053/thumbs/one.png": b"of a person",
    ".xom-figures": b"",
}
FLAT = {
    "kr83m/v1/052/052894.one.png": b"one",
    "kr83m/v1/052/052894.two.png": b"two",
    "kr83m/v1/052/052894-3f2a.one.png": b"of a campaign",
    "kr83m/v1/052/052895.one.png": b"of this version",
    "busy/v2/053/053000.one.png": b"busy",
    "busy/v2/notes.txt": b"of a person",
    "busy/v2/053/thumbs/one.png": b"of a person",
    ".xom-figures": b"",
}


def write_figures(paths: Paths, figures: dict[str, bytes]) -> None:
    for name, content in figures.items():
        (paths.all_figures / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.all_figures / name).write_bytes(content)


def entries(paths: Paths) -> dict[str, bytes]:
    """Return all files and folders without a file below the figures."""
    found = [path for path in paths.all_figures.rglob("*") if path.is_file() or not any(path.iterdir())]
    name = {path: str(path.relative_to(paths.all_figures)) for path in found}
    return {name[path]: path.read_bytes() if path.is_file() else b"a folder" for path in found}


def test_each_figure_of_layout_1_becomes_one_file_without_a_folder(paths: Paths) -> None:
    write_figures(paths, FIGURES)
    paths.outcomes.mkdir()
    for _ in range(2):
        bring_up_to_date(paths)
        assert entries(paths) == FLAT
    assert paths.figure(Key("kr83m", "v1", "052894"), "one.png").read_bytes() == b"one"


def test_a_conversion_of_figures_that_is_killed_anywhere_loses_none_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = {name: getattr(Path, name) for name in ("replace", "unlink", "rmdir")}
    for moment in range(20):
        paths, made = Paths(tmp_path / str(moment)), itertools.count()
        write_figures(paths, FIGURES)
        paths.outcomes.mkdir()

        def step(name: str, *arguments: object, made: Iterator[int] = made, moment: int = moment) -> object:
            if next(made) == moment:
                raise KeyboardInterrupt
            return steps[name](*arguments)

        for name in steps:
            monkeypatch.setattr(Path, name, lambda self, *more, name=name: step(name, self, *more))
        with contextlib.suppress(KeyboardInterrupt):
            bring_up_to_date(paths)
        monkeypatch.undo()
        left = [content for content in entries(paths).values() if content != b"a folder"]
        assert sorted(left) == sorted(FLAT.values()), moment
        bring_up_to_date(paths)
        assert (entries(paths), paths.format.read_text()) == (FLAT, "2\n"), moment
    assert next(made) < moment, "the last conversion was not killed: all moments were seen"


@pytest.mark.parametrize(("later", "kept"), [("052894/one.png", b"older job"), ("052894.one.png", b"this version")])
def test_of_two_figures_of_one_name_the_newer_one_stays(paths: Paths, later: str, kept: bytes) -> None:
    figures = {"kr83m/v1/052/052894/one.png": b"older job", "kr83m/v1/052/052894.one.png": b"this version"}
    write_figures(paths, figures)
    paths.outcomes.mkdir()
    for name in figures:
        time = 2e9 if name.endswith(later) else 1e9
        os.utime(paths.all_figures / name, (time, time))
    bring_up_to_date(paths)
    assert entries(paths) == {"kr83m/v1/052/052894.one.png": kept}


def test_while_jobs_of_an_older_version_are_left_the_number_stays_and_what_they_write_is_converted(
    paths: Paths,
) -> None:
    paths.outcomes.mkdir(parents=True)
    for _ in range(2):
        write_figures(paths, FIGURES)
        bring_up_to_date(paths, lambda _: True)
        assert entries(paths) == FLAT
        check_format(paths)
        assert not paths.format.exists()
    bring_up_to_date(paths, lambda _: False)
    assert paths.format.read_text() == f"{FORMAT}\n"


def test_a_conversion_that_breaks_off_goes_on_where_it_was(paths: Paths) -> None:
    paths.outcomes.mkdir(parents=True)
    steps: list[int] = []

    def breaks(_: Paths) -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        bring_up_to_date(paths, present=3, converters={1: lambda _: steps.append(1), 2: breaks})
    bring_up_to_date(paths, present=3, converters={1: breaks, 2: lambda _: steps.append(2)})
    assert steps == [1, 2]


@pytest.mark.parametrize("content", ["", "one", "1.5", "-1", "²", "1 2"])
def test_what_is_no_number_is_refused(paths: Paths, content: str) -> None:
    paths.work.mkdir()
    paths.format.write_text(content)
    for refuse in (check_format, bring_up_to_date):
        with pytest.raises(ConfigurationError, match="the number of a layout is needed"):
            refuse(paths)


def test_a_layout_that_cannot_be_read_is_refused(paths: Paths) -> None:
    paths.format.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="work/format: cannot be read: Is a directory"):
        format_of(paths)


def test_a_newer_layout_is_refused_by_ticks_dry_runs_commands_and_jobs(site: FastSite) -> None:
    site.runs([52001])
    site.analysis("good", GOOD)
    assert site.tick().returncode == 0
    (tick,) = site.ticks()
    site.paths.format.write_text(f"{FORMAT + 1}\n")
    before = {path: path.stat().st_mtime_ns for path in site.work.rglob("*")}
    job = ("job", "run", f"work/ticks/{tick.folder.name}", "good", "v1", "052001")
    commands = [site.xom("status"), site.xom("why", "52001"), site.xom(*job)]
    ends = [site.snakemake(), site.tick(), site.snakemake("-n"), *commands]
    assert [done.returncode for done in ends] == [ExitCode.CONFIGURATION] * len(ends)
    sentence = f"work/format: work has layout {FORMAT + 1}, and this version of XOM reads layouts up to {FORMAT}"
    assert [sentence in done.stderr for done in ends] == [True] * len(ends)
    assert {path: path.stat().st_mtime_ns for path in site.work.rglob("*")} == before


def test_a_dry_run_and_a_status_write_no_number(site: FastSite) -> None:
    site.runs([52001])
    site.analysis("good", GOOD)
    site.pending()
    assert site.xom("status").returncode == 0
    assert not site.paths.format.exists()
    site.tick()
    assert site.paths.format.read_text() == f"{FORMAT}\n"


def test_the_check_costs_a_job_no_pydantic() -> None:
    code = "import sys; import xomflow.core.files.work_format; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("will_convert", "refused"), [(False, {0, 3}), (True, {3})])
def test_a_layout_is_refused_outside_of_those_on_which_a_version_works(
    paths: Paths, will_convert: bool, refused: set[int]
) -> None:
    paths.work.mkdir(parents=True, exist_ok=True)
    found = set()
    for number in range(4):
        paths.format.write_text(f"{number}\n")
        try:
            check_format(paths, present=2, oldest=1, will_convert=will_convert)
        except ConfigurationError as error:
            found.add(number)
            assert f"{paths.work} has layout {number}" in str(error)
    assert found == refused
