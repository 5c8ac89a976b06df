"""No secret of a site can be seen anywhere while ticks run on Slurm, nor afterwards, nor when something is wrong."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import yaml
from bson import json_util

from local_servers.influx import Bucket
from local_servers.mongo import MongoServer
from local_servers.slurm import SlurmCluster
from mini_xenonnt import slow_control
from support.factory import PASSWORD, rundb_credentials
from support.mail import address_file
from support.scada import serving
from support.site import Site, document
from support.slurm_site import GOOD, TICK, SlurmSite
from xomflow.core.paths import ROOT

pytestmark = pytest.mark.slow

SCADA_PASSWORD, SCADA_TOKEN = "sl0w c0ntr0l/+&", "t0ken-of-the-slow-control"
MESSAGES = "s3cret-of-the-mail-server"
WRONG = "wr0ng-but-still-a-secret"
DATABASE = "xenonnt"
# What a person types then; the last one tries to send a mail.
LOOKS = (["status"], ["why", "52001"], ["verify"], ["notify", "--test"])


class Guard:
    """Looks for secrets: beside what runs, in all processes; afterwards, in all files."""

    def __init__(self, secrets: list[str]) -> None:
        self._forms = {form for secret in secrets for form in forms(secret)}
        self.seen: set[str] = set()
        self.commands: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Guard:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        """Look at what begins, over and over, and at all that was there already, once at the end."""
        before = _processes()
        while not self._over.wait(0.02):
            self._look_at(_processes() - before)
        self._look_at(before)

    def _look_at(self, processes: set[str]) -> None:
        for number in processes:
            with contextlib.suppress(OSError):  # it has ended meanwhile
                command = Path("/proc", number, "cmdline").read_bytes()
                self.commands.add(command.replace(b"\0", b" ").decode(errors="replace"))
                environment = Path("/proc", number, "environ").read_bytes()
                for what, content in (("cmdline", command), ("environ", environment)):
                    if self.finds(content):
                        self.seen.add(f"{what} of {command[:100]!r}")

    def finds(self, content: bytes) -> bool:
        return any(form in content for form in self._forms)

    def files_with_secrets(self, folder: Path, private: set[Path]) -> list[Path]:
        """Return the files that hold one, but for those that are meant to."""
        found, looked_at = [], 0
        for path in folder.rglob("*"):
            if path.is_file() and not any(path.is_relative_to(one) for one in private):
                looked_at += 1
                with contextlib.suppress(FileNotFoundError):  # the daemons renew their files
                    found += [path] if self.finds(path.read_bytes()) else []
        assert looked_at > 10
        return found


def _processes() -> set[str]:
    return {name for name in os.listdir("/proc") if name.isdigit()}


def forms(secret: str) -> set[bytes]:
    """Return a secret as it is, as it stands in an address, in JSON, in base64."""
    texts = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    return {text.encode() for text in texts} | {base64.b64encode(secret.encode()).rstrip(b"=")[:-1]}


class Secretive:
    """A site with three accounts."""

    def __init__(self, site: Site, cluster: SlurmCluster, mongo: MongoServer, bucket: Bucket, scada: Path) -> None:
        self.site, self.cluster, self.mongo, self.bucket, self.scada = site, cluster, mongo, bucket, scada
        self.place = SlurmSite(site, cluster.access)
        # What programs leave elsewhere they leave here.
        for variable in ("XDG_CACHE_HOME", "TMPDIR"):
            (site.folder / variable).mkdir()
            self.place.environment[variable] = str(site.folder / variable)
        self.rundb = self.write_rundb()
        self.influx = bucket.credentials(site.folder)
        urls = [f"mailto://xom:{MESSAGES}@127.0.0.1:1/?from=xom@example.org&to=shift@example.org"]
        heartbeat = f"http://127.0.0.1:1/{MESSAGES}/{{code}}"
        self.messages = address_file(site.folder, addresses=urls, heartbeat=heartbeat)
        self.private = {self.rundb, self.influx, scada, site.folder / "mongo", self.messages}

    def write_rundb(self, address: str = "", **changes: Any) -> Path:
        account = {"xent_user": self.mongo.access.user, "xent_password": PASSWORD, "xent_database": DATABASE}
        return rundb_credentials(self.site.folder, address or self.mongo.access.address, **{**account, **changes})

    def write_address(self, password: str = PASSWORD, database: str = f"/{DATABASE}", host: str = "") -> None:
        """Give the account of the run database as one address in a file of its own."""
        who = f"{self.mongo.access.user}:{quote(password, safe='')}"
        self.rundb.write_text(f"mongodb://{who}@{host or self.mongo.access.address}{database}?authSource=admin\n")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a process of its own: its command line and environment are looked at too."""
        environment = {**os.environ, **self.place.environment}
        return subprocess.run(
            command, cwd=self.site.folder, env=environment, capture_output=True, text=True, check=False
        )

    def tick(self, guard: Guard) -> int:
        """Run a tick that says as much as it can; look at everything it says and all that Slurm knows of its jobs."""
        with guard:
            self.site.write_config()
            done = self.run(*self.site.command(*TICK, "--verbose"))
            looks = [self.run(sys.executable, "-m", "xomflow", *words) for words in LOOKS]
        asked = [one.stdout + one.stderr for one in looks]
        numbers = self.place.slurm.run("squeue", "--noheader", "--states=all", "--format=%i").stdout.split()
        for number in numbers:
            asked += [
                self.place.slurm.run("scontrol", "write", "batch_script", number, "-").stdout,
                self.place.slurm.run("scontrol", "show", "job", "--details", number).stdout,
            ]
        said = "\n".join([done.stdout, done.stderr, *asked])
        assert not guard.finds(said.encode()), said
        assert guard.seen == set()
        assert guard.files_with_secrets(self.site.folder, self.private) == []
        assert guard.files_with_secrets(self.cluster.folder, set()) == []
        return done.returncode


