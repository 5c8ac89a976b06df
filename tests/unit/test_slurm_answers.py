"""What XOM concludes from the answers of Slurm's commands, which were recorded of several versions."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support import factory
from support.batch import FakeBatchSystem
from support.slurm_answers import RUN, TICK, VERSIONS, RecordedSlurm
from xomflow.cli.command_line import make_parser
from xomflow.cli.commands import maintain
from xomflow.config.model import Config, Retries
from xomflow.core.errors import BatchSystemError
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.outcomes.files import Failure, failures_of
from xomflow.outcomes.retries import next_resources, next_try
from xomflow.slurm.asked import statuses
from xomflow.slurm.batch_system import JobRequest
from xomflow.slurm.commands import Slurm
from xomflow.slurm.nodes import describe_nodes_out
from xomflow.slurm.settle import settle
from xomflow.slurm.status import Facts, SubmissionStatus, status_of
from xomflow.slurm.submitter import Submitter
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.job_index import JobIndex
from xomflow.slurm.submitting.submissions import Submission

NOW = datetime(2026, 12, 1, tzinfo=UTC)  # days after the tick of the recordings
LATENCY = timedelta(seconds=60)

# What is shown of a job that may still work, after its number; where the versions differ, for each.
WAITING = {
    "running": "running on node0",
    "completing": "completing on node1",
    "suspended": "suspended on node0",
    "resources": "pending (Resources)",
    "priority": "pending (Priority)",
    "held_by_user": "pending (JobHeldUser)",
    "held_by_admin": "pending (JobHeldAdmin)",
    "begin_time": "pending (BeginTime)",
    "dependency": "pending (Dependency)",
    "dependency_never": "pending (DependencyNeverSatisfied)",
    "partition_down": "pending (PartitionDown)",
    "partition_inactive": "pending (PartitionInactive)",
    "partition_time_limit": "pending (PartitionTimeLimit)",
    # Slurm holds it until a person changes the job or the nodes.
    "feature_gone": "pending (BadConstraints)",
    "association_max_jobs": "pending (AssocMaxJobsLimit)",
    "qos_max_memory": "pending (QOSMaxMemoryPerJob)",
    "qos_max_cpu": "pending (QOSMaxCpuPerJobLimit)",
    "qos_max_wall": "pending (QOSMaxWallDurationPerJobLimit)",
    "requeued": "pending (BeginTime)",
    "requeued_by_preemption": "pending (BeginTime)",
    "requeued_after_node_failure": "pending (BeginTime)",
    # Slurm waits for a person in these two.
    "requeued_held": "pending (job requeued in held state)",
    "special_exit": "special_exit (job requeued in held state)",
    "nodes_drained": {
        "22.05": "pending (ReqNodeNotAvail, UnavailableNodes:node[0-1])",
        "24.11": "pending (ReqNodeNotAvail, May be reserved for other job)",
    },
    "too_many_cpus": {"22.05": "pending (PartitionConfig)"},
}
HELD = {
    *("held_by_user", "held_by_admin", "dependency_never", "feature_gone", "requeued_held", "special_exit"),
    *("partition_time_limit", "qos_max_memory", "qos_max_cpu", "qos_max_wall", "too_many_cpus"),
}
BEGUN = {"running", "completing", "suspended"}
# Failure class of a job that left no file about its end, and what its message names.
ENDED = {
    "no_job": ("lost", "left neither outcome nor failure record"),
    "completed": ("lost", "COMPLETED (None)"),
    "failed": ("lost", "FAILED (NonZeroExitCode)"),
    "killed_by_signal": {
        "22.05": ("lost", "FAILED (JobLaunchFailure)"),
        "24.11": ("lost", "FAILED (RaisedSignal:9(Killed))"),
    },
    # From 24.11 on Slurm makes the folder.
    "no_log_folder": {"22.05": ("lost", "FAILED (JobLaunchFailure)"), "24.11": ("lost", "COMPLETED (None)")},
    "out_of_memory": ("out_of_memory", "OUT_OF_MEMORY (OutOfMemory)"),
    "timeout": ("timeout", "TIMEOUT (TimeLimit)"),
    "deadline": ("timeout", "DEADLINE (DeadLine)"),
    "cancelled": ("cancelled", "CANCELLED (None)"),
    "cancelled_while_pending": ("cancelled", "CANCELLED (JobHeldUser)"),
    "preempted": ("preempted", "PREEMPTED (None)"),
    "node_failed": ("node_failed", "NODE_FAIL (NodeDown)"),
    "launch_failed": ("node_failed", "PENDING (launch failed requeued held); XOM cancels it"),
    "too_much_memory": ("not_started", "FAILED (BadConstraints); see memory_mb of the analysis"),
    "too_many_cpus": {"24.11": ("not_started", "FAILED (BadConstraints); see memory_mb of the analysis")},
}
_POLICY = (
    "Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"
)
_NO_NODE = "Batch job submission failed: Requested node configuration is not available"
REFUSALS = {
    "invalid_partition": (
        "invalid partition specified: nowhere; Batch job submission failed: Invalid partition name specified"
    ),
    "to_partition_inactive": ("Batch job submission failed: Required partition not available (inactive or drain)"),
    "invalid_account": ("Batch job submission failed: Invalid account or account/partition combination specified"),
    "invalid_feature": "Batch job submission failed: Invalid feature specification",
    "invalid_node": "Batch job submission failed: Invalid node name specified",
    "invalid_option": "Invalid generic resource (gres) specification",
    "unknown_option": "unrecognized option '--nonsense=1'; Try \"sbatch --help\" for more information",
    "too_much_memory": f"Memory specification can not be satisfied; {_NO_NODE}",
    "too_many_cpus": {"24.11": f"CPU count per node can not be satisfied; {_NO_NODE}"},
    "association_max_submit": f"AssocMaxSubmitJobLimit; {_POLICY}",
    "qos_max_submit": f"QOSMaxSubmitJobPerUserLimit; {_POLICY}",
    "controller_away": "Batch job submission failed: Unable to contact slurm controller (connect failure)",
}


@pytest.fixture(params=VERSIONS)
def slurm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> RecordedSlurm:
    """Slurm's programs, as each recorded version answers."""
    made = RecordedSlurm(request.param)
    monkeypatch.setattr(subprocess, "run", made.run)
    return made


