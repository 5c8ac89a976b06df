"""A Slurm cluster of the tests' own: munge, controller and two nodes on the loopback address, in one folder."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from local_servers.accounting import Accounting
from local_servers.daemon import LONG, Daemon, free_ports
from local_servers.find import program

_CGROUPS = Path("/sys/fs/cgroup")
_NODE = "XOM_TEST_NODE"  # in the environment of Slurm's processes on a node
_CLUSTER = "xom_test"
_CONTROLLERS = ("memory", "cpuset", "freezer", "devices", "cpuacct")

# Slurm's defaults are for machines with thousands of nodes; here everything is to be noticed as soon as Slurm can.
_CONFIGURATION = """\
ClusterName={cluster}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin={task}
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=200
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=1
SlurmdTimeout=3
MessageTimeout=2
TCPTimeout=1
UnkillableStepTimeout=10
ReturnToService=2
MinJobAge=600
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
{over_memory}
{accounting}
SlurmdParameters=config_overrides
{nodes}
PartitionName=main Nodes=ALL Default=YES PriorityTier=1 MaxTime=1-0 DefaultTime=10
PartitionName=urgent Nodes=ALL PriorityTier=10 PreemptMode=OFF MaxTime=1-0 DefaultTime=10
"""
_NO_ACCOUNTING = "AccountingStorageType=accounting_storage/none"
_CGROUP_CONFIGURATION = """\
CgroupPlugin=cgroup/v1
CgroupAutomount=no
ConstrainRAMSpace=yes
ConstrainSwapSpace=yes
AllowedSwapSpace=0
"""


@dataclass(frozen=True)
class SlurmAccess:
    """What a command needs to reach a cluster.

    Parameters
    ----------
    environment
        The whole environment, with PATH and SLURM_CONF.
    """

    environment: dict[str, str]

    @classmethod
    def of(cls, configuration: Path) -> SlurmAccess:
        """Return how the cluster of a ``slurm.conf`` is reached."""
        return cls({**os.environ, "SLURM_CONF": str(configuration)})

    def run(self, *command: str, seconds: float = LONG) -> subprocess.CompletedProcess[str]:
        """Run one of Slurm's commands to its end."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, timeout=seconds
        )

    def answer(self, *command: str) -> str:
        """Return the output of one of Slurm's commands; repeat it if Slurm was too slow."""
        end = time.monotonic() + LONG
        while (done := self.run(*command)).returncode != 0:
            assert time.monotonic() < end, done.stderr
        return done.stdout

    def submit(self, script: str, *options: str) -> str:
        """Submit a shell script and return the job's id; its output goes nowhere unless the options name a file."""
        command = ("sbatch", "--parsable", "--output=/dev/null", "--mem=100", *options, f"--wrap={script}")
        done = self.run(*command)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def job(self, job: str) -> dict[str, str]:
        """Return the entries of a job in ``scontrol show job``; empty if Slurm has no such job."""
        shown = self.run("scontrol", "--oneliner", "show", "job", job).stdout
        return dict(word.partition("=")[::2] for word in shown.split() if "=" in word)


