"""Which runs share a history: those of one mode, unless the configuration joins modes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xomflow.config.load import load_configuration
from xomflow.core.errors import XomError
from xomflow.core.paths import ROOT
from xomflow.core.verdicts import ALL_MODES, Kind, SeriesId
from xomflow.expected.event import Event
from xomflow.expected.method.settings import SiteSettings, Size
from xomflow.expected.words import Told, sentence
from xomflow.workflow.documents import ReportConfig


@pytest.fixture(scope="module")
def shipped() -> SiteSettings:
    return ReportConfig.of(load_configuration(ROOT / "config.yaml", check_files=False)).expected


def test_by_default_each_mode_has_a_history_of_its_own(shipped: SiteSettings) -> None:
    settings = shipped.of("event_rate")
    assert [settings.group_of(mode) for mode in ("tpc_bkg", "tpc_kr83m")] == ["tpc_bkg", "tpc_kr83m"]
    assert settings.group_of("") == ALL_MODES


def test_runs_of_an_analysis_of_one_mode_and_of_slow_control_are_one_group(shipped: SiteSettings) -> None:
    assert {shipped.of(name).group_of("tpc_kr83m") for name in ("kr83m", "kr83m_campaign", "scada")} == {ALL_MODES}


def test_configured_modes_share_a_history() -> None:
    settings = SiteSettings(groups={"ambe": ["tpc_ambe", "tpc_ambe_linked"]}).of("event_rate")
    assert {settings.group_of(mode) for mode in ("tpc_ambe", "tpc_ambe_linked")} == {"ambe"}
    assert settings.group_of("tpc_bkg") == "tpc_bkg"


def test_other_groups_are_other_settings_so_that_all_is_judged_anew() -> None:
    found = [SiteSettings(groups=groups).of("event_rate").to_json() for groups in ({}, {"a": ["b"]})]
    assert found[0] != found[1]
    assert found[0] != SiteSettings(together=("event_rate",)).of("event_rate").to_json()


def test_settings_with_groups_survive_their_file() -> None:
    settings = SiteSettings(groups={"a": ["b"]}, together=("scada",))
    assert SiteSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_together_names_analyses_that_exist(tmp_path: Path) -> None:
    text = (ROOT / "config.yaml").read_text().replace("together: [scada]", "together: [scadda]")
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(XomError, match="expected: together: there is no analysis 'scadda'"):
        load_configuration(tmp_path / "config.yaml", check_files=False)


def test_a_sentence_names_the_mode_where_it_matters() -> None:
    event = Event(Kind.STEP, "rate", 1, "052001", "", "052004", "", 10.0, 12.0, 6.0, 4, 4)
    told = [Told([SeriesId("event_rate", "v1", group, "rate")]) for group in ("tpc_bkg", ALL_MODES)]
    assert [sentence(event, one).split(" rose")[0] for one in told] == ["rate (tpc_bkg)", "rate"]
    contacts = [sentence(event, told[1]._replace(contact=one)).rpartition("; ")[2] for one in ("Jane", "")]
    assert contacts == ["contact: Jane", "4 of the last 4 runs agree"]
    units = [sentence(event, told[1]._replace(unit=unit)).partition(" (")[0] for unit in ("", "Hz")]
    assert units == ["rate rose from 10 to 12", "rate rose from 10 to 12 Hz"]


def test_a_size_in_per_cent_is_a_part_of_the_level_and_another_one_is_in_the_unit_of_the_variable() -> None:
    sizes = {"kr83m": {"light_yield": ("0.5 %", "2%"), "lifetime": ("0.02", ""), "other": ("", "")}}
    settings = SiteSettings(sizes=sizes).of("kr83m")
    assert settings.matters == {"light_yield": Size(0.005, True), "lifetime": Size(0.02, False)}
    assert settings.tolerance == {"light_yield": Size(0.02, True)}
    assert [one.at(-8.0) for one in settings.matters.values()] == [0.04, 0.02]
