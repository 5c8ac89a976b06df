"""Outcomes that people want to be made again: the only ones that another outcome may replace.

A decision ``redo`` names the digest of the outcome that it is about. So it holds until that outcome is replaced, in
whatever order decisions, ticks and kills come; a failed attempt leaves the outcome as it is.
"""

from __future__ import annotations

from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.outcomes.files import Failure, attempt_of, digest_of, failures_of, file_of


def outcomes_to_redo(paths: Paths) -> dict[Key, int]:
    """Return the keys whose present outcome is to be made again, with the number of the attempt that made it."""
    # Almost no job meets an outcome, and the others need no decisions.
    from xomflow.decisions.files import standing_decisions
    from xomflow.decisions.model import to_redo

    wanted = to_redo(standing_decisions(paths))
    present = {key: digest_of(paths.outcome(key)) for key in wanted}
    return {key: attempt_of(paths.outcome(key)) for key, digests in wanted.items() if present[key] in digests}


def is_done(paths: Paths, key: Key) -> bool:
    """Return whether a key has an outcome, current or superseded, that is not to be made again."""
    return file_of(paths.outcome(key)).exists() and key not in outcomes_to_redo(paths)


def attempts_that_failed(paths: Paths, key: Key) -> list[Failure]:
    """Return the failed attempts of a key, in order; not those before an outcome that is to be made again."""
    made = outcomes_to_redo(paths).get(key, 0) if paths.outcome(key).exists() else 0
    return [failure for failure in failures_of(paths, key) if failure.attempt > made]