@pytest.fixture
def begin(slurm: RecordedSlurm, tmp_path: Path) -> Iterator[Callable[..., Submitter]]:
    """Begin the tick of the recordings, which waits neither for Slurm nor for files."""
    with ExitStack() as locks:

        def make(*analyses: str) -> Submitter:
            made = config(tmp_path, *analyses)
            queue = Submitter(made, TICK, locks.enter_context((tmp_path / "lock").open("wb")), Slurm(made))
            for analysis in analyses:
                queue.add(request_of(analysis))
            return queue

        yield make


def config(folder: Path, *analyses: str) -> Config:
    slurm = {"patience": "0 s", "latency": "0 s", "memory_margin_mb": 50}
    return factory.settings(folder, analyses={name: {"version": "v1"} for name in analyses}, slurm=slurm)


def key_of(analysis: str) -> Key:
    return factory.key_of(RUN, analysis)


def request_of(analysis: str) -> JobRequest:
    return JobRequest(key_of(analysis), 1, "true", 50, 10, 1)


def submission(analysis: str) -> Submission:
    return Submission(key_of(analysis), 1, TICK, factory.NOW, "17")


def of_version(table: dict[str, Any], version: str) -> dict[str, Any]:
    """The entries of a table that hold for a version."""
    found = {name: entry.get(version) if isinstance(entry, dict) else entry for name, entry in table.items()}
    return {name: entry for name, entry in found.items() if entry is not None}


def number_in(slurm: RecordedSlurm, situation: str) -> str:
    return slurm.recorded["squeue"][situation]["stdout"].partition("|")[0]


