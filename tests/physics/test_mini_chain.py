"""The mini-XENONnT with strax: reproducible, resumable, and straxen's own plugins find its truths.

On the small set of the test session, and on sets that are made here, one of them with a kill -9 in between.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.nightly]
Found = dict[str, Any]


@pytest.fixture(scope="session")
def large(run_script: Callable[..., Any], analysis_python: Path) -> Found:
    """Return what `mini_chain.py` prints."""
    found: Found = run_script("mini_chain", python=analysis_python)
    return found


@pytest.fixture(scope="session", params=["small", "large"])
def chain(request: pytest.FixtureRequest) -> Found:
    """Return what was found in the small set, and in those that are made here."""
    found: Found = (
        request.getfixturevalue("large") if request.param == "large" else request.getfixturevalue("small_set")("mini")
    )
    return found


def test_data_that_are_made_again_are_the_same_byte_for_byte(small_set: Any) -> None:
    assert small_set("mini")["same"] == dict.fromkeys(("peak_basics", "veto_intervals", "events_mv"), True)


def test_a_killed_make_goes_on_and_ends_byte_for_byte_like_an_undisturbed_one(large: Found) -> None:
    assert not large["killed"]["documents"]
    assert large["same"]


def test_no_worker_outlives_a_killed_make(large: Found) -> None:
    assert large["killed"]["workers"] >= 2
    assert large["killed"]["alive"] == 0


def test_a_second_make_reports_in_one_line_that_there_is_nothing_to_do(large: Found) -> None:
    assert large["again"].count("\n") == 1
    assert "nothing to make" in large["again"]


def test_lineage_hashes_are_the_same_for_making_and_reading_in_any_folder(chain: Found) -> None:
    made, read, elsewhere = chain["hashes"]
    assert made == read == elsewhere


def test_what_counts_as_complete_is_what_strax_calls_stored(chain: Found) -> None:
    assert [row for row in chain["availability"] if row["readable"] != row["stored"]] == []
    assert any(row["stored"] for row in chain["availability"])


def test_documents_promise_what_is_stored_except_where_data_never_came(chain: Found) -> None:
    wrong = {row["run"] for row in chain["availability"] if row["promised"] != row["stored"]}
    assert wrong == {chain["odd"]["old_no_data"]}


@pytest.mark.parametrize("odd", ["partial", "temp", "exception"])
def test_odd_runs_have_event_basics_and_nothing_readable_above(chain: Found, odd: str) -> None:
    rows = [row for row in chain["availability"] if row["run"] == chain["odd"][odd] and row["stored"]]
    assert {row["type"] for row in rows} == {"peak_basics", "online_peak_monitor", "event_basics", "veto_intervals"}


def test_a_run_that_is_taken_has_document_and_data(large: Found) -> None:
    assert large["taken"] == "052824" == large["last"]["name"]
    assert [tag["name"] for tag in large["last"]["tags"]] == ["new"]
    stored = {row["type"] for row in large["availability"] if row["run"] == "052824" and row["stored"]}
    assert "event_info_double" in stored


@pytest.mark.parametrize("name", ["event_info", "events_nv", "events_mv", "veto_intervals"])
def test_rates_agree_with_the_truths(chain: Found, name: str) -> None:
    row = next(row for row in chain["counts"] if row["type"] == name)
    loss = 0.025 if name == "event_info" else 0.0  # pile-up at 8 Hz of krypton
    low, high = row["expected"] * (1 - loss), row["expected"]
    assert low - 4.5 * low**0.5 < row["found"] < high + 4.5 * high**0.5 + 1


@pytest.mark.parametrize("name", ["light_yield_9_4", "light_yield_32_2"])
def test_light_yields_agree_with_the_truths(large: Found, name: str) -> None:
    found = large["krypton"][name]
    assert abs(found["mean"] - found["truth"]) < 4.5 * found["error"]
    assert found["error"] / found["truth"] < 0.03


def test_the_number_of_double_s1s_agrees_with_the_half_life(large: Found) -> None:
    expected = 4000 * (2 ** (-750 / 156.94) - 2 ** (-2000 / 156.94))
    assert abs(large["krypton"]["double"] - expected) < 4.5 * expected**0.5


def test_a_reading_context_refuses_to_simulate_and_changes_nothing(chain: Found) -> None:
    assert "peaks for 052800 not found" in chain["refusal"]["message"]
    assert not chain["refusal"]["changed"]


def test_a_context_leaves_nothing_in_the_working_directory(chain: Found) -> None:
    assert chain["here"] == []
