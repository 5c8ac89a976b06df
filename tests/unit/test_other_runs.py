"""Superruns, and runs with neutron sources: what becomes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.factory import run
from support.in_process import FastSite
from support.site import document
from xomflow.config.load import load_configuration
from xomflow.core.paths import ROOT
from xomflow.planning.runs.selection import Selector
from xomflow.rundb.database import FileRunDB

SUPERRUN = {
    **document(52801),
    "number": None,
    "name": "_sr1_kr83m",
    "mode": "tpc_kr83m",
    "sub_run_spec": {"052801": "all", "052802": "all"},
}
OF_KRYPTON = {"kr83m", "kr83m_campaign"}


def test_the_document_of_a_superrun_is_a_complaint_and_costs_the_other_runs_nothing(tmp_path: Path) -> None:
    lines = [json.dumps(one, default=str) for one in (document(52801), {**SUPERRUN, "number": "_sr1_kr83m"}, SUPERRUN)]
    (tmp_path / "runs.jsonl").write_text("\n".join(lines) + "\n")
    found = FileRunDB(tmp_path / "runs.jsonl").runs(0, None)
    assert list(found.runs) == [52801]
    assert len(found.complaints) == 2
    sentence = "the document of superrun '_sr1_kr83m' is left out: it has no run number"
    assert {(one.sentence, one.start) for one in found.complaints} == {(sentence, None)}


def test_a_superrun_is_no_run_for_commands(site: FastSite) -> None:
    done = site.xom("site-check", "_sr1_kr83m")
    assert (done.returncode, done.stdout) == (2, "")
    assert "run id '_sr1_kr83m' is not a number" in done.stderr


@pytest.mark.parametrize("mode", ["ambe_linked", "tpc_ambe", "ybe_linked", "tpc_ybe"])
def test_runs_with_neutron_sources_are_monitored_as_all_others_but_not_as_krypton(mode: str) -> None:
    config = load_configuration(ROOT / "config.yaml", check_files=False)
    found = run(60000, mode=mode, source=mode.split("_")[0], detectors=["tpc", "neutron_veto", "muon_veto"])
    taken = {
        name
        for name, block in config.analyses.items()
        if Selector(config.selection, block, {}).refusal_by_kind(found) is None
    }
    assert not taken & OF_KRYPTON
    assert {"event_rate", "peak_rate", "photo_ionization", "busy", "neutron_veto"} <= taken
