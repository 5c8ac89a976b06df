"""A decision that a person is about to make: what it touches, and what is written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from xomflow.config.model import Analysis, Config
from xomflow.core import times
from xomflow.core.errors import ConfigurationError
from xomflow.core.key import Key
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import Paths
from xomflow.decisions.files import account, write_decision
from xomflow.decisions.model import Decision, Subject, Verb


@dataclass(frozen=True, slots=True)
class Proposal:
    """Decisions that a command would write, once a person agrees.

    Parameters
    ----------
    what
        The verb.
    subjects
        What they are about, one for each.
    keys
        What they touch.
    phrase
        What becomes of the keys, as words after their number.
    notes
        Sentences about what is passed over.
    about
        What is printed instead of a number of keys, for what is about none; empty: that number.
    """

    what: Verb
    subjects: tuple[Subject, ...]
    keys: tuple[Key, ...]
    phrase: str
    notes: tuple[str, ...] = ()
    about: str = ""


def write(config: Config, proposal: Proposal, why: str, until: datetime | None = None) -> Iterable[str]:
    """Write the decisions, each complete or not at all; yield a sentence with the file of each.

    Parameters
    ----------
    config
        The configuration.
    proposal
        The decisions.
    why
        The reason.
    until
        When they end by themselves; None: never.
    """
    paths = Paths(config.work)
    for subject in proposal.subjects:
        decision = Decision(proposal.what, subject, account(os.geteuid()), times.now(), why, until)
        yield f"decided: {write_decision(paths, decision)}"


def method_named(config: Config, name: str) -> tuple[str, Analysis]:
    """Return the analysis and the block that lists call so: of a trial ``kr83m+v2``.

    Raises
    ------
    ConfigurationError
        If there is none.
    """
    if name not in config.blocks:
        hint = did_you_mean(name, list(config.blocks))
        raise ConfigurationError(f"the configuration has no analysis {name!r}{hint}")
    return config.blocks[name]


def check_analysis(config: Config, analysis: str) -> None:
    """Raise `ConfigurationError` if no analysis has this name."""
    if analysis not in config.analyses:
        hint = did_you_mean(analysis, list(config.analyses))
        raise ConfigurationError(f"the configuration has no analysis {analysis!r}{hint}")
