"""What the boards of a site depend on, and their names in Grafana."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, NamedTuple

# Grafana refuses longer ones.
_LONGEST_UID = 40


@dataclass(frozen=True, slots=True)
class BoardSettings:
    """The configuration's ``grafana``, without the model of the configuration; its entries are described there.

    Parameters
    ----------
    token, folder, playbook
        As configured; an empty folder is that of XOM itself.
    """

    token: str = ""
    folder: str = ""
    playbook: str = ""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> BoardSettings:
        """Return what `dataclasses.asdict` made."""
        return cls(**content)


class Bucket(NamedTuple):
    """Where the store is, without its token."""

    url: str
    org: str
    name: str


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of an analysis.

    Parameters
    ----------
    name, unit
        As the script gave them.
    warn, error
        The lowest and the highest expected value; None: there is none.
    title, help
        As configured; an empty title is the name.
    """

    name: str
    unit: str = ""
    warn: tuple[float | None, float | None] = (None, None)
    error: tuple[float | None, float | None] = (None, None)
    title: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis.

    Parameters
    ----------
    name, version, title, documentation, contact
        As configured.
    variables
        Those of the configured version, or of others if it has no results yet.
    earlier
        Those that only other versions have.
    has_groups
        Whether runs of several groups of modes are judged apart, each by a band of its own.
    """

    name: str
    version: str
    title: str
    documentation: str = ""
    contact: str = ""
    variables: tuple[Variable, ...] = ()
    earlier: tuple[Variable, ...] = ()
    has_groups: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that the boards depend on.

    Parameters
    ----------
    bucket
        Where the points are.
    prefix
        What measurements begin with.
    folder
        The tree, as Grafana's machine sees it.
    interval_s
        Seconds between ticks.
    page_url
        Address of the page; empty if there is none.
    settings
        The configuration's ``grafana``.
    analyses
        The configured analyses.
    """

    bucket: Bucket
    prefix: str
    folder: PurePath
    interval_s: float
    page_url: str = ""
    settings: BoardSettings = field(default_factory=BoardSettings)
    analyses: tuple[Analysis, ...] = ()

    @property
    def name(self) -> str:
        """The difference between this site's boards and those of another prefix in the same Grafana."""
        return f"xom-{self.prefix.strip('_')}"

    @property
    def title(self) -> str:
        """The name of the folder of boards, and what their titles begin with."""
        return "XOM" if self.prefix == "prod_" else f"XOM {self.prefix.strip('_')}"

    def uid(self, *words: str) -> str:
        """Return the identity of a board or rule, which does not change as long as its words do not."""
        whole = "-".join([self.name, *words])
        if len(whole) <= _LONGEST_UID:
            return whole
        digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
        return f"{whole[: _LONGEST_UID - 9]}-{digest}"

    def uid_of(self, analysis: str) -> str:
        """Return the identity of the board of an analysis."""
        return self.uid("analysis", analysis)
