"""A process that a script started anew, such as a worker of multiprocessing: what it reads counts as read."""

import os

from xomlib.job import VARIABLE


def join() -> None:
    """Take down what this process reads through strax, if it belongs to a job."""
    description = os.environ.get(VARIABLE)
    if description:
        from xomlib.process.reads import JOURNAL, Journal, watch  # here, as most processes have no need of it

        watch(Journal(os.path.join(os.path.dirname(description), JOURNAL)))
