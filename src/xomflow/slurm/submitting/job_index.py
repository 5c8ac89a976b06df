"""Which job of the batch system belongs to a record: found by number, label or name, each in one look-up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from xomflow.slurm.batch_system import BatchJob
from xomflow.slurm.submitting.submissions import Submission

# A site or a person may have added text before or behind it.
_LABEL_FORM = r"xom \S+ (?:\S+\+\S+\+\S+ attempt|batch) \d+"
_LABEL, _ANY_LABEL = re.compile(rf"(?<!\S){_LABEL_FORM}"), re.compile(rf"\b{_LABEL_FORM}")


class JobIndex:
    """The jobs of a list, by number and by label.

    Parameters
    ----------
    jobs
        The list.
    """

    def __init__(self, jobs: Iterable[BatchJob] = ()) -> None:
        self._by_number: dict[str, list[BatchJob]] = {}
        self._by_label: dict[str, list[BatchJob]] = {}
        self._labelled: set[str] = set()
        for job in jobs:
            if _ANY_LABEL.search(job.label):
                self._labelled.add(job.number)
            else:
                self._by_number.setdefault(job.number, []).append(job)
            for label in set(_LABEL.findall(job.label)):
                self._by_label.setdefault(label, []).append(job)

    def job_of(self, submission: Submission) -> BatchJob | None:
        """Return the job of a submission: that with its number, else that with its label, rather one at work.

        A site or a person may have replaced the label or added to it. A job with its number and the label of another
        submission is that other one's: numbers begin again when a cluster is set up anew.
        """
        numbered = self._by_number.get(submission.job, [])
        found = [*numbered, *self._by_label.get(submission.label, [])]
        return min(found, key=lambda job: (job.is_over, job.number != submission.job), default=None)

    def numbers_of_others(self, records: Iterable[Submission]) -> set[str]:
        """Return the numbers of jobs that belong to a record or have the label of one."""
        return {one.job for one in records if one.job} | self._labelled


def by_name(named: Iterable[BatchJob], others: Iterable[str]) -> dict[str, BatchJob]:
    """Return the jobs at work by their names, without those of these other numbers; of equal names the first one."""
    taken, found = set(others), dict[str, BatchJob]()
    for job in named:
        if job.number not in taken and not job.is_over:
            found.setdefault(job.label, job)
    return found


def job_by_name(submission: Submission, named: Mapping[str, BatchJob]) -> BatchJob | None:
    """Return the job with the name of a submission whose number is unknown."""
    return named.get(submission.job_name)
