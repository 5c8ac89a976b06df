"""The decisions of a site as a list, and taking them back by their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.errors import UsageError
from xomflow.core.key import Key
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import Paths
from xomflow.decisions.files import read_decisions
from xomflow.decisions.model import Decision, Subject, Verb, standing
from xomflow.planning.items import Item
from xomflow.planning.standing import ORDERS, Standing
from xomflow.planning.survey import Survey
from xomflow.workflow.decisions.draft import Draft
from xomflow.workflow.discover import survey_now

HEADINGS = ("name", "holds", "decided", "runs", "by", "at", "until", "why")


def decision_rows(config: Config, everything: bool = False) -> Iterator[tuple[object, ...]]:
    """Yield a row for each decision that holds, the newest first; with what is over if everything is wanted."""
    now, made = times.now(), read_decisions(Paths(config.work)).made
    stand = {one.name: one for one in standing(made, now)}
    survey = survey_now(config, may_write=False) if any(one.what in ORDERS for one in stand.values()) else Survey()
    items = {item.key: item for item in survey.undone}
    for one in sorted(made, key=lambda one: (one.when, one.name), reverse=True):
        why_not = _why_over(stand.get(one.name), one, survey.standing, items)
        if everything or not why_not:
            rest = stand.get(one.name, one)
            until = times.text(rest.until) if rest.until else None
            row = (_stem(one.name), why_not or "yes", rest.title, len(rest.subject.runs) or None)
            yield (*row, rest.who, times.text(rest.when), until, rest.why)


def withdraw(config: Config, names: Iterable[str]) -> Draft:
    """Return the withdrawal of decisions, of orders for what has not begun; reads only.

    Raises
    ------
    UsageError
        If one of them does not stand, or has begun for all its runs.
    """
    made = {_stem(one.name): one for one in read_decisions(Paths(config.work)).made}
    survey = survey_now(config, may_write=False)
    stand, items = {one.name: one for one in survey.standing.made}, {item.key: item for item in survey.undone}
    keys: list[Key] = []
    back: list[str] = []
    for name in dict.fromkeys(map(_stem, names)):
        if name not in made:
            raise UsageError(f"there is no decision {name!r}{did_you_mean(name, made)}; see: xom decisions --all")
        one = stand.get(made[name].name)
        if why_not := _why_over(one, made[name], survey.standing, items):
            raise UsageError(f"{name} holds no more, {why_not}: there is nothing to take back")
        if one is not None and one.what in ORDERS:
            keys += survey.standing.not_begun(one, items)
        back.append(made[name].name)
    return Draft(Verb.WITHDRAW, (Subject(decisions=tuple(back)),), tuple(keys), "of orders to be taken back")


def _why_over(one: Decision | None, made: Decision, standing_decisions: Standing, items: dict[Key, Item]) -> str:
    """Return why a decision has no effect any more; empty if it has."""
    if made.what is Verb.WITHDRAW:
        return "it took others back"
    if one is None:
        return "it has ended" if made.until and made.until <= times.now() else "it was taken back"
    return "" if standing_decisions.holds(one, items) else "it has begun"


def _stem(name: str) -> str:
    return name.removesuffix(".json")
