"""Explain the state of one run."""

from __future__ import annotations

from xomflow.config.model import Config
from xomflow.core.paths import Paths
from xomflow.planning.selection import Selector
from xomflow.rundb.database import open_rundb
from xomflow.workflow.discover import look
from xomflow.workflow.summary import FAILED, with_why


def why(settings: Config, number: int) -> list[str]:
    """Say for each analysis what state a run is in, or why the analysis does not look at it.

    Parameters
    ----------
    settings
        The configuration.
    number
        Run number.
    """
    answer = open_rundb(settings.rundb).runs(number, number)
    run = answer.runs.get(number)
    if run is None:
        return answer.problems or [f"the run database has no run {number}"]
    survey = look(settings, may_write=False)
    lines = []
    for analysis, block in settings.analyses.items():
        selector = Selector(settings.selection, block)
        kind = selector.refusal_by_number(number) or selector.refusal_by_kind(run)
        refusal = kind if block.period else selector.refusal(run)
        own = [one for one in survey.items[analysis] if number in (one.run.members or (one.run.number,))]
        words = own[0].state.words if own else "done: the outcome is there"
        if own and own[0].state.name in FAILED:
            (item,) = with_why(Paths(settings.work), [own[0].as_dict()])
            words = f"{own[0].state.name}: {item['reason']}; log {item['log']}"
        name = own[0].key.run if own else run.id
        lines.append(f"{analysis} {block.version} run {name}: " + (f"not selected: {refusal}" if refusal else words))
    return lines
