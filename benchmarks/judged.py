"""Judge all results of the site in the working directory, as ticks do 0.2 s each until all are judged.

``python judged.py``, under the workflow interpreter. Without it, ticks of a new site would go on judging while they
are measured.
"""

from __future__ import annotations

from pathlib import Path

from xomflow.config.load import check_configuration, read_yaml
from xomflow.core.paths import Paths
from xomflow.workflow.documents import ReportConfig
from xomflow.workflow.ending.expected import judge_all

if __name__ == "__main__":
    config = check_configuration(read_yaml(Path("config.yaml")), "config.yaml")
    judge_all(Paths(config.work), ReportConfig.of(config))
