"""Which commands of Slurm are given, word for word, and what follows where they fail."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support import factory
from xomflow.core.errors import BatchSystemError, UnclearSubmissionError
from xomflow.slurm import commands
from xomflow.slurm.answers import cluster_in, nodes_in, parse, parse_accounting
from xomflow.slurm.batch_system import BatchJob, JobEnd, JobRequest, Submitted
from xomflow.slurm.commands import Slurm

REQUEST = JobRequest(factory.KEY, 1, "true", 100, 10, 2)


class Programs:
    """Stands for Slurm's programs.

    Attributes
    ----------
    printed
        What each of them prints.
    errors
        What is raised instead.
    failed
        Exit status and standard error of those that fail.
    commands, given
        The commands, and what else `subprocess.run` was given.
    """

    def __init__(self) -> None:
        self.printed: dict[str, str] = {}
        self.errors: dict[str, Exception] = {}
        self.failed: dict[str, tuple[int, str]] = {}
        self.commands: list[list[str]] = []
        self.given: list[dict[str, Any]] = []

    def run(self, command: list[str], **given: Any) -> Any:
        self.commands.append(command)
        self.given.append(given)
        if command[0] in self.errors:
            raise self.errors[command[0]]
        code, words = self.failed.get(command[0], (0, ""))
        return subprocess.CompletedProcess(command, code, self.printed.get(command[0], ""), words)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    made = Programs()
    monkeypatch.setattr(subprocess, "run", made.run)
    return made


@pytest.fixture
def slurm() -> Slurm:
    return Slurm(factory.settings())


def test_jobs_are_asked_for_by_user_cluster_and_name(programs: Programs, slurm: Slurm) -> None:
    programs.printed["squeue"] = "17|RUNNING|None|N/A|n1|a label\nnothing\n18|PENDING|Priority|N/A||b\n"
    assert [job.number for job in slurm.jobs()] == ["17", "18"]
    slurm.jobs("kim", "big", by_name=True)
    fixed = ["--all", "--noheader", "--states=all"]
    assert programs.commands == [
        ["squeue", "--me", *fixed, "--format=%i|%T|%r|%e|%N|%k"],
        ["squeue", "--user=kim", *fixed, "--format=%i|%T|%r|%e|%N|%j", "--clusters=big"],
    ]


def test_the_accounting_is_asked_for_five_hundred_jobs_at_a_time(programs: Programs, slurm: Slurm) -> None:
    programs.printed["sacct"] = "17|TIMEOUT|2026-11-22T13:00:00\n17.batch|CANCELLED|2026-11-22T13:00:00\n"
    numbers = [str(number) for number in range(1001)]
    assert slurm.ended_jobs([]) == []
    assert programs.commands == []
    found = slurm.ended_jobs(numbers, "big")
    assert [job.number for job in found] == ["17"] * 3
    fixed = ["sacct", "--allocations", "--noheader", "--parsable2", "--format=JobIDRaw,State,End"]
    asked = [",".join(part) for part in (numbers[:500], numbers[500:1000], numbers[1000:])]
    assert programs.commands == [[*fixed, f"--jobs={part}", "--clusters=big"] for part in asked]
    slurm.ended_jobs(["5"])
    assert programs.commands[-1] == [*fixed, "--jobs=5"]


def test_a_job_is_submitted_with_the_options_of_its_analysis_and_of_the_site(
    programs: Programs, tmp_path: Path
) -> None:
    own = {"account": "xom", "partition": "urgent", "options": ["--exclusive"]}
    slurm = {"account": "another", "memory_margin_mb": 50}
    made = Slurm(factory.settings(tmp_path, analyses={"kr83m": {"version": "v1", "slurm": own}}, slurm=slurm))
    programs.printed["sbatch"] = "17;big\n"
    with (tmp_path / "lock").open("wb") as lock:
        assert made.submit(replace(REQUEST, nice=7), "a label", tmp_path / "50%/log", lock) == Submitted("17", "big")
        made.submit(REQUEST, "a label", tmp_path / "50%\\log", lock)
        inherited = (lock.fileno(),)
    first, second = programs.commands
    log = str(tmp_path / "50%%/log")
    fixed = ["sbatch", "--job-name=xom-kr83m-052894", "--comment=a label", f"--output={log}", "--parsable"]
    limits = ["--account=xom", "--partition=urgent", "--time=10", "--mem=150", "--cpus-per-task=2"]
    assert first[:5] == fixed
    assert first[5:6] + first[7:] == ["--open-mode=append", *limits, "--nice=7", "--exclusive"]
    assert second[3] == f"--output={tmp_path / '50%'}\\log", "Slurm replaces nothing after a backslash"
    assert "--nice" not in " ".join(second)
    assert [given["pass_fds"] for given in programs.given] == [inherited] * 2
    assert programs.given[0]["input"].startswith("#!/bin/sh\n")


def test_jobs_are_cancelled_on_their_cluster_and_none_without_a_command(programs: Programs, slurm: Slurm) -> None:
    slurm.cancel([])
    slurm.cancel(["5", "17"])
    slurm.cancel(["5"], "big")
    assert programs.commands == [["scancel", "5", "17"], ["scancel", "--clusters=big", "5"]]
    assert all(given["pass_fds"] == () for given in programs.given)


def test_the_name_of_the_cluster_is_asked_for_once_and_empty_where_there_is_none(
    programs: Programs, slurm: Slurm
) -> None:
    programs.printed["scontrol"] = "AuthType = x\nClusterName             = midway3\nClusterNames = y\n"
    assert [slurm.cluster(), slurm.cluster()] == ["midway3", "midway3"]
    assert programs.commands == [["scontrol", "show", "config"]]
    programs.failed["scontrol"] = (1, "slurm_load_ctl_conf error")
    other = Slurm(factory.settings())
    assert [other.cluster(), other.cluster()] == ["", ""]
    assert len(programs.commands) == 2
    assert cluster_in("Cluster = x\n") == ""


@pytest.mark.parametrize("program", ["squeue", "sbatch"])
def test_what_goes_wrong_is_one_sentence_and_only_a_submission_without_an_answer_is_unclear(
    programs: Programs, slurm: Slurm, tmp_path: Path, program: str
) -> None:
    def ask() -> tuple[str, bool]:
        with (tmp_path / "lock").open("wb") as lock, pytest.raises(BatchSystemError) as caught:
            slurm.submit(REQUEST, "a", tmp_path / "log", lock) if program == "sbatch" else slurm.jobs()
        return str(caught.value), isinstance(caught.value, UnclearSubmissionError)

    found = {}
    for error in (FileNotFoundError(), subprocess.TimeoutExpired(program, 60), OSError(12, "Cannot allocate memory")):
        programs.errors[program] = error
        found[type(error).__name__] = ask()
    programs.errors.clear()
    for name, failed in {"silent": (3, ""), "refused": (1, f"{program}: error: a\n{program}: b\n")}.items():
        programs.failed[program] = failed
        found[name] = ask()
    assert found == {
        "FileNotFoundError": (f"{program} is not on the PATH", False),
        "TimeoutExpired": (f"{program} did not answer within 60 s", program == "sbatch"),
        "OSError": (f"{program} could not be started: Cannot allocate memory", False),
        "silent": (f"{program} refused: exit status 3", False),
        "refused": (f"{program} refused: a; b", False),
    }
    assert {given["timeout"] for given in programs.given} == {60.0}


# --- answers ----------------------------------------------------------------------------------------------------------
def test_a_line_of_squeue_is_read_whole() -> None:
    lines = {
        "17|PENDING|Priority|N/A||a|b": BatchJob(
            "17", "Slurm job 17 is pending (Priority)", label="a|b", has_begun=False
        ),
        "17|REQUEUED||N/A||": BatchJob("17", "Slurm job 17 is requeued", has_begun=False),
        "17|SPECIAL_EXIT|None|N/A||": BatchJob(
            "17", "Slurm job 17 is special_exit", held="SPECIAL_EXIT", has_begun=False
        ),
        "17|PENDING|BadConstraints|N/A||": BatchJob(
            "17",
            "Slurm job 17 is pending (BadConstraints)",
            held="PENDING (BadConstraints)",
            has_begun=False,
        ),
        "17|RUNNING|JobHeldUser|N/A|n1|": BatchJob("17", "Slurm job 17 is running on n1 (JobHeldUser)"),
        "17|PENDING|launch failed requeued held|N/A||": BatchJob(
            "17",
            "Slurm job 17 is pending (launch failed requeued held)",
            JobEnd(
                "node_failed",
                "a node could not start Slurm job 17: PENDING (launch failed requeued held); XOM cancels it",
            ),
            is_stuck=True,
            has_begun=False,
        ),
        "17|TIMEOUT|BadConstraints|N/A|n1|": BatchJob(
            "17",
            "Slurm job 17 is timeout on n1 (BadConstraints)",
            JobEnd("timeout", "Slurm ended job 17: TIMEOUT (BadConstraints)"),
        ),
        "17|RUNNING|None|N/A|n1": None,
    }
    assert {line: parse(line) for line in lines} == lines
    assert [job.is_over for job in map(parse, lines) if job] == [False] * 6 + [True]


def test_a_line_of_sacct_is_read_whole() -> None:
    assert parse_accounting("17|CANCELLED by 1000|Unknown") == BatchJob(
        "17", "Slurm job 17 is cancelled", JobEnd("cancelled", "Slurm ended job 17: CANCELLED")
    )


def test_a_node_in_two_partitions_is_named_once() -> None:
    assert nodes_in("down|n1|a | b\ndown|n1|a | b\n\ndrained|n2| c \n") == ["n1 down (a | b)", "n2 drained (c)"]


def test_a_log_is_a_path_in_which_slurm_replaces_nothing() -> None:
    assert commands._plain(Path("/a/%j/b")) == "/a/%%j/b"
    assert commands._plain(Path("/a\\b/%j")) == "/a\\b/%j"
