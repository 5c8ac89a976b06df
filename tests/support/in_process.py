"""Ticks and commands without a new interpreter: what a tick does, step by step, in a fork of the test's process.

A tick through Snakemake costs some four CPU seconds, nearly all of it Snakemake's start; the same steps cost 0.2 here.
What only Snakemake can show (rule files, its exit code, signals, overlapping ticks) needs `Site` itself.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from support.forked_steps import use_forks
from support.in_fork import Done, fork, in_fork, redirected
from support.site import Site
from xomflow.cli import main as xom
from xomflow.config.load import read_yaml
from xomflow.core.errors import for_user
from xomflow.core.exit_code import ExitCode
from xomflow.core.paths import TickPaths
from xomflow.jobs.batches.batch_file import Batch, write_batch
from xomflow.slurm.batch_system import JobRequest
from xomflow.slurm.open_batch_system import open_batch_system
from xomflow.slurm.submitter import Submitter
from xomflow.workflow.ending.reported import note_news, with_news
from xomflow.workflow.ending.summary import read_summary
from xomflow.workflow.ending.terminal import closing_lines, exit_code, is_event, troubles_of
from xomflow.workflow.messages.start import send_messages
from xomflow.workflow.tick import Tick
from xomlib.files import read_json
from xomlib.printing import say

_AT_A_TIME = 4
_CHANGES = frozenset({"os.mkdir", "os.link", "os.rename", "os.remove", "os.rmdir", "os.chmod"})


class FastSite(Site):
    """A site whose ticks run in process, where nothing asks for Snakemake's own options.

    Attributes
    ----------
    together
        How many runs share a job, as in Slurm; 1: each is a job of its own.
    in_slurm
        Whether ticks submit their jobs to the batch system.
    tick_limit
        Seconds for which such a tick waits for its jobs.
    forks
        Whether workers, and the process that sends messages, are forks; off where a test looks at the process itself.
    """

    together = 1
    in_slurm = False
    tick_limit = 60.0
    forks = True

    def tick(self, **environment: str) -> Done:
        self.write_config()
        limit = self.tick_limit if self.in_slurm else None
        return in_fork(lambda: _tick(self.together, limit, forks=self.forks), self.folder, environment)

    def tick_in_another_second(self, **environment: str) -> Done:
        """Run a tick that begins in a later second than the one before: those of one second have no order."""
        began = int(time.time())
        while int(time.time()) == began:
            time.sleep(0.01)
        return self.tick(**environment)

    def claim(self) -> TickPaths:
        """Let a tick claim what is ready, and end before any job began."""
        self.write_config()
        done = in_fork(_claim, self.folder)
        assert done.returncode == 0, done.stderr
        return self.ticks()[-1]

    def start_batch(self, tick: TickPaths, batch: Batch) -> int:
        """Start the process in the job of a batch, with the temporary folder of its machine; return its number."""
        write_batch(tick, batch)
        node = self.folder / "node"
        node.mkdir(exist_ok=True)

        def work() -> int:
            os.setsid()
            with (self.folder / "batch.log").open("ab") as log:
                words = ["job", "batch", str(tick.folder), batch.name]
                place = {"TMPDIR": str(node), "XOM_BATCH_JOB": "slurm 7"}
                tempfile.tempdir = None
                return redirected(lambda: xom(words), self.folder, place, log, log)

        return fork(work)

    def pending(self, *arguments: str, **environment: str) -> set[tuple[str, str]]:
        if arguments:
            return super().pending(*arguments, **environment)
        done = self.dry_run(**environment)
        assert done.returncode == 0, done.stderr
        return {(analysis, run) for analysis, run in (line.split() for line in done.stdout.splitlines())}

    def dry_run(self, **environment: str) -> Done:
        """Run a dry-run, which prints analysis and run of each job."""
        self.write_config()
        return in_fork(_list_pending, self.folder, environment)

    def xom(self, *words: str, **environment: str) -> Done:
        """Run a command that a person types."""
        self.write_config()
        return in_fork(lambda: xom(list(words)), self.folder, environment)

    def xom_of(self, account: int, *words: str) -> Done:
        """Run a command that another account types; only root can have it run."""
        return in_fork(lambda: as_account(account, lambda: xom(list(words))), self.folder)

    def tick_of(self, account: int) -> Done:
        """Run a tick of another account; only root can have it run."""
        return in_fork(lambda: as_account(account, lambda: _tick(1)), self.folder)

    def killed_command(self, number: int, *words: str, at: str = "") -> Done:
        """Run a command that is killed before it changes a folder, or an audit event comes, for the n-th time."""
        self.write_config()
        return in_fork(lambda: dying_at(number, lambda: xom(list(words)), at), self.folder)

    def killed_tick(self, number: int) -> Done:
        """Run a tick; it, or one of its jobs, is killed before it changes a folder for the n-th time."""
        self.write_config()
        return in_fork(lambda: dying_at(number, lambda: _tick(self.together)), self.folder)


def as_account(number: int, work: Callable[[], int | None]) -> int | None:
    """Call a function in this process, which is that of another account from now on."""
    os.setgroups([])
    os.setgid(number)
    os.setuid(number)
    return work()


def dying_at(number: int, work: Callable[[], int | None], at: str = "") -> int | None:
    """Call a function in this process, which gets SIGKILL at the n-th audit event; default: that changes a folder."""
    left = number

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event == at if at else _changes_a_folder(event, arguments):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    return work()


def _changes_a_folder(event: str, arguments: tuple[Any, ...]) -> bool:
    return event in _CHANGES or (event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & os.O_CREAT))


# --- the steps of a tick ----------------------------------------------------------------------------------------------
def _tick(together: int, tick_limit: float | None = None, *, forks: bool = False) -> int:
    """Do what the Snakefile does: begin, discover, run what was claimed, publish, report, say how it went."""
    if forks:
        use_forks()
    try:
        tick = Tick(read_yaml(Path("config.yaml")), "config.yaml", main=True, dry=False)
        lock = tick.begin()
    except Exception as error:
        return _explained(error, with_news)
    with lock:
        code = _steps(tick, together, lock, tick_limit)
        send_messages(tick.config, tick.files, code)
        return code


def _steps(tick: Tick, together: int, lock: IO[bytes], tick_limit: float | None) -> int:
    folder = str(tick.files.folder)
    xom(["job", "discover", folder])
    if tick.files.trouble.exists():
        return _code_in_trouble(tick)  # `xom job discover` has printed its sentence
    failed, complaint = _in_slurm(tick, lock, tick_limit) if tick_limit else (not all(_jobs(tick, together)), "")
    xom(["job", "publish", folder])
    if tick.files.trouble.exists():
        return _code_in_trouble(tick)
    summary = read_summary(tick.files)
    has_event = any(map(is_event, summary.site_errors))
    news = note_news(troubles_of(summary, failed, complaint), (tick.paths, tick.files), has_event=has_event)
    code = exit_code(summary, failed, complaint)
    say("", *closing_lines(summary, tick.paths, complaint, "Slurm"), *news.lines(code), file=sys.stderr)
    return code


def _code_in_trouble(tick: Tick) -> int:
    trouble = read_json(tick.files.trouble)
    code = ExitCode(trouble["exit_code"])
    say(*with_news(trouble["sentence"], code, (tick.paths, tick.files)).split("\n")[1:], file=sys.stderr)
    return code


def _claim() -> int:
    tick = Tick(read_yaml(Path("config.yaml")), "config.yaml", main=True, dry=False)
    with tick.begin():
        return xom(["job", "discover", str(tick.files.folder)])


def _jobs(tick: Tick, together: int) -> list[bool]:
    """Run the jobs, a few at a time; return for each whether it succeeded."""
    waiting, ended = list(_commands(tick, together)), []
    running: set[int] = set()
    while waiting or running:
        while waiting and len(running) < _AT_A_TIME:
            running.add(fork(partial(xom, waiting.pop(0))))
        pid, status = os.wait()
        if pid in running:
            running.remove(pid)
            ended.append(status == 0)
    return ended


def _in_slurm(tick: Tick, lock: IO[bytes], tick_limit: float) -> tuple[bool, str]:
    """Submit the jobs and wait for them; return whether one failed, and why the batch system took one not."""
    submitter = Submitter(tick.config, tick.name, lock, open_batch_system(tick.config))
    keys = tick.pending()
    for key in keys:
        submitter.add(JobRequest(key, tick.limits_of(key.analysis, key.run).attempt, "", 100, 10, 1))
    until, verdicts = time.monotonic() + tick_limit, submitter.look(keys)
    while "active" in verdicts.values() and time.monotonic() < until:
        time.sleep(0.05)
        verdicts = submitter.look(keys)
    return "failed" in verdicts.values(), submitter.complaint


def _commands(tick: Tick, together: int) -> Iterator[list[str]]:
    """Return the commands of the jobs; those of batches of several runs, if runs are to share jobs."""
    keys, folder = list(tick.pending()), str(tick.files.folder)
    if together == 1:
        yield from (["job", "run", folder, key.analysis, key.version, key.run] for key in keys)
        return
    for first in range(0, len(keys), together):
        batch = Batch(f"from-{first}", tuple(keys[first : first + together]), at_once=2, seconds=100_000.0)
        write_batch(tick.files, batch)
        yield ["job", "batch", folder, batch.name]


def _list_pending() -> int:
    try:
        tick = Tick(read_yaml(Path("config.yaml")), "config.yaml", main=True, dry=True)
        print("".join(f"{key.analysis} {key.run}\n" for key in tick.pending()), end="")
    except Exception as error:
        return _explained(error)
    return 0


def _explained(error: Exception, more: Callable[[str, ExitCode], str] = lambda sentence, _: sentence) -> int:
    told = for_user(error)
    if told is None:
        raise error
    print(more(*told), file=sys.stderr)
    return told[1]


def kills(site: FastSite, *words: str, step: int = 1) -> Iterator[int]:
    """Kill a command at its first step, then at a later one, and so on until it ends; yield after each kill."""
    number = 1
    while (done := site.killed_command(number, *words)).returncode == -signal.SIGKILL:
        yield number
        number += step
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    assert number > 2
