"""The description of a job: what the workflow hands to the process that runs an analysis script."""

from dataclasses import asdict, dataclass, field
from typing import Any, Optional

from xomlib.errors import JobError
from xomlib.printing import shown

RUN, RESULT_FOLDER, PREFIX = "[run]", "[result_folder]", "[prefix]"
"""What stands in the arguments of a script for the id of the run, a folder for its files, the prefix of the store."""
_NEW = ("arguments", "compat")


@dataclass(frozen=True)
class JobKey:
    """Which analysis, in which version, on what.

    Parameters
    ----------
    analysis, version
        Name and version of the analysis.
    run
        Six-digit id of a run, or the id of a campaign.
    """

    analysis: str
    version: str
    run: str

    @property
    def run_number(self) -> int:
        """Number of the run, or of the first run of the campaign."""
        return int(self.run[:6])

    def to_json(self) -> dict:
        """Return the key as outcomes have it."""
        return asdict(self)


@dataclass(frozen=True)
class ContextSpec:
    """How to build the strax context.

    Parameters
    ----------
    function
        The function that returns it, as ``module:name``.
    arguments
        Keyword arguments of the function.
    storage
        More folders with strax data, which are only read.
    """

    function: str
    arguments: dict[str, Any] = field(default_factory=dict)
    storage: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, tree: Any, place: str = "context") -> "ContextSpec":
        """Return the specification in a JSON object; `JobError` if it has another form."""
        entries = _entries(tree, place, needed=("function",), optional=("arguments", "storage"))
        storage = _checked(entries.get("storage", []), list, f"{place}.storage")
        return cls(
            _checked(entries["function"], str, f"{place}.function"),
            _checked(entries.get("arguments", {}), dict, f"{place}.arguments"),
            [_checked(one, str, f"{place}.storage[{index}]") for index, one in enumerate(storage)],
        )


@dataclass(frozen=True)
class ByHand:
    """What a tick takes from elsewhere and a script that is tried by hand needs for the same process.

    Parameters
    ----------
    memory_mb, time_limit_s
        What it may use: megabytes and seconds.
    caches
        Environment variables with the folders of the packages' caches.
    clean
        Whether it gets no more variables than a tick gives; an image or a set-up file has some of its own.
    """

    memory_mb: int
    time_limit_s: float
    caches: dict[str, str] = field(default_factory=dict)
    clean: bool = True

    @classmethod
    def from_json(cls, tree: Any) -> "ByHand":
        """Return the description in a JSON object; `JobError` if it has another form."""
        entries = _entries(tree, "by_hand", needed=("memory_mb", "time_limit_s"), optional=("caches", "clean"))
        caches = _checked(entries.get("caches", {}), dict, "by_hand.caches")
        return cls(
            int(_checked(entries["memory_mb"], _NUMBER, "by_hand.memory_mb")),
            float(_checked(entries["time_limit_s"], _NUMBER, "by_hand.time_limit_s")),
            {name: _checked(one, str, f"by_hand.caches.{name}") for name, one in caches.items()},
            _checked(entries.get("clean", True), bool, "by_hand.clean"),
        )


@dataclass(frozen=True)
class JobDescription:
    """All that an analysis script's process needs.

    Parameters
    ----------
    key
        What to work on.
    script
        Path of the analysis script.
    context
        How to build the strax context.
    settings
        The ``settings:`` of the analysis' block in the configuration.
    run
        The run's metadata as `xomlib.run` returns them; None: there are none.
    why_no_run
        A sentence that explains why there are none.
    draft
        Folder for results and figures; None: they are kept in memory only.
    needs
        The data types that the configuration names for the script; None: not known.
    site
        Folder where relative paths of the configuration begin; None: the working directory.
    by_hand
        How a script that is tried by hand is started; None: in a tick.
    promised
        Units by variable that the script promises to save; a unit that is None may be any.
    arguments
        What stands on the command line of the script; ``[run]`` and ``[result_folder]`` are replaced.
    compat
        Whether the script uses the calls of the first XOM.
    """

    key: JobKey
    script: str
    context: ContextSpec
    settings: dict[str, Any] = field(default_factory=dict)
    run: Optional[dict[str, Any]] = None
    why_no_run: str = ""
    draft: Optional[str] = None
    needs: Optional[list[str]] = None
    site: Optional[str] = None
    by_hand: Optional[ByHand] = None
    promised: dict[str, Optional[str]] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=lambda: [RUN])
    compat: bool = False

    def to_json(self) -> dict:
        """Return the description as a JSON object, which `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, tree: Any) -> "JobDescription":
        """Return the description in a JSON object.

        Raises
        ------
        JobError
            If an entry is missing, unknown or of the wrong type; the sentence names it and its value.
        """
        entries = _entries(
            tree,
            "the job description",
            needed=("key", "script", "context"),
            optional=("settings", "run", "why_no_run", "draft", "needs", "site", "by_hand", "promised", *_NEW),
        )
        names = ("analysis", "version", "run")
        key = _entries(entries["key"], "key", needed=names)
        run, needs = entries.get("run"), entries.get("needs")
        return cls(
            JobKey(*(_checked(key[name], str, f"key.{name}") for name in names)),
            _checked(entries["script"], str, "script"),
            ContextSpec.from_json(entries["context"]),
            _checked(entries.get("settings", {}), dict, "settings"),
            None if run is None else _checked(run, dict, "run"),
            _checked(entries.get("why_no_run", ""), str, "why_no_run"),
            _text_or_none(entries, "draft"),
            None if needs is None else [_checked(one, str, "needs") for one in _checked(needs, list, "needs")],
            _text_or_none(entries, "site"),
            None if entries.get("by_hand") is None else ByHand.from_json(entries["by_hand"]),
            {
                name: None if unit is None else _checked(unit, str, f"promised.{name}")
                for name, unit in _checked(entries.get("promised", {}), dict, "promised").items()
            },
            [_checked(one, str, "arguments") for one in _checked(entries.get("arguments", [RUN]), list, "arguments")],
            _checked(entries.get("compat", False), bool, "compat"),
        )


_NUMBER = (int, float)
_NAMES: dict[Any, str] = {dict: "an object", list: "a list", str: "a text", bool: "true or false", _NUMBER: "a number"}


def _checked(value: Any, kind: Any, place: str) -> Any:
    if not isinstance(value, kind) or (kind is _NUMBER and not 0 <= value < 1e9):
        raise JobError(f"{place} is {shown(value)}, {_NAMES[kind]} is needed")
    return value


def _text_or_none(entries: dict, name: str) -> Optional[str]:
    value = entries.get(name)
    return None if value is None else _checked(value, str, name)


def _entries(tree: Any, place: str, needed: tuple, optional: tuple = ()) -> dict:
    entries: dict = _checked(tree, dict, place)
    missing = [name for name in needed if name not in entries]
    unknown = [name for name in entries if name not in (*needed, *optional)]
    if missing:
        raise JobError(f"{place} lacks {', '.join(missing)}")
    if unknown:
        raise JobError(f"{place} has unknown entries: {', '.join(map(shown, unknown))}")
    return entries
