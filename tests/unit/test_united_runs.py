"""What a script gets of several runs that are analysed together."""

from __future__ import annotations

from xomflow.rundb.united import RunEntries, united

FIRST = RunEntries("tpc_bkg", "none", ["sr1", "b"], ["early"], {"tpc": 10.0, "muon_veto": 4.0}, 100.0)
SECOND = RunEntries("tpc_bkg", "", ["a", "sr1"], ["late", "early"], {"tpc": 40.0}, 200.0)


def test_tags_comments_and_modes_are_those_of_all_runs() -> None:
    one = united([FIRST, SECOND, SECOND._replace(mode="tpc_radon")])
    assert (one.mode, one.source) == ("tpc_bkg,tpc_radon", "none")
    assert one.tags == ["a", "b", "sr1"]
    assert one.comments == ["early", "late"]


def test_the_rate_is_the_mean_over_the_whole_time_of_what_all_runs_have() -> None:
    one = united([FIRST, SECOND])
    assert one.rate == {"tpc": 30.0}
    assert one.seconds == 300.0


def test_runs_of_which_one_goes_on_have_neither_rate_nor_length() -> None:
    one = united([FIRST, SECOND._replace(seconds=None)])
    assert (one.rate, one.seconds) == ({}, None)


def test_runs_without_any_length_have_no_rate() -> None:
    one = united([FIRST._replace(seconds=0.0), SECOND._replace(seconds=0.0)])
    assert (one.rate, one.seconds) == ({}, None)


def test_a_single_run_is_as_it_was() -> None:
    assert united([FIRST]) == FIRST._replace(tags=["b", "sr1"])
