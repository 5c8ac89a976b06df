"""What the rules ask for: patterns, resources and commands, so that no rule spells a path."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from xomflow.config.load import read_yaml, rule_of
from xomflow.config.model import Analysis
from xomflow.core.errors import EXIT_TROUBLE, ConfigurationError, for_user
from xomflow.core.key import ID, Key, Pattern
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import ROOT
from xomflow.slurm.batch_system import JobRequest
from xomflow.slurm.open_batch_system import open_batch_system
from xomflow.slurm.submitter import Submitter
from xomflow.workflow import rule_check
from xomflow.workflow.summary import read_summary
from xomflow.workflow.terminal import closing_lines, exit_code
from xomflow.workflow.tick import Tick
from xomlib.files import read_json

# The wildcards of all per-run rules.
CONSTRAINTS = {"run": ID, "shelf": r"\d{3}"}


class Rules:
    """One tick as the Snakefile sees it.

    Parameters
    ----------
    workflow
        Snakemake's own object of that name.
    tree
        The configuration as Snakemake merged it.

    Attributes
    ----------
    queue
        The jobs of this tick in Slurm, once it has begun.
    """

    queue: Submitter

    def __init__(self, workflow: Any, tree: dict[str, Any]) -> None:
        main = workflow.is_main_process
        self._workflow = workflow
        self._interruption = ""
        with _Explained():
            for file in workflow.configfiles if main else ():
                _read(Path(file))  # Snakemake takes the last of two equal keys without a word
            source = str(workflow.configfiles[0]) if workflow.configfiles else "the configuration"
            self._tick = Tick(tree, source, main, dry=main and workflow.output_settings.dryrun)
        self.config = self._tick.config
        self.paths = self._tick.paths
        self.tick = self._tick.files

    def analysis_rules(self) -> list[tuple[str, str]]:
        """Return the configured analyses and their rule files."""
        return [(name, str(rule_of(self.config, name))) for name in self.config.analyses]

    @contextlib.contextmanager
    def told_apart(self, analysis: str) -> Iterator[None]:
        """Within it a rule file is included: what is wrong in it costs its own analysis, not the others."""
        file = str(rule_of(self.config, analysis))
        included, rules = len(self._workflow.included_stack), set(self._workflow._rules)
        try:
            yield
            own = [rule for name, rule in self._workflow._rules.items() if name not in rules]
            kinds = {"outcome": self.outcome, "log": self.log, "benchmark": self.benchmark}
            patterns = {kind: {name: of(name) for name in self.config.analyses} for kind, of in kinds.items()}
            wrong = rule_check.mistake(analysis, own, patterns)
        except Exception as error:  # whatever somebody can write into a file
            del self._workflow.included_stack[included:]
            wrong = rule_check.words(error, file, self._workflow.linemaps.get(file, {}))
        if wrong:
            self._tick.rule_errors[analysis] = f"{_shown(Path(file))}{wrong}"
            for name in set(self._workflow._rules) - rules:
                del self._workflow._rules[name]  # it might make what a good rule makes

    # --- patterns and properties of a per-run rule -------------------------------------------------------------------
    def outcome(self, analysis: str) -> str:
        """Return the pattern of an analysis' outcomes."""
        return str(self.paths.outcome(self._pattern(analysis)))

    def log(self, analysis: str) -> str:
        """Return the pattern of an analysis' logs."""
        return str(self.paths.log(self._pattern(analysis)))

    def benchmark(self, analysis: str) -> str:
        """Return the pattern of Snakemake's benchmarks of an analysis."""
        return str(self.paths.benchmark(self._pattern(analysis)))

    def memory_mb(self, analysis: str) -> Callable[[Any], int]:
        """Return the function that gives the memory of a run's job in megabytes."""
        self._block(analysis)
        return lambda wildcards: self._tick.granted(analysis, wildcards.run)["memory_mb"]

    def minutes(self, analysis: str) -> Callable[[Any], int]:
        """Return the function that gives the time limit of a run's job, with a minute for the runner's last words."""
        self._block(analysis)
        return lambda wildcards: math.ceil(self._tick.granted(analysis, wildcards.run)["time_limit_s"] / 60) + 1

    def run(self, analysis: str) -> Callable[[Any], str]:
        """Return the function that gives the command for a run's job."""
        return RunCommand(str(self.tick.folder), analysis, self._block(analysis).version)

    # --- the tick's own steps ----------------------------------------------------------------------------------------
    def step(self, verb: str) -> str:
        """Return the command of one of the tick's own steps: discover, publish, report."""
        return _command(verb, str(self.tick.folder))

    def pending(self, checkpoint: Callable[[], Any]) -> list[str]:
        """Return the outcomes that this tick makes.

        Parameters
        ----------
        checkpoint
            Waits for the checkpoint; not called in a dry-run, which looks for itself and writes nothing.
        """
        if not self._tick.dry:
            checkpoint()
        with _Explained():
            return [str(self.paths.outcome(key)) for key in self._tick.pending()]

    def begin(self) -> None:
        """Take the tick's lock; nothing is claimed and nothing submitted before."""
        with _Explained():
            batch = open_batch_system(self.config)
            self.queue = Submitter(self.config, self._tick.name, self._tick.begin(), batch)
        for number in (signal.SIGINT, signal.SIGTERM):
            then = signal.getsignal(number) if self._workflow.local_exec else self._leave_to_slurm
            if not callable(then):
                continue  # it is ignored, as in the background of a shell script
            if then == self._workflow.scheduler.exit_gracefully:
                then = _beside(then)
            signal.signal(number, functools.partial(self._interrupt, then))
        if not self._workflow.local_exec:
            signal.signal(signal.SIGALRM, functools.partial(self._interrupt, self._leave_to_slurm))
            signal.setitimer(signal.ITIMER_REAL, self.config.slurm.tick_limit)

    def _interrupt(self, then: Callable[[int, Any], Any], number: int, frame: Any) -> None:
        self._interruption = "its time is up" if number == signal.SIGALRM else "interrupted"
        then(number, frame)

    def _leave_to_slurm(self, _number: int, _frame: Any) -> NoReturn:
        """End this tick now; its jobs go on. Snakemake's own ways to end are to wait for them, or to cancel them."""
        for one in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_IGN)
        code = 0
        try:
            self.end(failed=False)
        except SystemExit as end:
            code = int(end.code or 0)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    def order(self, outcome: str, command: str, resources: Any, cpus: int) -> JobRequest:
        """Return what is to be submitted for the job that makes an outcome."""
        key = self._tick.key_of(outcome)
        wildcards = SimpleNamespace(run=key.run)
        memory = resources.get("mem_mb") or self.memory_mb(key.analysis)(wildcards)
        minutes = resources.get("runtime") or self.minutes(key.analysis)(wildcards)
        attempt = self._tick.granted(key.analysis, key.run)["attempt"]
        return JobRequest(key, attempt, command, memory, minutes, cpus)

    def end(self, failed: bool) -> None:
        """Publish and report what a failed job kept from being published; say how it went; set the exit code."""
        signal.setitimer(signal.ITIMER_REAL, 0)  # or the alarm may find no handler any more, while Python ends
        with _Explained():
            self._end(failed)

    def _end(self, failed: bool) -> None:
        if self.tick.trouble.exists():
            trouble = read_json(self.tick.trouble)
            _leave(trouble["sentence"], trouble["exit_code"])
        if not self.tick.claims.exists():
            _leave(f"the tick ended before it had looked for work, see {self.tick.log('discover')}", EXIT_TROUBLE)
        left = self._interruption or self.queue.complaint
        if failed and not left and self._workflow.local_exec:  # what Slurm does with a job is known otherwise
            self._tick.record_unstarted({str(file) for job in self._workflow.scheduler.failed for file in job.output})
        for verb, product in (("publish", self.tick.published), ("report", self.tick.summary)):
            if not product.exists():
                subprocess.run(self.step(verb), shell=True, check=False)
        if not self.tick.summary.exists():
            _leave(f"the report could not be written, see {self.tick.folder}", EXIT_TROUBLE)
        summary = read_summary(self.tick)
        print("\n".join(["", *closing_lines(summary, self.paths, left)]), file=sys.stderr)
        if code := exit_code(summary, failed, self.queue.complaint):
            sys.exit(code)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"xom has no {name!r}{did_you_mean(name, dir(Rules))}")

    def _block(self, analysis: str) -> Analysis:
        if analysis not in self.config.analyses:
            near = did_you_mean(analysis, self.config.analyses)
            raise ConfigurationError(f"the configuration has no analyses.{analysis}{near}")
        return self.config.analyses[analysis]

    def _pattern(self, analysis: str) -> Key:
        return Pattern(analysis, self._block(analysis).version, "{run}")


