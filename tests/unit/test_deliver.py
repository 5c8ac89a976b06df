"""Each recipient is told the news once, whatever is killed when and whichever server is away."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from support.factory import NOW, settings
from support.in_process import in_fork
from support.mail import address_file
from xomflow.core.paths import Paths
from xomflow.notify import deliver as module
from xomflow.notify.addresses import Addresses, Recipient, read_addresses
from xomflow.notify.deliver import Situation, deliver, digest_day
from xomflow.notify.letter import Letter
from xomflow.notify.matter import Kind, Matter, of_persons
from xomflow.notify.settings import NotifySettings
from xomflow.notify.state import read_told

ALL = set(Kind)
JANE, MAX = Recipient("jane@example.org", "mailto://jane"), Recipient("2 (slack)", "slack://token")
MORNING = NOW.replace(hour=6, minute=0, second=0, microsecond=0)


@dataclass
class Post:
    """Takes messages in the place of servers."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    tried: list[str] = field(default_factory=list)

    def __call__(self, to: Recipient, letter: Letter) -> str:
        self.tried.append(to.name)
        if to.name in self.away:
            return "Connection refused"
        self.sent.append((to.name, f"{letter.title}\n{letter.body}"))
        return ""

    def names(self) -> list[str]:
        names = [name for name, _ in self.sent]
        self.sent.clear()
        return names


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def say(
    paths: Paths,
    post: Post,
    matters: Collection[Matter] = (),
    now: datetime = NOW,
    recipients: tuple[Recipient, ...] = (JANE, MAX),
    hour: int | None = None,
    contacts: str = "",
) -> list[str]:
    situation = Situation(matters, ALL, now, "The page: here")
    made = Letter("XOM: the day", "the digest")
    return deliver(paths, Addresses(recipients, contacts), situation, hour, lambda: made, post)


def suspended(contact: str = "") -> list[Matter]:
    asked = f"; contact: {contact}" if contact else ""
    return of_persons([f"analyses.kr83m is suspended{asked}"], NOW)


def test_everyone_is_told_once(paths: Paths) -> None:
    post = Post()
    assert say(paths, post, suspended()) == say(paths, post, suspended()) == []
    assert post.names() == ["jane@example.org", "2 (slack)"]
    say(paths, post)
    assert post.names() == ["jane@example.org", "2 (slack)"]


def test_a_recipient_who_could_not_be_reached_is_told_later_and_the_others_not_again(paths: Paths) -> None:
    post = Post(away={"jane@example.org"})
    (line,) = say(paths, post, suspended())
    assert line == (
        "notify: 1 recipients were not reached, jane@example.org: Connection refused; the next tick tries again"
    )
    assert post.names() == ["2 (slack)"]
    post.away.clear()
    assert say(paths, post, suspended()) == []
    assert post.names() == ["jane@example.org"]


def test_one_whose_server_failed_comes_last(paths: Paths) -> None:
    post = Post(away={"jane@example.org"})
    say(paths, post, suspended())
    say(paths, post, [*suspended(), *of_persons(["another"], NOW)])
    assert post.tried == ["jane@example.org", "2 (slack)", "2 (slack)", "jane@example.org"]


