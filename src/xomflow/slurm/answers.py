"""How the answers of Slurm's commands are read."""

from __future__ import annotations

import re
import textwrap
from datetime import UTC, datetime

from xomflow.core.errors import UnclearSubmissionError
from xomflow.slurm.batch_system import BatchJob, JobEnd, Submitted

# Failure class of each of Slurm's final states; a job in any other state may still work.
FINAL_STATES = {
    "OUT_OF_MEMORY": "out_of_memory",
    "TIMEOUT": "timeout",
    "DEADLINE": "timeout",
    "NODE_FAIL": "node_failed",
    "BOOT_FAIL": "node_failed",
    "PREEMPTED": "preempted",
    "CANCELLED": "cancelled",
    "REVOKED": "cancelled",
    "COMPLETED": "lost",
    "FAILED": "lost",
}
# State and reason of a job that Slurm accepted and then finds no node for.
_NO_NODE = ("FAILED", "BadConstraints")
# State and reason of a job that a node could not start; Slurm keeps it until a person releases it.
_STUCK = ("PENDING", "launch_failed_requeued_held")
# States in which a job does nothing until a person acts, and such reasons of a job that is pending.
_HELD_STATES = {"SPECIAL_EXIT", "REQUEUE_HOLD", "RESV_DEL_HOLD"}
_HELD_REASONS = re.compile(
    "JobHeld.*|JobHoldMaxRequeue|.*_held_state|.*_requeued_held|BadConstraints|DependencyNeverSatisfied|"
    "Invalid(Account|QOS)|(Account|QOS)NotAllowed|ReservationDeleted|"
    "Partition(Config|TimeLimit|NodeLimit)|(QOS|Assoc).*PerJob(Limit)?",
    re.IGNORECASE,
)
_NOT_BEGUN = {"PENDING", "REQUEUED", "REQUEUE_FED", *_HELD_STATES}
# With --parsable, and without, as where a site's own sbatch drops the option.
_NUMBER = re.compile(r"^(?:Submitted batch job )?(\d+)(?:(?:;| on cluster )(\S+))?$", re.MULTILINE | re.ASCII)


def number_in(printed: str) -> Submitted:
    """Return the job's number, and the cluster if one is named, in what ``sbatch`` printed.

    Sites print more before it; it is in the last line of this form. `UnclearSubmissionError` if there is none.
    """
    found = _NUMBER.findall("\n".join(line.strip() for line in printed.splitlines()))
    if not found:
        words = textwrap.shorten(printed, 200, placeholder=" ...") or "nothing"
        raise UnclearSubmissionError(f"sbatch printed no job number: {words!r}")
    return Submitted(*found[-1])


def parse(line: str) -> BatchJob | None:
    """Return the job in a line of ``squeue``; None if the line has another form."""
    parts = line.split("|", 5)
    if len(parts) != 6:
        return None
    number, state, reason, ended, node, label = (part.strip() for part in parts)  # some sites' squeue pads
    why = f" ({reason})" if reason not in ("", "None") else ""
    where = f" on {node}" if node else ""
    is_stuck = (state, reason.replace(" ", "_")) == _STUCK
    return BatchJob(
        number,
        f"Slurm job {number} is {state.lower()}{where}{why}",
        _end_of(number, state, reason) if is_stuck or state in FINAL_STATES else None,
        _time(ended),
        is_stuck,
        f"{state}{why}" if not is_stuck and _is_held(state, reason) else "",
        label,
        state not in _NOT_BEGUN,
    )


def parse_accounting(line: str) -> BatchJob | None:
    """Return the job in a line of ``sacct``; None if it has another form or the job is not over."""
    number, _, rest = line.strip().partition("|")
    state, _, ended = rest.partition("|")
    state = state.split(" ")[0]  # CANCELLED by 1000
    if not number.isdecimal() or state not in FINAL_STATES:
        return None
    return BatchJob(number, f"Slurm job {number} is {state.lower()}", _end_of(number, state, ""), _time(ended))


def nodes_in(printed: str) -> list[str]:
    """Return a phrase for each line that ``sinfo`` printed about nodes that are down or drained."""
    found = (line.split("|", 2) for line in printed.splitlines())
    phrases = (f"{one[1]} {one[0]} ({one[2].strip()})" for one in found if len(one) == 3)
    return list(dict.fromkeys(phrases))  # once, however many partitions it is in


def cluster_in(printed: str) -> str:
    """Return the cluster's name in what ``scontrol show config`` printed; empty if there is none."""
    found = re.search(r"^ClusterName\s*=\s*(\S+)", printed, re.MULTILINE)
    return found[1] if found else ""


def refusal(program: str, stderr: str) -> str:
    """Return the messages of one of Slurm's programs as one line, without its name before each.

    Of messages that differ in numbers only, such as one for each job, the first is kept.
    """
    lines = (" ".join(line.split()) for line in stderr.splitlines())
    messages = (line.removeprefix(f"{program}: ").removeprefix("error: ") for line in lines)
    found: dict[str, str] = {}
    for message in filter(None, messages):
        found.setdefault(re.sub("[0-9]+", "0", message), message)
    return "; ".join(found.values())


def _is_held(state: str, reason: str) -> bool:
    return state in _HELD_STATES or (state == "PENDING" and bool(_HELD_REASONS.fullmatch(reason.replace(" ", "_"))))


def _end_of(number: str, state: str, reason: str) -> JobEnd:
    how = f"{state} ({reason})" if reason else state
    if state not in FINAL_STATES:
        return JobEnd("node_failed", f"a node could not start Slurm job {number}: {how}; XOM cancels it")
    if (state, reason) == _NO_NODE:
        limits = "memory_mb of the analysis, threads of its rule, partition and options of slurm"
        return JobEnd("not_started", f"Slurm has no node for what job {number} asks: {how}; see {limits}")
    return JobEnd(FINAL_STATES[state], f"Slurm ended job {number}: {how}")


def _time(text: str) -> datetime | None:
    """Return a time that Slurm printed in UTC, since XOM asks for that."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