def concluded(slurm: RecordedSlurm, situation: str) -> SubmissionStatus:
    """What follows from the answer of ``squeue`` for the job of a situation."""
    slurm.squeue = {situation: situation}
    one = submission(situation)
    return status_of(Facts(one, JobIndex(Slurm(factory.settings()).jobs()).job_of(one)), LATENCY, NOW)


def refused(slurm: RecordedSlurm, folder: Path, situation: str) -> str:
    """The message about a job that is submitted in a situation; empty if Slurm accepts it."""
    slurm.sbatch = {situation: situation}
    try:
        with (folder / "lock").open("wb") as lock:
            Slurm(config(folder, situation)).submit(request_of(situation), "label", folder / "log", lock)
    except BatchSystemError as error:
        return str(error)
    return ""


# --- what is asked ----------------------------------------------------------------------------------------------------
def test_the_commands_are_those_of_which_the_answers_were_recorded(slurm: RecordedSlurm, tmp_path: Path) -> None:
    """Other commands may have other answers: record them again, see tests/data/slurm/README.md."""
    name = "accepted_with_options"
    options = {"account": "xom", "partition": "urgent", "qos": "normal", "options": ["--nice=7"]}
    made = factory.settings(
        tmp_path, analyses={name: {"version": "v1", "slurm": options}}, slurm={"memory_margin_mb": 50}
    )
    system = Slurm(made)
    with (tmp_path / "lock").open("wb") as lock:
        system.submit(request_of(name), submission(name).label, Path("/site/logs/job.log"), lock)
    system.jobs()
    running = slurm.recorded["scancel"]["running"]["command"]
    system.cancel(running[1:])
    assert slurm.commands == [
        slurm.recorded["sbatch"][name]["command"],
        slurm.recorded["squeue"]["running"]["command"],
        running,
    ]


