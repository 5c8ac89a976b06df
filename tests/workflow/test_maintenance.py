"""`xom rename` and `xom remove`: everything follows, nothing runs again, and a kill at any step is finished later."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from support.in_process import FastSite
from xomflow.core import times
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import Key
from xomflow.decisions.files import read_decisions, write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.jobs.redo import outcomes_to_redo
from xomflow.jobs.run_lock import hold_run, write_owner
from xomflow.outcomes.files import digest_of

BODY = """
if run_id == "052003":
    raise ValueError("broken")
xomlib.figure("picture", b"\\x89PNG\\r\\n\\x1a\\n")
xomlib.Xomresult(variable_name="answer", variable_value=float(run_id)).save()
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> FastSite:
    """A site with results of `old` and `other`; of `old` one run failed, and one is to be done again."""
    site = FastSite(tmp_path_factory.mktemp("site"))
    site.runs([52001, 52002, 52003, 53001])
    site.analysis("old", BODY)
    site.analysis("other", "xomlib.Xomresult(variable_name='one', variable_value=1).save()")
    assert site.tick().returncode == ExitCode.FAILED_RUNS
    redo = Subject("old", "v1", ("052002",), (digest_of(site.paths.outcome(Key("old", "v1", "052002"))),))
    write_decision(site.paths, Decision(Verb.REDO, redo, "kim", times.now(), "a cable was changed"))
    drain(site)
    return site


@pytest.fixture
def made(template: FastSite, tmp_path: Path) -> FastSite:
    return template.copy(tmp_path)


def drain(site: FastSite) -> None:
    assert site.xom("drain", "--wait", "--why", "maintenance").returncode == 0


def undrain(site: FastSite) -> None:
    assert site.xom("undrain", "--why", "done").returncode == 0


def call_it_new(site: FastSite) -> None:
    site.tree["analyses"]["new"] = site.tree["analyses"].pop("old")
    for kind in ("scripts/analyses/old.py", "rules/analyses/old.smk"):
        path = site.folder / "extra" / kind
        text = path.read_text().replace('"old"', '"new"').replace("rule old", "rule new")
        path.with_name(path.name.replace("old", "new")).write_text(text)


def take_out(site: FastSite) -> None:
    del site.tree["analyses"]["old"]


def files_of(site: FastSite, name: str) -> set[str]:
    found = (path.relative_to(site.work) for path in site.work.rglob("*"))
    return {str(path) for path in found if name in path.parts}


def assert_renamed(site: FastSite) -> None:
    assert site.xom("verify").stdout == "the store has the points of all outcomes\n"
    assert site.done("new") == {52001, 52002, 53001}
    assert [record["key"]["analysis"] for record in site.failures("new", 52003)] == ["new"]
    assert Path(site.folder, site.failures("new", 52003)[0]["failure"]["log"]).exists()
    assert site.outcome("new", 52001)["key"]["analysis"] == "new"
    assert outcomes_to_redo(site.paths) == {Key("new", "v1", "052002"): 1}
    undrain(site)
    assert site.pending() == {("new", "052002")}  # by the decision only
    assert site.paths.figure(Key("new", "v1", "052001"), "picture.png").read_bytes() == b"\x89PNG\r\n\x1a\n"
    assert "new" in (site.paths.store / "test/new/v1/052.lp").read_text()
    assert all(name.startswith("ticks/") for name in files_of(site, "old"))
    assert "new" in (site.paths.page / "data/index.js").read_text()
    assert '"old"' not in (site.paths.page / "data/index.js").read_text()


def test_everything_follows_a_new_name_and_nothing_runs_again(made: FastSite) -> None:
    call_it_new(made)
    done = made.xom("rename", "old", "new")
    assert done.returncode == 0, done.stderr
    assert "4 keys of old to be called new" in done.stdout
    assert "old is new: 4 keys; 3 points under the old name are removed" in done.stdout
    assert_renamed(made)
    made.tick()
    assert made.claimed() == {("new", "052002")}
    assert made.xom("verify").returncode == 0


def test_a_rename_that_is_killed_at_any_step_is_finished_by_the_same_command(made: FastSite) -> None:
    call_it_new(made)
    kills = interrupted = 0
    while made.killed_command(kills + 1, "rename", "old", "new").returncode == -signal.SIGKILL:
        kills += 1
        if made.paths.maintenance.exists():
            interrupted += 1
            for done in (made.xom("status"), made.tick(), made.xom("remove", "old")):
                assert done.returncode == ExitCode.WAITS_FOR_PERSON
                assert "`xom rename old new` was interrupted and has to be finished" in done.stderr
    assert kills > interrupted > 10
    assert_renamed(made)


def test_a_removed_analysis_is_in_one_folder_from_which_it_can_be_put_back(made: FastSite) -> None:
    before = {name: (made.work / name).read_bytes() for name in files_of(made, "old") if (made.work / name).is_file()}
    outcomes = {name: one for name, one in before.items() if name.split("/")[0] in ("outcomes", "logs", "figures")}
    block = made.tree["analyses"]["old"]
    take_out(made)
    done = made.xom("remove", "old")
    assert done.returncode == 0, done.stderr
    (place,) = (made.work / "removed").iterdir()
    assert f"old is removed: 4 keys, 3 points; all its files are in {place.relative_to(made.folder)}" in done.stdout
    assert made.xom("verify").returncode == 0
    assert made.tick().returncode == 0
    assert {name: (place / name).read_bytes() for name in outcomes} == outcomes
    assert outcomes_to_redo(made.paths) == {}
    assert "old" not in (made.paths.page / "data/index.js").read_text()
    shutil.copytree(place, made.work, dirs_exist_ok=True)
    made.tree["analyses"]["old"] = block
    undrain(made)
    assert made.pending() == {("old", "052002")}


