"""The configuration of the first XOM as one of this XOM, with a sentence for everything that has no place here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from xomflow.config.load import check_configuration
from xomflow.config.strict_yaml import parse_yaml
from xomflow.core.errors import ConfigurationError, UsageError
from xomflow.workflow.requests.analysing.new_analysis import rule_text
from xomflow.workflow.requests.moving.former_config import FormerConfig, read_former
from xomflow.workflow.requests.moving.software_ranges import (
    about_ranges,
    containers_in,
    holes,
    software_of,
    without_overlaps,
)
from xomlib.compat.xomresult import plain_name
from xomlib.documents.job_description import PREFIX, RESULT_FOLDER, RUN
from xomlib.files import create_atomically, read_bytes

# What `load_straxen` of its public repository builds; the folder for made data is left out, contexts here only read.
_CONTEXT = {
    "function": "cutax.contexts:xenonnt_online",
    "arguments": {"_rucio_local_path": "/project/lgrandi/rucio", "include_rucio_local": True},
    "storage": ["/project2/lgrandi/xenonnt/processed/", "/project/lgrandi/xenonnt/processed/"],
}
CONFIGURATION = Path("config.yaml")
_HEAD = "# Made from {tool} and {analyses} by `xom import-config`; docs/moving.md describes what comes next.\n"
_OURS = "XOM keeps its own below work"
_WITHOUT_PLACE = {
    "version": "it is that of the first XOM",
    "out_folder": _OURS,
    "log_folder": _OURS,
    "job_folder": _OURS,
    "configname": "the analyses were read from the file that was given",
    "computing_timezone": "all times are UTC",
}
_KNOWN = {"prefix", "result_folder", "analysis_folder", "singularity_base", "ndays_before_removal", "jobslimit"}
_KNOWN |= {"job_partition", "excluded_run_modes", "container_dict"}
# Entries of an analysis: their name here, and what they are.
_LISTS = {"detector": "detectors", "run_mode": "run_modes", "include_tags": "included_tags"}
_LISTS |= {"exclude_tags": "excluded_tags", "available_type": "needs"}
_NUMBERS = {"min_run": "min_run", "max_run": "max_run", "mem_per_cpu": "memory_mb"}
_OTHERS = {"analysis_version", "variable_name", "folder", "command", "runwise", "container"}


@dataclass(frozen=True, slots=True)
class Imported:
    """What a configuration becomes.

    Parameters
    ----------
    files
        Content by path in the folder of the site.
    notes
        A sentence for each overlap, choice, and entry without a place.
    """

    files: Mapping[Path, str]
    notes: list[str]

    def write(self, folder: Path) -> None:
        """Write the files, the configuration last: a site begins with it.

        Raises
        ------
        UsageError
            If something else is in the place of one of them; nothing was written then. What a killed import of the
            same has written may be there.
        """
        if there := next((folder / path for path in self.files if self._is_taken(folder, path)), None):
            raise UsageError(f"{there} is there already; give another folder, nothing was written")
        for path in sorted(self.files, key=lambda path: path == CONFIGURATION):
            create_atomically(folder / path, self.files[path])

    def _is_taken(self, folder: Path, path: Path) -> bool:
        try:
            return read_bytes(folder / path) != self.files[path].encode()
        except FileNotFoundError:
            return False
        except OSError:  # of a folder, for example
            return True


def import_config(tool_config: Path, analyses: Path) -> Imported:
    """Return a configuration of the first XOM as one of this XOM.

    Parameters
    ----------
    tool_config, analyses
        Its two files.

    Raises
    ------
    ConfigurationError
        If a file cannot be read, or what follows from it would be refused.
    """
    former = read_former(tool_config, analyses)
    notes = list(_about_tool(former.tool))
    blocks = dict(_named_blocks(former, notes))
    tree = {**_common(former.tool), "analyses": blocks}
    text = _HEAD.format(tool=tool_config.name, analyses=analyses.name) + _as_yaml(tree)
    check_configuration(parse_yaml(text, "the configuration made from them"), str(analyses), check_files=False)
    rules = {Path("rules", "analyses", f"{name}.smk"): rule_text(name) for name in blocks}
    return Imported({CONFIGURATION: text, **rules}, notes)


def _as_yaml(tree: Mapping[str, Any]) -> str:
    """Return a tree as YAML without references, which nobody would write by hand."""
    dumper = type("_Plain", (yaml.SafeDumper,), {"ignore_aliases": lambda self, data: True})
    return yaml.dump(dict(tree), Dumper=dumper, sort_keys=False)


# --- the whole --------------------------------------------------------------------------------------------------------
def _common(tool: Mapping[str, Any]) -> dict[str, Any]:
    containers = containers_in(tool)
    there = without_overlaps(containers)
    partition = tool.get("job_partition")
    given = {
        "stale_after": f"{tool['ndays_before_removal']} d" if "ndays_before_removal" in tool else None,
        "max_running": tool.get("jobslimit"),
        "slurm": {"partition": partition, "qos": partition} if partition else None,
        "software_may_have_holes": True if holes(containers) else None,
    }
    selection = {
        "min_run": there[0].first if there else 0,
        "excluded_modes": list(tool.get("excluded_run_modes") or []),
    }
    return {
        "work": "work",
        "analysis_folders": ["."],
        "rundb": {"kind": "mongodb"},
        "context": _CONTEXT,
        "software": software_of(there, tool.get("singularity_base", "")),
        "selection": selection,
        **{name: value for name, value in given.items() if value is not None},
        "store": {"kind": "influxdb", "prefix": "test_", "mirror": "xomdata"},
    }


def _about_tool(tool: Mapping[str, Any]) -> Iterator[str]:
    yield from about_ranges(containers_in(tool))
    if there := without_overlaps(containers_in(tool)):
        yield f"selection.min_run is {there[0].first}: runs before it have no container"
    if "prefix" in tool:
        yield (
            f"prefix is {tool['prefix']!r}: store.prefix is 'test_', so that both can run side by side; "
            f"set {tool['prefix']!r} once the first XOM is off"
        )
    yield "store.credentials: the file needs an entry bucket, such as xom, beside url, token and org"
    yield "context: it is that of load_straxen in the public repository; correct it if yours is another"
    yield "time_limit: an analysis has 30 min, the default; the first XOM gave its jobs the limit of the partition"
    for name in tool:
        if reason := _WITHOUT_PLACE.get(name):
            yield f"{name} has no place: {reason}"
        elif name == "result_folder":
            yield f"{name} has no place: scripts get a folder of their own for each run, {RESULT_FOLDER} in arguments"
        elif name not in _KNOWN:
            yield f"{name} = {tool[name]!r} has no place, and is not known from the public repository"


# --- analyses ---------------------------------------------------------------------------------------------------------
def _named_blocks(former: FormerConfig, notes: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    taken: dict[str, str] = {}
    for name, entries in former.analyses.items():
        plain = plain_name(name)
        if plain in taken:
            raise ConfigurationError(f"{taken[plain]} and {name} would both be called {plain}: rename one of them")
        taken[plain] = name
        if plain != name:
            notes.append(f"{name} is called {plain} here: small letters, digits and underscores")
        notes += _about_analysis(name, entries)
        yield plain, _block(name, entries, former.tool)


def _block(name: str, entries: Mapping[str, Any], tool: Mapping[str, Any]) -> dict[str, Any]:
    script, arguments = _command(name, entries, tool)
    lists = {ours: found for theirs, ours in _LISTS.items() if (found := _words(entries.get(theirs)))}
    numbers = {ours: _number(name, theirs, entries) for theirs, ours in _NUMBERS.items() if entries.get(theirs)}
    return {
        "version": str(entries.get("analysis_version", "v0.0")),
        "compat": True,
        "script": script,
        "arguments": arguments,
        "variables": {variable: {} for variable in _words(entries.get("variable_name"))},
        **lists,
        **numbers,
    }


def _command(name: str, entries: Mapping[str, Any], tool: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the path of a script and its arguments; those that the first XOM added come last."""
    words = shlex.split(str(entries.get("command", "")))
    words = words[1:] if words and re.fullmatch(r"python[\d.]*", words[0]) else words
    if not words:
        raise ConfigurationError(f"{name}: command is missing, such as 'busy_rates.py [run]'")
    folder = Path(str(entries.get("folder", "")))
    if "analysis_folder" in tool:
        folder = Path(str(tool["analysis_folder"]), str(folder).lstrip("/")) if _is_relative(folder) else folder
    added = [RESULT_FOLDER, "--prefix", PREFIX] if "result_folder" in tool else []
    return str(folder / words[0]), [*(word.replace("[runs]", RUN) for word in words[1:]), *added]


