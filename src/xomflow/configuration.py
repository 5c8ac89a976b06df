"""Load the configuration, and say in one sentence each what is wrong with it."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from xomflow.errors import ConfigurationError
from xomflow.paths import ROOT, analysis_rule, analysis_script
from xomflow.settings import Settings


def load(path: Path) -> Settings:
    """Load and check a configuration file.

    Raises
    ------
    ConfigurationError
        One line per mistake, each with the file, the key, the value and, for unknown keys, the nearest right one.
    """
    return check(read_yaml(path), str(path))


def check(tree: Any, source: str) -> Settings:
    """Check a configuration that was read from ``source``; `ConfigurationError` as in `load`."""
    if not isinstance(tree, dict):
        raise ConfigurationError(f"{source}: is {_shown(tree)}, a configuration with keys is needed")
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise ConfigurationError("\n".join(f"{source}: {line}" for line in _sentences(error, tree))) from None
    problems = list(_missing_files(settings))
    if problems:
        raise ConfigurationError("\n".join(f"{source}: {line}" for line in problems))
    return settings


def read_yaml(path: Path) -> Any:
    """Read a YAML file; a key that stands twice is an error, not a silent choice."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: is not YAML: {' '.join(str(error).split())}") from None


def script_of(settings: Settings, analysis: str) -> Path:
    """Return the script of an analysis: the first found in the project and the configured folders."""
    return _first([analysis_script(analysis)], settings, Path("scripts", "analyses", f"{analysis}.py"))


def rule_of(settings: Settings, analysis: str) -> Path:
    """Return the rule file of an analysis: the first found in the project and the configured folders."""
    return _first([analysis_rule(analysis)], settings, Path("rules", "analyses", f"{analysis}.smk"))


def _first(places: list[Path], settings: Settings, relative: Path) -> Path:
    places += [folder.absolute() / relative for folder in settings.analysis_folders]
    return next((place for place in places if place.is_file()), places[0])


def _missing_files(settings: Settings) -> Iterable[str]:
    for index, software in enumerate(settings.software):
        interpreter = software.interpreter.expanduser()
        if not interpreter.is_file():
            yield f"software[{index}].interpreter is '{software.interpreter}', and there is no such file"
        elif not os.access(interpreter, os.X_OK):
            yield f"software[{index}].interpreter is '{software.interpreter}', which is not executable"
    for name in settings.analyses:
        for what, place in (("script", script_of(settings, name)), ("rule file", rule_of(settings, name))):
            if not place.is_file():
                shown = place.relative_to(ROOT) if place.is_relative_to(ROOT) else place
                near = _near(name, [file.stem for file in place.parent.glob(f"*{place.suffix}")])
                yield f"analyses.{name} has no {what}: {shown} is missing{near}"


def _sentences(error: ValidationError, tree: Any) -> Iterable[str]:
    seen = set()
    for item in error.errors():
        place = [part for part in item["loc"] if not (isinstance(part, str) and ("[" in part or part == "str"))]
        where = _spelled(place) or "the configuration"
        if item["type"] == "extra_forbidden":
            line = f"{where} is not known{_near(str(place[-1]), _known_keys(place[:-1]))}"
        elif item["type"] == "missing":
            line = f"{where} is missing"
        elif item["type"] == "value_error" and not isinstance(_at(tree, place), str | int | float):
            line = f"{where}: {item['ctx']['error']}"
        else:
            reason = str(item["ctx"]["error"]) if item["type"] == "value_error" else _lower(item["msg"])
            line = f"{where} is {_shown(_at(tree, place))}: {reason}"
        if line not in seen:
            seen.add(line)
            yield line


def _known_keys(place: list[Any]) -> list[str]:
    """Names that the block at ``place`` may have."""
    model: Any = Settings
    for part in place:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(part))
            model = _model_in(field.annotation) if field else None
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = [_model_in(argument) for argument in get_args(annotation)]
    return next((model for model in inner if model is not None), None)


def _near(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else ""


def _spelled(place: Iterable[Any]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def _at(tree: Any, place: Iterable[Any]) -> Any:
    for part in place:
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


class _UniqueKeys(yaml.SafeLoader):
    """A loader that refuses a mapping in which a key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)
