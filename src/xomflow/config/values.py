"""The types of single values of the configuration: lengths of time, counts, names."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from xomflow.core.given_times import LENGTH, seconds_of
from xomlib.documents.job_description import PREFIX, RESULT_FOLDER, RUN
from xomlib.documents.run_document import bare_name

# Names of rules, of XOM's own commands, and of the measurements beside those of the analyses.
_TAKEN = frozenset({"all", "discover", "publish", "report", "xom", "attention", "events", "expected", "xomdata"})
# Options of sbatch that XOM sets, or with which it would not find the job, its number, its files or its end.
_OWN_LETTERS = {"J": "job-name", "o": "output", "e": "error", "a": "array", "W": "wait", "H": "hold", "M": "clusters"}
_OWN_LETTERS |= {"D": "chdir", "Q": "quiet", "V": "version", "h": "help"}
# What Slurm would obey instead of the limits that XOM keeps, and raises after an attempt that met one.
_LIMITS = {
    **dict.fromkeys(("mem", "mem-per-cpu", "mem-per-gpu"), "memory_mb"),
    **dict.fromkeys(("time", "time-min"), "time_limit"),
    "cpus-per-task": "threads of the rule",
}
_LIMIT_LETTERS = {"t": "time", "c": "cpus-per-task"}
_OWN_OPTIONS = (
    *_OWN_LETTERS.values(),
    "comment",
    "export",
    "export-file",
    "gid",
    "open-mode",
    "parsable",
    "test-only",
    "uid",
    "usage",
    "wrap",
)
# Letters of sbatch without a value.
_FLAGS = "hHIkOQsvVW"


def length(text: str) -> Any:
    """Return a default as it is written in the file; loading turns it into seconds."""
    return text


def or_none_yet(value: Any) -> Any:
    """Return a mapping by name; none where the key stands there with nothing after it, as in a new site."""
    return {} if value is None else value


def _seconds(value: Any) -> float:
    return seconds_of(value if isinstance(value, str) else "")


def _free(name: str) -> str:
    """Return a name if a rule can have it."""
    if name in _TAKEN or keyword.iskeyword(name):
        raise ValueError(f"{name!r} is taken, an analysis needs another name")
    return name


def _named(path: Any) -> Any:
    """Refuse an empty text, which would be the folder of the site."""
    if path == "":
        raise ValueError("the name of a folder is needed")
    return path


def _plain(path: Path) -> Path:
    """Refuse a value that Snakemake or people would read otherwise, or that does not fit into a line of output."""
    text = str(path)
    if expected := re.match(r"~[^/]*(?=/|$)|.*?(?<![^/])\$[A-Za-z_]\w*(?=/|$)", text):
        place = expected[0].rpartition("/")[2]
        raise ValueError(f"{place!r} is not replaced here, and may differ between accounts: write it out")
    odd = next((letter for letter in text if letter in "{}" or not letter.isprintable()), None)
    if text.startswith("-"):
        raise ValueError("a path that begins with '-' is taken for an option: give the folder another name")
    if odd is not None:
        raise ValueError(f"the character {odd!r} cannot be in this path: give the folder another name")
    return path


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("a length of time above zero is needed")
    return seconds


def _spelled(pattern: str, needed: str) -> tuple[Any, Any]:
    """Return the annotations of a text that matches a pattern; the message about another one begins with ``needed``."""

    def check(value: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"{needed}, is needed")
        return value

    return BeforeValidator(check), WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


def _ordered(limits: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    low, high = limits
    if low is not None and high is not None and low >= high:
        raise ValueError(f"the lowest value, {low}, is not below the highest, {high}")
    return limits


def _permitted(option: str) -> str:
    """Return an option of ``sbatch`` unless XOM sets it itself or needs it unset."""
    if option.startswith("--"):
        name = option[2:].partition("=")[0]
        own = [taken for taken in (*_OWN_OPTIONS, *_LIMITS) if taken.startswith(name)]  # sbatch takes abbreviations
    else:  # several letters may share a dash; the first one that takes a value ends them
        flags = re.match(f"[{_FLAGS}]*", option[1:])[0]  # type: ignore[index]
        letters = _OWN_LETTERS | _LIMIT_LETTERS
        own = [letters[one] for one in option[1 : len(flags) + 2] if one in letters]
    if own and own[0] in _LIMITS:
        raise ValueError(f"XOM sets --{own[0]} itself, from {_LIMITS[own[0]]}: set that, and remove the option")
    if own:
        raise ValueError(f"XOM sets --{own[0]} itself, or finds its jobs only without it: remove the option")
    return option


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(f"a list is needed, such as [{value}]")
    return value


def _name_or_path(script: str) -> str:
    """Return the name of a script, or the path of one that lies elsewhere."""
    if script.endswith(".py") or re.fullmatch(r"[a-z][a-z0-9_]*", script):
        return script
    raise ValueError("a name in scripts/analyses without .py is needed, or a path that ends with .py")


def _known_places(argument: str) -> str:
    """Return an argument of a script unless it has brackets that nothing is put into."""
    if odd := [one for one in re.findall(r"\[[A-Za-z_]+\]", argument) if one not in (RUN, RESULT_FOLDER, PREFIX)]:
        raise ValueError(f"{odd[0]} is not known, {RUN}, {RESULT_FOLDER} and {PREFIX} are")
    return argument


Duration = Annotated[
    float,
    BeforeValidator(_seconds),
    WithJsonSchema({"type": "string", "pattern": f"^{LENGTH.pattern}$", "examples": ["30 s", "10 min", "2 d"]}),
]
PlainPath = Annotated[Path, BeforeValidator(_named), AfterValidator(_plain)]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Count = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[int, Field(strict=True, ge=1)]
Growth = Annotated[float, Field(ge=1, le=100)]
AnalysisName = Annotated[
    str,
    *_spelled(r"[a-z][a-z0-9_]{0,79}", "at most 80 lower-case letters, digits and _, a letter first"),
    AfterValidator(_free),
]
ScriptName = Annotated[str, AfterValidator(_name_or_path)]
Argument = Annotated[str, AfterValidator(_known_places)]
Version = Annotated[
    str, *_spelled(r"[A-Za-z0-9][A-Za-z0-9._]{0,79}", "a text such as 'v2': at most 80 letters, digits, dots and _")
]
FunctionName = Annotated[str, *_spelled(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", "a text such as 'module:function'")]
Prefix = Annotated[str, *_spelled(r"[a-z]+_", "lower-case letters and a final _, such as 'prod_'")]
SbatchOption = Annotated[
    str,
    *_spelled("--?[A-Za-z][A-Za-z0-9_-]*(=.*)?", "an option of sbatch, such as '--constraint=skylake'"),
    AfterValidator(_permitted),
]
Label = Annotated[str, *_spelled(r"\S(?:.*\S)?", "a text such as 'SR1'")]
Contact = Annotated[str, *_spelled(r"(?:\S(?:.*\S)?)?", "a line of text such as 'jane@example.org'")]
# Without what counts for nothing around it, as the names in run documents.
BareName = Annotated[str, AfterValidator(bare_name)]
Address = Annotated[
    str,
    *_spelled(
        r"(?:https?://[^\s?#]+(?:/|\.html))?",
        "an address such as 'https://xom.example.org/page/', with / or .html at its end",
    ),
]
WebPage = Annotated[
    str, *_spelled(r"(?:https?://[^\s#]+)?", "an address without '#', such as 'https://xom.example.org/playbook.html'")
]
SizeText = Annotated[
    str,
    *_spelled(r"(?:\d+(?:\.\d*)?(?:e-?\d+)? ?%?)?", "a text such as '0.5 %' (of the level) or '0.02' (in its unit)"),
]
Limit = Annotated[float, Field(strict=True, allow_inf_nan=False)] | None
Between = Annotated[tuple[Limit, Limit], Field(strict=False), AfterValidator(_ordered)]
Types = Annotated[list[str] | list[list[str]], BeforeValidator(_listed)]
