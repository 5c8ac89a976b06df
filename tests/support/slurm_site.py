"""A site whose ticks are those of ``snakemake --profile slurm``."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from local_servers.slurm import SlurmAccess
from support.in_fork import in_fork
from support.site import Site
from xomflow.cli import main as xom
from xomflow.core.key import Key
from xomflow.core.paths import ROOT

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
TICK = ("--profile", "slurm", "--seconds-between-status-checks", "1", "--latency-wait", "5")


class SlurmSite:
    """A site whose ticks submit to a cluster."""

    def __init__(self, site: Site, slurm: SlurmAccess) -> None:
        self.site = site
        self.slurm = slurm
        self.environment = dict(slurm.environment)
        (site.folder / "slurm").symlink_to(ROOT / "profiles" / "slurm")
        site.tree["slurm"] = {"latency": "0 s", "memory_margin_mb": 100}
        site.tree["retries"] = {"attempts": 3, "first_wait": "0 s"}

    def analysis(self, name: str, body: str, **block: Any) -> None:
        self.site.analysis(name, body, **{"memory_mb": 150, **block})

    def tick(self) -> subprocess.CompletedProcess[str]:
        return self.site.snakemake(*TICK, **self.environment)

    def start(self) -> subprocess.Popen[str]:
        return self.site.start(*TICK, **self.environment)

    def said(self) -> str:
        """What the ticks that were started here have said so far."""
        return (self.site.folder / "tick.log").read_text()

    def pending(self) -> set[tuple[str, str]]:
        return self.site.pending(*TICK[:2], **self.environment)

    def xom(self, *words: str) -> str:
        """Run a command that a person types, and return what it prints."""
        done = in_fork(lambda: xom([*words]), self.site.folder, self.environment)
        return done.stdout + done.stderr

    def record(self, analysis: str, number: int) -> dict[str, Any]:
        return json.loads(self.site.paths.submission(Key(analysis, "v1", f"{number:06d}")).read_text())

    def has_begun(self, number: int) -> bool:
        place = self.site.folder / f"begun-{number:06d}"
        return place.exists() and place.read_text() != ""

    def go(self) -> None:
        (self.site.folder / "go").touch()

    def entered(self, number: int) -> int:
        return len((self.site.folder / f"entered-{number:06d}").read_text())

    def failure(self, analysis: str, number: int) -> dict[str, Any]:
        return self.site.failures(analysis, number)[-1]["failure"]

    def jobs(self) -> list[str]:
        """The jobs of this site's ticks that Slurm still has to do or does."""
        said = self.slurm.answer("squeue", "--noheader", "--format=%i|%Z").splitlines()
        return [line.split("|")[0] for line in said if line.endswith(f"|{self.site.folder}")]