def test_a_job_gets_only_the_variables_that_programs_need(
    slurm: RecordedSlurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_OF_SOMETHING", "secret")
    assert refused(slurm, tmp_path, "accepted") == ""
    (command,) = slurm.asked("sbatch")
    (exported,) = [word for word in command if word.startswith("--export=")]
    assert not {"ALL", "TOKEN_OF_SOMETHING"} & set(exported.removeprefix("--export=").split(","))
    assert "secret" not in " ".join([*command, *slurm.scripts])


def test_the_number_of_a_job_comes_without_the_name_of_its_cluster(slurm: RecordedSlurm, tmp_path: Path) -> None:
    answer = slurm.recorded["sbatch"]["accepted_by_named_cluster"]["stdout"]
    slurm.sbatch = {"good": "accepted_by_named_cluster"}
    with (tmp_path / "lock").open("wb") as lock:
        given = Slurm(config(tmp_path, "good")).submit(request_of("good"), "label", tmp_path / "log", lock)
    assert given.number.isdigit()
    assert answer == f"{given.number};{given.cluster}\n"


# --- what follows for a job -------------------------------------------------------------------------------------------
def test_every_answer_of_squeue_is_in_a_table(slurm: RecordedSlurm) -> None:
    tables = of_version(WAITING, slurm.version).keys() | of_version(ENDED, slurm.version).keys()
    assert tables == slurm.recorded["squeue"].keys() - {"controller_away"}


def test_a_job_that_may_still_work_is_waited_for(slurm: RecordedSlurm) -> None:
    expected = {
        name: SubmissionStatus(submission(name), f"Slurm job {number_in(slurm, name)} is {words}")
        for name, words in of_version(WAITING, slurm.version).items()
    }
    assert {name: replace(concluded(slurm, name), held="", has_begun=None) for name in expected} == expected


def test_a_job_that_waits_is_told_from_one_that_works(slurm: RecordedSlurm) -> None:
    waiting = of_version(WAITING, slurm.version)
    begun = {name for name in waiting if concluded(slurm, name).has_begun}
    assert begun == {name for name, words in waiting.items() if words.split()[0] in BEGUN}


def test_what_waits_for_a_person_is_told_from_what_waits_for_slurm(slurm: RecordedSlurm) -> None:
    waiting = of_version(WAITING, slurm.version).keys()
    assert {name for name in waiting if concluded(slurm, name).held} == HELD & waiting


def test_the_end_of_a_job_that_left_no_file_is_its_failure_class(slurm: RecordedSlurm) -> None:
    expected = of_version(ENDED, slurm.version)
    found = {name: concluded(slurm, name) for name in expected}
    assert {name: (status.working, status.kind) for name, status in found.items()} == {
        name: ("", kind) for name, (kind, _) in expected.items()
    }
    assert {name: status.message for name, status in found.items() if expected[name][1] not in status.message} == {}
    numbers = {name: number_in(slurm, name) or "17" for name in expected}
    assert {
        name: status.message for name, status in found.items() if f"job {numbers[name]}" not in status.message
    } == {}


def test_only_a_job_that_slurm_holds_after_a_failed_launch_is_cancelled(slurm: RecordedSlurm) -> None:
    situations = slurm.recorded["squeue"].keys() - {"controller_away"}
    cancelled = {name: status.to_cancel for name in situations if (status := concluded(slurm, name)).to_cancel}
    assert cancelled == {"launch_failed": number_in(slurm, "launch_failed")}


def test_jobs_of_all_situations_in_one_answer_are_told_apart(slurm: RecordedSlurm) -> None:
    slurm.squeue = {name: name for name in slurm.recorded["squeue"] if name != "controller_away"}
    jobs = Slurm(factory.settings()).jobs()
    numbers = {name: number_in(slurm, name) for name in slurm.squeue if name != "no_job"}
    assert {job.label: job.number for job in jobs} == {
        submission(name).label: number for name, number in numbers.items()
    }


def test_of_two_jobs_with_one_label_the_one_that_may_still_work_counts(slurm: RecordedSlurm) -> None:
    answers = slurm.recorded["squeue"]
    for names in (("completed", "running"), ("running", "completed")):
        lines = [answers[name]["stdout"].replace(f" {name}+", " twice+") for name in names]
        answers["twice"] = {**answers["running"], "stdout": "".join(lines)}
        assert concluded(slurm, "twice").working == f"Slurm job {number_in(slurm, 'running')} is running on node0"


def test_ends_that_are_not_the_analysis_fault_are_tried_again_at_once(slurm: RecordedSlurm) -> None:
    retries = Retries(attempts=1)
    now = datetime(2026, 12, 1, tzinfo=UTC)
    due = {
        name: next_try([Failure(1, concluded(slurm, name).kind, now)], retries)
        for name in of_version(ENDED, slurm.version)
    }
    given_up = {name for name, moment in due.items() if moment is None}
    own = {"out_of_memory", "timeout", "deadline", "too_much_memory"} | ({"too_many_cpus"} & due.keys())
    assert given_up == own
    assert {moment for name, moment in due.items() if name not in own} == {now}


def test_out_of_memory_is_tried_again_with_more_memory_and_a_timeout_with_more_time(slurm: RecordedSlurm) -> None:
    limits = {
        name: next_resources([Failure(1, concluded(slurm, name).kind, factory.NOW)], Retries(), 150, 60.0)
        for name in ("out_of_memory", "timeout", "cancelled")
    }
    assert limits == {
        "out_of_memory": {"memory_mb": 300, "time_limit_s": 60.0},
        "timeout": {"memory_mb": 150, "time_limit_s": 120.0},
        "cancelled": {"memory_mb": 150, "time_limit_s": 60.0},
    }


def test_the_files_of_a_job_that_ended_are_awaited_as_long_as_they_may_be_late(slurm: RecordedSlurm) -> None:
    slurm.squeue = {"completed": "completed"}
    jobs = Slurm(factory.settings()).jobs()
    job = JobIndex(jobs).job_of(submission("completed"))
    assert job
    assert job.ended
    ended = job.ended
    found = [
        status_of(Facts(submission("completed"), job), LATENCY, ended + timedelta(seconds=seconds)).kind
        for seconds in (59, 61)
    ]
    assert found == ["", "lost"]


# --- nodes ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("situation", "phrases"),
    [
        ("all_take_jobs", []),
        ("one_drained", ["node0 drained (disk | full)"]),
        ("drained_and_down", ["node0 drained (disk | full)", "node1 down (no power)"]),
    ],
)
def test_nodes_that_take_no_jobs_have_state_and_reason(
    slurm: RecordedSlurm, situation: str, phrases: list[str]
) -> None:
    if "sinfo" not in slurm.recorded:
        pytest.skip(f"sinfo of {slurm.version} was not recorded")
    slurm.sinfo = situation
    assert Slurm(factory.settings()).nodes_out() == phrases
    assert slurm.commands == [slurm.recorded["sinfo"][situation]["command"]]


