"""Ticks tell people, through a real mail server, and never depend on it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from page_browser import chromium

from support.forked_steps import use_forks
from support.in_process import FastSite, in_fork
from support.mail import PASSWORD, MailServer, address_file, mail_server
from support.patience import PATIENCE
from support.site import Site, document
from support.verdicts import alarm, put_alarms, put_bands
from support.web import WebServer, web_server
from xomflow.config.load import load_configuration
from xomflow.core import times
from xomflow.core.verdicts import HowEnded, Mark, SeriesId, Verdict
from xomflow.workflow.messages.start import send_messages

BAD = "raise KeyError('no peak')"
GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1, unit='PE').save()"
VALUE = (
    "xomlib.Xomresult(variable_name='light_yield_9_4', variable_value=10.25, unit='PE/keV').save()\n"
    "xomlib.Xomresult(variable_name='other', variable_value=1, unit='PE').save()"
)


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Load apprise and its services once, and not for each message: it takes half a second."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import apprise

        assert apprise.Apprise.instantiate("mailto://a:b@127.0.0.1/?from=a@b.org&to=c@b.org")


@pytest.fixture(scope="module")
def mails() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(mails: MailServer) -> None:
    mails.mails.clear()
    mails.refused.clear()
    mails.hangs = mails.away = False


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as found:
        yield found


def recent(number: int, **changes: Any) -> dict[str, Any]:
    """A run that ended an hour ago."""
    end = datetime.now(UTC) - timedelta(hours=1)
    moments = {"start": end - timedelta(minutes=50), "end": end}
    return document(
        number, **{name: {"$date": f"{one:%Y-%m-%dT%H:%M:%SZ}"} for name, one in moments.items()}, **changes
    )


def telling(site: Site, mails: MailServer, **more: Any) -> None:
    path = address_file(site.folder, addresses=[mails.url("shift@example.org")], **more)
    site.tree["notify"] = {"addresses": str(path), "digest_hour": None}


def giving_up(site: Site) -> None:
    """Let an analysis give up on a run, which is news."""
    site.tree["retries"] = {"attempts": 1}
    site.analysis("broken", BAD)
    site.runs([recent(52001)])


def make_digest_due(site: FastSite) -> None:
    kept = json.loads(site.paths.told.read_text())
    kept["shift@example.org"]["digest"] = "2026-01-01"
    site.paths.told.write_text(json.dumps(kept))


def told(site: FastSite) -> str:
    """Let the newest tick tell people once more, of what lies there now; return what it prints."""

    def tell() -> None:
        use_forks()
        send_messages(load_configuration(Path("config.yaml")), site.ticks()[-1], 0)

    return in_fork(tell, site.folder).stderr


def test_an_alarm_reaches_people_when_it_begins_and_when_it_ends(site: FastSite, mails: MailServer) -> None:
    telling(site, mails)
    site.tick()
    put_alarms(site.paths, alarm())
    assert told(site) == told(site) == ""
    (text,) = mails.texts_to("shift@example.org")
    assert text.startswith("XOM: light_yield_9_4 fell from 10.24 to 9.91 PE/keV (4.9 σ)")
    assert f"The page: {site.paths.page.absolute()}/index.html" in text
    over = alarm(ended=times.text(times.now()), how_ended=HowEnded.RETURNED, sentence="light_yield_9_4 is back")
    put_alarms(site.paths, over)
    told(site)
    assert mails.mails[1].title == "XOM: over: light_yield_9_4 is back [kr83m-v1-052894]"


@pytest.mark.slow
def test_a_suspension_reaches_everyone_and_the_contact_of_its_analysis(site: FastSite, mails: MailServer) -> None:
    telling(site, mails, contacts=mails.url())
    site.analysis("broken", BAD, contact="jane@example.org")
    site.analysis("other", GOOD, contact="max@example.org")
    site.runs(map(recent, range(52001, 52012)))
    site.tick_in_another_second()
    assert mails.mails == []  # the tick that fails cannot see it yet
    site.tick_in_another_second()
    for one in ("shift@example.org", "jane@example.org"):
        (text,) = mails.texts_to(one)
        assert "analyses.broken is suspended" in text, one
    assert mails.texts_to("max@example.org") == []


def test_runs_that_gave_up_are_one_line_and_those_of_a_backfill_none(site: FastSite, mails: MailServer) -> None:
    telling(site, mails)
    site.tree["retries"] = {"attempts": 1}
    site.analysis("broken", BAD)
    site.runs([*map(recent, (52001, 52002, 52003)), *range(40001, 40004)])
    site.tick()
    (text,) = mails.texts_to("shift@example.org")
    assert "broken gave up on 6 runs, the newest is 052003: raised" in text
    mails.mails.clear()
    del site.tree["analyses"]["broken"]
    site.analysis("later", BAD)
    site.documents.clear()
    site.runs(range(40001, 40004))
    site.tick_in_another_second()
    assert mails.mails == []


@pytest.mark.slow
def test_a_tick_that_cannot_look_tells_it_when_it_happens_again(site: FastSite, mails: MailServer) -> None:
    telling(site, mails)
    site.tick()
    (site.folder / "runs.jsonl").unlink()
    codes = [site.tick_in_another_second().returncode for _ in range(3)]
    assert codes == [4, 4, 4]
    (text,) = mails.texts_to("shift@example.org")
    assert "runs.jsonl" in text
    site.runs([])
    site.tick_in_another_second()
    assert mails.mails[1].title.startswith("XOM: over: ")


def test_a_server_that_is_away_costs_a_line_and_is_tried_again(site: FastSite, mails: MailServer) -> None:
    telling(site, mails)
    giving_up(site)
    mails.away = True
    done = site.tick_in_another_second()
    assert done.returncode == 7
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("notify: ")]
    assert "shift@example.org" in line and "try again later" in line
    mails.away = False
    assert "notify: " not in site.tick_in_another_second().stderr
    assert len(mails.texts_to("shift@example.org")) == 1


def test_a_file_that_others_can_read_costs_a_line(site: FastSite, mails: MailServer) -> None:
    telling(site, mails)
    (site.folder / "addresses.json").chmod(0o644)
    done = site.tick()
    assert done.returncode == 0
    assert "addresses.json can be read by others; run: chmod 600" in done.stderr


def test_a_wrong_password_is_nowhere_in_the_site(site: FastSite, mails: MailServer) -> None:
    path = address_file(site.folder, addresses=[mails.url("shift@example.org", password="Wr0ng-pass")])
    site.tree["notify"] = {"addresses": str(path)}
    giving_up(site)
    done = site.tick()
    assert "535" in done.stderr and "Wr0ng-pass" not in done.stderr + done.stdout
    for file in site.work.rglob("*"):
        assert not file.is_file() or b"Wr0ng-pass" not in file.read_bytes(), file


def test_the_digest_of_the_day_is_sent_once(site: FastSite, mails: MailServer) -> None:
    telling(site, mails)
    site.tree["notify"]["digest_hour"] = 0
    site.analysis("good", GOOD, title="Good one")
    site.analysis("broken", BAD)
    site.runs([*map(recent, (52001, 52002)), recent(52003, rate=...)])
    site.tick()
    outlier = Verdict("052002", times.text(times.now()), 1.0, expected=0.5, deviation=8.0, mark=Mark.OUTLIER)
    series = SeriesId("good", "v1", "all", "answer")
    put_bands(site.paths, "052", {series: [outlier]})
    assert [one for one in mails.mails if "the day until" in one.title] == []  # not on the day it was set up
    make_digest_due(site)
    site.tick_in_another_second()  # what ended in this second is of the next day
    site.tick_in_another_second()
    (mail,) = [one for one in mails.mails if "the day until" in one.title]
    assert "3 results of runs, 0 alarms, 1 outliers, 3 failed runs" in mail.title
    assert "- good answer, run 052002: 1 PE, expected 0.5 (+8.0 sigma, outlier)" in mail.body
    assert "- Good one: 3 runs done" in mail.body
    assert "- broken failed: 3 runs, such as 0520" in mail.body
    # The tick that tells is one of them, if a second has passed since its own end.
    assert "1 ticks ended" in mail.body or "2 ticks ended" in mail.body


def test_a_digest_that_cannot_be_made_holds_up_no_news(site: FastSite, mails: MailServer) -> None:
    telling(site, mails)
    site.tree["notify"]["digest_hour"] = 0
    site.analysis("good", GOOD)
    site.tick()
    make_digest_due(site)
    put_alarms(site.paths, alarm())
    site.paths.outcomes.mkdir(exist_ok=True)
    (site.paths.outcomes / "good").write_text("no folder")
    told(site)
    (text,) = mails.texts_to("shift@example.org")
    assert text.startswith("XOM: light_yield_9_4 fell") and "the digest of the day could not be made: " in text


def test_good_ticks_call_up_the_heartbeat_and_others_do_not(site: FastSite, mails: MailServer, web: WebServer) -> None:
    telling(site, mails, heartbeat=f"{web.address}/secret-1234")
    site.tick()
    assert web.called == ["/secret-1234"]
    (site.folder / "runs.jsonl").unlink()
    site.tick_in_another_second()
    assert web.called == ["/secret-1234"]


def test_a_heartbeat_with_a_place_for_it_gets_the_exit_code(site: FastSite, mails: MailServer, web: WebServer) -> None:
    telling(site, mails, heartbeat=f"{web.address}/secret-1234/{{code}}")
    site.analysis("broken", BAD)
    site.runs([recent(52001)])
    assert site.tick().returncode == 7
    (site.folder / "runs.jsonl").unlink()
    assert site.tick_in_another_second().returncode == 4
    assert web.called == ["/secret-1234/0", "/secret-1234/4"]


def test_a_heartbeat_that_does_not_answer_is_told_by_mail(site: FastSite, mails: MailServer, web: WebServer) -> None:
    web.code = 503
    telling(site, mails, heartbeat=f"{web.address}/secret-1234")
    for _ in range(2):
        assert site.tick_in_another_second().returncode == 0
    (text,) = mails.texts_to("shift@example.org")
    assert "the heartbeat address does not answer: it answers 503" in text and "secret-1234" not in text


def test_a_server_that_hangs_ends_with_the_tick(site: FastSite, mails: MailServer) -> None:
    """The time limit itself is that of `send`; here it is the connection's own, given in the address."""
    mails.hangs = True
    path = address_file(site.folder, addresses=[mails.url("shift@example.org") + "&cto=0.3"])
    site.tree["notify"] = {"addresses": str(path)}
    giving_up(site)
    done = site.tick()
    assert done.returncode == 7
    assert "timed out" in done.stderr


