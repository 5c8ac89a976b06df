"""Properties of the pure decision which runs an analysis looks at."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factory import any_text, run
from xomflow.config.model import Analysis, Selection
from xomflow.core.reason import Reason
from xomflow.planning.runs.selection import Selector, matches, selection_key
from xomflow.rundb.run import Run

TAGS = ["messy", "bad", "_sr1_preliminary", "abandon", "hot_spot"]
tags = st.lists(st.sampled_from(TAGS), unique=True, max_size=3)
modes = st.sampled_from(["tpc_kr83m", "tpc_bkg", "background_linked", "electrode_test_3", ""])
detectors = st.lists(st.sampled_from(["tpc", "neutron_veto", "muon_veto"]), unique=True, max_size=3)
documents = st.fixed_dictionaries(
    {"mode": modes, "detectors": detectors, "tags": tags.map(lambda names: [{"name": name} for name in names])},
    optional={
        "status": st.sampled_from(["transferred", "needs_upload", None]),
        "end": st.just(None),
    },
)
runs = st.builds(lambda number, changes: run(number, **changes), st.integers(52000, 52010), documents)
blocks = st.fixed_dictionaries(
    {},
    optional={
        "run_modes": st.lists(st.sampled_from(["tpc_kr83m", "*_linked", "tpc_*", "electrode_test*"]), max_size=2),
        "detectors": detectors,
        "included_tags": tags,
        "excluded_tags": tags,
        "except_runs": st.lists(st.integers(52000, 52010), max_size=3),
        "min_run": st.integers(51990, 52005),
        "max_run": st.integers(52005, 52020),
    },
)
common_blocks = st.fixed_dictionaries(
    {},
    optional={
        "excluded_modes": st.lists(st.sampled_from(["electrode_test*", "tpc_bkg"]), max_size=2),
        "excluded_tags": tags,
        "min_run": st.integers(51990, 52005),
        "max_run": st.integers(52005, 52020),
    },
)


def selector(common: dict[str, Any] | None = None, **analysis: Any) -> Selector:
    return Selector(Selection.model_validate(common or {}), Analysis.model_validate({"version": "v1", **analysis}))


def refusal(one: Run, common: dict[str, Any] | None = None, **analysis: Any) -> str | None:
    return selector(common, **analysis).refusal(one)


def other_spelling(names: list[str]) -> list[str]:
    """The same tags, each with an underscore where it had none, and the other way round."""
    return [name.lstrip("_") if name.startswith("_") else f"_{name}" for name in names]


# --- for all runs and blocks ------------------------------------------------------------------------------------------


@given(number=st.integers(52000, 52010), changes=documents, common=common_blocks, block=blocks)
def test_underscores_before_tags_make_no_difference(
    number: int, changes: dict[str, Any], common: dict[str, Any], block: dict[str, Any]
) -> None:
    def respelled(one: dict[str, Any]) -> dict[str, Any]:
        return {name: other_spelling(value) if name.endswith("_tags") else value for name, value in one.items()}

    tagged = {**changes, "tags": [{"name": name} for name in other_spelling([tag["name"] for tag in changes["tags"]])]}
    decided = refusal(run(number, **changes), common, **block)
    assert refusal(run(number, **tagged), common, **block) == decided
    assert refusal(run(number, **changes), respelled(common), **respelled(block)) == decided


@given(one=runs, common=common_blocks, block=blocks)
def test_every_rule_is_obeyed(one: Run, common: dict[str, Any], block: dict[str, Any]) -> None:
    """The same decision, written once more as one plain condition."""
    bare = {name: {tag.lstrip("_") for tag in [*block.get(name, []), *common.get(name, [])]} for name in
            ("included_tags", "excluded_tags")}  # fmt: skip
    wanted = block.get("run_modes", [])
    selected = (
        one.end is not None
        and one.status == "transferred"
        and (matches(one.mode, wanted) if wanted else not matches(one.mode, common.get("excluded_modes", [])))
        and set(block.get("detectors", [])) <= one.detectors
        and not one.tags & bare["excluded_tags"]
        and (not block.get("included_tags") or bool(one.tags & bare["included_tags"]))
        and one.number not in block.get("except_runs", [])
        and all(part.get("min_run", 0) <= one.number <= part.get("max_run", 10**6) for part in (common, block))
    )
    assert (refusal(one, common, **block) is None) == selected


@given(one=runs, common=common_blocks, block=blocks)
def test_an_unfinished_run_is_never_selected(one: Run, common: dict[str, Any], block: dict[str, Any]) -> None:
    going_on = run(one.number, mode=one.mode, detectors=sorted(one.detectors), end=None)
    assert selector(common, **block).refusal_by_looks(going_on) == "the run is not finished"


@given(one=runs, other=runs, common=common_blocks, block=blocks)
def test_runs_that_look_alike_are_decided_alike(
    one: Run, other: Run, common: dict[str, Any], block: dict[str, Any]
) -> None:
    if selection_key(one) == selection_key(other):
        chosen = selector(common, **block)
        assert chosen.refusal_by_looks(one) == chosen.refusal_by_looks(other)


@given(name=any_text)
def test_a_pattern_without_a_star_matches_itself_only(name: str) -> None:
    plain = name.replace("*", "")
    assert matches(plain, [plain])
    assert not matches(f"{plain}x", [plain])


@given(before=any_text, name=any_text)
def test_a_star_stands_for_any_text(before: str, name: str) -> None:
    assert matches(before + name, [f"{before.replace('*', '')}*"]) or "*" in before
    assert matches(name, ["*"])


@pytest.mark.parametrize("period", [None, {"gap": "12 h", "wait": "2 d"}])
def test_a_backfill_adds_runs_outside_the_range_of_an_analysis_of_single_runs_only(period: Any) -> None:
    block = Analysis.model_validate(
        {"version": "v1", "min_run": 52003, "max_run": 52005, "except_runs": [52001], "period": period}
    )
    common = Selection.model_validate({"min_run": 52000})
    vetoed = {52004: Reason("vetoed by kim: a valve"), 52009: Reason("vetoed by lee: noise")}
    made = Selector(common, block, vetoed, backfilled=(51999, 52001, 52002, 52004))
    outside, excepted = "run number {} is outside 52003 to 52005", "the run is listed in except_runs"
    assert made.added == (frozenset() if period else {51999, 52001, 52002})
    assert [made.refusal_by_number(number) for number in (51999, 52001, 52002, 52003, 52005, 52006)] == [
        "run number 51999 is outside 52000 to today",
        outside.format(52001) if period else excepted,
        outside.format(52002) if period else None,
        None,
        None,
        outside.format(52006),
    ]
    assert [made.refusal_in_groups(number) for number in (52003, 52004, 52009)] == [
        None,
        vetoed[52004],
        outside.format(52009),
    ]


# --- in particular ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["tpc[_]bkg", "tpc?bkg", "TPC_BKG", "tpc", "bkg"])
def test_only_the_star_is_special(pattern: str) -> None:
    assert not matches("tpc_bkg", [pattern])


def test_an_analysis_may_ask_for_a_mode_that_is_never_monitored() -> None:
    common = {"excluded_modes": ["tpc_bkg"]}
    assert refusal(run(), common) == "its mode tpc_bkg is never monitored"
    assert refusal(run(), common, run_modes=["tpc_bkg"]) is None


def test_an_excluded_tag_goes_before_an_included_one() -> None:
    both = run(tags=[{"name": "sr1"}, {"name": "_messy"}])
    assert refusal(both, included_tags=["sr1"]) is None
    assert refusal(both, included_tags=["sr1"], excluded_tags=["messy"]) == "it is tagged messy"
    assert refusal(both, {"excluded_tags": ["messy"]}, included_tags=["sr1"]) == "it is tagged messy"


@pytest.mark.parametrize("number", [52000, 52010])
def test_both_ends_of_a_range_belong_to_it(number: int) -> None:
    assert refusal(run(number), min_run=52000, max_run=52010) is None


@pytest.mark.parametrize(
    ("changes", "block", "reason"),
    [
        ({"end": None}, {}, "the run is not finished"),
        ({"status": "needs_upload"}, {}, "its status is needs_upload"),
        ({"status": None}, {}, "its status is not set"),
        ({}, {"run_modes": ["tpc_kr83m"]}, "its mode is tpc_bkg"),
        ({}, {"detectors": ["tpc", "neutron_veto", "muon_veto"]}, "muon_veto, neutron_veto did not take part"),
        ({"tags": ["_bad", "messy"]}, {"excluded_tags": ["messy", "bad"]}, "it is tagged bad, messy"),
        ({}, {"included_tags": ["_sr1", "sr2"]}, "it has none of the tags sr1, sr2"),
        ({}, {"except_runs": [52894]}, "the run is listed in except_runs"),
        ({}, {"min_run": 53000}, "run number 52894 is outside 53000 to today"),
        ({}, {"min_run": 1, "max_run": 50000}, "run number 52894 is outside 1 to 50000"),
        ({}, {"max_run": 0}, "run number 52894 is outside 0 to 0"),
    ],
)
def test_a_refusal_says_why(changes: dict[str, Any], block: dict[str, Any], reason: str) -> None:
    assert refusal(run(**changes), **block) == reason


def test_a_backfill_takes_runs_outside_the_range_of_the_analysis_but_not_outside_that_of_the_site() -> None:
    site = Selection.model_validate({"min_run": 50_000})
    block = Analysis.model_validate({"version": "v1", "min_run": 52_000})
    selector = Selector(site, block, backfilled=[49_999, 51_000])
    refused = {number: str(selector.refusal_by_number(number) or "") for number in (49_999, 51_000, 51_001, 52_000)}
    assert refused == {
        49_999: "run number 49999 is outside 50000 to today",
        51_000: "",
        51_001: "run number 51001 is outside 52000 to today",
        52_000: "",
    }
