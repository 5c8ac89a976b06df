"""Paths: the only package that spells one below the folder ``work``, or in the project."""

from xomflow.core.paths.project import (
    ANALYSIS_RULES,
    ANALYSIS_SCRIPTS,
    ANALYST_PAGE,
    CONFIGURATION_PAGE,
    CONFIGURATION_SCHEMA,
    ROOT,
    SOURCE,
    TEMPLATES,
    analysis_rule,
    analysis_script,
)
from xomflow.core.paths.tick import TickPaths
from xomflow.core.paths.work import Paths

__all__ = [
    "ANALYSIS_RULES",
    "ANALYSIS_SCRIPTS",
    "ANALYST_PAGE",
    "CONFIGURATION_PAGE",
    "CONFIGURATION_SCHEMA",
    "ROOT",
    "SOURCE",
    "TEMPLATES",
    "Paths",
    "TickPaths",
    "analysis_rule",
    "analysis_script",
]
