"""Another checkout of the project with its own environments, an earlier version perhaps, measured in turn."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

_BUILD = """
import json, sys
from pathlib import Path
from synthetic import idle_site
site, seconds = idle_site(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
texts = {}
for documents in ("runs.jsonl", "more.jsonl"):
    site.tree["rundb"]["file"] = documents
    site.write_config()
    texts[documents] = (site.folder / "config.yaml").read_text()
print(json.dumps([site.command(), texts, seconds]))
"""


class OtherSite:
    """A site of another checkout: what `tick_cost.tick` and `tick_cost.floor` need of one.

    Parameters
    ----------
    project
        The checkout; its environments are in ``work/envs``.
    folder, runs, new_runs
        As of `synthetic.idle_site`.

    Attributes
    ----------
    seconds
        How long building it took; None: it was there.
    """

    def __init__(self, project: Path, folder: Path, runs: int, new_runs: int) -> None:
        self.project, self.folder = project.absolute(), folder
        python = self.project / "work" / "envs" / "workflow" / "bin" / "python"
        done = subprocess.run(
            [str(python), "-c", _BUILD, str(folder), str(runs), str(new_runs)],
            cwd=self.project / "benchmarks",
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        self._command, self._texts, self.seconds = json.loads(done.stdout.splitlines()[-1])
        self.tree = {"rundb": {"file": "runs.jsonl"}}

    def command(self, *arguments: str) -> list[str]:
        """Return the command of a tick."""
        return [*self._command, *arguments]

    def write_config(self) -> None:
        """Write the configuration, unless it is there already."""
        path, text = self.folder / "config.yaml", self._texts[self.tree["rundb"]["file"]]
        if path.read_text() != text:
            path.write_text(text)
