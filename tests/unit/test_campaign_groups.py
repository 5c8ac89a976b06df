"""Which runs belong together, and what a group of runs waits for."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factory import NOW, run
from xomflow.config.model import Analysis, Period, Selection
from xomflow.core import times
from xomflow.core.key import ID, first_run, group_id, run_id, shelf_of
from xomflow.core.reason import Reason
from xomflow.outcomes.campaigns.current import Revision
from xomflow.outcomes.files import Failure, Listing
from xomflow.planning.pending.periods import pending_of_all
from xomflow.planning.pending.work import PendingRuns
from xomflow.planning.runs.campaigns import Campaign, as_run, campaign_as_run, campaigns_of, with_results
from xomflow.planning.runs.selection import Selector
from xomflow.rundb.complaints import Complaint
from xomflow.rundb.query import RunQuery
from xomflow.rundb.run import Run

PERIOD = Period.model_validate({"gap": "12 h", "wait": "2 d"})
HOURS = 3600.0


def one(number: int, hours: float = 0, mode: str = "tpc_kr83m", length: float = 1, **changes: object) -> Run:
    """A run that starts so many hours after run 0 and lasts so many hours."""
    made = run(number, mode=mode, **changes)
    start = run(0).start.replace(hour=0) + timedelta(hours=hours)
    return made._replace(start=start, end=start + timedelta(hours=length))


def kr(candidate: Run) -> bool:
    return candidate.mode == "tpc_kr83m"


def numbers(groups: list[Campaign]) -> list[list[int]]:
    return [[member.number for member in group.members] for group in groups]


def grouped(*runs: Run) -> list[Campaign]:
    return campaigns_of(runs, kr, PERIOD)


# --- what belongs together --------------------------------------------------------------------------------------------


def test_runs_that_follow_each_other_belong_together() -> None:
    assert numbers(grouped(one(1, 0), one(2, 1), one(3, 2))) == [[1, 2, 3]]


def test_a_long_gap_parts_them() -> None:
    assert numbers(grouped(one(1, 0), one(2, 12.9), one(3, 25.9))) == [[1, 2], [3]]


@pytest.mark.parametrize(("hours", "together"), [(12.99, True), (13, False)])
def test_runs_are_apart_from_just_the_configured_gap_on(hours: float, together: bool) -> None:
    assert numbers(grouped(one(1, 0), one(2, hours))) == ([[1, 2]] if together else [[1], [2]])
    without_end = one(1, 0)._replace(end=None)
    assert len(grouped(without_end, one(2, hours - 1))) == (1 if together else 2)


def test_a_campaign_ends_with_its_last_run_and_is_closed_by_what_parts_it() -> None:
    long, short = one(1, 0, length=5), one(2, 1, length=1)
    first, second, third = grouped(long, short, one(3, 40), one(4, 41, "tpc_bkg"), one(5, 42)._replace(end=None))
    assert [one.closed for one in (first, second, third)] == [True, True, False]
    assert (first.end, third.end) == (long.end, third.members[0].start)
    assert (first.id, first.numbers) == (group_id([1, 2]), (1, 2))


def test_a_run_of_another_mode_parts_them() -> None:
    assert numbers(grouped(one(1, 0), one(2, 1, "tpc_bkg"), one(3, 2))) == [[1], [3]]


def test_a_run_of_another_detector_does_not() -> None:
    veto = one(2, 0.5, "muon_veto", detectors=["muon_veto"])
    assert numbers(grouped(one(1, 0), veto, one(3, 1))) == [[1, 3]]


def test_a_run_of_the_mode_that_is_left_out_does_not() -> None:
    bad = one(2, 1, tags=[{"name": "bad"}])
    found = campaigns_of([one(1, 0), bad, one(3, 2)], lambda each: kr(each) and not each.tags, PERIOD)
    assert numbers(found) == [[1, 3]]


def test_a_running_run_belongs_too() -> None:
    assert numbers(grouped(one(1, 0), one(2, 1)._replace(end=None))) == [[1, 2]]


@given(
    st.lists(st.tuples(st.floats(0, 500), st.sampled_from(["tpc_kr83m", "tpc_bkg"]), st.floats(0.1, 10)), max_size=20)
)
def test_every_run_of_the_kind_is_in_just_one_group(given_runs: list[tuple[float, str, float]]) -> None:
    ordered = sorted(given_runs)
    runs = [one(number, hours, mode, length) for number, (hours, mode, length) in enumerate(ordered)]
    groups = campaigns_of(reversed(runs), kr, PERIOD)
    assert [number for group in numbers(groups) for number in group] == [each.number for each in runs if kr(each)]
    assert all(group.closed for group in groups[:-1])
    for group in groups:
        for left, right in zip(group.members, group.members[1:], strict=False):
            assert (right.start - (left.end or left.start)).total_seconds() < 12 * HOURS
            assert not [each for each in runs[left.number + 1 : right.number] if not kr(each)]


# --- the id -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 999_999), min_size=1, unique=True))
def test_the_id_of_a_group_tells_its_first_run(members: list[int]) -> None:
    made = group_id(members)
    assert first_run(made) == members[0]
    assert shelf_of(made) == f"{members[0]:06d}"[:3]
    assert re.fullmatch(ID, made)


def test_another_member_makes_another_id() -> None:
    ids = {group_id(members) for members in ([1], [1, 2], [1, 3], [1, 2, 3])}
    assert len(ids) == 4


def test_a_group_as_one_run() -> None:
    group = as_run([one(52001, 0), one(52002, 1)], [one(52003, 2)])
    facts = group.as_dict()
    assert (facts["number"], facts["runs"], facts["runs_missing"]) == (52001, ["052001", "052002"], ["052003"])
    assert group.id == group_id([52001, 52002])
    assert (group.start, group.end) == (one(52001, 0).start, one(52002, 1).end)


def test_a_group_has_what_all_its_runs_have_together() -> None:
    first = one(52001, 0, source="Kr-83m", tags=[{"name": "a"}], detectors=["tpc"], comments=[{"comment": "x"}])
    second = one(52002, 1, "other", length=3, source="Kr-83m", tags=[{"name": "b"}], detectors=["tpc", "muon_veto"])
    first = first._replace(rate=(("tpc", 10.0), ("muon_veto", 1.0)), rate_max=(("tpc", 30.0), ("muon_veto", 2.0)))
    second = second._replace(rate=(("tpc", 30.0),), rate_max=(("tpc", 20.0),))
    assert as_run([first, second], [one(52003, 2)]) == first._replace(
        mode="tpc_kr83m,other",
        end=second.end,
        detectors=frozenset({"tpc", "muon_veto"}),
        tags=frozenset({"a", "b"}),
        rate=(("tpc", 25.0),),
        rate_max=(("tpc", 30.0),),
        members=(52001, 52002),
        missing=(52003,),
    )
    running = as_run([first, second._replace(end=None)])
    assert (running.end, running.rate, as_run([second._replace(end=None)]).end) == (first.end, (), None)


@pytest.mark.parametrize(
    ("runs", "shown"),
    [
        ((51990, 51999), set()),
        ((51990, 52001), {51990, 52001}),
        ((52002, 52010), {52002, 52010}),
        ((52003, 52010), set()),
        ((51990, 52010), {51990, 52010}),
    ],
)
def test_a_result_counts_for_the_group_among_whose_numbers_its_runs_are(runs: tuple[int, ...], shown: set[int]) -> None:
    group = Campaign(MEMBERS, True, unclear=("052010",))
    found = with_results(group, [Revision(runs), Revision((1, 2))], unknown=[52010, 52002, 51990, 7])
    unseen = tuple(sorted({52002} | (shown & {51990})))  # what cannot be understood is told already
    assert found == replace(group, unseen=unseen, shown=frozenset(shown))


# --- what it waits for ------------------------------------------------------------------------------------------------

MEMBERS = (one(52001, 0), one(52002, 1))
END = MEMBERS[-1].end
assert END is not None


def waits(closed: bool, hours: float, **unready: str) -> tuple[Run, Reason | None]:
    named = {name.removeprefix("run_"): Reason(words) for name, words in unready.items()}
    return campaign_as_run(Campaign(MEMBERS, closed), named, PERIOD, END + timedelta(hours=hours))


@pytest.mark.parametrize(("closed", "hours", "is_open"), [(False, 11.9, True), (False, 12, False), (True, 0, False)])
def test_a_period_is_open_until_another_run_or_for_so_long(closed: bool, hours: float, is_open: bool) -> None:
    assert ("its period is open until" in str(waits(closed, hours)[1])) == is_open


def test_a_complete_group_is_ready() -> None:
    assert waits(True, 0) == (as_run(MEMBERS), None)


def test_a_member_that_cannot_be_read_is_waited_for() -> None:
    found, words = waits(True, 47, run_052002="event_info is not at this site")
    assert words == "1 of 2 runs cannot be read: 052002: event_info is not at this site"
    assert found.id == as_run(MEMBERS).id


def test_after_so_long_it_goes_on_without_and_says_so() -> None:
    found, words = waits(True, 49, run_052002="event_info is not at this site")
    assert words is None
    assert (found.members, found.missing) == ((52001,), (52002,))
    assert found.id != as_run(MEMBERS).id


@pytest.mark.parametrize(("hours", "goes_on"), [(47.99, False), (48, True)])
def test_it_goes_on_without_just_after_the_configured_time_but_never_without_what_is_in_a_result(
    hours: float, goes_on: bool
) -> None:
    assert (waits(True, hours, run_052002="nothing")[1] is None) == goes_on
    group = Campaign(MEMBERS, True, shown=frozenset({52002}))
    now, absent = END + timedelta(hours=hours), {"052002": Reason("nothing")}
    assert campaign_as_run(group, absent, PERIOD, now)[1] == "1 of 2 runs cannot be read: 052002: nothing"
    other = replace(group, shown=frozenset({52001}))
    assert (campaign_as_run(other, absent, PERIOD, now)[1] is None) == goes_on


def test_what_is_unclear_is_told_before_what_is_not_shown_and_this_before_an_open_period() -> None:
    group = Campaign(MEMBERS, False, unclear=("052003",), unseen=(52001,))
    reasons = []
    for changed in (group, replace(group, unclear=()), replace(group, unclear=(), unseen=())):
        found, words = campaign_as_run(changed, {"052001": Reason("nothing")}, PERIOD, END)
        assert found == as_run(MEMBERS)
        reasons.append(str(words))
    assert reasons == [
        "the documents of these runs cannot be understood, and they may belong: 052003",
        "the run database does not show the documents of these runs now: 052001",
        f"its period is open until a run of another kind or {times.text(END + timedelta(hours=12))}",
    ]


def test_without_any_member_it_goes_on_waiting() -> None:
    _, words = waits(True, 1000, run_052001="nothing", run_052002="nothing")
    assert words == "2 of 2 runs cannot be read: 052001: nothing"


def test_thousands_of_unclear_or_missing_runs_make_a_short_reason() -> None:
    for many in ({"unclear": tuple(map(str, range(3000)))}, {"unseen": tuple(range(3000))}):
        reason = Campaign(tuple(MEMBERS), True, **many).describe_obscure()
        assert str(reason).endswith("2 and 2997 more")


def obscured(others: list[Run], *unclear: Complaint) -> list[str]:
    """Which of these documents hold back the group of MEMBERS, among other runs."""
    (group,) = campaigns_of([*MEMBERS, *others], lambda run: kr(run) and not run.tags, PERIOD, unclear)
    words = campaign_as_run(group, {}, PERIOD, END + timedelta(hours=100))[1]
    assert ("cannot be understood, and they may belong: " in str(words)) == bool(group.unclear)
    return list(group.unclear)


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ([], ["052000", "052004"]),
        ([one(52003, 2, "tpc_bkg")], ["052000"]),
        ([one(52003, 2, "muon_veto", detectors=["muon_veto"])], ["052000", "052004"]),
        ([one(52003, 20, "muon_veto", detectors=["muon_veto"])], ["052000"]),
        ([one(52003, 14, "muon_veto", detectors=["muon_veto"])], ["052000"]),
        ([one(52003, 13.9, "muon_veto", detectors=["muon_veto"]), one(52006, 5, "tpc_bkg")], ["052000", "052004"]),
        ([one(52001 - 1 - n, -13 - n, "muon_veto", detectors=["muon_veto"]) for n in (1, 2)], ["052000", "052004"]),
        ([one(51999, -1, tags=[{"name": "bad"}])], ["052000", "052004"]),
        ([one(51999, -20, tags=[{"name": "bad"}]), one(52005, 4, "tpc_bkg")], ["052000", "052004"]),
    ],
)
def test_a_document_that_cannot_be_understood_may_belong_up_to_the_next_run_that_bounds_the_group(
    others: list[Run], found: list[str]
) -> None:
    assert obscured(others, Complaint("no mode", "mode", 52000), Complaint("no mode", "mode", 52004)) == found


@pytest.mark.parametrize(
    ("hours", "length", "found"),
    [
        (0.5, 1, True),
        (13.5, 1, True),
        (14.5, 1, False),
        (-12.5, 1, True),
        (-14, 1, False),
        (-14, None, False),
        (13.99, 1, True),
        (14, 1, False),
        (-12.99, 1, True),
        (-13, 1, False),
        (-11.99, None, True),
        (-12, None, False),
    ],
)
@pytest.mark.parametrize("number", [None, 52003])
def test_a_document_without_a_usable_number_may_belong_by_its_time(
    hours: float, length: float | None, found: bool, number: int | None
) -> None:
    start = MEMBERS[0].start + timedelta(hours=hours)
    unclear = Complaint("wrong", "number", number, start, start + timedelta(hours=length) if length else None)
    assert bool(obscured([], unclear)) == found


@pytest.mark.parametrize("between", [0, 1, 2])
def test_documents_beyond_the_runs_that_bound_a_group_hold_nothing_back(between: int) -> None:
    veto = {"detectors": ["muon_veto"]}
    others = [one(51990, -9, "tpc_bkg"), one(52020, 9, "tpc_bkg")]
    others += [one(51992 + n, -6 + n, "muon_veto", **veto) for n in range(between)]
    others += [one(52012 + n, 6 + n, "muon_veto", **veto) for n in range(between)]
    unclear = [Complaint("no mode", "mode", number) for number in (51989, 51991, 52000, 52010, 52019, 52021)]
    assert obscured(others, *unclear) == ["051991", "052000", "052010", "052019"]


@pytest.mark.parametrize(("hours", "found"), [(-5.1, False), (-5, True), (4, True), (4.1, False)])
def test_a_document_may_belong_from_the_start_of_the_run_before_to_that_of_the_run_after(
    hours: float, found: bool
) -> None:
    start = MEMBERS[0].start + timedelta(hours=hours)
    others = [one(51990, -5, "tpc_bkg"), one(52010, 4, "tpc_bkg")]
    assert bool(obscured(others, Complaint("no number", "number", None, start, start))) == found


def test_a_long_run_of_another_detector_is_as_near_as_its_end() -> None:
    unclear = Complaint("no mode", "mode", 51990)
    veto = one(51995, -20, "muon_veto", detectors=["muon_veto"])
    end = MEMBERS[0].start - timedelta(hours=12)
    assert obscured([veto._replace(end=end)], unclear) == []
    assert obscured([veto._replace(end=end + timedelta(seconds=1))], unclear) == ["051990"]
    assert obscured([veto._replace(end=None)], unclear) == []


def test_a_document_with_neither_number_nor_time_holds_nothing_back() -> None:
    assert obscured([], Complaint("nothing in it", "number")) == []


def test_behind_a_run_that_ends_the_group_the_time_of_a_document_holds_nothing_back() -> None:
    unclear = Complaint("no number", "number", None, MEMBERS[1].start + timedelta(hours=3))
    assert obscured([one(52003, 2, "tpc_bkg")], unclear) == []
    assert obscured([], unclear) == [unclear.run]


def test_an_outcome_of_other_runs_under_the_same_id_is_a_collision() -> None:
    campaign: Any = SimpleNamespace(id="052801-0bea", members=(52801, 52802))
    for runs, is_done, collides in (((52801, 52802), True, False), ((52801, 52999), False, True)):
        pending = PendingRuns(done_runs={campaign.id: runs})
        assert (pending.is_done(campaign), bool(pending.describe_collision(campaign))) == (is_done, collides)
    assert "other runs (052801, 052999): raise the version" in str(pending.describe_collision(campaign))
    assert PendingRuns().describe_collision(campaign) is None


# --- what is pending --------------------------------------------------------------------------------------------------


def pending(
    answer: RunQuery,
    *results: tuple[int, ...],
    again: tuple[str, ...] = (),
    failures: dict[str, list[Failure]] | None = None,
    vetoed: tuple[int, ...] = (),
    **block: Any,
) -> PendingRuns:
    """What is pending of an analysis that has results of these runs; it takes runs from number 52001 on."""
    analysis = Analysis.model_validate({"version": "v1", "run_modes": ["tpc_kr83m"], "min_run": 52001, **block})
    selector = Selector(Selection.model_validate({}), analysis, dict.fromkeys(vetoed, Reason("kim: a valve")))
    revisions = {run_id(runs[0]) if len(runs) == 1 else group_id(runs): Revision(runs) for runs in results}
    return pending_of_all(selector, analysis, answer, Listing(failures=failures or {}), revisions, again)


def answer(*runs: Run, **more: Any) -> RunQuery:
    return RunQuery({one.number: one for one in runs}, **more)


# Two campaigns, which a run of another kind parts.
CALIBRATIONS = one(52001), one(52002, 1), one(52003, 2, mode="tpc_rn220"), one(52004, 3)
OF_CAMPAIGNS = {"period": {"gap": "12 h"}}


def test_a_campaign_is_pending_until_a_result_has_all_its_runs() -> None:
    lost = {run_id(52004): [Failure(1, "lost", NOW)]}
    found = pending(answer(*CALIBRATIONS), (52001, 52002), failures=lost, **OF_CAMPAIGNS)
    assert (found.done, [list(left.numbers) for left in found.campaigns]) == (1, [[52004]])
    assert (found.failures, found.done_runs) == (lost, {group_id((52001, 52002)): (52001, 52002)})
    some = pending(answer(*CALIBRATIONS), (52001,), **OF_CAMPAIGNS)
    assert (some.done, [list(left.numbers) for left in some.campaigns]) == (0, [[52004], [52001, 52002]])
    assert [left.shown for left in some.campaigns] == [frozenset(), {52001}]


def test_a_campaign_whose_result_is_to_be_made_again_is_pending() -> None:
    name = group_id((52001, 52002))
    found = pending(answer(*CALIBRATIONS), (52001, 52002), again=(name,), **OF_CAMPAIGNS)
    assert (found.done, len(found.campaigns), found.done_runs) == (0, 2, {})


def test_a_campaign_goes_on_without_a_vetoed_run() -> None:
    found = pending(answer(*CALIBRATIONS), vetoed=(52002,), **OF_CAMPAIGNS)
    assert [list(left.numbers) for left in found.campaigns] == [[52004], [52001]]


def test_a_document_that_cannot_be_understood_obscures_a_campaign_unless_its_number_is_not_taken() -> None:
    def unclear(number: int | None, **more: Any) -> list[tuple[str, ...]]:
        bad = Complaint("a sentence", "a kind", number, start=one(52004, 3).start)
        found = pending(answer(*CALIBRATIONS, complaints=[bad]), **OF_CAMPAIGNS, **more)
        return [left.unclear for left in found.campaigns]

    assert unclear(52005) == [("052005",), ()]
    assert unclear(52005, vetoed=(52005,)) == unclear(52005, max_run=52004) == [(), ()]
    assert len(unclear(None)[0]) == 1, "a document without a number may be that of any run"


@pytest.mark.parametrize("block", [OF_CAMPAIGNS, {}], ids=["campaigns", "single runs"])
def test_of_a_run_with_a_result_nothing_is_known_if_it_may_belong_and_its_document_is_of_no_use(
    block: dict[str, Any],
) -> None:
    def unknown(number: int, **more: Any) -> bool:
        groups = pending(answer(*CALIBRATIONS, **more), (52001, number), **block).known_groups
        assert groups is not None and groups.groups.single == (not block)
        return number in groups.groups.unknown

    before, other = one(52009), one(52009, mode="tpc_rn220")
    assert not unknown(52002)
    assert unknown(52009) and unknown(52009, before={52009: before})
    assert unknown(52002, unseen=frozenset({52002}))
    assert not unknown(52009, before={52009: other}), "its mode was another one"
    assert not unknown(52003, unseen=frozenset({52003})), "its mode is another one"
    assert not unknown(52009, given_up=frozenset({52009})), "a person decided that it is gone"
    assert not unknown(51999), "the analysis takes no run of this number"


def test_a_single_run_that_has_a_result_is_done_though_its_file_is_called_superseded() -> None:
    found = pending(answer(*CALIBRATIONS), (52001,), (52002, 52004))
    assert (found.done, [one.number for one in found.pending]) == (1, [52004, 52002])


def test_of_single_runs_those_in_groups_from_before_belong_alone() -> None:
    found = pending(answer(*CALIBRATIONS), (52001,), (52002, 52003, 52004), vetoed=(52004,)).known_groups
    assert found is not None and set(found.revisions) == {group_id((52002, 52003, 52004))}
    assert found.groups.members == ((52002,),), "the others are of another kind, or vetoed"
