"""Programs of the workflow environment work in the surroundings of cron, and beside packages that are not theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xomflow.start import own_packages_first, usable_cache, with_common_programs

PROGRAMS = Path(sys.executable).parent


def test_packages_of_pythonpath_come_last_and_stay() -> None:
    places = ["/old/a", "/old/b", "/lib/python3.11", "/env/site-packages"]
    assert own_packages_first(places, "/old/a:/old/b/:") == [*places[2:], *places[:2]]
    assert own_packages_first(places, "") == places


def test_path_has_the_folders_of_common_programs_if_it_lacks_them(tmp_path: Path) -> None:
    assert with_common_programs("") == os.defpath
    assert with_common_programs("/nowhere") == f"/nowhere:{os.defpath}"
    (tmp_path / "tee").touch(0o755)
    assert with_common_programs(f"/nowhere:{tmp_path}") == f"/nowhere:{tmp_path}"


def test_a_home_folder_in_which_nothing_can_be_written_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert usable_cache(str(tmp_path / "file/.cache"), "instead") == "instead"
    assert usable_cache(str(tmp_path / ".cache"), "instead") == str(tmp_path / ".cache")


def test_a_foreign_package_breaks_neither_xom_nor_snakemake(tmp_path: Path) -> None:
    if not list(PROGRAMS.parent.glob("lib/python*/site-packages/zz_xom.pth")):
        pytest.skip("this environment was not made by envs/make.sh")
    (tmp_path / "yaml.py").write_text("raise ImportError('made for another Python')\n")
    (tmp_path / "pydantic.py").write_text("VERSION = '1.10'\n")
    environment = {"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path / "yaml.py"), "PATH": ""}
    for program, words in (("xom", ["status", "--help"]), ("snakemake", ["--version"])):
        command = [str(PROGRAMS / program), *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
