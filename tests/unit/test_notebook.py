"""docs/results.ipynb: its cells run as they are, in the analysis environment."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from support.factory import keep, key_of, outcome, result
from support.in_process import FastSite
from xomflow.core.paths import ROOT

NOTEBOOK = ROOT / "docs/results.ipynb"
SAVE = "xomlib.Xomresult(variable_name='electron_lifetime', variable_value=13.5, error=0.2, unit='ms').save()"
# Jupyter shows the value of the last line of a cell, which does not matter here.
RUN = """
import json, sys
import matplotlib
matplotlib.use("Agg")
namespace = {"__name__": "__main__"}
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        exec("".join(cell["source"]), namespace)
points = namespace["axes"].containers[0].lines[0].get_ydata()
made = namespace["made"].document["results"][0]["value"]
print(json.dumps([list(points), made, list(namespace["change"].difference)]))
"""


def test_the_cells_of_the_notebook_run_one_after_the_other(
    site: FastSite, analysis_python: Path, tmp_path: Path
) -> None:
    site.tree["software"] = [{"interpreter": str(analysis_python)}]
    site.runs([52894, 52895])
    site.analysis("kr83m", SAVE)
    site.write_config()
    for version, value in (("v1", 13.0), ("v2", 13.25)):
        for number in (52894, 52895):
            lifetime = result("electron_lifetime", value, unit="ms")
            keep(site.paths, outcome(key_of(number, version=version), [lifetime]))
    done = subprocess.run(
        [analysis_python, "-W", "error", "-c", RUN, NOTEBOOK],
        env={**os.environ, "XOM_SITE": str(site.folder), "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [[13.25, 13.25], 13.5, [0.25, 0.25]]


def test_the_notebook_is_kept_without_output() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert [one["outputs"] for one in cells if one["cell_type"] == "code" and one["outputs"]] == []
