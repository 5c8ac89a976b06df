"""How a job is submitted: which options a site may set, which variables count, and what its script runs."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from snakemake.shell import shell

from support import factory
from xomflow.config.load import check_configuration
from xomflow.core.errors import BatchSystemError, ConfigurationError
from xomflow.slurm import commands
from xomflow.slurm.batch_system import JobRequest
from xomflow.slurm.commands import Slurm
from xomflow.workflow.snakemake.seam import shell_script

# Each way to write an option that XOM sets or relies on, and its whole name.
REFUSED = {
    "--comment=mine": "comment",
    "--comment": "comment",
    "--comm=mine": "comment",
    "-Jmine": "job-name",
    "--job-n=mine": "job-name",
    "-oxlog": "output",
    "--output=/tmp/log": "output",
    "-exlog": "error",
    "--error=/tmp/log": "error",
    "--export=ALL": "export",
    "--export-file=/tmp/x": "export-file",
    "-a1-9": "array",
    "--array=1-9": "array",
    "--parsable": "parsable",
    "-W": "wait",
    "--wait": "wait",
    "-H": "hold",
    "--hold": "hold",
    "-sH": "hold",
    "-Mbig": "clusters",
    "--clusters=big": "clusters",
    "--cluster=big": "clusters",
    "-kMbig": "clusters",
    "-Dtmp": "chdir",
    "--wrap=true": "wrap",
    "--test-only": "test-only",
    "--usage": "usage",
    "--help": "help",
    "-h": "help",
    "-V": "version",
    "--uid=kim": "uid",
    "--gid=xenon": "gid",
    "--mem=4G": "mem",
    "--mem-per-cpu=4G": "mem-per-cpu",
    "--time=10": "time",
    "-t10": "time",
    "--time-min=5": "time-min",
    "-c4": "cpus-per-task",
    "--cpus-per-task=4": "cpus-per-task",
}
FINE = (
    *("--constraint=skylake", "-Cskylake", "-n1", "--exclusive", "--exclude=node1", "--mail-type=FAIL", "-wnode1"),
    *(
        "--nice=7",
        "--wait-all-nodes=1",
        "--no-requeue",
        "--oversubscribe",
        "-Lmatlab",
        "-xM",
        "-pHold",
    ),
    *("--mem-bind=local", "--gres=gpu:1", "--reservation=xom", "--signal=TERM@60", "--wckey=hold", "--licenses=output"),
)


def with_options(*options: str, **block: Any) -> Any:
    return check_configuration(factory.tree("work", slurm={"options": list(options)}, **block), "config.yaml", False)


def test_options_with_which_xom_would_not_find_its_job_are_refused() -> None:
    accepted = []
    for option, name in REFUSED.items():
        try:
            with_options("--exclusive", option)
        except ConfigurationError as error:
            assert f"slurm.options[1] is '{option}': XOM sets --{name} itself" in str(error), option
        else:
            accepted.append(option)
    assert accepted == []


def test_a_limit_is_refused_with_the_key_that_sets_it() -> None:
    for option, key in {"--mem=4G": "memory_mb", "-t10": "time_limit", "-c4": "threads of the rule"}.items():
        with pytest.raises(ConfigurationError, match=f"from {key}: set that, and remove the option"):
            with_options(option)


def test_options_of_an_analysis_are_looked_at_too() -> None:
    with pytest.raises(ConfigurationError, match=r"analyses\.one\.slurm\.options\[0\] is '-H'"):
        with_options(analyses={"one": {"version": "v1", "slurm": {"options": ["-H"]}}})


def test_all_other_options_are_passed_on() -> None:
    assert with_options(*FINE).slurm.options == list(FINE)


def test_a_request_may_lower_its_priority() -> None:
    slurm = Slurm(factory.settings())
    request = JobRequest(factory.key_of(1), 1, "true", 100, 10, 1)
    assert not [option for option in slurm.options(request) if option.startswith("--nice")]
    assert "--nice=1000" in slurm.options(replace(request, nice=1000))


def test_variables_that_are_options_reach_no_command_of_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, dict[str, str]] = {}

    def run(command: list[str], env: dict[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
        given[command[0]] = env
        return subprocess.CompletedProcess(command, 0, "17\n" if command[0] == "sbatch" else "", "")

    monkeypatch.setattr(subprocess, "run", run)
    names = ("SBATCH_HOLD", "SBATCH_ACCOUNT", "SQUEUE_USERS", "SLURM_CLUSTERS", "SLURM_JOB_ID", "SACCT_FORMAT")
    for name in (*names, "SCANCEL_STATE", "SLURM_CONF", "SLURM_JWT"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("TZ", "America/Chicago")
    slurm = Slurm(factory.settings())
    slurm.jobs()
    slurm.cluster()
    slurm.ended_jobs(["17"])
    slurm.cancel(["17"])
    with Path(os.devnull).open("wb") as lock:
        slurm.submit(JobRequest(factory.KEY, 1, "true", 100, 10, 1), "label", Path("log"), lock)
    assert given.keys() == {"squeue", "scontrol", "sacct", "scancel", "sbatch"}
    for program, environment in given.items():
        ours = {name for name in environment if name.startswith(("SLURM_", "SBATCH_", "SQUEUE_", "SACCT_", "SCANCEL_"))}
        assert ours - {"SLURM_TIME_FORMAT"} == {"SLURM_CONF", "SLURM_JWT"}, program
        assert environment["TZ"] == ("America/Chicago" if program == "sbatch" else "UTC"), program


HEADING = "JOBID|STATE|REASON|END_TIME|NODELIST|COMMENT\n"


@pytest.mark.parametrize(
    ("words", "listed", "numbers"),
    [
        ("squeue: warning: maintenance on Monday\n", "17|RUNNING|None|N/A|node1|label\n", ["17"]),
        ("squeue: warning: maintenance on Monday\n", "", []),
        ("", "", []),
    ],
)
def test_words_that_squeue_prints_beside_its_list_count_for_nothing(
    monkeypatch: pytest.MonkeyPatch, words: str, listed: str, numbers: list[str]
) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        heading = "" if "--noheader" in command else HEADING
        return subprocess.CompletedProcess(command, 0, f"{words}{heading}{listed}", "")

    monkeypatch.setattr(subprocess, "run", run)
    assert [job.number for job in Slurm(factory.settings()).jobs()] == numbers


def test_words_without_a_list_are_no_proof_that_there_is_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 0, "Slurm is away for maintenance\n", "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(BatchSystemError, match="squeue printed no list of jobs: 'Slurm is away for maintenance'"):
        Slurm(factory.settings()).jobs()


# --- the script -------------------------------------------------------------------------------------------------------
LINES = {
    "alone": 'printf "%s\\n" "a  b"',
    "one program": "/bin/echo 'a  b' c",
    "one program and more": "/bin/echo a; /bin/echo b",
    "one program with a variable": "/bin/echo $OMP_NUM_THREADS",
    "one program and a comment": "/bin/echo a # it's",
    "words before": "export OMP_NUM_THREADS=3; echo $OMP_NUM_THREADS",
    "its variables": "echo $OMP_NUM_THREADS $MKL_NUM_THREADS",
    "a pipe": "echo one | tr o 0",
    "a pipe that fails": "false | cat; echo not here",
    "and": "true && echo yes",
    "or": "false || echo no",
    "quotes": """echo 'a "b"' "c 'd'" \\$HOME""",
    "several lines": "if true; then\n  echo in\nfi\necho out",
    "a here-document": "cat <<'END'\n$HOME 'x'\nEND\n",
    "bash only": "[[ abc == a* ]] && words=(one two) && echo ${words[1]}",
    "an unset variable": "echo $NEVER_SET; echo not here",
    "a comment at its end": "echo here # and there",
    "a group": "(cd / && pwd); pwd | wc -l",
    "its own exit": "echo before; exit 5; echo after",
}


def test_a_rules_line_does_the_same_in_a_job_as_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEVER_SET", raising=False)
    differences = {}
    for name, line in LINES.items():
        for threads in (1, 2):
            here = subprocess.run(
                ["/bin/bash", "-c", f"{shell._get_process_prefix('/bin/bash')}{line}"],
                env={**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)},
                capture_output=True,
                check=False,
            )
            program, text = shell_script(line, threads, "/bin/bash")
            request = JobRequest(factory.KEY, 1, text, 100, 10, threads, shell=program)
            script = commands._script(request).encode()
            there = subprocess.run(["/bin/sh"], input=script, capture_output=True, check=False)
            if (here.returncode, here.stdout) != (there.returncode, there.stdout):
                differences[name, threads] = (here, there)
    assert differences == {}


def test_a_job_finds_its_number_and_its_end_wherever_its_command_stands(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    program, text = shell_script("echo $XOM_BATCH_JOB until $XOM_BATCH_JOB_END. | cat", 1, None)
    script = commands._script(JobRequest(factory.KEY, 1, text, 100, 10, 1, shell=program))
    for given, expected in (({"SLURM_JOB_END_TIME": "1795800000"}, "until 1795800000."), ({}, "until .")):
        environment = {"SLURM_JOB_ID": "17", "PATH": os.defpath, **given}
        done = subprocess.run(["/bin/sh"], input=script, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == f"slurm 17 {expected}\n"


def test_a_single_program_is_the_jobs_own_process(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    program, text = shell_script(f"{sys.executable} -c 'import os; print(os.getpid())'", 1, None)
    script = commands._script(JobRequest(factory.KEY, 1, text, 100, 10, 1, shell=program))
    with subprocess.Popen(["/bin/sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as job:
        printed, _ = job.communicate(script)
        assert int(printed) == job.pid
