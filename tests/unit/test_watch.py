"""The watch for ticks that are missing, and what a person sees who sets messages up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.factory import NOW, settings
from support.mail import address_file
from support.verdicts import alarm, put_alarms
from xomflow.config.model import Config, Notify, Page
from xomflow.core import times
from xomflow.core.errors import ConfigurationError
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.file_lock import exclusive
from xomflow.core.paths import Paths, TickPaths
from xomflow.core.state import State
from xomflow.core.tick_summary import Summary
from xomflow.notify.addresses import Recipient
from xomflow.notify.letter import Letter
from xomflow.notify.matter import Kind
from xomflow.notify.news import Known
from xomflow.notify.settings import NotifySettings
from xomflow.notify.state import Told, write_told
from xomflow.workflow.documents import ReportConfig
from xomflow.workflow.messages import looking, of_tick, watch
from xomflow.workflow.survey_document import SurveyDocument
from xomlib.files import dump_json

HOUR = timedelta(hours=1)


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.chdir(tmp_path)
    return Paths(tmp_path / "work")


def configured(paths: Paths, *urls: str, **changes: Any) -> Config:
    """A configuration, with messages if there is an address."""
    analyses = {"a": {"version": "v1", "contact": "Jane <jane@x.org>"}, "b": {"version": "v1", "contact": "max@x.org"}}
    config = settings(paths.work, analyses={**analyses, "c": {"version": "v1"}})
    if not (urls or changes):
        return config
    file = address_file(paths.work.parent, addresses=list(urls), **changes)
    return config.model_copy(update={"notify": Notify(addresses=file)})


def tick(paths: Paths, began: timedelta, ended: timedelta | None = None) -> TickPaths:
    """A tick of the past, with a summary if it came to its end."""
    files = TickPaths(paths.tick(f"{NOW - began:%Y%m%dT%H%M%S}-vm-1"))
    files.folder.mkdir(parents=True)
    files.lock.touch()
    if ended is not None:
        dump_json(files.summary, Summary(files.folder.name, NOW - began, NOW - ended).to_json())
    return files


def seen(config: Config, longest: timedelta = HOUR, now: timedelta = timedelta()) -> tuple[list[str], ExitCode]:
    return watch.watch(config, longest, NOW + now)


# --- the watch --------------------------------------------------------------------------------------------------------
def test_three_missing_ticks_are_too_many_but_never_less_than_an_hour(paths: Paths) -> None:
    def longest(seconds: float) -> timedelta:
        page = Page.model_construct(interval=seconds)
        return watch.longest_silence(configured(paths).model_copy(update={"page": page}))

    assert [longest(seconds) for seconds in (600.0, 1200.0, 1201.0)] == [HOUR, HOUR, timedelta(seconds=3603)]


def test_a_tick_that_ended_in_time_is_enough(paths: Paths) -> None:
    tick(paths, 2 * HOUR, HOUR)
    tick(paths, HOUR / 2)
    assert seen(configured(paths)) == ([], ExitCode.OK)


def test_a_missing_tick_is_news_once_with_the_reason_of_the_newest(paths: Paths) -> None:
    silence = "no tick has come to its end within 1.0 h: the last one ended 2026-11-22T10:59:59Z"
    look = "look at the timer: xom doctor"
    config = configured(paths)
    first = tick(paths, 2 * HOUR, HOUR + timedelta(seconds=1))
    good = f"the newest tick, {first.folder.name}, was good"
    assert seen(config) == ([silence, good, look], ExitCode.WAITS_FOR_PERSON)
    assert seen(config) == ([silence, good, look], ExitCode.FAILED_RUNS)
    newest = tick(paths, HOUR / 2)
    assert seen(config)[0][1] == f"the newest tick, {newest.folder.name}, has no summary"
    dump_json(newest.trouble, {"sentence": "the disk is full", "exit_code": 6})
    assert seen(config)[0][1] == f"the newest tick, {newest.folder.name}, could not look for work: the disk is full"
    assert seen(config, now=timedelta(days=1))[1] is ExitCode.WAITS_FOR_PERSON


def test_a_site_without_any_tick_is_told_too(paths: Paths) -> None:
    assert seen(configured(paths)) == (
        ["no tick has come to its end within 1.0 h: there was none yet", "look at the timer: xom doctor"],
        ExitCode.WAITS_FOR_PERSON,
    )


def test_the_silence_is_told_to_all_who_get_messages(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []

    def deliver(*given: Any) -> list[str]:
        told.append(given)
        return ["not all"]

    monkeypatch.setattr(watch, "deliver", deliver)
    config = configured(paths, "slack://a/b/c")
    assert seen(config)[0][-1] == "not all"
    ((_, addresses, situation, hour, _),) = told
    assert [one.name for one in addresses.recipients] == ["1 (slack)"]
    assert [(one.kind, one.sentence) for one in situation.matters] == [(Kind.PERSON, seen(config)[0][0])]
    assert (set(situation.looked_at), situation.now, hour) == (set(), NOW, None)
    (paths.work.parent / "addresses.json").chmod(0o644)
    assert seen(config)[0][-1].startswith("notify: no message was sent: notify.addresses: ")


# --- who is told ------------------------------------------------------------------------------------------------------
def test_addresses_are_needed_to_look_at_them(paths: Paths) -> None:
    with pytest.raises(ConfigurationError, match=r"^notify.addresses is not set, so no message can be sent: "):
        looking.addresses_of(configured(paths))
    with pytest.raises(ConfigurationError, match=r"^notify.addresses: .*addresses.json has no address$"):
        looking.addresses_of(configured(paths, heartbeat=""))
    for given in ({"heartbeat": "https://x.org"}, {"contacts": "mailto://x.org"}):
        assert looking.addresses_of(configured(paths, **given))
    assert looking.addresses_of(configured(paths, "slack://a/b/c"))


def test_each_recipient_has_a_line_about_what_was_told(paths: Paths) -> None:
    config = configured(paths, "slack://a/b/c", "mailto://x.org?to=a@b.org", contacts="mailto://x.org")
    known = {
        "one": Known(Kind.ALARM, "it fell", told=NOW),
        "two": Known(Kind.ALARM, "it fell", told=NOW, over=True),
        "three": Known(Kind.ALARM, "it fell"),
        "four": Known(Kind.PERSON, "a job is held", told=NOW),
    }
    told = {"a@b.org": Told(known, "2026-11-21", problem="refused"), "jane@x.org": Told(known)}
    write_told(paths, told)
    assert looking.recipients_now(config) == [
        ("1 (slack)", "0 reported and not over, last digest none", None),
        ("jane@x.org", "2 reported and not over, last digest none", None),
        ("a@b.org", "2 reported and not over, last digest 2026-11-21", "refused"),
    ]


def test_a_test_message_goes_to_recipients_contacts_and_the_heartbeat(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, Letter]] = []
    beats: list[tuple[str, int]] = []
    away = {"max@x.org"}

    def post(to: Recipient, letter: Letter) -> str:
        sent.append((to.name, letter))
        return "refused" if to.name in away else ""

    def beat(address: str, code: int) -> str:
        beats.append((address, code))
        return ""

    monkeypatch.setattr(looking, "beat", beat)
    config = configured(paths, "mailto://x.org?to=jane@x.org", contacts="mailto://x.org", heartbeat="https://x.org")
    assert looking.send_test(config, NOW, post) == (
        [
            ("jane@x.org", "took the message", None),
            ("max@x.org", "no", "refused"),
            ("heartbeat", "answered", None),
        ],
        ExitCode.UNFORESEEN,
    )
    away.clear()
    without = configured(paths, "mailto://x.org?to=jane@x.org")
    assert looking.send_test(without, NOW, post) == ([("jane@x.org", "took the message", None)], ExitCode.OK)
    assert beats == [("https://x.org", 0)]
    assert [name for name, _ in sent] == ["jane@x.org", "max@x.org", "jane@x.org"]
    assert (
        sent[0][1].title == "XOM: a test" and "can reach you. It was asked to try at 2026-11-22T12" in sent[0][1].body
    )


# --- after a tick -----------------------------------------------------------------------------------------------------
Telling = Callable[..., list[Any]]


@pytest.fixture
def telling(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Telling:
    """What would be told after a tick, with exit code 0."""
    told: list[Any] = []
    monkeypatch.setattr(of_tick, "deliver", lambda *given: told.append(given) or ["said"])
    monkeypatch.setattr(times, "now", lambda: NOW)
    monkeypatch.setattr(of_tick, "beat", lambda address, code: "refused" if address.endswith("away") else "")

    def tell(files: TickPaths, heartbeat: str = "", hour: int | None = 6, code: int = 0) -> list[Any]:
        told.clear()
        file = address_file(paths.work.parent, addresses=["slack://a/b/c"], heartbeat=heartbeat)
        said = of_tick.send_about(files, NotifySettings(file, hour, "https://page/"), code)
        assert said == (["said"] if told else [])
        return list(told[0]) if told else []

    return tell


def survey(paths: Paths, files: TickPaths) -> None:
    document = SurveyDocument(ReportConfig.of(configured(paths)), {"a": {State.DONE: 1}}, [], [], [], [], [])
    dump_json(files.survey, document.to_json())


def test_after_a_tick_that_looked_alarms_and_the_digest_are_told(paths: Paths, telling: Telling) -> None:
    files = tick(paths, HOUR, HOUR / 2)
    survey(paths, files)
    _, addresses, situation, hour, _ = telling(files)
    assert [one.name for one in addresses.recipients] == ["1 (slack)"]
    assert (list(situation.matters), set(situation.looked_at), hour) == (
        [],
        {Kind.TROUBLE, Kind.PERSON, Kind.RUNS},
        6,
    )
    assert (situation.now, situation.place) == (NOW, "The page: https://page/")
    put_alarms(paths, alarm(began=times.text(NOW)))
    *_, situation, _, _ = telling(files)
    assert [one.kind for one in situation.matters] == [Kind.ALARM]
    assert set(situation.looked_at) == set(Kind)


def test_after_a_tick_without_a_look_there_are_neither_alarms_nor_a_digest(paths: Paths, telling: Telling) -> None:
    put_alarms(paths, alarm(began=times.text(NOW)))
    _, _, situation, hour, _ = telling(tick(paths, HOUR), code=5)
    assert [one.kind for one in situation.matters] == [Kind.TROUBLE]
    assert (set(situation.looked_at), hour) == ({Kind.TROUBLE}, None)


def test_a_heartbeat_that_does_not_answer_is_trouble(paths: Paths, telling: Telling) -> None:
    files = tick(paths, HOUR, HOUR / 2)
    _, _, situation, _, _ = telling(files, heartbeat="https://x.org/away")
    assert [one.sentence for one in situation.matters] == ["the heartbeat address does not answer: refused"]
    assert list(telling(files, heartbeat="https://x.org")[2].matters) == []


def test_a_tick_that_was_overtaken_or_meets_another_one_that_tells_says_nothing(paths: Paths, telling: Telling) -> None:
    first = tick(paths, HOUR, HOUR / 2)
    with exclusive(paths.telling_lock):
        assert telling(first) == []
    assert telling(first) != []
    tick(paths, HOUR / 2, HOUR / 3)
    assert telling(first) == []
    assert of_tick.send_about(first, NotifySettings(), 0) == []


def test_an_error_costs_the_message_alone(paths: Paths, telling: Telling, monkeypatch: pytest.MonkeyPatch) -> None:
    files = tick(paths, HOUR, HOUR / 2)
    given = NotifySettings(paths.work.parent / "addresses.json")
    telling(files)

    def raising(error: Exception) -> None:
        def fail(*_: Any) -> None:
            raise error

        monkeypatch.setattr(of_tick, "deliver", fail)

    for error, sentence in (
        (ConfigurationError("a sentence"), "a sentence"),
        (OSError(28, "No space left on device", "/x"), "/x: No space left on device; nothing that was done is lost"),
        (KeyError("an address"), "XOM itself failed, KeyError"),
    ):
        raising(error)
        assert of_tick.send_about(files, given, 0) == [f"notify: no message was sent: {sentence}"]


def test_a_digest_that_cannot_be_made_is_replaced_by_a_sentence(
    paths: Paths, telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tick(paths, HOUR, HOUR / 2)
    survey(paths, files)
    make = telling(files)[-1]
    assert make().title.startswith("XOM: the day until 2026-11-22 12:00 UTC: 0 results of runs")
    monkeypatch.setattr("xomflow.workflow.messages.digest.digest_of", lambda *_: 1 / 0)
    words = "the digest of the day could not be made: ZeroDivisionError"
    assert make() == Letter(f"XOM: {words}", f"{words}; xom report --days 1 shows why.")


def test_without_an_address_of_the_page_its_file_is_named(paths: Paths) -> None:
    assert of_tick.place_of(paths, NotifySettings()) == f"The page: {paths.page.absolute()}/index.html"
