"""Slurm's accounts, which limit what users submit: slurmdbd and a MariaDB of its own, in a cluster's folder."""

from __future__ import annotations

import contextlib
import getpass
import subprocess
from collections.abc import Mapping
from pathlib import Path

from local_servers.daemon import LONG, Daemon, DaemonError
from local_servers.find import program

ACCOUNT = "xom"

# Only a socket, and only for the user who started it; the sizes are for a handful of jobs.
_DATABASE = """\
[mariadbd]
user={user}
datadir={folder}/mariadb
socket={folder}/mariadb.sock
pid-file={folder}/mariadb.pid
skip-networking
innodb-log-file-size=8M
innodb-flush-log-at-trx-commit=0
"""
_CONFIGURATION = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={port}
CommunicationParameters=NoInAddrAny
SlurmUser={user}
StorageType=accounting_storage/mysql
StorageUser={user}
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
"""
_OF_CLUSTER = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass=socket={folder}/munge.sock
AccountingStorageEnforce=associations,limits"""


class Accounting:
    """The accounts of one cluster; what an account or a user may do is set with ``sacctmgr``.

    Parameters
    ----------
    folder
        The cluster's, where its munge and its ``slurm.conf`` are.
    host
        The name of this machine.
    port
        Of its daemon.
    environment
        Of the cluster's daemons.
    """

    def __init__(self, folder: Path, host: str, port: int, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._port = port
        self._environment = environment
        names = {"folder": folder, "user": getpass.getuser(), "host": host, "port": port}
        (folder / "mariadb.cnf").write_text(_DATABASE.format(**names))
        (folder / "slurmdbd.conf").touch(0o600)  # else slurmdbd refuses it
        (folder / "slurmdbd.conf").write_text(_CONFIGURATION.format(**names))
        self._defaults = f"--defaults-file={folder / 'mariadb.cnf'}"
        found = {**environment, "MYSQL_UNIX_PORT": str(folder / "mariadb.sock")}
        self.daemons = (
            Daemon([program("mariadbd"), self._defaults], folder / "mariadb.out", environment),
            Daemon([program("slurmdbd"), "-D"], folder / "slurmdbd.out", found),
        )
        self._install, self._sacctmgr = program("mariadb-install-db"), program("sacctmgr")

    @property
    def configuration(self) -> str:
        """The lines of ``slurm.conf`` by which a cluster asks it before it takes a job."""
        return _OF_CLUSTER.format(port=self._port, folder=self._folder)

    def start(self, cluster: str) -> None:
        """Start it, with a cluster and an account to which this user belongs; munge has to run."""
        self._run(self._install, self._defaults, "--skip-test-db", "--skip-name-resolve")
        for daemon, ready in zip(self.daemons, ((self._folder / "mariadb.sock").exists, self._answers), strict=True):
            daemon.start()
            daemon.wait_until(ready)
        self._ask("add", "cluster", cluster)
        self._ask("add", "account", ACCOUNT, f"Cluster={cluster}")
        self._ask("add", "user", getpass.getuser(), f"Account={ACCOUNT}", f"DefaultAccount={ACCOUNT}")

    def limit(self, **limits: int) -> None:
        """Set limits of this user, such as ``MaxSubmitJobs=2``."""
        words = [f"{name}={value}" for name, value in limits.items()]
        self._ask("modify", "user", getpass.getuser(), "where", f"Account={ACCOUNT}", "set", *words)

    def stop(self) -> None:
        """End it; its folder stays."""
        for daemon in reversed(self.daemons):
            daemon.kill()

    def _answers(self) -> bool:
        with contextlib.suppress(DaemonError):
            self._ask("list", "cluster")
            return True
        return False

    def _ask(self, *words: str) -> None:
        self._run(self._sacctmgr, "--immediate", *words)

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False, timeout=LONG)
        if done.returncode != 0:
            raise DaemonError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout)[-1000:]}")
