"""What the later steps of a tick need of the configuration: ``settings.json``, and a part of ``survey.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from xomflow.core.files.file_lock import LONGEST_WAIT
from xomflow.core.files.work_format import FORMAT, WITHOUT_FILE
from xomflow.core.key import Key
from xomflow.expected.method.settings import SiteSettings
from xomflow.grafana.site import BoardSettings
from xomflow.outcomes.retries import RetryPolicy
from xomflow.publishing.boards.expected import Limits
from xomflow.publishing.open_store import StoreConfig

# Seconds for which ticks are kept unless the configuration has another value.
KEEP_TICKS = 30 * 86400.0

if TYPE_CHECKING:  # publishing and reporting start faster without the model of the configuration
    from xomflow.config.model import Analysis, Config


@dataclass(frozen=True, slots=True)
class TickStart:
    """What Snakemake's process writes at the start of a tick.

    Parameters
    ----------
    configuration
        The complete configuration, as it was read.
    rule_errors
        Errors in rule files, by analysis.
    layout
        The layout of ``work`` that the tick and its jobs write.
    """

    configuration: Any
    rule_errors: dict[str, str]
    layout: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Return the form in ``settings.json``."""
        layout = {} if self.layout == WITHOUT_FILE else {"layout": self.layout}
        return {"configuration": self.configuration, "wrong": self.rule_errors, **layout}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> TickStart:
        """Return what `to_json` wrote."""
        return cls(content["configuration"], content["wrong"], content.get("layout", WITHOUT_FILE))


