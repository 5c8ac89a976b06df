"""The seam to Snakemake: no other module uses what Snakemake does not document.

`USES` is the list of these attributes, with the form that XOM relies on and the purpose. `unmet_uses` compares them
with the Snakemake that runs; the tests do that with the locked version, and `make test-all` with the newest one. So a
new Snakemake that changes one of them fails there, with a sentence, and not in a tick.
"""

from __future__ import annotations

import inspect
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from snakemake.common import overwrite_function_params
from snakemake.io import strip_wildcard_constraints
from snakemake.jobs import Job
from snakemake.resources import Resource
from snakemake.shell import shell


@dataclass(frozen=True, slots=True)
class Use:
    """One attribute of Snakemake's.

    Parameters
    ----------
    attribute
        Dotted name, from ``workflow``, a ``rule``, ``snakemake.jobs.Job``, ``snakemake.resources.Resource`` or
        ``snakemake.shell.shell``.
    is_as_expected
        Whether a value has the expected form.
    purpose
        What XOM does with it.
    running
        Whether it exists only once the jobs can start (``onstart``).
    """

    attribute: str
    is_as_expected: Callable[[Any], bool]
    purpose: str
    running: bool = False


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


def _maps(key: type, value: type) -> Callable[[Any], bool]:
    return lambda found: (
        isinstance(found, dict) and all(isinstance(one, key) and isinstance(found[one], value) for one in found)
    )


def _lists_files(value: Any) -> bool:
    return value is not None and all(isinstance(one, str) for one in value)


def _names_its_resources(value: Any) -> bool:
    return all(value[name].name == name and hasattr(value[name], "raw") for name in value)


def _takes_any_names(value: Any) -> bool:
    return any(one.kind is one.VAR_KEYWORD for one in inspect.signature(value).parameters.values())


_LESS = "to find the resources of each job with less work"
USES = (
    Use("workflow.is_main_process", _is(bool), "to tell a tick from the processes that it starts"),
    Use("workflow.configfiles", _is(list), "to read the configuration again, strictly"),
    Use("workflow.config_settings.config_args", _is(list), "to read --config strictly, nested numbers too"),
    Use("workflow.output_settings.dryrun", _is(bool), "to claim nothing in a dry-run"),
    Use("workflow.resource_settings.nodes", _is(int, type(None)), "to compare the profile's jobs with max_running"),
    Use("workflow.resource_settings._parsed_default_resources", _names_its_resources, _LESS),
    Use("resource.evaluate", _takes_any_names, _LESS),
    Use("workflow.local_exec", _is(bool), "to leave running jobs to Slurm at the end of a tick"),
    Use("workflow.included_stack", _is(list), "to go on after a rule file that cannot be read"),
    Use("workflow.linemaps", _maps(str, dict), "to name the line of an error in a rule file"),
    Use("workflow._rules", _maps(str, object), "to take out the rules of a wrong rule file"),
    Use("workflow.scheduler.exit_gracefully", callable, "to end a tick without waiting for a held lock", running=True),
    Use("workflow.scheduler.failed", _is(set), "to find the jobs that could not be started", running=True),
    Use("workflow.persistence.save_iocache", callable, "to let others than the owner make a dry-run", running=True),
    Use("workflow.persistence.iocache_path", _is(str), "to let others than the owner make a dry-run", running=True),
    Use("rule.name", _is(str), "to check a rule file"),
    Use("rule.lineno", _is(int), "to name the line of an error in a rule file"),
    Use("rule.snakefile", _is(str), "to name the line of an error in a rule file"),
    Use("rule.output", _lists_files, "to check a rule file"),
    Use("rule.log", _lists_files, "to check a rule file"),
    Use("rule.benchmark", _is(str, type(None)), "to check a rule file"),
    Use("rule.shellcmd", _is(str, type(None)), "to check a rule file"),
    Use("rule.message", _is(str, type(None)), "to check a rule file"),
    Use("rule.params.keys", callable, "to check a rule file"),
    Use("rule.wildcard_names", _is(set), "to check a rule file"),
    Use("rule.resources.keys", callable, "to check a rule file"),
    Use("job.is_pipe_or_service_input", callable, "to begin publishing without comparing each run with all others"),
    Use("shell.get_executable", callable, "to run a rule's command in Slurm as on this machine"),
    Use("shell._get_process_prefix", callable, "to run a rule's command in Slurm as on this machine"),
    Use("shell._process_suffix", _is(str), "to run a rule's command in Slurm as on this machine"),
)