def test_a_tick_does_not_wait_for_all_of_many_slow_servers(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    post = Post()
    monkeypatch.setattr(module, "_LONGEST_ALL", -1.0)
    (line,) = say(paths, post, suspended())
    assert "2 recipients were not reached" in line and "others took too long" in line and post.tried == []
    monkeypatch.undo()
    assert say(paths, post, suspended()) == [] and len(post.sent) == 2


def killed_while_sending(paths: Paths, **options: object) -> None:
    def die(to: Recipient, letter: Letter) -> str:
        (paths.work / "taken").write_text(letter.body)
        os.kill(os.getpid(), 9)
        return ""

    assert in_fork(lambda: len(say(paths, die, **options)), paths.work).returncode == -9  # type: ignore[arg-type]


def test_a_kill_between_the_servers_answer_and_the_note_repeats_a_message_that_owns_up_to_it(paths: Paths) -> None:
    killed_while_sending(paths, matters=suspended(), recipients=(JANE,))
    post = Post()
    say(paths, post, suspended(), recipients=(JANE,))
    ((_, text),) = post.sent
    assert "you may know some of this" in text and "is suspended" in text
    say(paths, post, suspended(), recipients=(JANE,))
    assert len(post.sent) == 1


def test_the_digest_is_sent_at_most_once_a_day_whatever_is_killed(paths: Paths) -> None:
    say(paths, Post(), now=MORNING, recipients=(JANE,), hour=6)
    killed_while_sending(paths, now=MORNING + timedelta(days=1), recipients=(JANE,), hour=6)
    assert (paths.work / "taken").read_text().startswith("the digest")
    post = Post()
    say(paths, post, now=MORNING + timedelta(days=1, minutes=10), recipients=(JANE,), hour=6)
    assert post.names() == []


def test_the_digest_comes_once_a_day_also_when_there_was_no_tick_at_its_hour(paths: Paths) -> None:
    post, days = Post(), []
    ticks = [*range(0, 60), *range(100, 200, 7)]  # none for forty hours
    for hours in ticks:
        now = MORNING - timedelta(hours=2) + timedelta(hours=hours)
        say(paths, post, now=now, recipients=(JANE,), hour=6)
        days += [hours] * len(post.names())
    # At six on the first day, at six on two more days, then at the first tick after the gap, and each day.
    assert days == [2, 26, 50, 100, 128, 149, 170, 198]


def test_a_digest_that_takes_too_long_to_make_is_not_made_again(paths: Paths) -> None:
    say(paths, Post(), now=MORNING, hour=6, recipients=(JANE,))
    situation = Situation((), ALL, MORNING + timedelta(days=1), "")

    def die() -> Letter:
        os.kill(os.getpid(), 9)
        raise AssertionError

    killed = in_fork(lambda: len(deliver(paths, Addresses((JANE,)), situation, 6, die, Post())), paths.work)
    assert killed.returncode == -9
    post = Post()
    say(paths, post, now=MORNING + timedelta(days=1, minutes=10), hour=6, recipients=(JANE,))
    assert post.names() == []


def test_a_digest_that_did_not_arrive_is_sent_later(paths: Paths) -> None:
    post = Post()
    say(paths, post, now=MORNING, hour=6, recipients=(JANE,))
    post.away = {"jane@example.org"}
    say(paths, post, now=MORNING + timedelta(days=1), hour=6, recipients=(JANE,))
    post.away = set()
    say(paths, post, now=MORNING + timedelta(days=1, minutes=10), hour=6, recipients=(JANE,))
    assert post.names() == ["jane@example.org"]


def test_news_and_digest_are_one_message(paths: Paths) -> None:
    post = Post()
    say(paths, post, now=MORNING, hour=6, recipients=(JANE,))
    say(paths, post, suspended(), now=MORNING + timedelta(days=1), hour=6, recipients=(JANE,))
    ((_, text),) = post.sent
    assert text.startswith("XOM: analyses.kr83m is suspended") and "the digest" in text


def test_one_who_is_new_gets_the_news_without_the_digest_of_the_others(paths: Paths) -> None:
    post = Post()
    say(paths, post, now=MORNING, hour=6, recipients=(JANE,))
    say(paths, post, suspended(), now=MORNING + timedelta(days=1), hour=6)
    assert [(name, "the digest" in text) for name, text in post.sent] == [(JANE.name, True), (MAX.name, False)]


def test_news_without_digests_leave_the_day_of_the_last_one(paths: Paths) -> None:
    post = Post()
    say(paths, post, now=MORNING, hour=6, recipients=(JANE,))
    say(paths, post, suspended(), now=MORNING, recipients=(JANE,))
    ((_, text),) = post.sent
    assert "the digest" not in text and post.names() == [JANE.name]
    say(paths, post, suspended(), now=MORNING + timedelta(days=1), hour=6, recipients=(JANE,))
    ((_, text),) = post.sent
    assert "the digest" in text


def test_the_days_of_digests_go_on_through_ticks_without_news(paths: Paths) -> None:
    post = Post()
    for now, hour in ((MORNING, 6), (MORNING, None), (MORNING + timedelta(days=1), 6)):
        say(paths, post, now=now, hour=hour, recipients=(JANE,))
    assert post.names() == [JANE.name]


def test_digests_that_are_switched_on_begin_the_next_day_without_news_too(paths: Paths) -> None:
    post = Post()
    for days, hour in ((0, None), (0, 6), (1, 6)):
        say(paths, post, suspended(), MORNING + timedelta(days=days), (JANE,), hour)
    assert ["the digest" in text for _, text in post.sent] == [False, True]


def test_the_first_digest_comes_the_day_after_they_were_switched_on(paths: Paths) -> None:
    post = Post()
    say(paths, post, suspended(), now=MORNING, recipients=(JANE,))
    say(paths, post, now=MORNING, hour=6, recipients=(JANE,))
    assert [("the digest" in text) for _, text in post.sent] == [False, False]
    say(paths, post, now=MORNING + timedelta(days=1), hour=6, recipients=(JANE,))
    assert post.sent[2:] and "the digest" in post.sent[2][1]


def test_the_digest_is_made_once_for_all(paths: Paths) -> None:
    made: list[Letter] = []

    def make() -> Letter:
        made.append(Letter("XOM: the day", "the digest"))
        return made[-1]

    post = Post()
    for days in range(2):
        situation = Situation((), ALL, MORNING + timedelta(days=days), "here")
        deliver(paths, Addresses((JANE, MAX)), situation, 6, make, post)
    assert (post.names(), len(made)) == ([JANE.name, MAX.name], 1)


def test_only_mail_addresses_are_contacts(paths: Paths) -> None:
    post, contacts = Post(), "mailto://xom:pw@mail.example.org"
    say(paths, post, suspended(), contacts=contacts)
    post.tried.clear()
    say(paths, post, recipients=(JANE,), contacts=contacts)
    assert post.tried == [JANE.name]


def test_settings_are_handed_on_as_they_are() -> None:
    for one in (NotifySettings(), NotifySettings(Path("/a"), 6, "https://x/", {"kr83m": "jane"})):
        assert NotifySettings.from_json(json.loads(json.dumps(one.to_json()))) == one
    analyses = {"kr83m": {"version": "v1", "contact": "jane"}, "daq": {"version": "v1"}}
    assert NotifySettings.of(settings(analyses=analyses)).contacts == {"kr83m": "jane"}


def test_one_who_is_no_recipient_any_more_is_forgotten(paths: Paths) -> None:
    say(paths, Post(), suspended())
    assert set(read_told(paths)) == {JANE.name, MAX.name}
    say(paths, Post(), suspended(), recipients=(MAX,))
    assert set(read_told(paths)) == {MAX.name}


def test_a_message_is_begun_until_the_time_is_over(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 45.0, 45.1])
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    post = Post()
    (line,) = say(paths, post, suspended())
    assert line == ("notify: 1 recipients were not reached, 2 (slack): others took too long; the next tick tries again")
    assert (post.names(), read_told(paths)[MAX.name].problem) == ([JANE.name], "others took too long")


