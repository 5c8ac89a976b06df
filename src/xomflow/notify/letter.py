"""The words of messages: plain text, short at the top."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xomflow.notify.matter import Kind
from xomflow.notify.news import News

_TITLE = 110
_MOST = 30


@dataclass(frozen=True, slots=True)
class Letter:
    """The text of one message.

    Parameters
    ----------
    title, body
        Plain text.
    """

    title: str
    body: str


def letter_about(news: News, digest: Letter | None, place: str, maybe_known: bool = False) -> Letter:
    """Return the message with news, with a digest, or with both.

    Parameters
    ----------
    news
        What is to be reported.
    digest
        The digest, if it is due.
    place
        A sentence about where there is more.
    maybe_known
        Whether the recipient may have got the same before, since XOM was killed while it sent that.
    """
    again = ["XOM was stopped while it sent its last message: you may know some of this.", ""] if maybe_known else []
    parts = [
        *again,
        *_part("New", (one.sentence for one in news.begun)),
        *_part("Over", news.ended),
        *_part("Still so", (one.sentence for one in news.lasting)),
        *([digest.body, ""] if digest else []),
        *(['The name in brackets is the alarm\'s: xom acknowledge NAME --why "..."'] if _has_alarm(news) else []),
        place,
    ]
    return Letter(_title(news, digest), "\n".join(parts) + "\n")


def _has_alarm(news: News) -> bool:
    return any(one.kind is Kind.ALARM for one in (*news.begun, *news.lasting))


def _title(news: News, digest: Letter | None) -> str:
    first = [
        *(one.sentence for one in news.begun),
        *(f"over: {one}" for one in news.ended),
        *(f"still: {one.sentence}" for one in news.lasting),
    ]
    if not first:
        return digest.title if digest else "XOM"
    more = f" (and {len(first) - 1} more)" if len(first) > 1 else ""
    return f"XOM: {textwrap.shorten(first[0], _TITLE, placeholder=' ...')}{more}"


def _part(heading: str, sentences: Iterable[str]) -> Sequence[str]:
    lines = list(sentences)
    if not lines:
        return ()
    more = [f"- ... and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return (heading, *(f"- {' '.join(one.split())}" for one in lines[:_MOST]), *more, "")