class VariableTitle(NamedTuple):
    """What page and boards show about a variable; empty: nothing."""

    title: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class AnalysisTitle:
    """What page and boards show about an analysis.

    Parameters
    ----------
    version, title, documentation, contact, main_variables
        As configured.
    limits
        The configured limits, by variable.
    variables
        Title and help of the variables that have one.
    """

    version: str
    title: str
    documentation: str
    limits: dict[str, Limits] = field(default_factory=dict)
    contact: str = ""
    main_variables: tuple[str, ...] = ()
    variables: dict[str, VariableTitle] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, block: Analysis) -> AnalysisTitle:
        """Return this part of the configuration of an analysis."""
        limits = {variable: Limits(*one.warn, *one.error, one.runs, one.of) for variable, one in block.limits.items()}
        told = {one: VariableTitle(of.title, of.help) for one, of in block.variables.items() if of.title or of.help}
        more = (limits, block.contact, block.first_variables, told)
        return cls(block.version, block.title or name, block.documentation, *more)

    def to_json(self) -> dict[str, Any]:
        """Return the form in files."""
        return {
            name: one
            for name, one in asdict(self).items()
            if one or name not in ("limits", "contact", "main_variables", "variables")
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> AnalysisTitle:
        """Return what `to_json` wrote."""
        limits = {variable: Limits(*one) for variable, one in content.get("limits", {}).items()}
        told = {variable: VariableTitle(*one) for variable, one in content.get("variables", {}).items()}
        first = tuple(content.get("main_variables", ()))
        return cls(**{**content, "limits": limits, "main_variables": first, "variables": told})


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """The part of the configuration that publishing and reporting need.

    Parameters
    ----------
    work
        The folder for everything that is generated.
    store
        Where results are published.
    retries
        When failed attempts are tried again.
    interval_s
        Seconds between ticks.
    analyses
        What the page shows about each analysis.
    page_url
        Address of the page; empty if there is none.
    longest_wait_s
        Longest wait for another tick that publishes; seconds.
    keep_ticks_s
        Seconds after which ticks are deleted.
    grafana
        The block of that name.
    trials
        The version of each trial, by its name in lists, `kr83m+v2`.
    expected
        What is expected of variables; all by default.
    """

    work: Path
    store: StoreConfig
    retries: RetryPolicy
    interval_s: float
    analyses: dict[str, AnalysisTitle]
    page_url: str = ""
    longest_wait_s: float = LONGEST_WAIT
    keep_ticks_s: float = KEEP_TICKS
    grafana: BoardSettings = field(default_factory=BoardSettings)
    trials: dict[str, str] = field(default_factory=dict)
    expected: SiteSettings = field(default_factory=SiteSettings)

    @property
    def methods(self) -> frozenset[tuple[str, str]]:
        """Analysis and version of what is published."""
        return frozenset((name, one.version) for name, one in self.analyses.items())

    @property
    def methods_on_trial(self) -> frozenset[tuple[str, str]]:
        """Analysis and version of each trial."""
        return frozenset((name.partition("+")[0], version) for name, version in self.trials.items())

    def title_of(self, key: Key) -> str:
        """Return what the version of an analysis that a key has is called in lists."""
        trial = f"{key.analysis}+{key.version}"
        return trial if trial in self.trials else key.analysis

    def version_of(self, name: str) -> str:
        """Return the version that has a name in lists."""
        return self.trials.get(name) or self.analyses[name].version

    @classmethod
    def of(cls, config: Config) -> ReportConfig:
        """Return this part of a configuration."""
        titles = {name: AnalysisTitle.of(name, block) for name, block in config.analyses.items()}
        store, retries = StoreConfig.of(config.store), RetryPolicy.of(config.retries)
        boards = BoardSettings(str(config.grafana.token), str(config.grafana.folder or ""), config.grafana.playbook)
        more = (
            titles,
            config.page.url,
            config.longest_wait,
            config.keep_ticks_for,
            boards,
            _trials_of(config),
            _expected(config),
        )
        return cls(config.work, store, retries, config.page.interval, *more)

    def to_json(self) -> dict[str, Any]:
        """Return the form in files."""
        titles = {name: title.to_json() for name, title in self.analyses.items()}
        content = {**asdict(self), "work": str(self.work), "store": self.store.to_json(), "analyses": titles}
        if not self.page_url:
            del content["page_url"]
        if self.longest_wait_s == LONGEST_WAIT:  # as in files of version 1.0
            del content["longest_wait_s"]
        if self.keep_ticks_s == KEEP_TICKS:
            del content["keep_ticks_s"]
        if self.store.is_local:
            del content["grafana"]
        if not self.trials:
            del content["trials"]
        if self.expected == SiteSettings():
            del content["expected"]
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ReportConfig:
        """Return what `to_json` wrote."""
        titles = {name: AnalysisTitle.from_json(title) for name, title in content["analyses"].items()}
        store, retries = StoreConfig.from_json(content["store"]), RetryPolicy.from_json(content["retries"])
        page_url, wait = content.get("page_url", ""), content.get("longest_wait_s", LONGEST_WAIT)
        boards = BoardSettings.from_json(content.get("grafana", {}))
        more = (titles, page_url, wait, content.get("keep_ticks_s", KEEP_TICKS), boards, content.get("trials", {}))
        expected = SiteSettings.from_json(content.get("expected", {}))
        return cls(Path(content["work"]), store, retries, content["interval_s"], *more, expected)


def _expected(config: Config) -> SiteSettings:
    block = config.expected
    sizes = {
        name: {variable: (one.matters, one.tolerance) for variable, one in of.expected.items()}
        for name, of in config.analyses.items()
        if of.expected
    }
    of_one_mode = (name for name, of in config.analyses.items() if _is_of_one_mode(of.run_modes))
    together = tuple(sorted({*block.together, *of_one_mode}))
    return SiteSettings(block.minimum, block.accept, block.groups, block.time_per_tick, sizes, together)


def _is_of_one_mode(run_modes: Sequence[str]) -> bool:
    return len(run_modes) == 1 and "*" not in run_modes[0]


def _trials_of(config: Config) -> dict[str, str]:
    found = {name: block.trial.version for name, block in config.analyses.items() if block.trial}
    return {config.title_of(name, version): version for name, version in found.items()}