def test_a_removal_that_is_killed_at_any_step_is_finished_by_the_same_command(made: FastSite) -> None:
    take_out(made)
    kills = 0
    while made.killed_command(kills + 1, "remove", "old").returncode == -signal.SIGKILL:
        kills += 1
        if made.paths.maintenance.exists():
            assert "type: xom remove old" in made.xom("why", "52001").stderr
    assert kills > 10
    (place,) = (made.work / "removed").iterdir()
    assert len(list(place.glob("outcomes/old/v1/*/*.json"))) == 4
    assert len(list(place.glob("decisions/*-redo-*.json"))) == 1
    assert made.xom("verify").returncode == 0
    assert all(name.startswith(("ticks/", "removed/")) for name in files_of(made, "old"))


@pytest.mark.parametrize(
    ("edit", "words", "sentence"),
    [
        (lambda _: None, ("rename", "old", "new"), "the configuration has analyses.old: change the name of its block"),
        (take_out, ("rename", "old", "othr"), "the configuration has no analyses.othr; did you mean 'other'?"),
        (take_out, ("rename", "old", "other"), "there are results of other already, and old would mix with them"),
        (call_it_new, ("rename", "olt", "new"), "has nothing of an analysis 'olt'; did you mean 'old'?"),
        (call_it_new, ("rename", "../old", "new"), "'../old' cannot be the name of an analysis"),
        (lambda _: None, ("remove", "old"), "the configuration has analyses.old: delete its block first"),
        (take_out, ("remove", "olt"), "has nothing of an analysis 'olt'; did you mean 'old'?"),
    ],
)
def test_what_cannot_be_right_is_refused_and_changes_nothing(made: FastSite, edit, words, sentence: str) -> None:
    edit(made)
    before = files_of(made, "old")
    done = made.xom(*words)
    assert (done.returncode, sentence in done.stderr) == (ExitCode.USAGE, True), done.stderr
    assert files_of(made, "old") == before


def test_nothing_is_done_while_a_process_works(made: FastSite) -> None:
    call_it_new(made)
    key = Key("other", "v1", "052001")
    with hold_run(made.paths, key) as lock:
        write_owner(lock, key, 1, "some tick")
        done = made.xom("rename", "old", "new")
    assert done.returncode == ExitCode.WAITS_FOR_PERSON
    assert "xom rename old new: the site has to be drained first, and 1 runs are in progress: other v1" in done.stderr
    assert not made.paths.maintenance.exists()


@pytest.mark.parametrize("words", [("rename", "old", "new"), ("remove", "old")])
def test_a_site_has_to_be_drained_first(made: FastSite, words: tuple[str, ...]) -> None:
    undrain(made)
    call_it_new(made)
    done = made.xom(*words)
    assert done.returncode == ExitCode.WAITS_FOR_PERSON
    assert "the site has to be drained first, and it is not drained; nothing was done; type: xom drain" in done.stderr


def test_a_dry_run_of_a_rename_changes_nothing(made: FastSite) -> None:
    call_it_new(made)
    before = {path: path.stat().st_mtime_ns for path in made.work.rglob("*")}
    done = made.xom("rename", "old", "new", "--dry-run", "--json")
    assert [key["run"] for key in json.loads(done.stdout)["keys"]] == ["052001", "052002", "052003", "053001"]
    assert {path: path.stat().st_mtime_ns for path in made.work.rglob("*")} == before


def test_the_attempt_of_a_killed_process_gets_its_record_before_the_rename(made: FastSite) -> None:
    key = Key("old", "v1", "053002")
    made.runs([53002])
    with hold_run(made.paths, key) as lock:
        write_owner(lock, key, 1, "some tick")
    call_it_new(made)
    assert made.xom("rename", "old", "new").returncode == 0
    (record,) = made.failures("new", 53002)
    assert (record["failure"]["class"], record["key"]["analysis"]) == ("lost", "new")
    assert not any(made.paths.locks.glob("old+*"))


def test_a_decision_keeps_its_name_and_its_reason(made: FastSite) -> None:
    (before,) = (one for one in read_decisions(made.paths).made if one.what is Verb.REDO)
    call_it_new(made)
    made.xom("rename", "old", "new")
    (after,) = (one for one in read_decisions(made.paths).made if one.what is Verb.REDO)
    assert (after.name, after.why, after.when, after.subject.runs) == (
        before.name,
        before.why,
        before.when,
        before.subject.runs,
    )
    assert after.subject.analysis == "new"


def test_groups_follow_a_new_name(site: FastSite) -> None:
    site.analysis("old", "xomlib.Xomresult(variable_name='n', variable_value=len(xomlib.runs())).save()")
    site.tree["analyses"]["old"]["period"] = {"gap": "2 h"}
    site.runs([52001, 52002])
    site.tick()
    site.runs([52003])
    site.tick()  # another group, so the outcome of the first one is superseded
    drain(site)
    call_it_new(site)
    done = site.xom("rename", "old", "new")
    assert done.returncode == 0, done.stderr
    assert "2 keys of old" in done.stdout
    names = {path.name.partition(".")[2] for path in site.paths.shelves("new", "v1").glob("*/*")}
    assert names == {"json", "superseded.json"}
    assert site.xom("verify").returncode == 0
    undrain(site)
    assert site.pending() == set()
    assert "new v1 result 052001" in site.xom("why", "52001").stdout
