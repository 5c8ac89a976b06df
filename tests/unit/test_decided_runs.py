"""What people decided about single runs: which results are marked, renewed or muted, and from where this differs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.expected.bank import RunResults
from xomflow.expected.versions.decided import Decided, decided_about

RESULTS = RunResults("052910", "2026-03-02T00:00:00Z", {"x": (1.0, 0.1)})
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
NOW = MARCH + timedelta(days=30)


def test_a_bad_run_is_marked_and_no_other() -> None:
    assert Decided(bad=(52_910,)).on(RESULTS, 52_909).is_bad
    assert Decided(bad=(52_909,)).on(RESULTS, 52_909) == RESULTS


def test_a_new_level_is_expected_from_the_first_judged_run_on_that_is_not_before_its_run() -> None:
    for first, before, renewed in ((52_910, 52_909, {"x"}), (52_907, 52_905, {"x"}), (52_907, 52_907, set[str]())):
        assert Decided(renewed=((first, "x"),)).on(RESULTS, before) == RESULTS._replace(renewed=frozenset(renewed))
    assert Decided(renewed=((52_911, "x"),)).on(RESULTS, 52_909) == RESULTS


def test_a_result_is_muted_from_the_first_moment_on_until_the_last_one() -> None:
    start = RESULTS.start
    muted, loud = RESULTS._replace(muted=frozenset({"x"})), RESULTS
    for since, until, expected in (
        ("2026-03-01T00:00:00Z", "", muted),
        (start, "2026-03-02T00:00:01Z", muted),
        ("2026-03-01T00:00:00Z", start, loud),
        ("2026-03-02T00:00:01Z", "", loud),
    ):
        assert Decided(muted=(("x", since, until),)).on(RESULTS, 52_909) == expected


def test_other_decisions_differ_from_the_runs_and_times_that_only_one_of_them_has() -> None:
    before = Decided(bad=(1, 2), renewed=((5, ""),), muted=(("x", "2026", ""),))
    now = Decided(bad=(2, 3), renewed=((5, ""), (4, "x")), muted=(("x", "2026", "2027"), ("y", "2025", "")))
    assert now.changes(before) == ([1, 3, 4], ["2025", "2026"])
    assert now.changes(now) == ([], [])


def decision(what: Verb, analysis: str = "kr83m", until: datetime | None = None, **subject: object) -> Decision:
    about = Subject(analysis=analysis, **subject)  # type: ignore[arg-type]
    return Decision(what, about, "ada", MARCH, "we know", until, f"{what}-{analysis}-{until}")


def about_kr83m(*made: Decision) -> Decided:
    return decided_about(made, "kr83m", NOW)


def test_bad_runs_of_the_analysis_and_of_all_analyses_count() -> None:
    every = decision(Verb.BAD_RUN, "", runs=("052911",))
    own, other = (decision(Verb.BAD_RUN, name, runs=(run,)) for name, run in (("kr83m", "052910"), ("veto", "052909")))
    assert about_kr83m(own, every, other) == Decided(bad=(52_910, 52_911))


def test_only_a_new_level_renews_a_variable() -> None:
    expected = decision(Verb.EXPECT, runs=("052910",), variable="x")
    assert about_kr83m(expected, decision(Verb.VETO, runs=("052911",))) == Decided(renewed=((52_910, "x"),))


def test_a_mute_that_is_over_still_covers_its_time() -> None:
    over = decision(Verb.MUTE, until=MARCH + timedelta(days=1), variable="x")
    for_ever = decision(Verb.MUTE, variable="y")
    since = "2026-03-01T00:00:00Z"
    assert about_kr83m(over, for_ever).muted == (("x", since, "2026-03-02T00:00:00Z"), ("y", since, ""))


def test_a_decision_that_is_withdrawn_or_over_counts_no_more() -> None:
    assert about_kr83m(decision(Verb.BAD_RUN, runs=("052910",), until=MARCH + timedelta(days=1))) == Decided()
    bad = decision(Verb.BAD_RUN, runs=("052910",))
    assert about_kr83m(bad, decision(Verb.WITHDRAW, "", decisions=(bad.name,))) == Decided()


def test_decisions_come_back_from_their_file() -> None:
    one = Decided((1,), ((5, "x"),), (("x", "2026", ""),))
    assert Decided.from_json(one.to_json()) == one
