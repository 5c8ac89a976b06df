"""Load the configuration, with one sentence for each error in it."""

from __future__ import annotations

import functools
import math
import operator
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from xomflow.config.model import Config
from xomflow.core.account import own_account
from xomflow.core.errors import ConfigurationError
from xomflow.core.files.reach import closed_folder, why_closed
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import ROOT, analysis_rule, analysis_script


def load_configuration(path: Path, check_files: bool = True) -> Config:
    """Load and check a configuration file.

    Parameters
    ----------
    path
        The file.
    check_files
        Whether the files and folders that it names have to be there.

    Raises
    ------
    ConfigurationError
        One line per error, each with the file, the key, the value and, for unknown keys, the nearest known one.
    """
    return check_configuration(read_yaml(path), str(path), check_files)


def check_configuration(tree: Any, source: str, check_files: bool = True) -> Config:
    """Check a configuration that was read from ``source``; `ConfigurationError` as in `load_configuration`."""
    if not isinstance(tree, dict):
        shown = "empty" if tree is None else _shown(tree)
        raise ConfigurationError(f"{source}: is {shown}, a configuration with keys is needed")
    odd = list(_not_json(tree))
    if odd:
        raise ConfigurationError("\n".join(f"{source}: {line}" for line in odd))
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigurationError("\n".join(f"{source}: {line}" for line in _sentences(error, tree))) from None
    problems = list(_missing_files(config)) if check_files else []
    if problems:
        raise ConfigurationError("\n".join(f"{source}: {line}" for line in problems))
    return config


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file, read strictly; `ConfigurationError` as in `parse_yaml`."""
    from xomflow.config.strict_yaml import parse_yaml  # the steps of a tick read none

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not YAML: {error}") from None
    return parse_yaml(text, str(path))


def script_of(config: Config, analysis: str) -> Path:
    """Return the script of an analysis: of the first folder in `analysis_folders` that has it, else of the project.

    A path is that of the script itself; a relative one begins in the folder of the site.
    """
    name = config.analyses[analysis].script or analysis
    if name.endswith(".py"):
        return Path(name).expanduser()
    return _first(analysis_script(name), config, Path("scripts", "analyses", f"{name}.py"))


def rule_of(config: Config, analysis: str) -> Path:
    """Return the rule file of an analysis, found as its script is."""
    return _first(analysis_rule(analysis), config, Path("rules", "analyses", f"{analysis}.smk"))


def _first(own: Path, config: Config, relative: Path) -> Path:
    places = [folder.absolute() / relative for folder in config.analysis_folders]
    return next((place for place in places if _is_file(place)), own)


def _is_file(path: Path) -> bool:
    try:
        return path.expanduser().is_file()
    except (OSError, RuntimeError):  # a name that is too long, or the home folder of an unknown user
        return False


def _not_json(value: Any, place: tuple[Any, ...] = ()) -> Iterable[str]:
    """Return a sentence for each value that JSON, the form of job descriptions, does not have."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                yield f"{_spelled(place) or 'the configuration'} has the key {_shown(name)}: put it in quotes"
            yield from _not_json(inner, (*place, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _not_json(inner, (*place, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{_spelled(place)} is {value}: a finite number is needed"
    elif not isinstance(value, str | int | float | None):
        yield f"{_spelled(place)} is {value}, which YAML takes for a {type(value).__name__}: put it in quotes"


def _missing_files(config: Config) -> Iterable[str]:
    for place in (config.work, *config.work.parents):
        if _is_file(place):
            yield f"work is '{config.work}', and {place} is a file: a folder is needed"
    for index, software in enumerate(config.software):
        key = software.kind
        place = getattr(software, key)
        if not (_is_file(place) or (key == "image" and place.expanduser().is_dir())):  # an unpacked image is a folder
            yield f"software[{index}].{key} is '{place}', and {_why_missing(place)}"
        elif key == "interpreter" and not os.access(place.expanduser(), os.X_OK):
            yield f"software[{index}].interpreter is '{place}', which {own_account()} may not execute"
    for index, folder in enumerate(config.analysis_folders):
        if closed := closed_folder(folder / "scripts"):
            yield f"analysis_folders[{index}] is '{folder}', and {why_closed(closed)}"
    trials = config.trials
    for name, block in config.analyses.items():
        places = [("script", script_of(config, name)), ("rule file", rule_of(config, name))]
        places += [("script for its trial", script_of(trials, name))] if trials and block.trial else []
        for what, place in places:
            if not _is_file(place):
                shown = place.relative_to(ROOT) if place.is_relative_to(ROOT) else place
                if closed := closed_folder(place):
                    yield f"analyses.{name}: {shown} cannot be looked for, {why_closed(closed)}"
                    continue
                hint = did_you_mean(name, [file.stem for file in place.parent.glob(f"*{place.suffix}")])
                yield f"analyses.{name} has no {what}: {shown} is missing{hint}"


def _why_missing(place: Path) -> str:
    closed = closed_folder(place)
    return why_closed(closed) if closed else "there is no such file"


def _sentences(error: ValidationError, tree: Any) -> Iterable[str]:
    seen = set()
    for item in error.errors():
        place = _place(item["loc"], tree, item["type"] == "missing")
        where = _spelled(place) or "the configuration"
        if item["type"] == "extra_forbidden":
            hint = did_you_mean(str(place[-1]), _known_keys(place[:-1]))
            line = f"{where} = {_shown(_at(tree, place))} is not known{hint}"
        elif item["type"] == "missing":
            line = f"{where} is missing"
        elif item["type"] == "path_type":
            value = _at(tree, place)
            line = f"{where} is {'empty' if value is None else _shown(value)}: the name of a file or folder is needed"
        elif item["type"] == "value_error" and not isinstance(_at(tree, place), str | int | float):
            line = f"{where}: {item['ctx']['error']}"
        else:
            reason = str(item["ctx"]["error"]) if item["type"] == "value_error" else _lower(item["msg"])
            line = f"{where} is {_shown(_at(tree, place))}: {reason}"
        if line not in seen:
            seen.add(line)
            yield line


def _place(loc: Iterable[Any], tree: Any, lacks_last: bool) -> list[Any]:
    """Return the place of an error in the tree: as in pydantic's location, without its names for parts of a type."""
    place: list[Any] = []
    for part in loc:
        inside = _at(tree, place)
        found = part in inside if isinstance(inside, dict) else isinstance(inside, list) and isinstance(part, int)
        if found or lacks_last:
            place.append(part)
    return place


def _known_keys(place: Iterable[Any]) -> list[str]:
    """Return the names of keys that the block at ``place`` may have."""
    kind: Any = Config
    for part in place:
        kind = _inside(kind, part)
    return _names_in(kind)


def _inside(kind: Any, part: Any) -> Any:
    """Return the type of the value at ``part`` of a value of a type; None if it is unknown."""
    if _is_model(kind):
        field = kind.model_fields.get(str(part))
        return field.annotation if field else None
    if get_origin(kind) in (list, dict):
        return get_args(kind)[-1]
    return next(filter(None, (_inside(one, part) for one in get_args(kind))), None)


def _names_in(kind: Any) -> list[str]:
    if _is_model(kind):
        return list(kind.model_fields)
    return [name for one in get_args(kind) for name in _names_in(one)]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _spelled(place: Iterable[Any]) -> str:
    names = (f"[{part}]" if isinstance(part, int) else f".{_in_a_line(str(part))}" for part in place)
    return "".join(names).removeprefix(".")


def _in_a_line(text: str) -> str:
    return text if text.isprintable() else repr(text)


def _at(tree: Any, place: Iterable[Any]) -> Any:
    return functools.reduce(operator.getitem, place, tree)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
