"""`xom rename` and `xom remove`: what they refuse, and what follows an analysis to its new name or out of the site."""

from __future__ import annotations

import errno
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from support.batch import FakeBatchSystem
from support.factory import NOW, failed, keep, keep_failure, key_of, outcome
from support.typed import Console
from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.files.maintenance import Maintenance, Task, UnfinishedError, begin
from xomflow.core.paths import TickPaths
from xomflow.notify.matter import Kind
from xomflow.notify.news import Known
from xomflow.notify.state import Told, read_told, write_told
from xomflow.outcomes.campaigns.current import Groups
from xomflow.outcomes.campaigns.groups import KnownGroups, read_groups, write_groups
from xomflow.outcomes.files import Failure, failure_path, failures_of
from xomflow.planning.progress import in_progress
from xomflow.planning.progress.claims import hold_tick, new_tick
from xomflow.publishing.stores.store import StoreError
from xomflow.slurm.submitting import submissions
from xomflow.slurm.submitting.submissions import Submission
from xomflow.workflow.maintenance import steps

KEYS = "good v0 run 052001, good v1 run 052001, good v1 run 052002"
WHY = ("--why", "a test")
GROUPS_OF_GOOD = {("good", "v1"): KnownGroups(Groups((), single=True))}


@pytest.fixture
def place(console: Console) -> Console:
    """A published site with two versions of an analysis, decisions about it, and another analysis."""
    site = console.site
    site.analysis("good", "pass")
    site.analysis("other", "pass", period={"gap": "2 h"})
    site.runs([52001, 52002])
    keep(site.paths, *(outcome(key_of(number, "good")) for number in (52001, 52002)))
    keep(site.paths, outcome(key_of(52001, "good", "v0")), outcome(key_of(52001, "other")))
    record = Failure(1, "raised", times.now() - timedelta(hours=1))
    keep_failure(failure_path(site.paths, key_of(52002, "good"), record), failed(key_of(52002, "good")))
    console("rebuild")
    for words in ("redo good 52001", "veto 52002 good", "veto 52002 other"):
        console(*words.split(), *WHY)
    return console


def called(console: Console, old: str, new: str) -> None:
    """Give the block, the script and the rule of an analysis another name."""
    analyses = console.site.tree["analyses"]
    analyses[new] = analyses.pop(old)
    for file in ("scripts/analyses/{}.py", "rules/analyses/{}.smk"):
        place = console.site.folder / "extra" / file.format(old)
        place.rename(place.with_stem(new))


def refused(console: Console, words: str, code: int = ExitCode.USAGE) -> str:
    done = console(words)
    assert done.code == code
    return done.err[0]


def decided(console: Console) -> list[str]:
    return [line.split(" | ")[2] for line in console("decisions").out[1:]]


def outcomes(console: Console) -> list[str]:
    """The files of outcomes, those of failures without their time."""
    work = console.site.work
    files = (path.relative_to(work).as_posix() for path in (work / "outcomes").rglob("052/*"))
    return sorted(file.partition(".failed")[0] for file in files)


def test_a_rename_needs_a_block_of_the_new_name_and_results_of_the_old_one(place: Console) -> None:
    assert refused(place, "rename good better") == (
        "the configuration has analyses.good: change the name of its block, its rule file and its script to better "
        "first, or the next tick would analyse all its runs again; nothing was done"
    )
    called(place, "good", "better")
    assert refused(place, "rename good bettr") == (
        "the configuration has no analyses.bettr; did you mean 'better'?: change the name of the block first"
    )
    assert refused(place, "rename good other") == (
        "work/outcomes/other: there are results of other already, and good would mix with them; nothing was done; "
        "to take them out, take analyses.other out of the configuration and type: xom remove other"
    )
    assert refused(place, "rename god better") == (
        "work/outcomes has nothing of an analysis 'god'; did you mean 'good'?; nothing was done"
    )
    assert refused(place, "rename good better", ExitCode.WAITS_FOR_PERSON) == (
        "xom rename good better: the site has to be drained first, and it is not drained; nothing was done; type: "
        'xom drain --wait --why "..."'
    )
    assert outcomes(place)[0].startswith("outcomes/good/")


def test_all_of_an_analysis_follows_to_its_new_name(place: Console) -> None:
    paths = place.site.paths
    known = {"alarm good-v1-052001": Known(Kind.ALARM, "it fell"), "person good-v1-1": Known(Kind.PERSON, "a")}
    write_told(paths, {"a@b.org": Told(known)})
    write_groups(paths, GROUPS_OF_GOOD)
    kept, stale = (paths.expected_of(name)[0] / file for name, file in (("good", "kept"), ("better", "stale")))
    for path in (kept, stale):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    called(place, "good", "better")
    assert place("rename good better --dry-run").out == [
        f"3 keys of good to be called better: {KEYS}",
        "nothing was done",
    ]
    place("drain", *WHY)
    assert place("rename good better").out[1:] == ["good is better: 3 keys; 3 points under the old name are removed"]
    assert outcomes(place) == [
        "outcomes/better/v0/052/052001.json",
        "outcomes/better/v1/052/052001.json",
        "outcomes/better/v1/052/052002",
        "outcomes/better/v1/052/052002.json",
        "outcomes/other/v1/052/052001.json",
    ]
    assert decided(place) == ["drain", "veto other run 052002", "veto better run 052002", "redo better v1 run 052001"]
    assert place("verify").out == ["the store has the points of all outcomes"]
    assert set(read_groups(paths) or ()) == {("better", "v1")}
    assert (stale.with_name("kept").exists(), stale.exists()) == (True, False), "that was left of another one"
    assert set(read_told(paths)["a@b.org"].known) == {"alarm better-v1-052001", "person good-v1-1"}
    assert not paths.maintenance.exists() and not (paths.known_outcomes / "good").exists()
    assert refused(place, "rename good better") == ("work/outcomes has nothing of an analysis 'good'; nothing was done")
    shown = {path.name for path in (paths.page / "data").iterdir() if path.is_dir()}
    assert "better" in shown and "good" not in shown


