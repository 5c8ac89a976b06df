"""The decisions of a site as a list, and taking them back by their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.errors import UsageError
from xomflow.core.key import Key
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import Paths, TickPaths
from xomflow.decisions.files import read_decisions
from xomflow.decisions.model import Decision, Subject, Verb, standing
from xomflow.planning.items import Item
from xomflow.planning.standing import OF_KEYS, ORDERS, Standing
from xomflow.planning.survey import Survey
from xomflow.workflow.decisions.proposal import Proposal
from xomflow.workflow.discover import survey_now

HEADINGS = ("name", "holds", "decided", "runs", "by", "at", "until", "why")


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at what decides whether decisions hold.

    Parameters
    ----------
    paths
        Where the ticks are.
    stand
        The decisions that stand, by name.
    standing, items
        What the survey found: the decisions, and the keys that are not done.
    """

    paths: Paths
    stand: dict[str, Decision]
    standing: Standing
    items: dict[Key, Item]

    @classmethod
    def take(cls, config: Config, made: Iterable[Decision]) -> _Look:
        stand = {one.name: one for one in standing(made, times.now())}
        needs_keys = any(one.what in OF_KEYS for one in stand.values())
        survey = survey_now(config, may_write=False) if needs_keys else Survey()
        return cls(Paths(config.work), stand, survey.standing, {item.key: item for item in survey.undone})

    def why_over(self, made: Decision) -> str:
        """Return why a decision has no effect any more; empty if it has."""
        one = self.stand.get(made.name)
        if made.what is Verb.WITHDRAW:
            return "it took others back"
        if made.when > times.now():
            return f"it begins at {times.text(made.when)}"
        if one is None:
            return "it has ended" if made.until and made.until <= times.now() else "it was taken back"
        if one.what is Verb.ACCEPT and one.subject.analysis:
            return "a tick has gone on with it" if _has_claimed_since(self.paths, one.when) else ""
        if self.standing.holds(one, self.items):
            return ""
        return "it has begun" if one.what in ORDERS else "all of its runs are done"


def decision_rows(config: Config, everything: bool = False) -> Iterator[tuple[object, ...]]:
    """Yield a row for each decision that holds, the newest first; with what is over if everything is wanted."""
    made = read_decisions(Paths(config.work)).made
    look = _Look.take(config, made)
    for one in sorted(made, key=lambda one: (one.when, one.name), reverse=True):
        why_not = look.why_over(one)
        if everything or not why_not:
            rest = look.stand.get(one.name, one)
            until = times.text_or_none(rest.until)
            row = (_stem(one.name), why_not or "yes", rest.title, len(rest.subject.runs) or None)
            yield (*row, rest.who, times.text(rest.when), until, rest.why)


def withdraw(config: Config, names: Iterable[str]) -> Proposal:
    """Return the withdrawal of decisions, of orders for what has not begun; reads only.

    Raises
    ------
    UsageError
        If one of them does not stand, or has begun for all its runs.
    """
    made = {_stem(one.name): one for one in read_decisions(Paths(config.work)).made}
    look = _Look.take(config, made.values())
    keys: list[Key] = []
    back: list[str] = []
    for name in dict.fromkeys(map(_stem, names)):
        if name not in made:
            raise UsageError(f"there is no decision {name!r}{did_you_mean(name, made)}; see: xom decisions --all")
        if made[name].when > times.now():
            back.append(made[name].name)
            continue
        if why_not := look.why_over(made[name]):
            raise UsageError(f"{name} holds no more, {why_not}: there is nothing to take back")
        one = look.stand[made[name].name]
        keys += look.standing.not_begun(one, look.items) if one.what in ORDERS else ()
        back.append(one.name)
    return Proposal(Verb.WITHDRAW, (Subject(decisions=tuple(back)),), tuple(keys), "of orders to be taken back")


def _has_claimed_since(paths: Paths, moment: datetime) -> bool:
    """Return whether a tick has come so far that it claimed since then."""
    claims = (TickPaths(folder).claims for folder in paths.ticks.glob("*"))
    return any(file.exists() and file.stat().st_mtime > moment.timestamp() for file in claims)


def _stem(name: str) -> str:
    return name.removesuffix(".json")