# What Snakemake sets to the number of threads for a command.
_THREAD_VARIABLES = ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")


def unmet_uses(workflow: Any, running: bool) -> list[str]:
    """Return a sentence for each attribute that the running Snakemake does not have in the expected form.

    Parameters
    ----------
    workflow
        Snakemake's own object of that name; it has at least one rule.
    running
        Whether the jobs can start.
    """
    rule = next(iter(workflow.rules))
    roots = SimpleNamespace(workflow=workflow, rule=rule, job=Job, resource=Resource, shell=shell)
    sentences = []
    for use in USES:
        if use.running and not running:
            continue
        value: Any = roots
        try:
            for name in use.attribute.split("."):
                value = getattr(value, name)
        except AttributeError as error:
            sentences.append(f"{use.attribute}, which XOM needs {use.purpose}, does not exist: {error}")
            continue
        if not use.is_as_expected(value):
            sentences.append(f"{use.attribute}, which XOM needs {use.purpose}, has another form: {value!r:.100}")
    return sentences


@dataclass(frozen=True, slots=True)
class RuleText:
    """One rule of a rule file, as it was written.

    Parameters
    ----------
    name
        Name of the rule.
    files
        Patterns of its files by keyword: ``outcome`` (its output), ``log``, ``benchmark``.
    texts
        Texts in which Snakemake fills in names, by keyword: ``shell``, ``message``.
    params
        The values of its parameters.
    names
        The names that these texts may use, by group: ``params``, ``wildcards``.
    resources
        The names of its resources, with those that a profile adds.
    line
        Line of the rule file at which it begins; None: unknown.
    """

    name: str
    files: Mapping[str, list[str]]
    texts: Mapping[str, str | None]
    params: Sequence[Any]
    names: Mapping[str, frozenset[str]]
    resources: frozenset[str] = frozenset()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where Snakemake is while it reads rule files."""

    depth: int
    rules: frozenset[str]


class Snakemake:
    """The Snakemake that runs.

    Parameters
    ----------
    workflow
        Its own object of that name.
    """

    def __init__(self, workflow: Any) -> None:
        self._workflow = workflow

    @property
    def is_main(self) -> bool:
        """Whether this is the tick's own process rather than one that the tick started."""
        return bool(self._workflow.is_main_process)

    @property
    def is_dry_run(self) -> bool:
        """Whether Snakemake only lists the jobs."""
        return bool(self.is_main and self._workflow.output_settings.dryrun)

    @property
    def lacks_folder(self) -> bool:
        """Whether Snakemake's own folder is missing, which it makes in a dry-run too, and cannot be made."""
        return self.is_main and not os.path.isdir(".snakemake") and not os.access(".", os.W_OK)  # noqa: PTH112

    @property
    def runs_jobs_here(self) -> bool:
        """Whether per-run jobs are processes of this machine."""
        return bool(self._workflow.local_exec)

    @property
    def most_jobs(self) -> int | None:
        """How many per-run jobs Snakemake has in the batch system at a time; None: they are processes here."""
        return None if self.runs_jobs_here else self._workflow.resource_settings.nodes

    @property
    def configuration_files(self) -> list[Path]:
        """The configuration files, in the order in which they were read."""
        return [Path(file) for file in self._workflow.configfiles]

    @property
    def configuration_arguments(self) -> list[str]:
        """The values that the command line replaces, as ``key=value``."""
        return list(self._workflow.config_settings.config_args)

    @property
    def has_lost_arguments(self) -> bool:
        """Whether the command line has several ``--config``, of which Snakemake takes the last one only."""
        options = [word for word in sys.argv[1:] if re.match(r"--config(=|$)|-C", word)]
        return self.is_main and len(options) > 1

    def position(self) -> Position:
        """Return where Snakemake is, before it includes a rule file."""
        return Position(len(self._workflow.included_stack), frozenset(self._workflow._rules))

    def rules_since(self, before: Position) -> list[RuleText]:
        """Return the rules that were defined since."""
        rules = [rule for name, rule in self._workflow._rules.items() if name not in before.rules]
        return [_text_of(rule, self.lines_of(rule.snakefile).get(rule.lineno)) for rule in rules]

    def leave_files_since(self, before: Position) -> None:
        """Go on in the file that Snakemake was reading then, although a file it includes could not be read."""
        del self._workflow.included_stack[before.depth :]

    def remove_rules_since(self, before: Position) -> None:
        """Remove the rules that were defined since."""
        for name in set(self._workflow._rules) - before.rules:
            del self._workflow._rules[name]

    def lines_of(self, file: str) -> Mapping[int, int]:
        """Return, for a rule file, the lines of the code that Snakemake makes of it to lines of the file."""
        return self._workflow.linemaps.get(file, {})

    def keep_no_notes(self) -> None:
        """Let a dry-run go on where this account cannot write Snakemake's notes for later ones."""
        persistence = self._workflow.persistence
        if not os.access(persistence.iocache_path, os.W_OK):
            persistence.save_iocache = lambda: None

    def reads_no_pipes(self, rule: str) -> None:
        """Let the job of a rule begin without the question, for each of its inputs, whether it is a pipe.

        Snakemake answers it by a look at all jobs before it, so 10,000 runs cost 50 million looks.
        """
        asks = Job.is_pipe_or_service_input
        Job.is_pipe_or_service_input = lambda job, path: job.rule.name != rule and asks(job, path)

    def finds_resources_with_less_work(self) -> None:
        """Let Snakemake, which finds the resources of each job anew, not find anew for each what is always the same.

        That is the parameters of its own function, and the folder for temporary files, an expression that it compiles:
        together a fifth of what a job costs in a dry-run. Called before rules are read.
        """
        overwrite_function_params(Resource.evaluate, inspect.signature(Resource.evaluate).parameters)
        defaults = self._workflow.resource_settings._parsed_default_resources
        if self.runs_jobs_here and "tmpdir" in defaults and defaults["tmpdir"].raw == "system_tmpdir":
            defaults["tmpdir"] = tempfile.gettempdir()

    def is_own_handler(self, handler: Any) -> bool:
        """Return whether a signal handler is Snakemake's own: it takes a lock that the interrupted code may hold."""
        return bool(handler == self._workflow.scheduler.exit_gracefully)

    def failed_outputs(self) -> set[str]:
        """Return the outputs of the jobs that Snakemake calls failed."""
        return {str(file) for job in self._workflow.scheduler.failed for file in job.output}


