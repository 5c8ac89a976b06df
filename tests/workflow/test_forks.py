"""What tests start as forks is what a site starts: the same environment, and the same words of Snakemake."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.in_process import FastSite
from support.site import Site
from xomflow.core.key import Key

LOOKS = """
import json, os, signal, sys, warnings
import xomlib

def main(run_id):
    told = {"environment": dict(os.environ), "path": sys.path, "name": __name__, "argv": sys.argv}
    told |= {"session": os.getsid(0) == os.getpid(), "group": os.getpgid(0) == os.getpid(), "umask": os.umask(0)}
    told |= {"files": os.listdir(), "input": os.stat(0).st_rdev, "open": len(os.listdir("/proc/self/fd"))}
    told |= {"main": sys.modules["__main__"].__file__, "bytecode": sys.dont_write_bytecode}
    told |= {"blocked": [*map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))], "alarm": signal.alarm(0) > 60}
    kinds = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE, signal.SIGALRM)
    told |= {"signals": [repr(signal.getsignal(kind)) for kind in kinds]}
    told |= {"warnings": sorted({f"{one[0]} {one[2].__name__}" for one in warnings.filters})}
    warnings.warn("for a person")
    xomlib.Xomresult(variable_name="x", variable_value=1, data={"told": json.dumps(told)}).save()
"""


def looked(folder: Path, *, forks: bool) -> tuple[dict[str, Any], str]:
    """Return what a script finds where it is started, and its log."""
    folder.mkdir()
    site = FastSite(folder)
    site.forks = forks
    site.runs([52001])
    site.analysis("looks", "pass", time_limit="1 h")
    (folder / "extra/scripts/analyses/looks.py").write_text(LOOKS)
    assert site.tick().returncode == 0
    text = site.outcome("looks", 52001)["results"][0]["data"]["told"].replace(str(folder), "SITE")
    return json.loads(re.sub(r"drafts/[^/\"]+", "DRAFT", text)), site.paths.log(
        Key("looks", "v1", "052001")
    ).read_text()


def test_a_script_finds_in_a_fork_what_it_finds_in_a_process_of_its_own(tmp_path: Path) -> None:
    (fork, said), (process, printed) = (looked(tmp_path / str(forks), forks=forks) for forks in (True, False))
    assert fork == process
    assert fork["session"] and fork["alarm"] and fork["files"] == []
    assert said.count("UserWarning: for a person") == printed.count("UserWarning: for a person") == 1


@pytest.mark.parametrize("words", [["-n"], ["-n", "no_such_rule"]], ids=str)
def test_snakemake_prints_and_returns_as_a_fork_what_it_does_as_a_process(site: Site, words: list[str]) -> None:
    site.runs([52001, 52002])
    site.analysis("good", "xomlib.Xomresult(variable_name='x', variable_value=1).save()")
    site.analysis("other", "xomlib.Xomresult(variable_name='x', variable_value=1).save()", software="nothing")
    fork = site.snakemake(*words)
    process = subprocess.run(
        site.command(*words), cwd=site.folder, env=os.environ, capture_output=True, text=True, check=False
    )
    assert fork.returncode == process.returncode
    assert plain(fork.stdout) == plain(process.stdout)
    assert plain(fork.stderr) == plain(process.stderr)
    assert fork.stdout + fork.stderr


def plain(text: str) -> str:
    """Return text without the number of the process and the time."""
    return re.sub(r"\d{4}-\d\d-\d\d\S*|\b\d\d:\d\d:\d\d\b|\[\w{3} \w{3} .*\]", "", text)