@dataclass(frozen=True)
class RunCommand:
    """Gives the command of a run's job when Snakemake has filled in the wildcards."""

    tick: str
    analysis: str
    version: str

    def __call__(self, wildcards: Any) -> str:
        """Return the command."""
        return _command("run", self.tick, self.analysis, self.version, wildcards.run)


def checked(file: str) -> str:
    """Return a configuration file's name; end Snakemake if it is no YAML: its own words name neither place nor line."""
    if Path(file).exists():
        with _Explained():
            if not isinstance(_read(Path(file)), dict):
                raise ConfigurationError(f"{file}: is empty or a single value, a configuration with keys is needed")
    return file


def _beside(then: Callable[[int, Any], Any]) -> Callable[[int, Any], Any]:
    """Return what does it in a thread: Snakemake's way to end takes a lock that the interrupted code may hold."""
    return lambda number, frame: threading.Thread(target=then, args=(number, frame), daemon=True).start()


_read = functools.cache(read_yaml)


def _command(*words: str) -> str:
    return shlex.join([sys.executable, "-m", "xomflow", "job", *words])


def _shown(file: Path) -> Path:
    return file.relative_to(ROOT) if file.is_relative_to(ROOT) else file


class _Explained:
    """Within it, an error that the user has to act on ends Snakemake with one sentence and an exit code of its own."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if told := for_user(error):
            _leave(*told)


def _leave(sentence: str, code: int) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(code)
