"""When science runs were, from their ranges of run numbers and the documents of the runs."""

from __future__ import annotations

from datetime import timedelta

from support.factory import NOW, run
from xomflow.config.model import ScienceRun
from xomflow.core import times
from xomflow.planning.runs.science_runs import ScienceRunTimes, Span, join_spans, spans_of, times_of
from xomflow.rundb.run import Run

# One run a day that takes an hour, the first at NOW.
DAYS = {number: NOW + timedelta(days=number - 52001) for number in range(52001, 52007)}


def runs(*numbers: int, going_on: int | None = None) -> dict[int, Run]:
    made = {}
    for number in numbers or DAYS:
        end = None if number == going_on else DAYS[number] + timedelta(hours=1)
        made[number] = run(number)._replace(start=DAYS[number], end=end)
    return made


def science_run(name: str, first: int, last: int | None = None) -> ScienceRun:
    return ScienceRun(name=name, min_run=first, max_run=last)


def found_times(blocks: list[ScienceRun], known: dict[int, Run]) -> list[ScienceRunTimes]:
    """The times from spans that were found among the runs one by one."""
    spans: dict[str, Span] = {}
    for one in known.values():
        join_spans(spans, spans_of(blocks, [one]))
    assert spans == spans_of(blocks, known.values())
    return times_of(blocks, spans)


def start(number: int) -> str:
    return times.text(DAYS[number])


def end(number: int) -> str:
    return times.text(DAYS[number] + timedelta(hours=1))


def test_it_lasts_from_the_start_of_its_first_run_to_the_end_of_its_last() -> None:
    assert found_times([science_run("SR0", 52002, 52004)], runs()) == [ScienceRunTimes("SR0", start(52002), end(52004))]


def test_runs_that_are_not_known_leave_its_known_runs() -> None:
    found = found_times([science_run("SR0", 52001, 52006)], runs(52005, 52003))
    assert found == [ScienceRunTimes("SR0", start(52003), end(52005))]


def test_without_a_last_run_it_has_no_end() -> None:
    assert found_times([science_run("SR1", 52005)], runs()) == [ScienceRunTimes("SR1", start(52005), None)]


def test_it_has_no_end_while_a_run_of_it_goes_on() -> None:
    found = found_times([science_run("SR0", 52002, 52004)], runs(going_on=52004))
    assert found == [ScienceRunTimes("SR0", start(52002), None)]


def test_without_a_known_run_it_is_left_out() -> None:
    blocks = [science_run("SR2", 53000), science_run("SR1", 52005, 52006), science_run("old", 1, 10)]
    assert [one.name for one in found_times(blocks, runs())] == ["SR1"]


def test_they_come_in_the_order_of_their_runs() -> None:
    blocks = [science_run("late", 52004), science_run("early", 52001, 52003)]
    assert [one.name for one in found_times(blocks, runs())] == ["early", "late"]


def test_times_that_do_not_follow_the_numbers_are_all_inside() -> None:
    known = runs(52001, 52002)
    known[52001], known[52002] = (
        known[52001]._replace(start=DAYS[52004], end=DAYS[52005]),
        known[52002]._replace(start=DAYS[52002], end=DAYS[52003]),
    )
    found = found_times([science_run("SR0", 52001, 52002)], known)
    assert found == [ScienceRunTimes("SR0", start(52002), start(52005))]
