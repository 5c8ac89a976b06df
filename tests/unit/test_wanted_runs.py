"""RUNS on the command line: which runs a person means, and one sentence for each wrong form."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.site import document
from xomflow.core.errors import UsageError
from xomflow.core.key import Key
from xomflow.planning.runs.campaigns import as_run
from xomflow.planning.runs.wanted import parse_runs
from xomflow.rundb.run import Run, run_of

NOW = datetime(2026, 9, 3, tzinfo=UTC)
# Runs begin an hour after each other, on 2026-09-01 at midnight the first one.
KRYPTON = {"mode": "tpc_kr83m", "tags": [{"name": "noisy"}]}
RUNS = [run_of(document(number, **(KRYPTON if number < 52003 else {}))) for number in range(52000, 52006)]
CAMPAIGN = as_run(RUNS[1:3])


def chosen(*words: str, runs: list[Run] = RUNS, analysis: str = "kr", **options: list[str] | str) -> list[str]:
    return [run.id for run in parse_runs(words, **options, now=NOW).choose(analysis, runs)]  # type: ignore[arg-type]


def test_words_are_added_up_and_options_narrow_them_down() -> None:
    every = [run.id for run in RUNS]
    assert chosen() == every
    assert chosen("52001") == ["052001"]
    assert chosen("052001", "52003-52004", "52003") == ["052001", "052003", "052004"]
    assert chosen(modes=["tpc_kr*"]) == every[:3]
    assert chosen("52002-99999", modes=["tpc_kr83m", "other"]) == ["052002"]
    assert chosen(tags=["noisy"], modes=["tpc_bkg"]) == []
    assert chosen(since="2026-09-01T04:00") == every[4:]
    assert chosen(since="44 h") == every[4:]
    assert chosen(since="2026-09-01", tags=["no*"]) == every[:3]


def test_a_campaign_is_meant_by_its_id_or_by_any_of_its_runs() -> None:
    assert chosen(f"@kr/{CAMPAIGN.id}", runs=[CAMPAIGN, *RUNS]) == [CAMPAIGN.id]
    assert chosen(f"@kr/{CAMPAIGN.id}", runs=[CAMPAIGN], analysis="other") == []
    assert chosen("52002", runs=[CAMPAIGN]) == [CAMPAIGN.id]
    assert chosen("52003", runs=[CAMPAIGN]) == []


def test_a_campaign_is_meant_by_single_runs_where_these_are_known() -> None:
    words = f"@kr/{CAMPAIGN.id}", "52005"
    wanted = parse_runs(words, now=NOW).with_runs({words[0]: (52001, 52002)})
    assert [run.id for run in wanted.choose("other", RUNS)] == ["052001", "052002", "052005"]
    assert wanted.without_run([("other", RUNS[2])]) == ["52005"]
    assert wanted.with_runs({}).without_run([("kr", CAMPAIGN)]) == ["52005"]
    assert wanted.with_runs({}).without_run([("other", CAMPAIGN)]) == list(words)
    assert wanted.without_run([("other", RUNS[3])]) == list(words)
    assert wanted.with_runs({}).without_run([("other", RUNS[2])]) == list(words)
    assert parse_runs([], now=NOW).without_run([]) == []


def test_keys_are_meant_by_the_numbers_of_their_first_runs_or_by_the_id_of_a_campaign() -> None:
    keys = [Key(name, "v1", run) for name in ("kr", "rate") for run in ("052000", "052001", "052003", "052001-0bea")]

    def meant(*words: str) -> list[str]:
        return [f"{key.analysis} {key.run}" for key in parse_runs(words, now=NOW).choose_keys(keys)]

    assert meant() == [f"{key.analysis} {key.run}" for key in keys]
    assert meant("@kr/052001-0bea") == ["kr 052001-0bea"]
    assert meant("52001-52002") == ["kr 052001", "kr 052001-0bea", "rate 052001", "rate 052001-0bea"]
    assert meant("52002-52003", "52000") == ["kr 052000", "kr 052003", "rate 052000", "rate 052003"]


def test_whether_all_runs_are_meant() -> None:
    none = parse_runs([], now=NOW)
    some = [parse_runs(["52001"], now=NOW), parse_runs([], since="1 d", now=NOW)]
    some += [parse_runs([], modes=["tpc*"], now=NOW), parse_runs([], tags=["a"], now=NOW)]
    assert none.is_all and not any(one.is_all for one in some)
    assert [one.bounds for one in some] == [(52001, 52001), (0, None), (0, None), (0, None)]


def test_words_that_name_no_run_are_known() -> None:
    wanted = parse_runs(["52001", "51000-51999", "@kr/052001-0000"], now=NOW)
    assert wanted.without_run(("kr", run) for run in RUNS) == ["51000-51999", "@kr/052001-0000"]
    wanted = parse_runs([], ["tpc*", RUNS[0].mode, "kr83"], ["no*", "nowhere"], now=NOW)
    assert wanted.without_run(("kr", run) for run in RUNS) == ["--mode kr83", "--tag nowhere"]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)), max_size=8))
def test_ranges_may_overlap_and_touch(ranges: list[tuple[int, int]]) -> None:
    runs = [RUNS[0]._replace(number=number) for number in range(70)]
    words = [f"{first}-{first + more}" for first, more in ranges]
    wanted = parse_runs(words, now=NOW)
    named = {number for first, more in ranges for number in range(first, first + more + 1)}
    assert {run.number for run in wanted.choose("kr", runs)} == (named if words else set(range(70)))
    few = [("kr", run) for run in runs[::7]]
    empty = [
        word
        for word, (first, more) in zip(words, ranges, strict=True)
        if not {*range(0, 70, 7)} & {*range(first, first + more + 1)}
    ]
    assert wanted.without_run(few) == empty


def test_only_numbers_bound_the_query() -> None:
    assert parse_runs(["52003-52004", "52001"], now=NOW).bounds == (52001, 52004)
    assert parse_runs(["52001", "@kr/052001-0000"], now=NOW).bounds == parse_runs([], now=NOW).bounds == (0, None)


WRONG = {
    "all": "neither a run nor a range of runs nor a campaign: write a run as 52894",
    "": "neither a run nor a range",
    "5289400": "neither a run nor a range",
    "52801-": "neither a run nor a range",
    "٥٢٨٠١": "neither a run nor a range",
    "-52801": "neither a run nor a range",
    "52801-52899-1": "neither a run nor a range",
    "52899-52801": "ends before it begins",
    "052801-0bea": "is the id of a campaign: write it with its analysis, @ANALYSIS/052801-0bea",
    "@kr": "is no campaign: write it as @ANALYSIS/052801-0bea",
    "@/052801-0bea": "is no campaign",
    "@kr/52801": "is no campaign",
    "@kr/052801": "is no campaign",
    "@kr/052801-0bea/1": "is no campaign",
}
WRONG_TIMES = ("", "yesterday", "2026-13-01", "2026-09-01T25:00", "3", "3 weeks", "1e9 d", "2026-9-1")


def test_each_wrong_form_has_one_sentence_with_the_value() -> None:
    for word, sentence in WRONG.items():
        with pytest.raises(UsageError, match=f"^RUNS {re.escape(repr(word))} .*{sentence}") as refused:
            parse_runs([word], now=NOW)
        assert "\n" not in str(refused.value)
    for since in WRONG_TIMES:
        with pytest.raises(UsageError, match=f"^--since: {re.escape(repr(since))} is no time: write it in UTC"):
            parse_runs([], since=since, now=NOW)