def test_only_nodes_of_the_partitions_that_are_used_are_asked_for(slurm: RecordedSlurm, tmp_path: Path) -> None:
    slurm.recorded.setdefault("sinfo", {"all_take_jobs": {"stdout": "", "stderr": "", "status": 0}})
    for partitions, asked in ((("a", "b"), ["--partition=a,b"]), (("a", None), []), ((), [])):
        blocks = {f"a{place}": {"version": "v1", "slurm": {"partition": one}} for place, one in enumerate(partitions)}
        Slurm(factory.settings(tmp_path, analyses=blocks)).nodes_out()
        assert slurm.commands[-1][4:] == asked


def test_a_tick_names_nodes_that_take_no_jobs_only_while_runs_wait() -> None:
    batch = FakeBatchSystem()
    assert describe_nodes_out(batch, 0) == describe_nodes_out(batch, 3) == []
    batch.out = ["node0 drained (disk full)"]
    assert describe_nodes_out(batch, 0) == []
    assert describe_nodes_out(batch, 3) == [
        "3 runs wait in Slurm, where some nodes take no jobs: node0 drained (disk full); `sinfo -R` has the reasons, "
        "the site can take them back"
    ]
    batch.away = "it does not answer"
    assert describe_nodes_out(batch, 3) == []


# --- what a tick does -------------------------------------------------------------------------------------------------
def test_a_job_that_no_node_can_start_is_cancelled_and_its_attempt_is_over(
    slurm: RecordedSlurm, begin: Callable[..., Submitter], tmp_path: Path
) -> None:
    queue = begin("good")
    slurm.squeue = {"good": "launch_failed"}
    assert queue.look([key_of("good")]) == {key_of("good"): "failed"}
    assert slurm.asked("scancel") == [["scancel", number_in(slurm, "launch_failed")]]
    assert [failure.kind for failure in failures_of(Paths(tmp_path), key_of("good"))] == ["node_failed"]
    assert submissions.noted(Paths(tmp_path)) == {}


def test_the_job_of_a_finished_run_that_slurm_holds_after_a_crash_is_cancelled(
    slurm: RecordedSlurm, begin: Callable[..., Submitter], tmp_path: Path
) -> None:
    begin("good", "other")
    slurm.squeue = {"good": "launch_failed", "other": "running"}
    paths, made = Paths(tmp_path), config(tmp_path, "good", "other")
    factory.keep(paths, *(factory.outcome(key_of(name)) for name in ("good", "other")))
    settle(paths, Slurm(made), made.retries, statuses(paths, Slurm(made), 0.0))
    assert slurm.asked("scancel") == [["scancel", number_in(slurm, "launch_failed")]]
    assert submissions.noted(paths) == {}
    assert not any(failures_of(paths, key_of(name)) for name in ("good", "other"))


