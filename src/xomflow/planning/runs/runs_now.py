"""The runs as they are known now: the answer of the run database, and what earlier answers had and this one lacks.

A lagging server, an export under way and a lost document look alike, and absence proves nothing. So a run that is
missing stays as it was last seen, and is not analysed meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.key import first_run, run_id
from xomflow.core.paths import Paths
from xomflow.core.reason import Reason
from xomflow.decisions.files import read_decisions
from xomflow.decisions.model import accepted, standing
from xomflow.rundb.database import RunDB
from xomflow.rundb.query import RunQuery
from xomflow.rundb.run import Run
from xomflow.rundb.run_metadata import RunMetadata

NOT_SHOWN = Reason("the run database had its document before and does not show it now")


def read_runs(config: Config, rundb: RunDB, min_run: int, max_run: int | None) -> RunQuery:
    """Return the runs with numbers in a range, those that the run database does not show now as they were last seen.

    Raises
    ------
    RunDBError
        If the run database does not answer.
    """
    answer, paths = rundb.runs(min_run, max_run), Paths(config.work)
    complete(answer, RunMetadata(paths), given_up(paths), (min_run, max_run))
    return answer


def known_runs(config: Config, rundb: RunDB, min_run: int, max_run: int | None) -> dict[int, Run]:
    """Return the runs that were ever known, by number, for what people decide about results that are there.

    Those whose documents are not there, cannot be understood or were given up are as they were last seen.
    """
    seen = rundb.runs(min_run, max_run).runs
    return RunMetadata(Paths(config.work)).unseen_runs(seen.keys(), min_run, max_run) | seen


def complete(
    answer: RunQuery, metadata: RunMetadata, decided: Mapping[int, datetime], ends: tuple[int, int | None]
) -> None:
    """Add the runs to an answer that it lacks, as they were last seen.

    Parameters
    ----------
    answer
        About the runs with numbers in a range.
    metadata
        The runs as they were last seen.
    decided
        The runs that were given up, and when.
    ends
        The range.
    """
    earlier = metadata.unseen_runs(answer.runs.keys(), *ends, decided)
    answer.given_up = frozenset(decided.keys() - answer.runs.keys() - answer.unclear - earlier.keys())
    answer.before = {number: earlier[number] for number in earlier.keys() & answer.unclear}
    answer.unseen = frozenset(earlier.keys() - answer.unclear)
    answer.runs |= {number: earlier[number] for number in answer.unseen}


def given_up(paths: Paths) -> dict[int, datetime]:
    """Return the numbers of the runs of which a person decided that they stay away from the run database, and when."""
    decided = accepted(standing(read_decisions(paths).made, times.now()))
    return {first_run(run): when for run, when in decided.items()}


def describe_unseen(unseen: Collection[int], rundb: RunDB) -> Iterator[str]:
    """Yield a sentence about the runs that the run database does not show now, if there are any."""
    if unseen:
        count, newest = len(unseen), run_id(max(unseen))
        yield (
            f"{rundb.place} lacks runs that it had before ({count}, such as {newest}): nothing about them changes "
            'until they come back, or are given up with: xom accept --why "..."'
        )
