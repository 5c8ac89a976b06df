"""Which runs of a tick share a job, in which order, and which go alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from support.factory import key_of
from xomflow.config.model import Batches
from xomflow.planning.queue.batches import Candidate, plan_batches

RULE = Batches(target="30 min", most=500, alone=0, cpus=1)


def candidates(runs: range, *analyses: str, seconds: float = 60.0, needs: str | None = "some") -> list[Candidate]:
    """What a tick takes: the runs of one analysis, newest first, then those of the next one."""
    return [Candidate(key_of(run, name), seconds, needs) for name in analyses for run in reversed(runs)]


def sizes(found: list[list[Candidate]]) -> list[int]:
    return [len(part) for part in found]


def test_few_runs_go_alone_and_one_more_shares_a_job() -> None:
    rule = RULE.model_copy(update={"alone": 12})
    assert plan_batches(candidates(range(12), "a"), rule) == []
    assert sizes(plan_batches(candidates(range(13), "a"), rule)) == [13]


def test_jobs_are_about_equally_long_and_not_longer_than_the_target() -> None:
    assert sizes(plan_batches(candidates(range(31), "a"), RULE)) == [16, 15]
    assert sizes(plan_batches(candidates(range(100), "a"), RULE)) == [25] * 4
    assert sizes(plan_batches(candidates(range(100), "a", seconds=1e-3), RULE)) == [100]
    assert plan_batches(candidates(range(5), "a", seconds=7200.0), RULE) == []


def test_with_more_cpus_a_job_has_more_runs() -> None:
    rule = RULE.model_copy(update={"cpus": 4})
    assert sizes(plan_batches(candidates(range(100), "a"), rule)) == [100]


def test_no_job_has_more_runs_than_allowed_and_with_one_there_are_no_batches() -> None:
    few = RULE.model_copy(update={"most": 40})
    assert sizes(plan_batches(candidates(range(100), "a", seconds=1.0), few)) == [34, 34, 32]
    assert plan_batches(candidates(range(100), "a"), RULE.model_copy(update={"most": 1})) == []


def test_all_analyses_of_a_run_follow_each_other_and_the_newest_run_is_first() -> None:
    (batch,) = plan_batches(candidates(range(1, 5), "a", "b", seconds=1.0), RULE)
    assert [(one.key.analysis, int(one.key.run)) for one in batch] == [
        (name, run) for run in (4, 3, 2, 1) for name in ("a", "b")
    ]


def test_a_run_has_the_place_of_the_analysis_that_puts_it_first() -> None:
    taken = [*candidates(range(1, 4), "a"), *candidates(range(1, 2), "b")]
    (batch,) = plan_batches(taken, RULE)
    assert [int(one.key.run) for one in batch] == [3, 1, 1, 2]


def test_runs_of_other_needs_are_in_other_jobs_and_what_goes_alone_is_in_none() -> None:
    taken = [
        *candidates(range(1, 4), "a"),
        *candidates(range(1, 4), "b", needs="more memory"),
        *candidates(range(1, 4), "c", needs=None),
        *candidates(range(1, 2), "d", needs="nobody else has these"),
    ]
    found = plan_batches(taken, RULE)
    assert [{one.key.analysis for one in batch} for batch in found] == [{"a"}, {"b"}]
    assert sizes(found) == [3, 3]


@given(st.lists(st.floats(0.01, 5000.0), min_size=1, max_size=60), st.integers(1, 20), st.integers(1, 4))
def test_each_run_is_in_one_job_at_most_and_none_is_left_out_of_a_long_row(
    seconds: list[float], most: int, cpus: int
) -> None:
    taken = [Candidate(key_of(run), length, 0) for run, length in enumerate(seconds)]
    found = plan_batches(taken, RULE.model_copy(update={"most": most, "cpus": cpus}))
    keys = [one.key for batch in found for one in batch]
    assert keys == [one.key for one in taken if one.key in set(keys)]
    assert all(1 < len(batch) <= most for batch in found)
    # A job is longer than the target by its last run at most.
    assert all(sum(one.seconds for one in batch[:-1]) <= 1800 * cpus * (1 + 1e-6) for batch in found)