def shell_script(command: str, threads: int, program: str | None) -> tuple[str, str]:
    """Return the program and the text with which Snakemake runs a rule's command on this machine.

    Parameters
    ----------
    command
        The command, with all values filled in.
    threads
        Of the job.
    program
        The shell that the rule names; None if it names none.
    """
    program = program or shell.get_executable() or "/bin/sh"
    variables = " ".join(f"{name}_NUM_THREADS={threads}" for name in _THREAD_VARIABLES)
    alone = _is_one_program(command) and not shell._process_suffix  # it replaces the shell, a process less
    line = f"{shell._get_process_prefix(program)} {'exec ' * alone}{command} {shell._process_suffix}".strip()
    return program, f"export {variables} VECLIB_MAXIMUM_THREADS={threads}\n{line}"


def _is_one_program(command: str) -> bool:
    """Return whether a command is the path of a program and its arguments, without anything that a shell would do."""
    try:
        return command.startswith("/") and shlex.join(shlex.split(command)) == command.strip()
    except ValueError:  # a quote that is not closed
        return False


def _text_of(rule: Any, line: int | None) -> RuleText:
    def plain(files: Iterable[Any]) -> list[str]:
        return [strip_wildcard_constraints(file) for file in files]

    files = {"outcome": rule.output, "log": rule.log, "benchmark": [rule.benchmark] if rule.benchmark else []}
    return RuleText(
        rule.name,
        {kind: plain(found) for kind, found in files.items()},
        {"shell": rule.shellcmd, "message": rule.message},
        list(rule.params),
        {"params": frozenset(rule.params.keys()), "wildcards": frozenset(rule.wildcard_names)},
        frozenset(rule.resources.keys()),
        line,
    )