def test_an_analysis_that_is_taken_out_lies_in_one_folder(place: Console) -> None:
    assert refused(place, "remove good") == (
        "the configuration has analyses.good: delete its block first, or the next tick would analyse all its runs "
        "again; nothing was done"
    )
    del place.site.tree["analyses"]["good"]
    write_groups(place.site.paths, GROUPS_OF_GOOD)
    place("drain", *WHY)
    assert place("remove good --dry-run").out == [f"3 keys of good to be removed: {KEYS}", "nothing was done"]
    (line,) = place("remove good").out[1:]
    assert line.startswith("good is removed: 3 keys, 3 points; all its files are in work/removed/good-2")
    assert decided(place) == ["drain", "veto other run 052002"]
    assert place("verify").out == ["the store has the points of all outcomes"]
    assert read_groups(place.site.paths) == {}
    (removed,) = (place.site.work / "removed").iterdir()
    files = sorted(path.relative_to(removed).as_posix() for path in removed.rglob("*") if path.is_file())
    assert [file.partition("/")[0] for file in files] == ["decisions"] * 2 + ["outcomes"] * 4
    assert (refused(place, "remove good"), refused(place, "remove othr")) == (
        "work/outcomes has nothing of an analysis 'good'; nothing was done",
        "work/outcomes has nothing of an analysis 'othr'; did you mean 'other'?; nothing was done",
    )


def test_a_removal_that_was_interrupted_goes_on_from_anywhere(place: Console) -> None:
    paths, removal = place.site.paths, Maintenance(Task.REMOVE, "good", "good-20261128T120000Z")
    place("drain", *WHY)
    for sentence in (
        "good is removed: 3 keys, 3 points; all its files are in work/removed/good-20261128T120000Z",
        "good is removed: 0 keys, 0 points; all its files are in work/removed/good-20261128T120000Z",
    ):
        begin(paths, removal)
        assert place("remove good").out[1:] == [sentence], "although its block is back"
        assert not paths.maintenance.exists()


def test_points_whose_outcomes_were_deleted_can_be_removed(place: Console) -> None:
    del place.site.tree["analyses"]["good"]
    place("drain", *WHY)
    for folder in place.site.paths.folders_of("good"):
        shutil.rmtree(folder, ignore_errors=True)
    (line,) = place("remove good").out[1:]
    assert line.startswith("good is removed: 0 keys, 3 points; ")


def test_a_job_that_ended_without_a_word_gets_its_record_first(place: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    batch, key, paths = FakeBatchSystem(), key_of(52003, "other"), place.site.paths
    for module in (in_progress, steps):
        monkeypatch.setattr(module, "open_batch_system", lambda config: batch)
    submissions.note(paths, Submission(key, 1, "20261122T120000-host-5", NOW, "17"))
    del place.site.tree["analyses"]["good"]
    place("drain", *WHY)
    assert place("remove good").code == 0
    assert [one.kind for one in failures_of(paths, key)] == ["lost"]
    assert submissions.noted(paths) == {}


def test_what_was_interrupted_is_finished_before_another_one(place: Console) -> None:
    called(place, "good", "better")
    begin(place.site.paths, Maintenance(Task.REMOVE, "other", "other-20261128T120000Z"))
    with pytest.raises(UnfinishedError, match=r"type: xom remove other$"):
        steps.has_begun(place.site.paths, Maintenance(Task.RENAME, "good", "better"))
    assert steps.has_begun(place.site.paths, Maintenance(Task.REMOVE, "other", "")) is not None


def test_a_drained_site_on_which_a_tick_lives_is_left_alone(place: Console) -> None:
    called(place, "good", "better")
    place("drain", *WHY)
    with hold_tick(TickPaths(place.site.paths.tick(new_tick(times.now())))):
        sentence = refused(place, "rename good better", ExitCode.WAITS_FOR_PERSON)
    assert "first, and " in sentence and "it is not drained" not in sentence


def test_groups_follow_their_analysis(place: Console) -> None:
    paths = place.site.paths
    steps.rename_groups(paths, "good", "better")
    assert read_groups(paths) is None, "no tick has left any"
    write_groups(paths, {("good", "v1"): KnownGroups(), ("other", "v1"): KnownGroups()})
    steps.rename_groups(paths, "good", "better")
    assert set(read_groups(paths) or ()) == {("better", "v1"), ("other", "v1")}
    steps.rename_groups(paths, "better")
    assert set(read_groups(paths) or ()) == {("other", "v1")}


def test_a_folder_moves_to_another_disk_also_after_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "from", tmp_path / "to" / "there"
    for folder in (source, target):
        folder.mkdir(parents=True)
        (folder / "one").write_text("1")
    (source / "two").symlink_to("one")
    codes = [errno.EACCES, errno.EXDEV]

    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(codes.pop(0), "refused")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="refused"):
        steps.move(source, target)
    steps.move(source, target)
    assert not source.exists()
    assert (sorted(path.name for path in target.iterdir()), (target / "two").is_symlink()) == (["one", "two"], True)
    steps.move(source, target)  # what is moved already


def test_what_could_not_be_published_is_said_with_what_was_done() -> None:
    assert steps.said(["good is better"]) == ["good is better"]
    with pytest.raises(StoreError, match=r"^good is better\nthe store is away\nthe next tick publishes the rest$"):
        steps.said(["good is better", "the store is away"])
