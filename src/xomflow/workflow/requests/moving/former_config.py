"""The configuration of the first XOM as it stands in its files.

Its public repository (github.com/XENONnT/xom) has ``tool_config.json`` for the whole, and a ``.cfg`` file with a
section for each analysis; since June 2024 the latter may be JSON, a list of the same entries with an ``analysis_name``.
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xomflow.core.errors import ConfigurationError
from xomlib.files import parse_json


@dataclass(frozen=True, slots=True)
class FormerConfig:
    """The content of both files of the first XOM's configuration.

    Parameters
    ----------
    tool
        Content of ``tool_config.json``.
    analyses
        Entries of each analysis, by its name there.
    """

    tool: Mapping[str, Any]
    analyses: Mapping[str, Mapping[str, Any]]


def read_former(tool_config: Path, analyses: Path) -> FormerConfig:
    """Return the configuration in two files.

    Raises
    ------
    ConfigurationError
        If one of them cannot be read or has another form.
    """
    tool = _json(tool_config)
    if not isinstance(tool, dict):
        raise ConfigurationError(f"{tool_config}: an object with keys such as container_dict is needed")
    blocks = _blocks_of_json(analyses) if analyses.suffix == ".json" else _blocks_of_cfg(analyses)
    if not blocks:
        raise ConfigurationError(f"{analyses}: there is no analysis in it; sections that begin with # are comments")
    return FormerConfig(tool, blocks)


def _blocks_of_cfg(path: Path) -> dict[str, Mapping[str, Any]]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(_text(path), str(path))
    except configparser.Error as error:
        raise ConfigurationError(f"{path}: is not a file of sections: {' '.join(str(error).split())}") from None
    return {name: dict(parser[name]) for name in parser.sections()}


def _blocks_of_json(path: Path) -> dict[str, Mapping[str, Any]]:
    content = _json(path)
    if isinstance(content, dict):
        content = [{"analysis_name": name, **block} for name, block in content.items() if isinstance(block, dict)]
    if not isinstance(content, list) or not all(isinstance(one, dict) and "analysis_name" in one for one in content):
        raise ConfigurationError(f"{path}: a list of analyses, each with analysis_name, is needed")
    return {str(one["analysis_name"]): {key: one[key] for key in one if key != "analysis_name"} for one in content}


def _json(path: Path) -> Any:
    try:
        return parse_json(_text(path))
    except ValueError as error:
        raise ConfigurationError(f"{path}: is not JSON: {error}") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is no text") from None
