"""The object ``xom`` of the Snakefile: patterns, resources and commands, so that no rule spells a path."""

from __future__ import annotations

import contextlib
import functools
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from xomflow.config.load import read_yaml, rule_of
from xomflow.config.model import Analysis
from xomflow.config.strict_yaml import parse_assignments, update_tree
from xomflow.core.errors import ConfigurationError
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import ID, Key, Pattern
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import ROOT
from xomflow.outcomes.retries import AttemptLimits
from xomflow.slurm.batch_system import JobRequest
from xomflow.slurm.open_batch_system import open_batch_system
from xomflow.slurm.submitter import Submitter
from xomflow.workflow.commands import RunCommand, batch_command, step_command
from xomflow.workflow.ending.reported import with_news
from xomflow.workflow.snakemake.exits import exit_with, explained
from xomflow.workflow.snakemake.rule_check import describe_unreadable, describe_wrong_rules
from xomflow.workflow.snakemake.seam import Snakemake, shell_script
from xomflow.workflow.snakemake.steps import Steps, take_by_command
from xomflow.workflow.snakemake.tick_end import TickEnd
from xomflow.workflow.tick import Tick
from xomlib.printing import say

# The wildcards of all per-run rules.
CONSTRAINTS = {"run": ID, "shelf": r"\d{3}"}
# Old names that rule files may use for one more release.
_RENAMED = {"settings": "config"}


