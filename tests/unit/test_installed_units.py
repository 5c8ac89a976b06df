"""Installed systemd units that count a crash as a success are seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from xomflow.core.paths import ROOT
from xomflow.workflow.upkeep.installed_units import hides_crashes, units_that_hide_crashes

HIDE = (
    "[Service]\nSuccessExitStatus=1\n",
    "SuccessExitStatus = 7 1 SIGTERM",
    "SuccessExitStatus=7\nSuccessExitStatus=FAILURE",
    "SuccessExitStatus=7 \\\n  1",
    "ExecStart=-%h/xom/work/envs/workflow/bin/snakemake",
    "ExecStart=@-/bin/sh sh",
)
TELL = (
    (ROOT / "deploy/xom.service").read_text(),
    "# SuccessExitStatus=1",
    "SuccessExitStatus=1\nSuccessExitStatus=\nSuccessExitStatus=7",
    "SuccessExitStatus=10 SIGKILL",
    "RestartForceExitStatus=1",
    "ExecStart=/usr/bin/snakemake --cores -1",
    "",
)


def test_each_way_to_excuse_code_1_is_seen() -> None:
    assert [unit for unit in HIDE if not hides_crashes(unit)] == []
    assert [unit for unit in TELL if hides_crashes(unit)] == []


def test_a_unit_of_the_user_is_found_with_its_additions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    folder = tmp_path / ".config/systemd/user"
    (folder / "xom.service.d").mkdir(parents=True)
    (folder / "xom.service").write_text(TELL[0])
    before = units_that_hide_crashes()
    assert not any(str(folder) in sentence for sentence in before)
    (folder / "xom.service.d/own.conf").write_text(HIDE[0])
    (folder / "xom-second.service").write_text(HIDE[1])
    (folder / "other.service").write_text(HIDE[0])
    found = [sentence.partition(":")[0] for sentence in units_that_hide_crashes() if sentence not in before]
    assert found == [f"{folder}/xom-second.service", f"{folder}/xom.service.d/own.conf"]
