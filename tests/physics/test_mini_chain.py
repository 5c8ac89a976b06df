"""The mini-XENONnT with strax: reproducible, resumable, and its truths come back through straxen's own plugins."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow
Facts = dict[str, Any]


@pytest.fixture(scope="session")
def chain(analysis_says: Callable[..., Any]) -> Facts:
    """What `mini_chain.py` found."""
    facts: Facts = analysis_says("mini_chain")
    return facts


def test_a_killed_make_goes_on_and_ends_byte_for_byte_like_an_undisturbed_one(chain: Facts) -> None:
    assert not chain["killed"]["documents"]
    assert chain["same"]


def test_no_worker_outlives_a_killed_make(chain: Facts) -> None:
    assert chain["killed"]["workers"] >= 2
    assert chain["killed"]["alive"] == 0


def test_a_second_make_says_in_one_line_that_there_is_nothing_to_do(chain: Facts) -> None:
    assert chain["again"].count("\n") == 1
    assert "nothing to make" in chain["again"]


def test_lineage_hashes_are_the_same_for_who_makes_and_who_reads_wherever_the_data_are(chain: Facts) -> None:
    made, read, elsewhere = chain["hashes"]
    assert made == read == elsewhere


def test_what_counts_as_complete_is_what_strax_calls_stored(chain: Facts) -> None:
    assert [row for row in chain["availability"] if row["readable"] != row["stored"]] == []
    assert any(row["stored"] for row in chain["availability"])


def test_documents_promise_what_is_stored_except_where_data_never_came(chain: Facts) -> None:
    wrong = {row["run"] for row in chain["availability"] if row["promised"] != row["stored"]}
    assert wrong == {chain["odd"]["old_no_data"]}


@pytest.mark.parametrize("odd", ["partial", "temp", "exception"])
def test_odd_runs_have_event_basics_and_nothing_readable_above(chain: Facts, odd: str) -> None:
    rows = [row for row in chain["availability"] if row["run"] == chain["odd"][odd] and row["stored"]]
    assert {row["type"] for row in rows} == {"peak_basics", "event_basics", "veto_intervals"}


def test_a_run_that_is_taken_has_document_and_data(chain: Facts) -> None:
    assert chain["taken"] == "052824" == chain["last"]["name"]
    assert [tag["name"] for tag in chain["last"]["tags"]] == ["new"]
    stored = {row["type"] for row in chain["availability"] if row["run"] == "052824" and row["stored"]}
    assert "event_info_double" in stored


@pytest.mark.parametrize("name", ["event_info", "events_nv", "events_mv", "veto_intervals"])
def test_true_rates_come_back(chain: Facts, name: str) -> None:
    row = next(row for row in chain["counts"] if row["type"] == name)
    loss = 0.025 if name == "event_info" else 0.0  # pile-up at 8 Hz of krypton
    low, high = row["expected"] * (1 - loss), row["expected"]
    assert low - 4.5 * low**0.5 < row["found"] < high + 4.5 * high**0.5 + 1


@pytest.mark.parametrize("name", ["light_yield_9_4", "light_yield_32_2"])
def test_true_light_yields_come_back(chain: Facts, name: str) -> None:
    found = chain["krypton"][name]
    assert abs(found["mean"] - found["truth"]) < 4.5 * found["error"]
    assert found["error"] / found["truth"] < 0.03


def test_as_many_double_s1s_are_found_as_the_half_life_says(chain: Facts) -> None:
    expected = 4000 * (2 ** (-750 / 156.94) - 2 ** (-2000 / 156.94))
    assert abs(chain["krypton"]["double"] - expected) < 4.5 * expected**0.5


def test_a_reading_context_refuses_to_simulate_and_changes_nothing(chain: Facts) -> None:
    assert "peaks for 052800 not found" in chain["refusal"]["message"]
    assert not chain["refusal"]["changed"]


def test_a_context_leaves_nothing_in_the_working_directory(chain: Facts) -> None:
    assert chain["here"] == []