def test_each_end_becomes_a_failure_record_once(
    slurm: RecordedSlurm, begin: Callable[..., Submitter], tmp_path: Path
) -> None:
    expected = {name: kind for name, (kind, _) in of_version(ENDED, slurm.version).items()}
    queue = begin(*expected)
    keys = {name: key_of(name) for name in expected}
    slurm.squeue = {name: name for name in expected}
    for _ in range(2):
        assert queue.look(keys.values()) == dict.fromkeys(keys.values(), "failed")
    kinds = {name: [failure.kind for failure in failures_of(Paths(tmp_path), key)] for name, key in keys.items()}
    assert kinds == {name: [kind] for name, kind in expected.items()}


def test_while_the_controller_is_away_nothing_is_concluded(
    slurm: RecordedSlurm, begin: Callable[..., Submitter], tmp_path: Path
) -> None:
    queue = begin("good")
    slurm.is_away = True
    assert queue.look([key_of("good")]) == {key_of("good"): "active"}
    paths, system = Paths(tmp_path), Slurm(config(tmp_path, "good"))
    status = statuses(paths, system, 0)[key_of("good")]
    number = slurm.recorded["sbatch"]["accepted"]["stdout"].strip()
    assert status.working == f"Slurm does not answer; job {number} may still be there"
    settle(paths, system, Retries(), {key_of("good"): status})
    assert failures_of(paths, key_of("good")) == []
    assert submissions.noted(paths).keys() == {key_of("good")}


def test_when_the_controller_is_back_a_tick_goes_on_and_a_job_that_vanished_is_lost(
    slurm: RecordedSlurm, begin: Callable[..., Submitter]
) -> None:
    queue, keys = begin("good", "gone"), [key_of("good"), key_of("gone")]
    slurm.is_away = True
    queue.look(keys)
    slurm.is_away, slurm.squeue = False, {"good": "running"}
    assert queue.look(keys) == {key_of("good"): "active", key_of("gone"): "failed"}
    assert len(slurm.asked("sbatch")) == 2


def test_what_is_submitted_while_the_controller_is_away_waits(
    slurm: RecordedSlurm, begin: Callable[..., Submitter]
) -> None:
    slurm.is_away = True
    queue = begin("good")
    assert queue.complaint.startswith("sbatch refused: Batch job submission failed: Unable to contact slurm controller")
    queue.look([])
    assert queue.complaint.startswith("squeue refused: slurm_load_jobs error: Unable to contact slurm controller")
    slurm.is_away, slurm.squeue = False, {}
    queue.look([])
    assert (queue.complaint, len(slurm.asked("sbatch"))) == ("", 2)


def test_a_job_that_slurm_took_though_its_answer_was_lost_is_not_submitted_again(
    slurm: RecordedSlurm, begin: Callable[..., Submitter]
) -> None:
    slurm.is_away = True
    queue = begin("good")
    slurm.is_away, slurm.squeue = False, {"good": "running"}
    assert queue.look([key_of("good")]) == {key_of("good"): "active"}
    assert len(slurm.asked("sbatch")) == 1


# --- what Slurm does not take -----------------------------------------------------------------------------------------
def test_every_answer_of_sbatch_is_a_refusal_in_the_table_or_a_number(slurm: RecordedSlurm) -> None:
    numbers = {name for name, answer in slurm.recorded["sbatch"].items() if answer["status"] == 0}
    assert slurm.recorded["sbatch"].keys() - numbers == of_version(REFUSALS, slurm.version).keys()


def test_a_refusal_is_reported_in_slurms_words(slurm: RecordedSlurm, tmp_path: Path) -> None:
    expected = {name: f"sbatch refused: {words}" for name, words in of_version(REFUSALS, slurm.version).items()}
    assert {name: refused(slurm, tmp_path, name) for name in expected} == expected


def test_a_partition_that_is_down_accepts_jobs(slurm: RecordedSlurm, tmp_path: Path) -> None:
    assert refused(slurm, tmp_path, "to_partition_down") == ""


