"""Send each recipient the news: decide, note, send, note again.

Whenever this process is killed, everything is sent at least once. A message is sent twice only if the kill was between
the answer of the mail server and the note about it; the first line of the second one is then about this. A digest is
sent at most once: it is noted as sent before.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from xomflow.core.paths import Paths
from xomflow.notify.addresses import Addresses, Recipient
from xomflow.notify.letter import Letter, letter_about
from xomflow.notify.matter import Kind, Matter
from xomflow.notify.news import News, news_for
from xomflow.notify.post import send
from xomflow.notify.state import Told, ToldByName, read_told, write_told

# Seconds after which no further message is begun: a tick must end.
_LONGEST_ALL = 45.0


@dataclass(frozen=True, slots=True)
class Situation:
    """What there is to report.

    Parameters
    ----------
    matters
        What holds, and what ended of late.
    looked_at
        The kinds of matters that were looked at.
    now
        The present.
    place
        A sentence about where there is more.
    """

    matters: Collection[Matter]
    looked_at: Collection[Kind]
    now: datetime
    place: str

    def about(self, recipient: Recipient) -> Collection[Matter]:
        """Return what concerns a recipient."""
        return [one for one in self.matters if not recipient.contact or one.contact == recipient.name]


def digest_day(hour: int | None, now: datetime) -> str:
    """Return the day whose digest is the newest that may have been sent; empty if there are no digests.

    Parameters
    ----------
    hour
        From which on it is sent, UTC.
    now
        The present.
    """
    return "" if hour is None else f"{now - timedelta(hours=hour):%Y-%m-%d}"


def recipients_of(addresses: Addresses, matters: Iterable[Matter], told: ToldByName) -> list[Recipient]:
    """Return all who may get a message; those whose server failed last come last, so that it delays no other."""
    mails = {one.contact for one in matters} | {one for one, of in told.items() if of.known}
    there = {one.name for one in addresses.recipients}
    contacts = [addresses.contact(mail) for mail in sorted(mails - there) if "@" in mail]
    found = [*addresses.recipients, *(one for one in contacts if one)]
    return sorted(found, key=lambda one: bool(told.get(one.name, Told()).problem))


def deliver(
    paths: Paths,
    addresses: Addresses,
    situation: Situation,
    hour: int | None,
    make_digest: Callable[[], Letter],
    post: Callable[[Recipient, Letter], str] = send,
) -> list[str]:
    """Send all recipients their news; return a sentence if some did not arrive: the next tick tries again.

    Parameters
    ----------
    paths
        Where it is noted. The caller holds its lock.
    addresses
        Of the recipients.
    situation
        What there is to report.
    hour
        Hour of the digest, UTC; None: there is none.
    make_digest
        Returns it; called only if it is due.
    post
        Sends a message; returns why it did not arrive.
    """
    told, day, began = read_told(paths), digest_day(hour, situation.now), time.monotonic()
    recipients = recipients_of(addresses, situation.matters, told)
    problems = dict[str, str]()
    digest: Letter | None = None
    for to in recipients:
        # One who is new gets the next digest.
        before = told.get(to.name) or Told(digest=day)
        news = news_for(before.known, situation.about(to), situation.looked_at, situation.now)
        is_due = bool(day) and before.digest not in ("", day) and not to.contact
        if not (news or is_due):
            _note(paths, told, to, replace(before, known=news.told, digest=before.digest or day))
            continue
        if time.monotonic() - began > _LONGEST_ALL:
            problems[to.name] = "others took too long"
            _note(paths, told, to, replace(before, known=news.seen, problem=problems[to.name]))
            continue
        if is_due and digest is None:
            # Noted before: one that takes too long is not made again and again.
            _note(paths, told, to, replace(before, digest=day))
            digest = make_digest()
        letter = letter_about(news, digest if is_due else None, situation.place, before.is_sending)
        sent = day if is_due else before.digest or day
        if problem := _send(paths, told, to, before, news, letter, sent, post):
            problems[to.name] = problem
    names = {one.name for one in recipients}
    kept = {name: one for name, one in told.items() if name in names}
    if kept.keys() != told.keys():
        write_told(paths, kept)
    return _sentence(problems)


def _send(
    paths: Paths,
    told: ToldByName,
    to: Recipient,
    before: Told,
    news: News,
    letter: Letter,
    day: str,
    post: Callable[[Recipient, Letter], str],
) -> str:
    """Send a message with a note before and one after it; return why it did not arrive."""
    told[to.name] = replace(before, known=news.seen, digest=day, is_sending=True)
    write_told(paths, told)  # on a full disk nothing is sent, as it would be sent again by each tick
    problem = post(to, letter)
    if problem:
        told[to.name] = replace(before, known=news.seen, problem=problem)
    else:
        told[to.name] = Told(news.told, day)
    write_told(paths, told)
    return problem


def _note(paths: Paths, told: ToldByName, to: Recipient, now: Told) -> None:
    if told.get(to.name) == now or now == Told():
        return
    told[to.name] = now
    with contextlib.suppress(OSError):  # nothing was sent, so the next tick finds the same
        write_told(paths, told)


def _sentence(problems: dict[str, str]) -> list[str]:
    if not problems:
        return []
    reasons = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
    return [f"notify: {len(problems)} recipients were not reached, {reasons}; the next tick tries again"]