class Rules:
    """One tick: what the Snakefile and the rule files use of it.

    Parameters
    ----------
    workflow
        Snakemake's own object of that name.
    tree
        The configuration as Snakemake merged it.

    Attributes
    ----------
    config
        The configuration.
    paths, tick
        Where everything is, and the files of this tick.
    submitter
        Submits the jobs of this tick to Slurm; exists once the tick has begun.
    """

    submitter: Submitter

    def __init__(self, workflow: Any, tree: dict[str, Any]) -> None:
        self._snakemake = Snakemake(workflow)
        self._snakemake.finds_resources_with_less_work()
        self._steps: Steps | None = None
        files = self._snakemake.configuration_files
        if self._snakemake.has_lost_arguments:
            reason = "--config stands several times, and Snakemake takes only the last one"
            exit_with(f"{reason}: write all values after one --config, separated by blanks", ExitCode.USAGE)
        if self._snakemake.lacks_folder:
            reason = f"{Path.cwd()} has no folder .snakemake, which Snakemake makes in a dry-run too"
            exit_with(f"{reason}, and you cannot write there; `xom status` and `xom why` need none", ExitCode.USAGE)
        with explained(self._with_news):
            for file in files if self._snakemake.is_main else ():
                _read(file)  # refuses what Snakemake reads otherwise than it looks
            update_tree(tree, parse_assignments(self._snakemake.configuration_arguments))
            source = str(files[0]) if files else "the configuration"
            self._tick = Tick(tree, source, self._snakemake.is_main, self._snakemake.is_dry_run)
        self._end = TickEnd(self._snakemake, self._tick)
        self.config = self._tick.config
        self.paths = self._tick.paths
        self.tick = self._tick.files

    def _with_news(self, sentence: str, code: ExitCode) -> str:
        is_tick = self._snakemake.is_main and not self._snakemake.is_dry_run
        return with_news(sentence, code) if is_tick else sentence

    # --- rule files --------------------------------------------------------------------------------------------------
    def analysis_rules(self) -> list[tuple[str, str]]:
        """Return the configured analyses and their rule files."""
        return [(name, str(rule_of(self.config, name))) for name in self.config.analyses]

    @contextlib.contextmanager
    def isolate_rule_file(self, analysis: str) -> Iterator[None]:
        """Within it a rule file is included: an error in it stops its own analysis, and no other."""
        file = str(rule_of(self.config, analysis))
        before = self._snakemake.position()
        try:
            yield
            error = describe_wrong_rules(analysis, self._snakemake.rules_since(before), self._patterns)
        except Exception as problem:  # anything can be raised in a rule file
            self._snakemake.leave_files_since(before)
            error = describe_unreadable(problem, file, self._snakemake.lines_of(file))
        if error:
            self._tick.rule_errors[analysis] = f"{_shown(Path(file))}{error}"
            self._snakemake.remove_rules_since(before)  # one of them might make what a good rule makes

    # --- patterns and properties of a per-run rule -------------------------------------------------------------------
    @functools.cached_property
    def _patterns(self) -> dict[str, dict[str, str]]:
        """The patterns of all analyses, by keyword of a rule."""
        kinds = {"outcome": self.outcome, "log": self.log, "benchmark": self._benchmark}
        return {kind: {name: of(name) for name in self.config.analyses} for kind, of in kinds.items()}

    def outcome(self, analysis: str) -> str:
        """Return the pattern of what Snakemake takes for an analysis' outcomes, see `TickPaths.made`."""
        return str(self.tick.made(self._pattern(analysis)))

    def log(self, analysis: str) -> str:
        """Return the pattern of what Snakemake takes for an analysis' logs, see `TickPaths.log_link`."""
        return str(self.tick.log_link(self._pattern(analysis)))

    def benchmark(self, analysis: str) -> str:
        """Return the pattern of Snakemake's benchmarks of an analysis; deprecated, since the outcome has it all."""
        pattern = self._benchmark(analysis)
        file = _shown(rule_of(self.config, analysis))
        self._warn(f"remove `benchmark:` from {file}: outcomes have time and memory, xom.benchmark() will be removed")
        return pattern

    def _benchmark(self, analysis: str) -> str:
        return str(self.paths.benchmark(self._pattern(analysis)))

    def memory_mb(self, analysis: str) -> Callable[[Any], int]:
        """Return the function that gives the memory of a run's job in megabytes."""
        self._block(analysis)
        return _of_run(lambda wildcards: self._tick.limits_of(analysis, wildcards.run).memory_mb)

    def minutes(self, analysis: str) -> Callable[[Any], int]:
        """Return the function that gives the minutes of a run's job, with one for the runner to write how it ended."""
        self._block(analysis)
        return _of_run(lambda wildcards: _minutes(self._tick.limits_of(analysis, wildcards.run)))

    def run(self, analysis: str) -> Callable[[Any], str]:
        """Return the function that gives the command for a run's job."""
        self._block(analysis)
        return RunCommand(str(self.tick.folder), analysis, self._tick.version_of)

    def place_of(self, made: str) -> int:
        """Return the place of the job with an output in the tick's order, for the scheduler."""
        return self._tick.place_of(made)

    def job_request(self, made: str, command: str, resources: Any, cpus: int) -> JobRequest:
        """Return the request to submit the job that has an output."""
        key = self._tick.key_of(made)
        wildcards = SimpleNamespace(run=key.run)
        limits = self._tick.limits_of(key.analysis, key.run)
        # A rule or a profile may ask for more: less would end jobs below the limits that XOM raises after such an end.
        memory = max(resources.get("mem_mb") or 0, limits.memory_mb)
        minutes = max(resources.get("runtime") or 0, _minutes(limits))
        shell = resources.get("shell_exec")
        program, script = shell_script(command, cpus, shell)
        request = JobRequest(key, limits.attempt, script, memory, minutes, cpus, shell=program, nice=limits.nice)
        if command.strip() != self.run(key.analysis)(wildcards):  # the rule does more than that
            return request
        return replace(request, batch_script=lambda name: shell_script(batch_command(name, self.tick), cpus, shell)[1])

    # --- the tick's own steps ----------------------------------------------------------------------------------------
    def take(self, step: str) -> None:
        """Take one of the tick's own steps, discover or publish; `CalledProcessError` if it failed."""
        code = self._steps.take(step, self.tick) if self._steps else take_by_command(step, self.tick)
        if code:
            raise subprocess.CalledProcessError(code, step_command(step, self.tick))

    def pending(self, checkpoint: Callable[[], Any]) -> list[str]:
        """Return what Snakemake takes for the outcomes that this tick makes.

        Parameters
        ----------
        checkpoint
            Waits for the checkpoint; not called in a dry-run, which takes the survey itself and writes nothing.
        """
        if self._tick.dry:
            self._snakemake.keep_no_notes()
        else:
            checkpoint()
            if not self.tick.claims.exists():  # as with --touch, which runs nothing
                return []
        with explained():
            made = [str(self.tick.made(key)) for key in self._tick.pending()]
        if made:  # the jobs may need hours, and a fork costs memory meanwhile
            self._close_steps()
        return made

    def _close_steps(self) -> None:
        if self._steps:
            self._steps.close()
        self._steps = None

    @property
    def every_outcome(self) -> str:
        """The pattern of all outcomes, for people who ask Snakemake for one."""
        return str(self.paths.outcome(Pattern("{analysis}", "{version}", "{run}")))

    def refuse_target(self, wildcards: Any) -> NoReturn:
        """End Snakemake: it was asked for an outcome, and a run is analysed only if a tick claims it."""
        key = Key(wildcards.analysis, wildcards.version, wildcards.run)
        sentence = f"{self.paths.outcome(key)} is no target: a tick makes the outcomes of the runs that it claims"
        hint = f"start `snakemake` without a target, and `xom why {wildcards.run}` shows the state of this run"
        exit_with(f"{sentence}; {hint}", ExitCode.USAGE)

    def begin(self) -> None:
        """Take the tick's lock; nothing is claimed and nothing submitted before."""
        self._steps = Steps()
        with explained(self._with_news):
            batch = open_batch_system(self.config)
            self.submitter = Submitter(self.config, self._tick.name, self._tick.begin(), batch)
        if (most := self._snakemake.most_jobs) is not None and most < self.config.max_running:
            self._warn(
                f"jobs of the profile, which is {most}, bounds this tick before max_running, which is "
                f"{self.config.max_running} in config.yaml: raise jobs above it"
            )
        self._end.prepare(self.submitter)
        self._snakemake.reads_no_pipes("publish")

    def end(self, failed: bool) -> None:
        """Publish and report what a failed job kept from being published; print how it went; set the exit code."""
        self._close_steps()
        self._end.end(failed)

    # --- names -------------------------------------------------------------------------------------------------------
    def __getattr__(self, name: str) -> Any:
        if name in _RENAMED:
            self._warn(f"xom.{name} is xom.{_RENAMED[name]}; the next release does not have the old name")
            return getattr(self, _RENAMED[name])
        raise AttributeError(f"xom has no {name!r}{did_you_mean(name, dir(Rules))}")

    def _warn(self, sentence: str) -> None:
        if self._snakemake.is_main:
            say(sentence, file=sys.stderr)

    def _block(self, analysis: str) -> Analysis:
        if analysis not in self.config.analyses:
            hint = did_you_mean(analysis, self.config.analyses)
            raise ConfigurationError(f"the configuration has no analyses.{analysis}{hint}")
        return self.config.analyses[analysis]

    def _pattern(self, analysis: str) -> Key:
        return Pattern(analysis, self._block(analysis).version, "{run}")


def checked(file: str) -> str:
    """Return the name of a configuration file, and exit with a clear message if the file is not valid YAML.

    Snakemake's own message has no line number.
    """
    if Path(file).exists():
        with explained():
            if not isinstance(_read(Path(file)), dict):
                raise ConfigurationError(f"{file}: is empty or a single value, a configuration with keys is needed")
    return file


_read = functools.cache(read_yaml)


def _of_run(function: Callable[[Any], int]) -> Callable[[Any], int]:
    """Return a function of the wildcards that has its signature ready, see `RunCommand`."""
    function.__signature__ = RunCommand.__signature__  # type: ignore[attr-defined]
    return function


def _shown(file: Path) -> Path:
    return file.relative_to(ROOT) if file.is_relative_to(ROOT) else file


def _minutes(limits: AttemptLimits) -> int:
    """Return the minutes of a run's job, with one for the runner to write how it ended."""
    return math.ceil(limits.time_limit_s / 60) + 1
