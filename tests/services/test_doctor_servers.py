"""`xom doctor` at a site with Slurm and InfluxDB: servers that answer, and one that refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from local_servers.influx import Bucket
from local_servers.slurm import SlurmAccess
from support.site import Site
from support.slurm_site import GOOD, SlurmSite
from xomflow.core.exit_code import ExitCode

pytestmark = pytest.mark.slow


def doctor(place: SlurmSite) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the first line about each thing."""
    place.site.write_config()
    words = [sys.executable, "-m", "xomflow", "doctor", "--json"]
    done = subprocess.run(
        words, cwd=place.site.folder, env=place.environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    found: dict[str, dict[str, Any]] = {}
    for line in json.loads(done.stdout):
        found.setdefault(line["about"], line)
    return done.returncode, found


def test_servers_that_answer_are_ok_and_one_that_does_not_is_wrong(
    site: Site, slurm: SlurmAccess, bucket: Bucket
) -> None:
    place = SlurmSite(site, slurm)
    place.analysis("good", GOOD)
    credentials = bucket.credentials(site.folder)
    site.tree["store"] = {"kind": "influxdb", "credentials": str(credentials)}
    site.runs([52001])
    code, found = doctor(place)
    assert code == ExitCode.OK
    assert [found[name]["state"] for name in ("store", "Slurm")] == ["ok", "ok"]
    assert found["Slurm"]["seen"].startswith("squeue answers in ")
    account = json.loads(credentials.read_text())
    credentials.write_text(json.dumps({**account, "token": "wrong"}))
    (site.folder / "empty.conf").touch()  # without the file Slurm's commands look for a server for a minute
    place.environment["SLURM_CONF"] = str(site.folder / "empty.conf")
    code, found = doctor(place)
    assert code == ExitCode.STORE_OR_DISK
    assert "refused: 401" in found["store"]["seen"]
    assert found["Slurm"]["state"] == "look", "no job was submitted"