@pytest.mark.slow
def test_a_tick_of_snakemake_under_cron_tells_people(snakemake_site: Site, mails: MailServer) -> None:
    """As cron and systemd start it: nearly no environment, a home in which nothing can be written."""
    site = snakemake_site
    telling(site, mails)
    giving_up(site)
    site.write_config()
    command, environment = site.command(), {"HOME": "/nonexistent", "PATH": os.defpath}
    done = subprocess.run(
        command, cwd=site.folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 7, done.stderr
    assert len(mails.texts_to("shift@example.org")) == 1
    assert PASSWORD not in done.stdout + done.stderr


# --- the command ------------------------------------------------------------------------------------------------------
def test_the_test_message_shows_what_works_and_what_does_not(site: FastSite, mails: MailServer, web: WebServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    urls = [
        mails.url("shift@example.org", "gone@example.org"),
        f"mailto://a:b1234567@127.0.0.1:{port}/?from=a@d.org&to=c@d.org",
    ]
    path = address_file(site.folder, addresses=urls, contacts=mails.url(), heartbeat=f"{web.address}/secret-1234")
    site.tree["notify"] = {"addresses": str(path)}
    site.analysis("good", GOOD, contact="Jane <jane@example.org>")
    mails.refused.add("gone@example.org")
    done = site.xom("notify", "--test")
    assert done.returncode == 1
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert "took the message" in lines["shift@example.org"] and "took the message" in lines["jane@example.org"]
    assert "no such user here" in lines["gone@example.org"]
    assert "refused" in lines["c@d.org"].lower()
    assert "answered" in lines["heartbeat"]
    assert web.called == ["/secret-1234"]
    assert "nothing has happened" in mails.texts_to("shift@example.org")[0]
    assert not any(secret in done.stdout + done.stderr for secret in (PASSWORD, "secret-1234", "b1234567"))


def test_the_command_shows_who_was_not_reached(site: FastSite, mails: MailServer) -> None:
    telling(site, mails)
    giving_up(site)
    mails.refused.add("shift@example.org")
    site.tick()
    assert "no such user here" in site.xom("notify").stdout
    mails.refused.clear()
    site.tick_in_another_second()
    assert "1 reported and not over, last digest none" in site.xom("notify").stdout


def test_without_addresses_the_command_gives_the_way(site: FastSite) -> None:
    done = site.xom("notify", "--test")
    assert (done.returncode, done.stderr.strip()) == (
        3,
        "notify.addresses is not set, so no message can be sent: see docs/operator.md, Messages",
    )


# --- the watch --------------------------------------------------------------------------------------------------------
def make_older(site: FastSite, hours: float) -> None:
    """Let the ticks so far have ended earlier."""
    for number, tick in enumerate(site.ticks()):
        summary = json.loads(tick.summary.read_text())
        ended = times.now() - timedelta(hours=hours)
        tick.summary.write_text(json.dumps(summary | {"ended": times.text(ended)}))
        tick.folder.rename(tick.folder.with_name(f"{ended - timedelta(minutes=1):%Y%m%dT%H%M%S}-vm-{number + 1}"))


def test_the_watch_is_silent_while_ticks_end(site: FastSite, mails: MailServer) -> None:
    telling(site, mails)
    site.tick()
    done = site.xom("watch")
    assert (done.returncode, done.stdout, done.stderr, mails.mails) == (0, "", "", [])
    make_older(site, 2.9)  # page.interval is an hour
    assert site.xom("watch").returncode == 0


def test_the_watch_tells_once_that_no_tick_ends_and_the_next_tick_that_it_is_over(
    site: FastSite, mails: MailServer
) -> None:
    telling(site, mails)
    site.tick()
    make_older(site, 5)
    done = [site.xom("watch") for _ in range(2)]
    assert [one.returncode for one in done] == [8, 7]
    assert "no tick has come to its end within 3.0 h: the last one ended 20" in done[0].stdout
    (mail,) = mails.mails
    assert mail.title.startswith("XOM: no tick has come to its end within 3.0 h: the last one ended 20")
    tick = site.tick()
    assert tick.returncode == 0
    assert "it has ended: no tick has come to its end" in tick.stderr
    assert mails.mails[1].title.startswith("XOM: over: no tick has come to its end")


def test_a_tick_that_cannot_look_is_none_that_came_to_its_end(site: FastSite) -> None:
    site.tick()
    make_older(site, 5)
    (site.folder / "runs.jsonl").unlink()
    assert site.tick().returncode == 4
    done = site.xom("watch")
    assert done.returncode == 8
    assert "could not look for work: " in done.stdout and "runs.jsonl" in done.stdout
    assert site.xom("watch", "--older-than", "6 h").returncode == 0


def test_a_site_without_any_tick_is_told_too(site: FastSite) -> None:
    site.tick()
    for tick in site.ticks():
        tick.summary.unlink()
    assert "there was none yet" in site.xom("watch").stdout


# --- the report of a week ---------------------------------------------------------------------------------------------
def test_the_report_of_a_week_has_the_results_and_alarms_of_the_site(
    site: FastSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")  # no browser
    site.analysis("kr83m", VALUE, title="Kr83m <calibration>", variables={"light_yield_9_4": {"main": True}})
    site.analysis("broken", BAD)
    site.runs(map(recent, (52001, 52002)))
    site.tick()
    site.xom("veto", "52002", "kr83m", "--why", "a pump was off")
    site.tick_in_another_second()
    put_alarms(site.paths, alarm())
    before = {path: path.stat().st_mtime_ns for path in site.work.rglob("*") if path.is_file()}
    done = site.xom("report", "--week", "--output", "reports/week.html")
    assert done.returncode == 0, done.stderr
    page = (site.folder / "reports/week.html").read_text()
    for words in (
        "Kr83m &lt;calibration&gt;",
        "light_yield_9_4 fell from 10.24",
        "veto kr83m run 052002",
        "a pump was",
    ):
        assert words in page, words
    assert page.count("<svg") == 1 and ">10.25 PE/keV<" in page
    assert "raised" in page.split("What is missing now")[1]
    assert done.stdout.splitlines()[0] == str(site.folder / "reports/week.html")
    assert done.stdout.splitlines()[1].startswith("no PDF: none of chromium")
    assert {path: path.stat().st_mtime_ns for path in site.work.rglob("*") if path.is_file()} == before


def test_a_report_of_days_before_there_were_runs_is_empty(site: FastSite) -> None:
    site.analysis("kr83m", VALUE)
    site.runs([recent(52001)])
    site.tick()
    done = site.xom("report", "--days", "3", "--until", "2026-01-10", PATH="/nonexistent")
    assert done.returncode == 0, done.stderr
    page = (site.folder / "xom-2026-01-10.html").read_text()
    assert "XOM, 2026-01-07 to 2026-01-10 00:00 UTC" in page and "<svg" not in page


@pytest.mark.slow
def test_a_browser_prints_the_report(site: FastSite) -> None:
    if chromium() is None:
        pytest.skip("there is no browser")
    site.analysis("kr83m", VALUE)
    site.runs([recent(52001)])
    site.tick()
    done = site.xom("report", "--week")
    file = Path(done.stdout.splitlines()[1])
    assert file.suffix == ".pdf" and file.read_bytes().startswith(b"%PDF-")
