"""Record what Slurm's commands answer in each situation, for tests/unit/test_slurm_answers.py. For developers.

    work/envs/workflow/bin/python scripts/record_slurm.py tests/data/slurm

starts a cluster of the installed Slurm with accounts, brings jobs into the situations, asks as XOM asks, and writes
``<version>/squeue.json``, ``sbatch.json``, ``scancel.json`` and ``sinfo.json``. It takes about five minutes, and needs
root and what ``make services`` installs. Names of nodes, host, user and folders are replaced; all else is kept as Slurm
wrote it.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from slurm_recorder import SLEEP, Answer, Recorder, comes_true

from local_servers.accounting import ACCOUNT
from local_servers.slurm import SlurmCluster


def ends(to: Recorder) -> None:
    """Jobs that end by themselves, or are ended."""
    to.listed("no_job")
    for situation, script, expected in (
        ("completed", "true", "COMPLETED .*"),
        ("failed", "exit 3", "FAILED .*"),
        ("killed_by_signal", "kill -9 $$", "FAILED .*"),
        ("out_of_memory", "head -c 300M /dev/zero | tail -c 300M > /dev/null", "(OUT_OF_MEMORY|FAILED) .*"),
    ):
        to.when(situation, to.submit(situation, script), expected)
    to.when("no_log_folder", to.submit("no_log_folder", "true", log="nowhere/job.log"), "(FAILED|COMPLETED) .*")
    timeout, cancelled, stubborn = (
        to.submit(name, script)
        for name, script in (
            ("timeout", SLEEP),
            ("cancelled", SLEEP),
            ("completing", f"trap '' TERM; {SLEEP} & wait; {SLEEP}"),
        )
    )
    to.wait(timeout, "RUNNING .*")
    to.run("scontrol", "update", f"JobId={timeout}", "TimeLimit=0")
    to.when("timeout", timeout, "TIMEOUT .*")
    to.wait(cancelled, "RUNNING .*")
    to.cancel("running", cancelled)
    to.when("cancelled", cancelled, "CANCELLED .*")
    to.wait(stubborn, "RUNNING .*")
    time.sleep(1)  # until the shell has set its trap
    to.run("scancel", stubborn)
    to.when("completing", stubborn, "COMPLETING .*")
    to.cancel("over", cancelled)
    to.cancel("unknown", "999999")
    to.cancel("over_and_unknown", cancelled, "999999")


def waits(to: Recorder) -> None:
    """Jobs that wait, or are stopped."""
    running = to.submit("running")
    to.when("running", running, "RUNNING .*")
    suspended = to.submit("suspended")
    to.wait(suspended, "RUNNING .*")
    to.run("scontrol", "suspend", suspended)
    to.when("suspended", suspended, "SUSPENDED .*")
    to.run("scontrol", "resume", suspended)
    held = to.submit("held_by_user", options=["--hold"])
    to.when("held_by_user", held, "PENDING JobHeldUser")
    by_admin = to.submit("held_by_admin", options=["--begin=now+1hour"])
    to.when("begin_time", to.submit("begin_time", options=["--begin=now+1hour"]), "PENDING BeginTime")
    to.run("scontrol", "hold", by_admin)
    to.when("held_by_admin", by_admin, "PENDING JobHeldAdmin")
    to.when("dependency", to.submit("dependency", options=[f"--dependency=afterok:{running}"]), "PENDING Dependency")
    never = to.submit("dependency_never", options=[f"--dependency=afterok:{held}"])
    to.cancel("pending", held)
    to.when("dependency_never", never, "PENDING DependencyNeverSatisfied")
    cancelled = to.submit("cancelled_while_pending", options=["--hold"])
    to.run("scancel", cancelled)
    to.when("cancelled_while_pending", cancelled, "CANCELLED .*")
    to.when("partition_time_limit", to.submit("partition_time_limit", minutes=2000), "PENDING PartitionTimeLimit")
    for state, expected in (("DOWN", "PartitionDown"), ("INACTIVE", "PartitionInactive")):
        situation = f"partition_{state.lower()}"
        number = to.submit(situation, options=["--begin=now+2"])
        to.run("scontrol", "update", "PartitionName=main", f"State={state}")
        to.when(situation, number, f"PENDING {expected}")
        to.submit(f"to_partition_{state.lower()}", keep=True)
        to.run("scontrol", "update", "PartitionName=main", "State=UP")
    to.clear()
    to.run("scontrol", "update", f"NodeName={','.join(to.cluster.nodes)}", "State=DRAIN", "Reason=test")
    to.when("nodes_drained", to.submit("nodes_drained"), "PENDING .*(DRAIN|NotAvail).*")
    to.run("scontrol", "update", f"NodeName={','.join(to.cluster.nodes)}", "State=RESUME")
    to.clear()


def changes(to: Recorder) -> None:
    """Jobs whose nodes are changed so that none fits any more."""
    nodes = f"NodeName={','.join(to.cluster.nodes)}"
    to.run("scontrol", "update", nodes, "AvailableFeatures=fast", "ActiveFeatures=fast")
    number = to.submit("feature_gone", options=["--constraint=fast", "--begin=now+3"])
    to.run("scontrol", "update", nodes, "AvailableFeatures=slow", "ActiveFeatures=slow")
    to.when("feature_gone", number, "PENDING BadConstraints")
    to.clear()


def queues(to: Recorder) -> None:
    """Jobs that wait for others, and that have to make room for others."""
    made_room = to.submit("requeued_by_preemption", cpus=2)
    preempted = to.submit("preempted", cpus=2, options=["--no-requeue"])
    for number in (made_room, preempted):
        to.wait(number, "RUNNING .*")
    to.when("resources", to.submit("resources", cpus=2), "PENDING Resources")
    to.when("priority", to.submit("priority", cpus=2), "PENDING Priority")
    overdue = to.submit("deadline", cpus=2, minutes=1, options=["--deadline=now+65"])
    to.when("deadline", overdue, "DEADLINE .*")
    for name in ("urgent_one", "urgent_two"):
        to.submit(name, cpus=2, partition="urgent")
    to.when("requeued_by_preemption", made_room, "PENDING BeginTime")
    to.when("preempted", preempted, "PREEMPTED .*")
    to.clear()


def requeues(to: Recorder) -> None:
    """Jobs that a person sends back into the queue."""
    for situation, command, expected in (
        ("requeued", ("requeue",), "PENDING BeginTime"),
        ("requeued_held", ("requeuehold",), "PENDING .*[Hh]eld.*"),
        ("special_exit", ("requeuehold", "State=SpecialExit"), "SPECIAL_EXIT .*"),
    ):
        number = to.submit(situation)
        to.wait(number, "RUNNING .*")
        to.run("scontrol", *command, number)
        to.when(situation, number, expected)
    to.clear()


def nodes(to: Recorder) -> None:
    """Jobs whose node fails, or cannot start them."""
    node = to.cluster.nodes[0]
    failed, again = (
        to.submit(name, options=[f"--nodelist={node}", *more])
        for name, more in (("node_failed", ["--no-requeue"]), ("requeued_after_node_failure", []))
    )
    for number in (failed, again):
        to.wait(number, "RUNNING .*")
    to.cluster.cut_power(node)
    to.when("node_failed", failed, "NODE_FAIL .*")
    to.when("requeued_after_node_failure", again, "PENDING BeginTime")
    to.run("scancel", again)
    to.cluster.start_node(node)
    to.clear()
    with to.cluster.without_spool():
        to.when("launch_failed", to.submit("launch_failed"), "PENDING .*[Ll]aunch.*")
    to.clear()


def nodes_out(to: Recorder) -> None:
    """Nodes that take no jobs."""
    first, second = to.cluster.nodes
    to.nodes_out("all_take_jobs")
    to.run("scontrol", "update", f"NodeName={first}", "State=DRAIN", "Reason=disk | full")
    comes_true(lambda: to.cluster.state_of(first) == "drained")
    to.nodes_out("one_drained")
    to.run("scontrol", "update", f"NodeName={second}", "State=DOWN", "Reason=no power")
    comes_true(lambda: to.cluster.state_of(second).startswith("down"))
    to.nodes_out("drained_and_down")
    to.run("scontrol", "update", f"NodeName={first},{second}", "State=RESUME")
    to.clear()


def refusals(to: Recorder) -> None:
    """What ``sbatch`` accepts and refuses."""
    to.submit("accepted", keep=True)
    to.submit(
        "accepted_with_options", keep=True, partition="urgent", account=ACCOUNT, qos="normal", options=["--nice=7"]
    )
    to.submit("accepted_by_named_cluster", keep=True, options=["--clusters=xom_test"])
    to.when("too_much_memory", to.submit("too_much_memory", keep=True, memory_mb=10_000_000), "FAILED BadConstraints")
    to.when("too_many_cpus", to.submit("too_many_cpus", keep=True, cpus=64), "PENDING PartitionConfig")
    for situation, options in (
        ("invalid_partition", {"partition": "nowhere"}),
        ("invalid_account", {"account": "nobody"}),
        ("invalid_feature", {"options": ["--constraint=skylake"]}),
        ("invalid_node", {"options": ["--nodelist=nowhere"]}),
        ("unknown_option", {"options": ["--nonsense=1"]}),
        ("invalid_option", {"options": ["--gres=gpu:1"]}),
    ):
        to.submit(situation, keep=True, **options)
    to.clear()


def limits(to: Recorder) -> None:
    """Limits of the account and of the quality of service."""
    accounting = to.cluster.accounting
    assert accounting is not None

    def of_qos(limit: str) -> None:
        to.run("sacctmgr", "--immediate", "modify", "qos", "normal", "set", limit)

    accounting.limit(MaxJobs=1)
    to.wait(to.submit("first"), "RUNNING .*")
    to.when("association_max_jobs", to.submit("association_max_jobs"), "PENDING AssocMaxJobsLimit")
    accounting.limit(MaxJobs=-1, MaxSubmitJobs=2)
    to.submit("association_max_submit", keep=True)
    accounting.limit(MaxSubmitJobs=-1)
    to.clear()
    for situation, limit, reason in (
        ("qos_max_memory", "MaxTRESPerJob=mem=60", "QOSMaxMemoryPerJob"),
        ("qos_max_cpu", "MaxTRESPerJob=mem=-1,cpu=0", "QOSMaxCpuPerJobLimit"),
        ("qos_max_wall", "MaxWall=1", "QOSMaxWallDurationPerJobLimit"),
    ):
        of_qos(limit)
        to.when(situation, to.submit(situation), f"PENDING {reason}")
        of_qos("MaxTRESPerJob=mem=-1,cpu=-1")
        of_qos("MaxWall=-1")
    to.clear()
    of_qos("MaxSubmitJobsPerUser=1")
    to.submit("only_one")
    to.submit("qos_max_submit", keep=True)
    of_qos("MaxSubmitJobsPerUser=-1")
    to.clear()


def away(to: Recorder) -> None:
    """A cluster whose controller does not answer."""
    number = to.submit("controller_away")
    to.cluster.controller.stop()
    to.listed("controller_away")
    to.nodes_out("controller_away")
    to.submit("controller_away", keep=True)
    to.cancel("controller_away", number, "999999")
    to.cluster.start_controller()


def record(folder: Path) -> list[str]:
    """Record all situations; return those that did not come about."""
    cluster = SlurmCluster(accounting=True)
    try:
        cluster.start()
        version = cluster.access.run("squeue", "--version").stdout.strip()  # needs a configuration
        to = Recorder(cluster)
        for situations in (ends, waits, changes, queues, requeues, nodes, nodes_out, refusals, limits, away):
            print(f"{situations.__name__}: {situations.__doc__}", flush=True)
            situations(to)
    finally:
        os.chdir("/")
        cluster.stop()
    write(folder, version, to.answers)
    return to.missing


def write(folder: Path, version: str, answers: list[Answer]) -> None:
    """Write one file for each program."""
    place = folder / ".".join(version.split()[-1].split(".")[:2])
    place.mkdir(parents=True, exist_ok=True)
    for program in sorted({answer.program for answer in answers}):
        ours = {answer.situation: asdict(answer) for answer in answers if answer.program == program}
        heading = {"version": version, "recorded": datetime.now(UTC).date().isoformat()}
        (place / f"{program}.json").write_text(json.dumps({**heading, "answers": ours}, indent=1) + "\n")


def main() -> None:
    """Record into the folder that is given."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="where the folder of the version is made")
    missing = record(parser.parse_args().folder.absolute())
    print("\n".join(["not recorded:", *missing] if missing else ["all situations were recorded"]))


if __name__ == "__main__":
    main()