def test_the_contact_of_an_analysis_is_told_only_about_it(paths: Paths) -> None:
    post = Post()
    matters = [*suspended("max@example.org"), *of_persons(["a job is held"], NOW)]
    say(paths, post, matters, recipients=(JANE,), contacts="mailto://xom:pw@mail.example.org?from=xom@example.org")
    (_, everything), (name, own) = post.sent
    assert name == "max@example.org" and "is suspended" in own and "job is held" not in own
    assert "job is held" in everything
    post.sent.clear()
    say(paths, post, recipients=(JANE,), contacts="mailto://xom:pw@mail.example.org?from=xom@example.org")
    assert post.names() == ["jane@example.org", "max@example.org"]
    say(paths, post, recipients=(JANE,), contacts="mailto://xom:pw@mail.example.org?from=xom@example.org")
    assert set(read_told(paths)) == {JANE.name}, "a contact about whom nothing is known is forgotten"


def test_contacts_get_no_digest(paths: Paths) -> None:
    post = Post()
    for days in range(2):
        now = MORNING + timedelta(days=days)
        say(
            paths, post, suspended("max@example.org"), now, (JANE,), hour=6, contacts="mailto://xom:pw@mail.example.org"
        )
    assert [name for name, text in post.sent if "the digest" in text] == [JANE.name]


def test_what_is_not_due_is_not_made(paths: Paths) -> None:
    situation = Situation(suspended(), ALL, NOW, "here")
    assert deliver(paths, Addresses((JANE,)), situation, None, lambda: pytest.fail("a digest was made"), Post()) == []


def test_nothing_is_written_where_there_is_nothing_to_tell(paths: Paths) -> None:
    say(paths, Post())
    assert not paths.told.exists()
    say(paths, Post(), suspended())
    before = paths.told.stat()
    say(paths, Post(), suspended())
    assert paths.told.stat() == before


def test_a_contact_who_gets_everything_is_told_once(paths: Paths) -> None:
    post = Post()
    say(paths, post, suspended("jane@example.org"), recipients=(JANE,), contacts="mailto://xom:pw@mail.example.org")
    assert post.names() == ["jane@example.org"]


def test_what_is_kept_has_no_secret(paths: Paths, tmp_path: Path) -> None:
    urls = ["slack://tokenA-secret/tokenB/tokenC", "mailtos://xom:pa55@mail.example.org?to=a@b.org,c@d.org"]
    others = {"contacts": "mailtos://xom:pa55@mail.example.org", "heartbeat": "https://pings.example.org/tokenC"}
    addresses = read_addresses(address_file(tmp_path, addresses=urls, **others))
    situation = Situation(suspended("max@example.org"), ALL, NOW, "")
    deliver(paths, addresses, situation, None, lambda: Letter("", ""), Post(away={"a@b.org"}))
    text = paths.told.read_text()
    assert all(name in text for name in ("1 (slack)", "a@b.org", "c@d.org", "max@example.org"))
    assert not any(secret in text + repr(addresses) for secret in ("tokenA", "tokenB", "tokenC", "pa55"))


def test_on_a_full_disk_nothing_is_sent(paths: Paths) -> None:
    paths.cache.write_text("no folder")
    post = Post()
    with pytest.raises(OSError, match="cache"):
        say(paths, post, suspended())
    assert post.sent == []


@pytest.mark.parametrize(("hour", "day"), [(None, ""), (6, "2026-11-27"), (5, "2026-11-28"), (0, "2026-11-28")])
def test_the_day_of_a_digest_begins_at_its_hour(hour: int | None, day: str) -> None:
    assert digest_day(hour, datetime(2026, 11, 28, 5, 30, tzinfo=NOW.tzinfo)) == day
