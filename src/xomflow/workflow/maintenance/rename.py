"""Give an analysis another name: outcomes, figures, logs, failure records, decisions, points and page follow."""

from __future__ import annotations

import shutil
from dataclasses import replace

from xomflow.config.model import Config
from xomflow.core.errors import UsageError
from xomflow.core.files.maintenance import Maintenance, Task, begin, end
from xomflow.core.key import Key
from xomflow.core.messages import did_you_mean
from xomflow.core.paths import Paths
from xomflow.core.verdicts import renamed
from xomflow.decisions.files import read_decisions, replace_decision
from xomflow.decisions.model import Decision
from xomflow.notify.matter import Kind
from xomflow.notify.state import read_told, write_told
from xomflow.outcomes.campaigns.renaming import under_new_name
from xomflow.outcomes.files import digest_of, names_in
from xomflow.workflow.maintenance import steps
from xomlib.files import digest, read_bytes, write_atomically


def check_rename(config: Config, old: str, new: str) -> list[Key]:
    """Return the keys that get another name; reads only.

    Raises
    ------
    UsageError
        If the configuration or the results that there are do not allow it.
    UnfinishedError
        If another maintenance was interrupted.
    """
    paths = Paths(config.work)
    if steps.has_begun(paths, Maintenance(Task.RENAME, old, new)):
        return steps.keys_of(paths, old, new)
    if old in config.analyses:
        raise UsageError(
            f"the configuration has analyses.{old}: change the name of its block, its rule file and its script to "
            f"{new} first, or the next tick would analyse all its runs again; nothing was done"
        )
    if new not in config.analyses:
        hint = did_you_mean(new, config.analyses)
        raise UsageError(f"the configuration has no analyses.{new}{hint}: change the name of the block first")
    steps.must_have_results(paths, old)
    for folder in paths.folders_of(new):
        if any(names_in(folder)):
            raise UsageError(
                f"{folder}: there are results of {new} already, and {old} would mix with them; nothing was done; to "
                f"take them out, take analyses.{new} out of the configuration and type: xom remove {new}"
            )
    return steps.keys_of(paths, old)


def rename(config: Config, old: str, new: str) -> list[str]:
    """Rename an analysis, or finish what was interrupted; return sentences about what was done.

    Raises
    ------
    PersonNeededError
        If the site is not drained, or something runs.
    StoreError
        If the store does not remove the points under the old name; nothing else has happened then.
    """
    paths, wanted = Paths(config.work), Maintenance(Task.RENAME, old, new)
    with steps.undisturbed(config, wanted.command):
        keys = check_rename(config, old, new)
        points = steps.drop_points(config, old)
        begin(paths, wanted)
        # First the decisions: they name digests of outcomes, which change.
        for decision in read_decisions(paths).made:
            if decision.subject.renamed(old, new) != decision.subject:
                replace_decision(paths, _renamed(paths, decision, old, new))
        for source, target in zip(paths.folders_of(old), paths.folders_of(new), strict=True):
            steps.move(source, target)
        _rename_documents(paths, old, new)
        steps.rename_groups(paths, old, new)
        _rename_expected(paths, old, new)
        steps.forget(paths, old)
        problems = steps.publish_all(config)
        end(paths)
    done = f"{old} is {new}: {len(keys)} keys; {points} points under the old name are removed"
    return steps.said([done, *problems])


def _renamed(paths: Paths, decision: Decision, old: str, new: str) -> Decision:
    """Return a decision about an analysis under its new name, with the digests that its outcomes will have."""
    about = decision.subject
    digests = list(about.digests)
    for place, (run, named) in enumerate(zip(about.runs, about.digests, strict=False)):
        path = paths.outcome(Key(about.analysis, about.version, run))
        if digest_of(path) == named and (content := under_new_name(read_bytes(path), about.analysis, new)):
            digests[place] = digest(content)
    return replace(decision, subject=replace(about.renamed(old, new), digests=tuple(digests)))


def _rename_expected(paths: Paths, old: str, new: str) -> None:
    """Move what is kept of bands and alarms, and rename the matters in what recipients have got: alarms go on."""
    for source, target in zip(paths.expected_of(old), paths.expected_of(new), strict=True):
        if source.exists():
            shutil.rmtree(target, ignore_errors=True)  # of no results
        steps.move(source, target)
    told = {
        recipient: replace(one, known={_renamed_matter(name, old, new): known for name, known in one.known.items()})
        for recipient, one in read_told(paths).items()
    }
    if told:
        write_told(paths, told)


def _renamed_matter(name: str, old: str, new: str) -> str:
    kind, _, alarm = name.partition(" ")
    return f"{kind} {renamed(alarm, old, new)}" if kind == Kind.ALARM else name


def _rename_documents(paths: Paths, old: str, new: str) -> None:
    for path in (paths.outcomes / new).glob("*/*/*.json"):
        if (content := under_new_name(read_bytes(path), old, new)) is not None:
            write_atomically(path, content)
