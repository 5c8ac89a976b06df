"""Messages reach a real mail server, and what it refuses is told plainly and without a secret."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from support.mail import PASSWORD, MailServer, mail_server
from xomflow.notify import post
from xomflow.notify.addresses import Recipient
from xomflow.notify.letter import Letter
from xomflow.notify.post import clean, send

LETTER = Letter(
    "XOM: Ausbeute fiel um 3 σ", "Die Lichtausbeute fiel um 3 σ: 10.24 → 9.91 PE/keV, ±0.02\n- ein ‘Test’\n"
)


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(server: MailServer) -> None:
    server.mails.clear()
    server.refused.clear()
    server.hangs = server.away = False


def to(url: str) -> Recipient:
    return Recipient("1 (mailto)", url)


def test_a_message_arrives_with_all_its_characters(server: MailServer) -> None:
    assert send(to(server.url("jane@example.org")), LETTER) == ""
    (mail,) = server.mails
    assert (mail.to, mail.title) == (["jane@example.org"], LETTER.title)
    assert mail.body.split() == LETTER.body.split()
    assert mail.headers["From"] == "xom@example.org"


def test_a_wrong_password_is_told_without_it(server: MailServer) -> None:
    problem = send(to(server.url("jane@example.org", password="Wr0ng%2Fpassword")), LETTER)
    assert "535" in problem and "credentials invalid" in problem
    assert "Wr0ng" not in problem and PASSWORD not in problem


def test_a_refused_recipient_is_named_with_the_reason(server: MailServer) -> None:
    server.refused.add("gone@example.org")
    problem = send(to(server.url("gone@example.org")), LETTER)
    assert "gone@example.org" in problem and "no such user here" in problem


def test_a_server_that_takes_nothing_now_is_told(server: MailServer) -> None:
    server.away = True
    assert "try again later" in send(to(server.url("jane@example.org")), LETTER)


def test_a_server_that_never_answers_costs_the_time_limit(server: MailServer) -> None:
    server.hangs = True
    assert "timed out" in (problem := send(to(server.url("jane@example.org")), LETTER, 0.3)) or "0 s" in problem


def test_what_no_time_limit_of_a_server_ends_is_ended_and_the_alarm_of_others_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(post, "_send", lambda *_: threading.Event().wait(20))
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        assert send(to("mailto://x"), LETTER, 0.01) == "no answer within 0 s"
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_an_error_of_a_service_is_told_in_one_short_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise KeyError("no\n such " + "thing " * 50)

    monkeypatch.setattr(post, "_send", fail)
    problem = send(to("mailto://x"), LETTER)
    assert problem.startswith("KeyError: 'no") and problem.endswith("...") and len(problem) == 200
    assert logging.getLogger("apprise").handlers == []
    assert len(clean("x" * 200, "mailto://x")) == 200 and clean("x" * 200, "mailto://x")[-1] == "x"


def test_a_secret_of_six_letters_is_hidden_within_words_too() -> None:
    assert clean("abcdef1 abcde1 abcde", "mailto://x:abcdef@h") == "***1 abcde1 abcde"
    assert clean("abcdef1 abcde1 abcde", "mailto://x:abcde@h") == "abcdef1 abcde1 ***"


def test_of_a_secret_that_begins_with_another_nothing_is_left() -> None:
    assert clean("no abcdefg-hijk", "slack://abcdefg/abcdefg-hijk") == "no ***"
    assert clean("no query-token", "mmosts://chat.example.org/abcd?token=query-token&a=b") == "no ***"


def test_the_reason_is_the_first_warning_and_goes_to_no_other_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(to: Recipient, _: Letter, notes: post._Notes) -> str:
        logging.getLogger("apprise").debug("payload with the token")
        logging.getLogger("apprise").warning("no such room")
        return post._reason(notes, to.url)

    monkeypatch.setattr(post, "_send", refuse)
    caplog.set_level(logging.DEBUG)
    logging.getLogger("apprise").propagate = True
    assert (send(to("slack://x"), LETTER), caplog.records) == ("no such room", [])
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_server_that_is_not_there_is_told() -> None:
    with socket.create_server(("localhost", 0)) as closed:
        port = closed.getsockname()[1]
    problem = send(to(f"mailto://xom:secret-word@localhost:{port}/?from=a@example.org&to=b@example.org"), LETTER)
    assert "refused" in problem.lower() and "secret-word" not in problem


def test_an_address_that_apprise_does_not_take_is_told_with_its_reason() -> None:
    problem = send(to("mailto://xom:secret-word@127.0.0.1/?from=a@b.c&to=jane@example.org"), LETTER)
    assert problem.startswith("apprise does not understand the address: ") and "secret-word" not in problem


@pytest.mark.parametrize("url", ["mailto://xom:pa#ss-1234@host.example.org", "mailto://xom:pa/ss-1234@h.example.org"])
def test_an_address_that_is_not_encoded_shows_nothing_either(url: str) -> None:
    assert "ss-1234" not in clean(f"Unparseable E-Mail URL {url}", url)


def test_an_address_that_apprise_does_not_know_is_told() -> None:
    assert send(to("nothing://token-1234"), LETTER) == "apprise does not understand the address"


@pytest.mark.parametrize(
    "url",
    [
        "slack://xoxb-1234-token/T1234567/secret7",
        "mmosts://chat.example.org/abcdefgh1234?token=query-token",
        "json://account:word@host.example.org/path-token",
    ],
)
def test_no_part_of_an_address_is_left_in_a_text(url: str) -> None:
    words = [one for one in url.replace("://", "/").replace("@", "/").replace("?", "/").split("/")[1:] if one]
    found = clean(f"cannot call {url} or {' '.join(words)}", url)
    assert not any(word in found for word in words), found


def test_a_word_that_happens_to_be_a_short_secret_spares_other_words() -> None:
    assert clean("xomflow, xom and pw", "mailto://xom:pw@localhost") == "xomflow, xom and ***"
