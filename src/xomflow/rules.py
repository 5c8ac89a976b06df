"""What the rules ask for: patterns, resources and commands, so that no rule spells a path."""

from __future__ import annotations

import math
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from xomflow import configuration, report
from xomflow.errors import EXIT_FAILED, ConfigurationError, XomError
from xomflow.keys import Key, Pattern
from xomflow.paths import COMMAND
from xomflow.tick import Tick
from xomlib.files import read_json

# The wildcards of all per-run rules.
CONSTRAINTS = {"run": r"\d{6}", "shelf": r"\d{3}"}


class Rules:
    """One tick as the Snakefile sees it.

    Parameters
    ----------
    workflow
        Snakemake's own object of that name.
    tree
        The configuration as Snakemake merged it.
    """

    def __init__(self, workflow: Any, tree: dict[str, Any]) -> None:
        main = workflow.is_main_process
        with _Explained():
            for file in workflow.configfiles if main else ():
                configuration.read_yaml(Path(file))  # Snakemake takes the last of two equal keys without a word
            source = str(workflow.configfiles[0]) if workflow.configfiles else "the configuration"
            self._tick = Tick(tree, source, main, dry=main and workflow.output_settings.dryrun)
        self.settings = self._tick.settings
        self.paths = self._tick.paths
        self.tick = self._tick.files

    def analysis_rules(self) -> list[str]:
        """Return the rule files of the configured analyses."""
        return [str(configuration.rule_of(self.settings, name)) for name in self.settings.analyses]

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

    def memory_mb(self, analysis: str) -> int:
        """Return the memory of a run's job in megabytes."""
        return self.settings.analyses[analysis].memory_mb

    def minutes(self, analysis: str) -> int:
        """Return the time limit of a run's job in minutes, with one more for the runner's own last words."""
        return math.ceil(self.settings.analyses[analysis].time_limit / 60) + 1

    def run(self, analysis: str) -> Callable[[Any], str]:
        """Return the function that gives the command for a run's job."""
        return lambda wildcards: self._command("run", str(self.tick.folder), *self._key(analysis, wildcards.run))

    # --- the tick's own steps ----------------------------------------------------------------------------------------
    def step(self, verb: str) -> str:
        """Return the command of one of the tick's own steps: discover, publish, report."""
        return self._command(verb, str(self.tick.folder))

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
        """Take the tick's lock; nothing is claimed before."""
        self._tick.begin()

    def end(self, failed: bool) -> None:
        """Publish and report what a failed job kept from being published; say how it went; set the exit code."""
        if self.tick.trouble.exists():
            trouble = read_json(self.tick.trouble)
            _leave(trouble["sentence"], trouble["exit_code"])
        if not self.tick.claims.exists():
            _leave(f"the tick ended before it had looked for work, see {self.tick.log('discover')}", EXIT_FAILED)
        for verb, product in (("publish", self.tick.published), ("report", self.tick.summary)):
            if not product.exists():
                subprocess.run(self.step(verb), shell=True, check=False)
        if not self.tick.summary.exists():
            _leave(f"the report could not be written, see {self.tick.folder}", EXIT_FAILED)
        summary = read_json(self.tick.summary)
        print("\n".join(["", *report.closing_words(summary, self.paths)]), file=sys.stderr)
        if failed or summary["troubles"]:
            sys.exit(EXIT_FAILED)

    def _key(self, analysis: str, run: str) -> tuple[str, str, str]:
        return analysis, self.settings.analyses[analysis].version, run

    def _pattern(self, analysis: str) -> Key:
        return Pattern(*self._key(analysis, "{run}"))

    @staticmethod
    def _command(*words: str) -> str:
        return shlex.join([sys.executable, str(COMMAND), *words])


def check_yaml(file: str) -> None:
    """End Snakemake with a sentence if a configuration file is no YAML: its own words name neither place nor line."""
    if Path(file).exists():
        with _Explained():
            if not isinstance(configuration.read_yaml(Path(file)), dict):
                raise ConfigurationError(f"{file}: is empty or a single value, a configuration with keys is needed")


class _Explained:
    """Within it, an error that the user has to act on ends Snakemake with one sentence and an exit code of its own."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, XomError):
            _leave(str(error), error.exit_code)


def _leave(sentence: str, code: int) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(code)
