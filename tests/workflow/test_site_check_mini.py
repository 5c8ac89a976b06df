"""`xom site-check` on a run of the mini-XENONnT: real analyses, straxen's version and columns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import mini as mini_set
from support.in_process import FastSite
from xomflow.rundb.run import run_of

pytestmark = pytest.mark.slow

TRIED = ("event_rate", "kr83m", "kr83m_campaign", "photo_ionization", "scada")


def krypton_run(mini: Path) -> str:
    """Return the first run of the set with krypton whose data are there."""
    for line in (mini / "runs.jsonl").read_text().splitlines():
        run = run_of(json.loads(line))
        if run.mode == "tpc_kr83m" and list((mini / "strax_data").glob(f"{run.id}-event_info_double-*")):
            return run.id
    raise AssertionError("the set has no such run")


def test_a_run_of_the_mini_xenonnt_is_checked(mini: Path, straxen_python: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    site = FastSite(tmp_path / "site")
    mini_set.point(site, mini, straxen_python)
    site.tree["analyses"] = {name: mini_set.tree(mini, straxen_python)["analyses"][name] for name in TRIED}
    site.tree["analyses"]["scada"]["settings"]["credentials"] = str(tmp_path / "nowhere")
    run = krypton_run(mini)
    done = site.xom("site-check", run, "--save", str(tmp_path / "saved"))
    lines = done.stdout.splitlines()
    software, data = (next(line for line in lines if line.startswith(word)) for word in ("software: ", "data: "))
    assert "straxen 4." in software and "strax 2." in software
    assert all(f" {name} " in data for name in ("event_info_double", "veto_intervals", "peak_basics"))
    columns = {tuple(line.split()[:2]): line.split()[-1] for line in lines if line.startswith("kr83m ")}
    assert columns["kr83m", "charge_yield_41_6_merged"] == "cs2_w_bias_xy"
    assert columns["kr83m", "light_yield_41_6_gauss"] == "cs1_a_wo_timecorr"
    assert any(line.startswith("event_rate") and line.split()[1] == "rate_mid" for line in lines)
    assert any(line.startswith("kr83m_campaign: not tried: ") for line in lines)
    assert [line.partition(": failed: ")[2].partition(":")[0] for line in lines if ": failed: " in line] == ["setup"]
    assert done.returncode == 7
    assert (tmp_path / f"saved/kr83m-{run}/figures").is_dir()
