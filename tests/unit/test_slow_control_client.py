"""The client of the slow control against a real https server, good and bad."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_xenonnt import slow_control
from support import scada as bad
from support.scada import NAME, FaultyServer, serving
from xomphysics.slow_control_client import (
    MOST_VALUES,
    AccountError,
    NoAnswer,
    NoValues,
    RetryPolicy,
    SlowControlClient,
    oldest,
    parse,
    read_account,
)

END = int(time.time()) // 1000 * 1000
START = END - 600
QUICK = RetryPolicy(timeout=5, tries=3, wait=0, total=30)
PASSWORD = slow_control.PASSWORD


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultyServer]:
    with serving(tmp_path / "server") as running:
        yield running


def client(server: FaultyServer, retries: RetryPolicy = QUICK) -> SlowControlClient:
    return SlowControlClient(read_account(server.account), retries)


def edited(server: FaultyServer, old: str, new: str) -> Path:
    """The account with something else in it."""
    path = server.account.with_name("edited")
    path.write_text(server.account.read_text().replace(old, new))
    path.chmod(0o600)
    return path


# --- a good server ----------------------------------------------------------------------------------------------------
def test_values_come_with_their_times(server: FaultyServer) -> None:
    found = client(server).values(NAME, START, END)
    assert found.times == [float(t) for t in range(START, END + 1, 10)]
    assert found.values == [t * 617 % 1000 for t in found.times]


def test_raw_values_of_the_run_are_asked_for_with_the_token_of_one_log_in(server: FaultyServer) -> None:
    one = client(server)
    one.values(NAME, START + 0.5, END - 0.5)
    one.values("XE1T.CRY_TT101_PMON.PI", START, END)
    assert server.log.count("log-in") == 1
    query = {key: values[0] for key, values in parse_qs(urlsplit(server.asked()[0]).query).items()}
    assert query == {
        "name": NAME, "StartDateUnix": str(START), "EndDateUnix": str(END), "QueryType": "rawbytime",
    }  # fmt: skip


def test_what_lies_outside_the_run_is_left_out(server: FaultyServer) -> None:
    found = client(server).values(NAME, START + 5, END - 5)
    assert (found.times[0], found.times[-1]) == (START + 10, END - 10)


def test_the_client_imports_neither_strax_nor_numpy() -> None:
    names = "sorted({name.split('.')[0] for name in sys.modules} & {'strax', 'straxen', 'numpy', 'requests'})"
    script = f"import sys; import xomphysics.slow_control_client; print({names})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- more than one page -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("period", [1, 2])
def test_more_values_than_an_answer_holds_come_page_by_page(tmp_path: Path, period: int) -> None:
    begin = END - 2 * MOST_VALUES - 999

    def series(name: str, start: int, end: int) -> bad.Readings:
        return bad.readings(start, end, period)[:MOST_VALUES]

    with serving(tmp_path / "server", series) as server:
        found = client(server).values(NAME, begin, END)
        assert found.times == [float(t) for t in range(-(-begin // period) * period, END + 1, period)]
        assert len(server.asked()) == (3 if period == 1 else 2)


def test_values_of_the_second_at_which_a_page_ends_are_neither_lost_nor_doubled(tmp_path: Path) -> None:
    times = [START + i // 3 for i in range(MOST_VALUES + 500)]

    def series(name: str, start: int, end: int) -> bad.Readings:
        return [{"timestampseconds": t, "value": i} for i, t in enumerate(times) if start <= t <= end][:MOST_VALUES]

    with serving(tmp_path / "server", series) as server:
        found = client(server).values(NAME, START, START + 20_000)
    assert sorted(found.values) == list(range(len(times)))


def test_more_than_a_page_within_one_second_is_no_answer(tmp_path: Path) -> None:
    full = [{"timestampseconds": START, "value": 1}] * MOST_VALUES
    with (
        serving(tmp_path / "server", lambda name, start, end: full) as server,
        pytest.raises(NoAnswer, match="a second"),
    ):
        client(server).values(NAME, START, END)


# --- odd values -------------------------------------------------------------------------------------------------------
def test_a_gap_is_a_gap(tmp_path: Path) -> None:
    def series(name: str, start: int, end: int) -> bad.Readings:
        return [one for one in bad.readings(start, end) if not START + 100 < one["timestampseconds"] < START + 400]

    with serving(tmp_path / "server", series) as server:
        found = client(server).values(NAME, START, END)
    assert max(b - a for a, b in zip(found.times, found.times[1:], strict=False)) == 300


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), None, "Bad Input", True, [1], 10**400])
def test_what_is_no_number_is_counted_and_left_out(tmp_path: Path, odd: object) -> None:
    def series(name: str, start: int, end: int) -> bad.Readings:
        return [*bad.readings(start, end - 10), {"timestampseconds": end, "value": odd}]

    with serving(tmp_path / "server", series) as server:
        found = client(server).values(NAME, START, END)
    assert (len(found.values), found.unreadable) == (60, 1)


def test_numbers_may_be_written_as_text(server: FaultyServer) -> None:
    server.faults = [("GET", bad.text(json.dumps([{"timestampseconds": str(START), "value": "1.5"}])))]
    assert client(server).values(NAME, START, END).values == [1.5]


def test_values_in_disorder_are_put_in_order(server: FaultyServer) -> None:
    rows = [{"timestampseconds": START + t, "value": t} for t in (30, 10, 20)]
    server.faults = [("GET", bad.text(json.dumps(rows)))]
    assert client(server).values(NAME, START, END).values == [10, 20, 30]


def test_no_value_at_all_is_an_empty_answer(server: FaultyServer) -> None:
    server.faults = [("GET", bad.text("[]"))]
    assert client(server).values(NAME, START, END).values == []


# --- refusals ---------------------------------------------------------------------------------------------------------
def test_a_wrong_password_is_one_sentence_without_it(server: FaultyServer) -> None:
    account = read_account(edited(server, PASSWORD, "wr0ng"))
    with pytest.raises(AccountError) as caught:
        SlowControlClient(account, QUICK).values(NAME, START, END)
    assert str(caught.value) == "the slow-control server refuses the log-in"
    assert server.log == ["log-in"]  # once: asking again would lock the account
    assert "wr0ng" not in repr(account)


@pytest.mark.parametrize("answer", [bad.code(401), bad.code(403), bad.text('{"token": "a\\nb"}'), bad.text("[1]")])
def test_a_log_in_without_token_is_refused(server: FaultyServer, answer: bad.Fault) -> None:
    server.faults = [("POST", answer)]
    with pytest.raises(AccountError, match="refuses the log-in"):
        client(server).values(NAME, START, END)


def test_an_unknown_parameter_has_the_servers_words(server: FaultyServer) -> None:
    with pytest.raises(NoValues, match=r"the slow-control server answers: There is no tag XE1T\.GONE"):
        client(server).values("XE1T.GONE", START, END)
    assert len(server.asked()) == 1


def test_an_unknown_parameter_does_not_cost_the_next(server: FaultyServer) -> None:
    one = client(server)
    with pytest.raises(NoValues):
        one.values("XE1T.GONE", START, END)
    assert len(one.values(NAME, START, END).values) == 61


def test_more_than_five_years_ago_is_not_asked_for(server: FaultyServer) -> None:
    with pytest.raises(NoValues, match="older than 5 years"):
        client(server).values(NAME, END - 5.2 * 365.25 * 86400, END - 5.1 * 365.25 * 86400)
    assert server.log == []


@given(st.floats(1.5e9, 4e9))
def test_five_years_end_with_a_month(now: float) -> None:
    assert 5 * 365 * 86400 <= now - oldest(now) <= (5 * 365 + 34) * 86400


def test_a_token_that_has_run_out_is_renewed_once(server: FaultyServer) -> None:
    server.faults = [("GET", bad.code(401))]
    assert len(client(server).values(NAME, START, END).values) == 61
    assert server.log.count("log-in") == 2


# --- no answer --------------------------------------------------------------------------------------------------------
FAULTS = {
    "half an answer": (bad.half, "a truncated answer"),
    "not JSON": (bad.text("<html>"), "not JSON"),
    "a number": (bad.text("5"), "not a list"),
    "no times": (bad.text('[{"value": 1}]'), "without a time"),
    "an error": (bad.code(503), "answers with 503"),
    "too much": (bad.code(429), "answers with 429"),
    "hang up": (bad.hang_up, ""),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_is_forgotten(server: FaultyServer, name: str) -> None:
    server.faults = [("GET", FAULTS[name][0])] * 2
    assert len(client(server).values(NAME, START, END).values) == 61
    assert len(server.asked()) == 3


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays_is_no_answer_after_so_many_tries(server: FaultyServer, name: str) -> None:
    fault, words = FAULTS[name]
    server.faults = [("GET", fault)] * 3
    with pytest.raises(NoAnswer, match=f"^no answer of the slow-control server: .*{words}"):
        client(server).values(NAME, START, END)
    assert len(server.asked()) == 3


@pytest.mark.parametrize("number", [400, 404])
def test_what_will_not_change_is_not_asked_again(server: FaultyServer, number: int) -> None:
    server.faults = [("GET", bad.code(number))]
    with pytest.raises(NoAnswer, match=f"answers with {number}"):
        client(server).values(NAME, START, END)
    assert len(server.asked()) == 1


@pytest.mark.parametrize("slow", [bad.silent, bad.dripping])
def test_a_slow_answer_is_not_waited_for(server: FaultyServer, slow: bad.Fault) -> None:
    server.faults = [("GET", slow)]
    begin = time.monotonic()
    with pytest.raises(NoAnswer, match=r"too long|too slowly"):
        client(server, RetryPolicy(timeout=0.5, tries=1, total=30)).values(NAME, START, END)
    assert time.monotonic() - begin < 5


def test_no_request_begins_after_the_whole_time(server: FaultyServer) -> None:
    with pytest.raises(NoAnswer, match="no time left after 0 s"):
        client(server, RetryPolicy(total=0)).values(NAME, START, END)
    assert server.log == []


def test_the_wait_grows_between_tries(server: FaultyServer) -> None:
    server.faults = [("GET", bad.code(500))] * 4
    waits: list[float] = []
    with pytest.raises(NoAnswer):
        asked = SlowControlClient(read_account(server.account), RetryPolicy(tries=4, wait=2), sleep=waits.append)
        asked.values(NAME, START, END)
    assert waits == [2, 4, 8]


def test_a_redirection_is_not_followed(server: FaultyServer) -> None:
    server.faults = [("GET", bad.elsewhere)]
    with pytest.raises(NoAnswer, match="answers with 302"):
        client(server).values(NAME, START, END)


def test_a_server_that_is_away_is_no_answer(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server:
        account = read_account(server.account)
    with pytest.raises(NoAnswer, match="Connection refused"):
        SlowControlClient(account, QUICK).values(NAME, START, END)


def test_a_certificate_of_somebody_else_is_not_trusted(server: FaultyServer, tmp_path: Path) -> None:
    with serving(tmp_path / "other"):
        path = edited(server, "server/ca.pem", "other/ca.pem")
        with pytest.raises(NoAnswer, match="certificate is not trusted"):
            SlowControlClient(read_account(path), QUICK).values(NAME, START, END)
    assert server.log == []


# --- the account ------------------------------------------------------------------------------------------------------
def test_an_account_that_others_can_read_is_refused(server: FaultyServer) -> None:
    server.account.chmod(0o640)
    with pytest.raises(AccountError, match="can be read by others; run: chmod 600"):
        read_account(server.account)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("straxen_password = ", "other = ", r"lacks straxen_password in the section \[scada\]"),
        ("[scada]", "[RunDB]", "lacks sclogin_url, scdata_url, straxen_username, straxen_password"),
        ("[scada]", "", "is not a configuration file"),
        ("scdata_url = https", "scdata_url = http", "scdata_url has to be an address https"),
        ("sclogin_url = https://", "sclogin_url = https://user:secret@", "sclogin_url has to be an address https"),
    ],
)
def test_an_account_that_cannot_be_used_is_refused_in_words(
    server: FaultyServer, old: str, new: str, words: str
) -> None:
    with pytest.raises(AccountError, match=words) as caught:
        read_account(edited(server, old, new))
    assert "secret" not in str(caught.value)


def test_missing_files_are_one_sentence(server: FaultyServer, tmp_path: Path) -> None:
    with pytest.raises(AccountError, match="gone cannot be read: No such file"):
        read_account(tmp_path / "gone")
    account = read_account(edited(server, "ca.pem", "gone.pem"))
    with pytest.raises(AccountError, match=r"certificates in .*gone.pem cannot be read"):
        SlowControlClient(account, QUICK)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_answer_is_values_or_a_sentence(content: bytes) -> None:
    try:
        values = parse(content)
    except (ValueError, NoValues) as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(values, list)
