"""Ticks stop, before they act, when a disk is away or much of what was known has changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.in_process import FastSite
from support.site import document
from xomflow.core.exit_code import ExitCode
from xomflow.core.key import Key, run_id
from xomflow.publishing import current_points, point

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
RUNS = range(52001, 52011)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> FastSite:
    """A site with ten published results of one analysis; only to be copied."""
    site = FastSite(tmp_path_factory.mktemp("site"))
    site.runs(RUNS)
    site.analysis("good", GOOD)
    assert site.tick().returncode == 0
    assert len(stored(site)) == 10
    return site


@pytest.fixture
def finished(template: FastSite, tmp_path: Path) -> FastSite:
    return template.copy(tmp_path / "site")


def stored(site: FastSite) -> list[str]:
    return [line for path in site.paths.store.rglob("good/**/*.lp") for line in path.read_text().splitlines()]


def files(folder: Path) -> dict[str, bytes]:
    """Every file that a tick must leave alone when it stops."""
    own = {"ticks", "cache"}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] not in own
    }


def outcome(site: FastSite, number: int) -> Path:
    return site.paths.outcome(Key("good", "v1", run_id(number)))


def empty_place(site: FastSite, name: str) -> None:
    (site.work / name).rename(site.folder / f"{name}.away")
    (site.work / name).mkdir()


def test_nothing_is_done_while_a_disk_is_away_and_it_goes_on_afterwards(finished: FastSite) -> None:
    site = finished
    site.runs([52011])
    for name in ("outcomes", "figures", "store", "decisions"):
        empty_place(site, name)
        before = files(site.work)
        for done in (site.tick(), site.xom("status"), site.xom("accept", "--why", "x"), site.xom("verify")):
            assert done.returncode == ExitCode.STORE_OR_DISK
            assert f"work/{name}: .xom-{name} is not in it" in done.stdout + done.stderr
        assert files(site.work) == before
        (site.work / name).rmdir()
        (site.folder / f"{name}.away").rename(site.work / name)
    assert site.tick().returncode == 0
    assert len(stored(site)) == 11


@pytest.mark.parametrize("folder", ["good", "good/v1", "good/v1/052"])
def test_results_whose_folder_is_a_link_to_a_disk_that_is_away_are_not_gone(site: FastSite, folder: str) -> None:
    """These are so few that the brake alone would let them go."""
    site.analysis("good", GOOD)
    site.runs([52001, 52002])
    assert site.tick().returncode == 0
    place, disk = site.paths.outcomes / folder, site.folder / "disk"
    shutil.move(place, disk)
    place.symlink_to(disk)
    site.runs([52003])
    assert site.tick().returncode == 0
    disk.rename(site.folder / "away")
    before = stored(site)
    for done in (site.tick(), site.dry_run(), site.xom("rebuild")):
        assert done.returncode == ExitCode.STORE_OR_DISK
        assert f"work/outcomes/{folder} is a link to nothing" in done.stdout + done.stderr
    assert stored(site) == before
    (site.folder / "away").rename(disk)
    assert site.tick().returncode == 0
    assert site.done("good") == {52001, 52002, 52003}


def test_work_itself_may_be_away(finished: FastSite) -> None:
    assert finished.tick().returncode == 0
    finished.work.rename(finished.folder / "away")
    finished.work.mkdir()
    assert "work: .xom-work is not in it" in finished.tick().stderr
    assert list(finished.work.iterdir()) == []


LOSSES: dict[str, tuple[Callable[[FastSite], object], str]] = {
    "a deleted analysis": (lambda site: shutil.rmtree(site.paths.outcomes / "good"), "10 gone from"),
    "renamed": (lambda site: [outcome(site, n).rename(outcome(site, n).with_suffix(".bak")) for n in RUNS], "10 gone"),
    "damaged": (lambda site: [damage(outcome(site, n)) for n in RUNS], "10 damaged, and would be set aside"),
    "both": (
        lambda site: ([outcome(site, n).unlink() for n in RUNS[:3]], [damage(outcome(site, n)) for n in RUNS[3:7]]),
        "3 gone from",
    ),
}


def damage(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"\0" * 100)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_mass_change_stops_ticks_and_dry_runs_until_it_is_accepted(finished: FastSite, loss: str) -> None:
    site, (lose, words) = finished, LOSSES[loss]
    site.runs([52011])
    lose(site)
    before, points = files(site.work), stored(site)
    for is_news in (True, False):
        done = site.tick()
        assert done.returncode == ExitCode.WAITS_FOR_PERSON, done.stderr
        assert ("no mail is due" not in done.stderr) == is_news
        assert f"of 10 results are no longer what they were: {words}" in done.stderr
        assert files(site.work) == before
    dry = site.xom("status")
    assert words in dry.stdout and dry.returncode == ExitCode.WAITS_FOR_PERSON
    assert words in site.xom("accept", "--why", "meant", "--dry-run").stdout
    assert files(site.work) == before and stored(site) == points
    assert words in site.xom("accept", "--why", "the disk is new").stdout
    assert "accept good v1 run " in site.xom("decisions").stdout
    goes_on = site.tick()
    assert "it has ended: good v1: " in goes_on.stderr
    assert goes_on.returncode in (ExitCode.OK, ExitCode.STORE_OR_DISK)
    assert site.tick().returncode == 0  # what was set aside is made again
    assert len(stored(site)) == 11
    assert "nothing is to be accepted" in site.xom("accept", "--why", "again").stdout
    assert "accept" not in site.xom("decisions").stdout
    assert "a tick has gone on with it" in site.xom("decisions", "--all").stdout


def test_a_second_loss_of_the_same_results_stops_again(finished: FastSite) -> None:
    site = finished
    for _ in range(2):
        shutil.rmtree(site.paths.outcomes / "good")
        assert site.tick().returncode == ExitCode.WAITS_FOR_PERSON
        assert site.xom("accept", "--why", "all anew").returncode == 0
        assert "it has ended: good v1: " in site.tick().stderr
    assert len(stored(site)) == 10


def test_a_small_change_goes_on_without_a_word(finished: FastSite) -> None:
    for number in RUNS[:5]:
        outcome(finished, number).unlink()
    done = finished.tick()
    assert (done.returncode, len(stored(finished))) == (0, 10)
    assert "no longer" not in done.stderr


def test_what_can_be_deleted_does_not_loosen_the_brake(finished: FastSite) -> None:
    shutil.rmtree(finished.paths.outcomes / "good")
    for lost in ("cache", "ledger"):
        (finished.work / lost).rename(finished.folder / "away")
        assert finished.xom("status").returncode == ExitCode.WAITS_FOR_PERSON
        (finished.folder / "away").rename(finished.work / lost)


def test_deleting_what_can_be_deleted_stops_nothing(finished: FastSite) -> None:
    for lost in (["cache"], ["ledger"], ["cache", "ledger"], ["store"], ["page", "ticks"]):
        for name in lost:
            shutil.rmtree(finished.work / name)
        assert finished.tick().returncode == 0
        assert len(stored(finished)) == 10


def test_a_raised_version_another_store_and_a_new_analysis_are_no_mass_change(finished: FastSite) -> None:
    finished.tree["analyses"]["good"]["version"] = "v2"
    finished.tree["store"] = {"prefix": "prod_"}
    finished.analysis("other", GOOD)
    assert finished.tick().returncode == 0
    assert len(stored(finished)) == 10 + 20


def test_a_new_form_of_points_renews_them_all_and_is_no_mass_change(
    finished: FastSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(finished)
    monkeypatch.setattr(point, "_PRESENT", f"{point.FORM + 1}:")
    monkeypatch.setattr(current_points, "FORM", point.FORM + 1)
    assert finished.tick().returncode == 0
    assert (len(stored(finished)), set(stored(finished)) & set(before)) == (len(before), set())


def test_what_can_no_longer_be_read_after_the_analysis_keeps_its_results(finished: FastSite) -> None:
    """As data that the site purged: nothing is asked about what is done."""
    before = files(finished.paths.outcomes)
    finished.tree["analyses"]["good"]["needs_document"] = ["rate"]
    finished.runs([document(number, rate=...) for number in RUNS])
    assert finished.pending() == set()
    assert finished.tick().returncode == 0
    assert files(finished.paths.outcomes) == before
    assert len(stored(finished)) == 10


def test_what_vanishes_while_jobs_run_is_not_removed_from_the_store(finished: FastSite) -> None:
    site = finished
    folder = site.paths.outcomes / "good"
    site.analysis("mean", f"import shutil; shutil.rmtree({str(folder)!r}); {GOOD}", min_run=52010)
    before = stored(site)
    done = site.tick()
    assert done.returncode == ExitCode.WAITS_FOR_PERSON, done.stderr
    assert stored(site) == before


def test_a_disk_that_goes_away_while_a_job_runs_gets_no_outcome(finished: FastSite) -> None:
    site = finished
    place = site.paths.outcomes
    body = f"import os; os.rename({str(place)!r}, {str(place) + '.away'!r}); os.mkdir({str(place)!r}); {GOOD}"
    site.analysis("mean", body, min_run=52010)
    done = site.tick()
    assert done.returncode == ExitCode.STORE_OR_DISK, done.stderr
    assert list(place.iterdir()) == []


def test_verify_reads_only(finished: FastSite) -> None:
    damage(outcome(finished, 52001))
    shutil.rmtree(finished.work / "ticks")
    shutil.rmtree(finished.work / "cache")
    before = sorted((path, path.stat().st_mtime_ns) for path in finished.work.rglob("*"))
    done = finished.xom("verify")
    assert done.returncode == ExitCode.STORE_DIFFERS
    assert "052001.json is not JSON" in done.stdout
    assert sorted((path, path.stat().st_mtime_ns) for path in finished.work.rglob("*")) == before


def test_rebuild_stops_before_damage_that_no_tick_has_seen(finished: FastSite) -> None:
    for number in RUNS:
        outcome(finished, number).write_bytes(b"\0")  # in place: no folder changes
    before = files(finished.work)
    done = finished.xom("rebuild")
    assert (done.returncode, files(finished.work)) == (ExitCode.WAITS_FOR_PERSON, before)
    assert "10 damaged" in done.stderr


def test_an_odd_decision_is_a_warning_and_an_acceptance_needs_a_reason(finished: FastSite) -> None:
    (finished.paths.decisions / "notes.json").write_text(json.dumps({"what": "accept"}))
    done = finished.tick()
    assert (done.returncode, "notes.json is no decision" in done.stderr) == (0, True)
    for words in ([], ["--why", " "]):
        with_usage = finished.xom("accept", *words)
        assert with_usage.returncode == ExitCode.USAGE
