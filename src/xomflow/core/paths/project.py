"""Places in the project itself."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
SOURCE = ROOT / "src"
ANALYSIS_SCRIPTS = ROOT / "scripts" / "analyses"
ANALYSIS_RULES = ROOT / "rules" / "analyses"
CONFIGURATION_SCHEMA = ROOT / "docs" / "config.schema.json"
CONFIGURATION_PAGE = ROOT / "docs" / "configuration.md"
ANALYST_PAGE = ROOT / "docs" / "analyst.md"
TEMPLATES = SOURCE / "xomflow" / "workflow" / "requests" / "analysing" / "templates"


def analysis_script(name: str) -> Path:
    """Return the script of an analysis."""
    return ANALYSIS_SCRIPTS / f"{name}.py"


def analysis_rule(name: str) -> Path:
    """Return the rule file of an analysis."""
    return ANALYSIS_RULES / f"{name}.smk"