def _is_relative(folder: Path) -> bool:
    """Return whether a folder was meant below ``analysis_folder``, though written with a slash before it."""
    return len(folder.parts) <= 2 or not folder.is_absolute()


def _about_analysis(name: str, entries: Mapping[str, Any]) -> Iterator[str]:
    if str(entries.get("runwise", "True")).strip().lower() not in ("true", "yes", "1", "on"):
        yield f"{name}: runwise = {entries['runwise']} has no place: an analysis of several runs needs period"
    if "[runs]" in str(entries.get("command", "")):
        yield f"{name}: [runs] in command has no place: the script gets one run"
    if "container" in entries:
        yield f"{name}: container = {entries['container']} has no place: software is chosen by the run"
    if len(_words(entries.get("available_type"))) > 1:
        yield f"{name}: available_type: all types must be there; the first XOM looked for the first one only"
    if "min_run" not in entries:
        yield f"{name}: min_run is missing: it takes all runs of selection"
    for key in entries:
        if key not in _LISTS and key not in _NUMBERS and key not in _OTHERS:
            yield f"{name}: {key} = {entries[key]!r} has no place, and is not known from the public repository"


def _words(value: Any) -> list[str]:
    """Return the parts of a list, which may be written as one text with commas."""
    parts: Iterable[Any] = value if isinstance(value, list) else str(value or "").split(",")
    return [text for part in parts if (text := str(part).strip())]


def _number(name: str, key: str, entries: Mapping[str, Any]) -> int:
    try:
        return int(entries[key])
    except (TypeError, ValueError):
        raise ConfigurationError(f"{name}: {key} is {entries[key]!r}, a whole number is needed") from None