def test_a_limit_on_submissions_makes_jobs_wait_their_turn(
    slurm: RecordedSlurm, begin: Callable[..., Submitter]
) -> None:
    slurm.sbatch = {"second": "association_max_submit"}
    queue, keys = begin("first", "second"), [key_of("first"), key_of("second")]
    slurm.squeue = {"first": "running"}
    assert queue.look(keys) == dict.fromkeys(keys, "active")
    reason = f"sbatch refused: AssocMaxSubmitJobLimit; {_POLICY}"
    assert queue.news() == f"{reason}: what Slurm does not take now waits here and is offered again"
    slurm.sbatch = {}
    queue.look(keys)
    assert queue.complaint == ""
    taken = [name for command in slurm.asked("sbatch") for name in ("first", "second") if f"-{name}-" in command[1]]
    assert taken == ["first", "second", "second", "second"]


def test_an_invalid_partition_costs_nothing_else(slurm: RecordedSlurm, begin: Callable[..., Submitter]) -> None:
    slurm.sbatch = {"astray": "invalid_partition"}
    queue, keys = begin("astray", "good"), [key_of("astray"), key_of("good")]
    slurm.squeue = {"good": "running"}
    assert queue.look(keys) == dict.fromkeys(keys, "active")
    assert queue.look([key_of("astray")]) == {key_of("astray"): "left"}
    assert "invalid partition specified: nowhere" in queue.complaint


def test_a_job_that_slurm_refuses_but_keeps_as_failed_has_failed(
    slurm: RecordedSlurm, begin: Callable[..., Submitter], tmp_path: Path
) -> None:
    """``sbatch`` gives no number of a job that no node can take, and ``squeue`` lists it nevertheless."""
    slurm.sbatch = {"large": "too_much_memory"}
    queue = begin("large")
    slurm.squeue = {"large": "too_much_memory"}
    assert queue.look([key_of("large")]) == {key_of("large"): "failed"}
    assert [failure.kind for failure in failures_of(Paths(tmp_path), key_of("large"))] == ["not_started"]
    assert len(slurm.asked("sbatch")) == 1


def test_without_slurm_a_tick_leaves_its_jobs_and_names_the_program(
    begin: Callable[..., Submitter], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", absent)
    queue = begin("good")
    assert queue.look([key_of("good")]) == {key_of("good"): "left"}
    assert queue.complaint == "squeue is not on the PATH"


# --- what a person cancels --------------------------------------------------------------------------------------------
def test_a_person_cancels_the_jobs_of_a_run(
    slurm: RecordedSlurm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = Paths(tmp_path)
    for number in (RUN, RUN + 1):
        submissions.note(paths, Submission(factory.key_of(number, "good"), 1, TICK, factory.NOW, str(number - 52000)))
    made = config(tmp_path, "good")
    for words in (["cancel", str(RUN)], ["cancel"]):
        maintain.cancel(made, make_parser().parse_args(words))
    assert slurm.asked("scancel")[0] == ["scancel", "1"]
    assert sorted(slurm.asked("scancel")[1]) == ["1", "2", "scancel"]
    told = capsys.readouterr().out
    assert told.startswith(
        "1 key whose jobs are to be ended: good v1 run 052001\ncancelled job 1: good v1 run 052001\n"
    )


def test_a_job_that_is_over_or_unknown_does_not_hinder_cancelling(slurm: RecordedSlurm, tmp_path: Path) -> None:
    for situation in ("pending", "over", "unknown", "over_and_unknown"):
        slurm.scancel = situation
        words = slurm.recorded["scancel"][situation]["command"]
        Slurm(config(tmp_path, "good")).cancel(words[1:])
        assert slurm.commands[-1] == words


def test_where_the_controller_is_away_a_person_is_told_so_once(slurm: RecordedSlurm, tmp_path: Path) -> None:
    slurm.is_away = True
    with pytest.raises(BatchSystemError) as caught:
        Slurm(config(tmp_path, "good")).cancel(["5", "17"])
    first = slurm.recorded["scancel"]["controller_away"]["stderr"].splitlines()[0].removeprefix("scancel: error: ")
    assert str(caught.value) == f"scancel refused: {first}"
