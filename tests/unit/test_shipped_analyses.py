"""The shipped configuration over the mini-XENONnT's documents: each analysis gets the runs that it is for."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest

from mini_xenonnt import schedule
from mini_xenonnt.documents import run_document
from xomflow.config.load import check_configuration, read_yaml
from xomflow.core.paths import ROOT
from xomflow.planning.runs.selection import Selector
from xomflow.rundb.run import run_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINEAGE = dict.fromkeys(schedule.STORED_TYPES, "hash")
RUNS = [run_of(run_document(run, LINEAGE, 1, NOW)) for run in schedule.plan(schedule.Parameters(NOW))]
TPC = {"tpc_bkg", "tpc_kr83m", "background_linked"}
MODES = {
    "event_rate": TPC,
    "alpha": {"tpc_bkg", "background_linked"},
    "drift": {"tpc_kr83m"},
    "pmt_health": TPC,
    "busy": TPC,
    "muon_veto": {"muon_veto", "background_linked"},
    "neutron_veto": {"neutron_veto", "background_linked"},
    "daq_rate": {*TPC, "muon_veto", "neutron_veto"},
    "scada": {*TPC, "muon_veto", "neutron_veto"},
}


@pytest.mark.parametrize("analysis", MODES)
def test_an_analysis_looks_at_the_runs_of_its_detectors(analysis: str) -> None:
    tree = read_yaml(ROOT / "config.yaml") | {"software": [{"interpreter": sys.executable}]}
    settings = check_configuration(tree, "config.yaml")
    selector = Selector(settings.selection, settings.analyses[analysis])
    assert {run.mode for run in RUNS if not selector.refusal(run)} == MODES[analysis]


@pytest.mark.parametrize("analysis", MODES)
def test_every_type_that_an_analysis_needs_is_kept_or_has_an_alternative(analysis: str) -> None:
    tree = read_yaml(ROOT / "config.yaml") | {"software": [{"interpreter": sys.executable}]}
    sets = check_configuration(tree, "config.yaml").analyses[analysis].alternatives
    assert not sets or any(set(one) <= set(schedule.STORED_TYPES) for one in sets)