class SlurmCluster:
    """A cluster of one's own.

    With cgroup v1 and as root a job that takes more memory than it asked for is OUT_OF_MEMORY. Elsewhere Slurm looks at
    it every second and kills it, which it calls FAILED with exit code 0:9; `limits_memory` distinguishes them.

    Parameters
    ----------
    nodes
        How many.
    cpus, memory_mb
        What each has by the configuration.
    accounting
        Whether it has a database of accounts, and takes jobs only within their limits.
    """

    def __init__(self, nodes: int = 2, cpus: int = 2, memory_mb: int = 2000, accounting: bool = False) -> None:
        # Not pytest's folder: munge needs a path that every account may enter, short enough for a socket.
        self.folder = Path(tempfile.mkdtemp(prefix="xom-slurm-"))
        self.folder.chmod(0o755)
        self.limits_memory = os.geteuid() == 0 and os.access(_CGROUPS / "memory" / "tasks", os.W_OK)
        # Names of control groups are made of those of nodes, and several clusters may run at a time.
        self.nodes = [f"{self.folder.name[10:].replace('_', 'x').lower()}{number}" for number in range(nodes)]
        self.environment = self._environment()
        *ports, for_accounts = free_ports(nodes + 2)
        self.accounting = Accounting(self.folder, _host(), for_accounts, self.environment) if accounting else None
        self._configure(cpus, memory_mb, *ports)
        self._munge = self._daemon("munged", "--foreground", *self._munge_files())
        self.controller = self._daemon("slurmctld", "-D")
        self.daemons = {node: self._daemon("slurmd", "-D", "-N", node, node=node) for node in self.nodes}

    @property
    def access(self) -> SlurmAccess:
        """How it is reached."""
        return SlurmAccess(self.environment)

    def start(self) -> None:
        """Start everything and wait until all nodes take jobs."""
        self._munge.start()
        self._munge.wait_until((self.folder / "munge.sock").exists)
        if self.accounting:
            self.accounting.start(_CLUSTER)
        self.controller.start()
        for daemon in self.daemons.values():
            daemon.start()
        self.controller.wait_until(self.is_idle)

    def stop(self) -> None:
        """End all jobs and daemons and remove every trace."""
        daemons = (*self.daemons.values(), self.controller, self._munge)
        for daemon in daemons:
            daemon.kill()
        if self.accounting:
            self.accounting.stop()
        end = time.monotonic() + 5
        while (self._kill_processes() or not self._remove_control_groups()) and time.monotonic() < end:
            time.sleep(0.02)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- what may happen to it ---------------------------------------------------------------------------------------
    def kill_node(self, node: str) -> None:
        """End a node's daemon with SIGKILL; its jobs' processes stay, as those of a node that lost its network."""
        self.daemons[node].kill()

    def cut_power(self, node: str) -> None:
        """End a node's daemon and everything that runs there, at once."""
        self.daemons[node].kill()
        stopped: set[psutil.Process] = set()
        # A stopped process starts no other, and does not see the end of another.
        while new := self._processes_on(node) - stopped:
            for process in new:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.suspend()
            stopped |= new
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def start_node(self, node: str) -> None:
        """Start a node's daemon again and wait until Slurm has it back."""
        daemon = self.daemons[node]
        daemon.start()
        daemon.wait_until(lambda: self.state_of(node) in ("idle", "mixed", "allocated"))

    @contextlib.contextmanager
    def without_spool(self) -> Iterator[None]:
        """Within it no node can start a job, as where its disk is full: Slurm keeps such a job and holds it."""
        places = [self.folder / node for node in self.nodes]
        for place in places:
            place.rename(place.with_suffix(".away"))
        try:
            yield
        finally:
            for place in places:
                place.with_suffix(".away").rename(place)

    def resume_nodes(self) -> None:
        """Take back, as an administrator would, the nodes that Slurm drained itself."""
        drained = [node for node in self.nodes if self.state_of(node).startswith("drain")]
        if drained:
            self.access.run("scontrol", "update", f"NodeName={','.join(drained)}", "State=RESUME")

    def restart_controller(self) -> None:
        """Stop and start the controller; jobs go on."""
        self.controller.stop()
        self.start_controller()

    def start_controller(self) -> None:
        """Start the controller and wait until it answers."""
        self.controller.start()
        self.controller.wait_until(lambda: self.access.run("scontrol", "ping").returncode == 0)

    def state_of(self, node: str) -> str:
        """Return a node's state, such as ``idle``, ``down*``."""
        return self.access.run("sinfo", "--noheader", "--Node", "-p", "main", "-n", node, "-o", "%T").stdout.strip()

    def is_idle(self) -> bool:
        """Return whether all nodes wait for jobs."""
        return all(self.state_of(node) == "idle" for node in self.nodes)

    # --- files -------------------------------------------------------------------------------------------------------
    def _configure(self, cpus: int, memory_mb: int, port: int, *ports: int) -> None:
        for name in ("controller", *self.nodes):
            (self.folder / name).mkdir()
        (self.folder / "key").touch(0o600)
        (self.folder / "key").write_bytes(os.urandom(1024))
        host = _host()
        size = f"CPUs={cpus} RealMemory={memory_mb}"
        place = f"NodeHostname={host} NodeAddr=127.0.0.1"
        nodes = [f"NodeName={n} {place} Port={own} {size}" for n, own in zip(self.nodes, ports, strict=True)]
        text = _CONFIGURATION.format(
            host=host,
            port=port,
            user=getpass.getuser(),
            folder=self.folder,
            task="task/cgroup" if self.limits_memory else "task/none",
            over_memory="" if self.limits_memory else "JobAcctGatherParams=OverMemoryKill",
            nodes="\n".join(nodes),
            cluster=_CLUSTER,
            accounting=self.accounting.configuration if self.accounting else _NO_ACCOUNTING,
        )
        (self.folder / "slurm.conf").write_text(text)
        if self.limits_memory:
            (self.folder / "cgroup.conf").write_text(_CGROUP_CONFIGURATION)

    def _environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
        return {**ours, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def _munge_files(self) -> list[str]:
        names = {"key-file": "key", "socket": "munge.sock", "pid-file": "munged.pid", "log-file": "munged.log"}
        return [f"--{option}={self.folder / name}" for option, name in {**names, "seed-file": "munged.seed"}.items()]

    def _daemon(self, name: str, *options: str, node: str = "") -> Daemon:
        return Daemon([program(name), *options], self.folder / f"{node or name}.out", {**self.environment, _NODE: node})

    def processes(self) -> list[int]:
        """Return the jobs' processes: all that were started with this cluster's configuration in their environment."""
        mark = f"SLURM_CONF={self.folder / 'slurm.conf'}\0".encode()
        found = []
        for place in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in place.read_bytes():
                    found.append(int(place.parent.name))
        return found

    def _kill_processes(self) -> list[int]:
        """Kill all of them, and return them; one that was just starting another one is why to ask again."""
        found = self.processes()
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return found

    def _processes_on(self, node: str) -> set[psutil.Process]:
        """Return what runs on a node: Slurm's own processes there, and what they started."""
        found: set[psutil.Process] = set()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(_NODE) == node:
                    found |= {process, *process.children(recursive=True)}
        return found

    def _remove_control_groups(self) -> bool:
        """Remove what Slurm leaves of its control groups; return whether nothing is left."""
        tops = [_CGROUPS / controller / f"slurm_{node}" for controller in _CONTROLLERS for node in self.nodes]
        for top in tops:
            for folder in [*sorted(top.rglob("*/"), reverse=True), top]:
                with contextlib.suppress(OSError):
                    folder.rmdir()
        return not any(top.exists() for top in tops)


def _host() -> str:
    return socket.gethostname().partition(".")[0]