@pytest.fixture
def secretive(
    site: Site,
    own_slurm: SlurmCluster,
    own_mongo: MongoServer,
    bucket: Bucket,
    analysis_python: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Secretive]:
    monkeypatch.setattr(slow_control, "PASSWORD", SCADA_PASSWORD)
    monkeypatch.setattr(slow_control, "TOKEN", SCADA_TOKEN)
    with serving(site.folder / "scada") as server:
        made = Secretive(site, own_slurm, own_mongo, bucket, server.account)
        with own_mongo.access.client() as client:
            client[DATABASE].runs.insert_one(json_util.loads(json.dumps(document(52001))))
        block = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["analyses"]["scada"]
        parameters = {"pressure": {"name": "XE1T.CRY_PT101_PCHAMBER_AI.PI", "unit": "bar"}}
        settings = {"credentials": str(server.account), "parameters": parameters}
        site.tree["analyses"]["scada"] = {**block, "version": "v1", "memory_mb": 1500, "settings": settings}
        made.place.analysis("good", GOOD)
        site.tree["rundb"] = {"kind": "mongodb", "credentials": str(made.rundb), "timeout": "3 s"}
        site.tree["store"] = {"kind": "influxdb", "credentials": str(made.influx)}
        site.tree["software"] = [{"interpreter": str(analysis_python)}]
        site.tree["notify"] = {"addresses": str(made.messages)}
        yield made


@pytest.fixture
def guard(bucket: Bucket) -> Guard:
    return Guard([PASSWORD, SCADA_PASSWORD, SCADA_TOKEN, MESSAGES, WRONG, bucket.token])


def test_secrets_are_seen_nowhere(secretive: Secretive, guard: Guard) -> None:
    assert secretive.tick(guard) == 0
    assert secretive.site.done("good") == secretive.site.done("scada") == {52001}
    assert {fields["run"] for place, fields in secretive.bucket.points().items() if place[0] == "test_scada"} == {52001}
    # It did look while these were at work.
    for part in (
        "bin/snakemake",  # also the processes of its steps discover and publish
        "xomflow job run",
        "xomflow job notify",
        "xomlib.process.worker",
        "slurmstepd",
    ):
        assert any(part in command for command in guard.commands), part


@pytest.mark.nightly
def test_an_account_given_as_an_address_is_seen_nowhere(secretive: Secretive, guard: Guard) -> None:
    secretive.write_address()
    del secretive.site.tree["analyses"]["scada"]
    assert secretive.tick(guard) == 0
    assert secretive.site.done("good") == {52001}


def wrong_password(place: Secretive) -> None:
    place.write_rundb(xent_password=WRONG)


def password_in_the_address(place: Secretive) -> None:
    place.write_rundb(f"mongodb://xenon:{quote(PASSWORD, safe='')}@127.0.0.1:1/?authSource=x", xent_password=WRONG)


def wrong_password_in_an_address(place: Secretive) -> None:
    place.write_address(WRONG)


def address_without_database(place: Secretive) -> None:
    place.write_address(database="/")


def address_that_is_none(place: Secretive) -> None:
    place.write_address(host="127.0.0.1:x")


def no_section(place: Secretive) -> None:
    place.rundb.write_text(place.rundb.read_text().partition("\n")[2])


def readable_by_others(place: Secretive) -> None:
    place.rundb.chmod(0o644)


def wrong_token(place: Secretive) -> None:
    place.bucket.credentials(place.site.folder, token=WRONG)


def no_store(place: Secretive) -> None:
    place.bucket.credentials(place.site.folder, url="http://127.0.0.1:1")


def no_json(place: Secretive) -> None:
    place.influx.write_text(place.influx.read_text()[:-3])


def token_on_two_lines(place: Secretive) -> None:
    place.bucket.credentials(place.site.folder, token=f"{WRONG}\nX: y")


def wrong_scada_password(place: Secretive) -> None:
    place.scada.write_text(place.scada.read_text().replace(SCADA_PASSWORD, WRONG))


def no_scada(place: Secretive) -> None:
    lines = place.scada.read_text().splitlines()
    text = "\n".join("sclogin_url = https://localhost:1/x" if "sclogin" in line else line for line in lines)
    place.scada.write_text(text)


TROUBLES = {
    wrong_password: 4,
    password_in_the_address: 4,
    wrong_password_in_an_address: 4,
    address_without_database: 4,
    address_that_is_none: 4,
    no_section: 4,
    readable_by_others: 4,
    wrong_token: 6,
    no_store: 6,
    no_json: 6,
    token_on_two_lines: 6,
    wrong_scada_password: 7,
    no_scada: 7,
}


@pytest.mark.nightly
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_secrets_are_seen_nowhere_when_something_is_wrong(secretive: Secretive, guard: Guard, trouble: Any) -> None:
    trouble(secretive)
    assert secretive.tick(guard) == TROUBLES[trouble]


@pytest.mark.nightly
def test_a_leak_would_be_seen(secretive: Secretive, guard: Guard) -> None:
    shutil.copy(secretive.influx, secretive.site.folder / "copy")
    with pytest.raises(AssertionError, match="copy"):
        secretive.tick(guard)
