"""The pending work is kept as long as nothing changed, and comes back equal when it is thrown away."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.factory import keep, outcome, run
from support.site import Site, document
from xomflow.config.load import load_configuration
from xomflow.config.model import Config
from xomflow.core import times
from xomflow.core.key import Key, group_id, run_id
from xomflow.decisions.files import write_decision
from xomflow.decisions.model import Decision, Subject, Verb
from xomflow.outcomes.files import digest_of
from xomflow.planning.pending import find
from xomflow.planning.pending.find import find_pending, load_pending
from xomflow.planning.pending.work import PendingWork
from xomflow.planning.survey import take_survey
from xomflow.rundb.database import FileRunDB
from xomflow.rundb.shelves import Shelf, Shelves


class CountingRunDB(FileRunDB):
    """A file of documents that counts how often it is digested, and notes which shelves are read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.looks = 0
        self.read: list[str] = []

    def shelves(self, min_run: int, max_run: int | None) -> Shelves:
        self.looks += 1
        found = super().shelves(min_run, max_run)

        def read(names: Collection[str]) -> dict[str, Shelf]:
            self.read += sorted(names)
            return found.read(names)

        return SimpleNamespace(digests=found.digests, read=read)  # type: ignore[return-value]


@pytest.fixture
def world(site: Site) -> tuple[Site, Config, CountingRunDB]:
    """Three runs, two of them done, one of those left failed before; nothing changed for a while."""
    site.runs([52001, 52002, 52003])
    site.analysis("good", "pass")
    site.tree["work"] = str(site.work)
    site.tree["analysis_folders"] = [str(site.folder / "extra")]
    site.tree["science_runs"] = [{"name": "SR0", "min_run": 52001, "max_run": 52002}]
    site.write_config()
    for number in (52001, 52002):
        put(site, f"{run_id(number)}.json")
    put(site, "052003.failed-1-raised-1700000000.json")
    settle(site)
    return site, load_configuration(site.folder / "config.yaml"), CountingRunDB(site.folder / "runs.jsonl")


def put(site: Site, name: str, analysis: str = "good") -> None:
    path = site.paths.outcome(Key(analysis, "v1", name[:6])).with_name(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")


def settle(site: Site) -> None:
    """Let everything have changed an hour ago, each at a time of its own."""
    folders = [path for path in site.paths.outcomes.rglob("*") if path.is_dir()]
    for age, path in enumerate([site.folder / "runs.jsonl", *folders]):
        os.utime(path, (time.time() - 3600 - age, time.time() - 3600 - age))


def pending(found: PendingWork) -> list[int]:
    return [run.number for run in found.analyses["good"].pending]


def test_it_says_what_is_left(world: tuple[Site, Config, CountingRunDB]) -> None:
    _, config, rundb = world
    found = load_pending(config, rundb, may_write=True)
    assert pending(found) == [52003]
    assert found.analyses["good"].done == 2
    assert [failure.kind for failure in found.analyses["good"].failures["052003"]] == ["raised"]
    assert [one.name for one in found.science_runs] == ["SR0"]


def test_a_second_look_reads_no_documents_and_finds_the_same(world: tuple[Site, Config, CountingRunDB]) -> None:
    _, config, rundb = world
    first = load_pending(config, rundb, may_write=True)
    assert load_pending(config, rundb, may_write=True) == first
    assert (rundb.looks, rundb.read) == (1, ["052"])


def test_without_a_change_nothing_is_listed_or_written_again(
    world: tuple[Site, Config, CountingRunDB], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, config, rundb = world
    load_pending(config, rundb, may_write=True)
    monkeypatch.setattr(find, "list_shelf", lambda place: pytest.fail(f"{place} is listed"))
    monkeypatch.setattr(find, "write_kept_work", lambda place, kept: pytest.fail(f"{place} is written"))
    load_pending(config, rundb, may_write=True)


def test_only_the_shelf_of_a_changed_document_is_read_again(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    site.runs([51001, 53001])
    load_pending(config, rundb, may_write=True)
    rundb.read.clear()
    site.runs([document(53001, tags=[{"name": "late"}])])
    assert pending(load_pending(config, rundb, may_write=True)) == [53001, 52003, 51001]
    assert rundb.read == ["053"]


def test_a_trial_needs_no_second_look_at_the_documents(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, _, rundb = world
    site.tree["analyses"]["good"]["trial"] = {"version": "v2"}
    site.write_config()
    config = load_configuration(site.folder / "config.yaml")
    found = load_pending(config, rundb, may_write=True)
    assert ([run.number for run in found.analyses["good+v2"].pending], pending(found)) == (
        [52003, 52002, 52001],
        [52003],
    )
    assert (rundb.looks, rundb.read) == (1, ["052"])
    assert load_pending(config, rundb, may_write=True) == found
    assert (rundb.looks, rundb.read) == (1, ["052"])


@pytest.mark.parametrize("selection", [{}, {"min_run": 52002}, {"max_run": 52003}])
def test_a_changed_folder_reads_no_document(
    world: tuple[Site, Config, CountingRunDB], selection: dict[str, int]
) -> None:
    """Not even if there are runs that the selection lacks now, or whose documents cannot be understood now."""
    site, config, rundb = world
    site.runs([52004, 52005])
    load_pending(config, rundb, may_write=True)
    site.tree["selection"] = selection
    site.write_config()
    config = load_configuration(site.folder / "config.yaml")
    site.runs([document(52002, mode=...)])
    first = pending(load_pending(config, rundb, may_write=True))
    rundb.read.clear()
    put(site, "052003.json")
    assert pending(load_pending(config, rundb, may_write=True)) == [one for one in first if one != 52003]
    assert rundb.read == []


def test_a_decision_costs_its_own_shelf(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    site.runs([53001])
    load_pending(config, rundb, may_write=True)
    rundb.read.clear()
    write_decision(site.paths, Decision(Verb.ACCEPT, Subject(runs=("053009",)), "me", times.now(), "gone"))
    load_pending(config, rundb, may_write=True)
    assert rundb.read == ["053"]


def test_vetoes_backfills_and_outcomes_to_be_made_again_are_seen(site: Site) -> None:
    site.runs([52001, 52002, 52003])
    site.analysis("good", "pass", min_run=52002)
    site.analysis("other", "pass")
    site.tree |= {"work": str(site.work), "analysis_folders": [str(site.folder / "extra")]}
    site.write_config()
    config, rundb = load_configuration(site.folder / "config.yaml"), CountingRunDB(site.folder / "runs.jsonl")
    for name in ("good", "other"):
        keep(site.paths, outcome(Key(name, "v1", "052002")), outcome(Key(name, "v1", "052003")))

    def look() -> dict[str, tuple[int, list[int]]]:
        settle(site)
        found = load_pending(config, rundb, may_write=True)
        assert found == find_pending(config, rundb)
        return {name: (runs.done, [run.number for run in runs.pending]) for name, runs in found.analyses.items()}

    def decide(verb: Verb, subject: Subject) -> None:
        write_decision(site.paths, Decision(verb, subject, "me", times.now(), "a valve"))

    assert look() == {"good": (2, []), "other": (2, [52001])}
    decide(Verb.BACKFILL, Subject("good", "v1", ("052001",), most=1))
    assert look() == {"good": (2, [52001]), "other": (2, [52001])}
    decide(Verb.VETO, Subject("good", runs=("052002",)))
    assert look() == {"good": (1, [52002, 52001]), "other": (2, [52001])}
    digest = digest_of(site.paths.outcome(Key("good", "v1", "052003")))
    decide(Verb.REDO, Subject("good", "v1", ("052003",), digests=(digest,)))
    assert look() == {"good": (0, [52003, 52002, 52001]), "other": (2, [52001])}


def test_what_is_kept_of_a_run_and_damaged_is_read_again(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    first = load_pending(config, rundb, may_write=True)
    place = site.paths.run_metadata("052")
    place.write_text(place.read_text().replace('"rest"', '"lost"'))
    assert load_pending(config, rundb, may_write=True) == first
    assert load_pending(config, rundb, may_write=True) == first
    assert "rest" in place.read_text()
    before = place.stat()
    place.write_text(place.read_text().replace('"rest"', '"lost"'))
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))  # so its time does not show the change
    put(site, "052002.failed-1-raised-1700000000.json")
    assert load_pending(config, rundb, may_write=True) == first


def test_runs_on_another_line_than_it_seems_are_found(world: tuple[Site, Config, CountingRunDB]) -> None:
    """The first number in a line need not be that of the run."""
    site, config, rundb = world
    odd = {"before": {"number": 17}, **document(52004)}
    with (site.folder / "runs.jsonl").open("a") as file:
        file.write(json.dumps(odd) + "\n")
    for _ in range(2):
        assert pending(load_pending(config, rundb, may_write=True)) == [52004, 52003]
    odd |= {"mode": "other", "status": "raw"}
    site.documents[17] = odd
    site.runs([])
    assert pending(load_pending(config, rundb, may_write=True)) == [52003]


def test_thrown_away_it_comes_back_equal(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    first = load_pending(config, rundb, may_write=True)
    (site.paths.cache / "inventory.json").unlink()
    assert load_pending(config, rundb, may_write=True) == first
    assert rundb.read == ["052", "052"]


def test_a_look_at_everything_takes_nothing_of_what_is_kept(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    kept = json.loads(site.paths.pending.read_text())
    kept["shelves"]["052"]["analyses"]["good"][1] = 77
    site.paths.pending.write_text(json.dumps(kept))
    looks = load_pending(config, rundb, may_write=True), find_pending(config, rundb)
    assert [found.analyses["good"].done for found in looks] == [77, 2]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"common": 1}'])
def test_a_broken_one_is_taken_anew(world: tuple[Site, Config, CountingRunDB], content: str) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    (site.paths.cache / "inventory.json").write_text(content)
    assert pending(load_pending(config, rundb, may_write=True)) == [52003]


def test_a_dry_run_keeps_nothing(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    before = sorted(site.work.rglob("*"))
    load_pending(config, rundb, may_write=False)
    assert sorted(site.work.rglob("*")) == before
    assert rundb.read == ["052"], "it reads documents once, although it keeps nothing of them"


def test_a_new_document_is_seen(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    site.runs([52004])
    settle(site)
    assert pending(load_pending(config, rundb, may_write=True)) == [52004, 52003]


def test_a_new_outcome_is_seen(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    put(site, "052003.json")
    assert pending(load_pending(config, rundb, may_write=True)) == []


def test_an_outcome_that_went_away_is_seen(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    site.paths.outcome(Key("good", "v1", "052001")).unlink()
    assert pending(load_pending(config, rundb, may_write=True)) == [52003, 52001]


def test_another_selection_is_seen(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    site.tree["selection"] = {"max_run": 52002}
    site.write_config()
    other = load_configuration(site.folder / "config.yaml")
    assert pending(load_pending(other, rundb, may_write=True)) == []


def test_an_outcome_that_came_just_now_does_not_hide_the_next_one(world: tuple[Site, Config, CountingRunDB]) -> None:
    """Within the resolution of a time stamp a folder may change twice and look the same."""
    site, config, rundb = world
    put(site, "052003.failed-2-raised-1700000001.json")
    folder = site.paths.outcome(Key("good", "v1", "052003")).parent
    then = time.time()
    os.utime(folder, (then, then))
    assert pending(load_pending(config, rundb, may_write=True)) == [52003]
    put(site, "052003.json")
    os.utime(folder, (then, then))
    assert pending(load_pending(config, rundb, may_write=True)) == []


def test_a_run_that_is_done_is_not_taken_again_though_its_folder_seems_unchanged(
    world: tuple[Site, Config, CountingRunDB],
) -> None:
    """The clock of a file server may count seconds, or be behind."""
    site, config, rundb = world
    probe: Any = None  # no analysis needs data
    folder = site.paths.outcome(Key("good", "v1", "052003")).parent
    changed = folder.stat().st_mtime_ns

    def taken() -> list[int]:
        return [item.run.number for item in take_survey(config, rundb, probe, times.now(), may_write=True).chosen]

    assert taken() == [52003]
    put(site, "052003.json")
    os.utime(folder, ns=(changed, changed))
    assert pending(load_pending(config, rundb, may_write=False)) == [52003], "nothing else shows that it is done"
    assert taken() == []
    assert pending(load_pending(config, rundb, may_write=False)) == [], "what is kept is corrected"


def test_documents_whose_changes_cannot_be_told_cheaply_are_digested_every_time(
    world: tuple[Site, Config, CountingRunDB],
) -> None:
    _, config, rundb = world
    rundb.fingerprint = lambda *ends: ""  # type: ignore[method-assign]
    load_pending(config, rundb, may_write=True)
    load_pending(config, rundb, may_write=True)
    assert (rundb.looks, rundb.read) == (2, ["052"])


def test_a_run_that_was_given_up_is_not_missed_any_more(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    load_pending(config, rundb, may_write=True)
    del site.documents[52003]
    site.runs([])
    found = load_pending(config, rundb, may_write=True)
    assert (found.unseen, found.for_person, len(found.warnings)) == ({52003}, [], 1)
    subject = Subject(runs=("052003",))
    write_decision(site.paths, Decision(Verb.ACCEPT, subject, "me", times.now(), "gone"))
    found = load_pending(config, rundb, may_write=True)
    assert (found.unseen, pending(found)) == (frozenset(), [])


def test_runs_at_the_ends_of_the_selection_are_missed_once_when_they_vanish(
    world: tuple[Site, Config, CountingRunDB],
) -> None:
    site, _, rundb = world
    site.runs([51000, 51999, 53000])
    site.tree["selection"] = {"min_run": 51000, "max_run": 53000}
    site.write_config()
    config = load_configuration(site.folder / "config.yaml")
    load_pending(config, rundb, may_write=True)
    site.documents.clear()
    site.runs([])
    settle(site)
    for _ in range(2):
        found = load_pending(config, rundb, may_write=True)
        assert pending(found) == [53000, 52003, 51999, 51000]
        assert (len(found.unseen), len(found.for_person), found.warnings) == (6, 1, [])


def test_a_run_database_without_runs_is_said(world: tuple[Site, Config, CountingRunDB]) -> None:
    site, config, rundb = world
    runs = site.folder / "runs.jsonl"
    runs.write_text("")
    found = find_pending(config, rundb)
    assert found.warnings == [f"the run database has no run from number 0 on: file {runs}"]
    runs.write_text(json.dumps(document(52001, mode=...)))
    (said,) = find_pending(config, rundb).warnings
    assert "has no run from" not in said, "it has one that cannot be understood"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"run_modes": ["tpc_krypton", "tpc_bk"]}, ", none has the mode 'tpc_krypton'"),
        ({"run_modes": ["tpc_bk"]}, ", none has the mode 'tpc_bk'; did you mean 'tpc_bkg'?"),
        ({"detectors": ["tcp"]}, ", none has the detector 'tcp'; did you mean 'tpc'?"),
        ({"min_run": 60000, "trial": {"version": "v2"}}, ""),
        ({"run_modes": ["tpc_k*"], "period": {"gap": "12 h"}}, ", none has the mode 'tpc_k*'"),
    ],
)
def test_an_analysis_that_selects_no_run_at_all_is_named(site: Site, changes: dict[str, Any], words: str) -> None:
    site.runs([52001, 52002])
    site.analysis("astray", "pass", **changes)
    site.tree["work"] = str(site.work)
    site.tree["analysis_folders"] = [str(site.folder / "extra")]
    site.write_config()
    config = load_configuration(site.folder / "config.yaml")
    (said,) = find_pending(config, CountingRunDB(site.folder / "runs.jsonl")).warnings
    assert said.startswith(f"analyses.astray selects none of the 2 runs{words}")


# --- campaigns, which depend on all runs together ---------------------------------------------------------------------
class Campaigns:
    """A site with two kr83m runs and a background run after them; it counts how often campaigns are found anew."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site = site
        site.runs([kr83m(52001), kr83m(52002), 52003])
        site.analysis("kr", "pass", run_modes=["tpc_kr83m"], period={"gap": "12 h", "wait": "0 s"})
        site.analysis("good", "pass")
        site.tree |= {"work": str(site.work), "analysis_folders": [str(site.folder / "extra")]}
        site.write_config()
        self.config = load_configuration(site.folder / "config.yaml")
        self.looks: list[str] = []
        pending_of_all = find.pending_of_all

        def noted(selector: Any, block: Any, *more: Any) -> Any:
            self.looks.append("kr" if block.period else "good")
            return pending_of_all(selector, block, *more)

        monkeypatch.setattr(find, "pending_of_all", noted)

    def anew(self, *documents: Any) -> list[str]:
        """After documents have come: the analyses of which all runs are looked at again."""
        self.site.runs(documents)
        self.looks.clear()
        self.found = load_pending(self.config, FileRunDB(self.site.folder / "runs.jsonl"), may_write=True)
        looks = list(self.looks)
        assert self.found == find_pending(self.config, FileRunDB(self.site.folder / "runs.jsonl"))
        return looks

    def campaigns(self) -> list[tuple[tuple[int, ...], bool]]:
        """The members of each pending campaign, and whether something keeps it back."""
        return [(one.numbers, one.describe_obscure() is not None) for one in self.found.analyses["kr"].campaigns]

    def keep_group(self, analysis: str, *numbers: int) -> None:
        facts = run(numbers[0])._replace(members=numbers).as_dict()
        keep(self.site.paths, outcome(Key(analysis, "v1", group_id(numbers)), run=facts))
        settle(self.site)


def kr83m(number: int, **changes: Any) -> dict[str, Any]:
    return document(number, mode="tpc_kr83m", **changes)


@pytest.fixture
def calibrations(site: Site, monkeypatch: pytest.MonkeyPatch) -> Campaigns:
    made = Campaigns(site, monkeypatch)
    assert made.anew() == ["kr"]
    return made


def test_campaigns_are_found_again_only_if_runs_that_matter_have_changed(calibrations: Campaigns) -> None:
    assert calibrations.anew() == []
    assert calibrations.anew(52004) == [], "another run of the same mode comes after them"
    assert calibrations.campaigns() == [((52001, 52002), False)]
    assert calibrations.anew(document(52004, mode="tpc_rn220")) == ["kr"]
    assert calibrations.anew(kr83m(52005)) == ["kr"]
    assert calibrations.campaigns() == [((52005,), False), ((52001, 52002), False)]
    assert calibrations.anew(document(52004, mode=...)) == ["kr"]
    assert calibrations.campaigns() == [((52005,), True), ((52001, 52002), False)], "its document may be one of kr83m"
    assert calibrations.anew(document(52003, comments=[{"comment": "odd"}])) == ["kr"], "any document may matter now"
    del calibrations.site.documents[52002]
    assert calibrations.anew() == ["kr"]
    assert calibrations.campaigns() == [((52005,), True), ((52001, 52002), True)]


def test_a_group_of_runs_of_which_one_is_unknown_waits_for_its_document(calibrations: Campaigns) -> None:
    calibrations.keep_group("kr", 52001, 52009)
    assert calibrations.anew() == ["kr"]
    groups = calibrations.found.analyses["kr"].known_groups
    assert groups is not None and groups.groups.unknown == {52009}
    assert calibrations.anew(52009) == ["kr"]
    assert calibrations.anew() == []
    put(calibrations.site, "052001.json", "kr")
    assert [calibrations.anew(), calibrations.anew()] == [["kr"]] * 2, "more may come within the same moment"


def test_an_analysis_of_single_runs_with_groups_from_before_depends_on_all_runs(calibrations: Campaigns) -> None:
    calibrations.keep_group("good", 52001, 52002)
    assert calibrations.anew() == ["good"]
    assert calibrations.found.analyses["good"].known_groups is not None
    assert calibrations.anew() == []
    assert calibrations.anew(52004) == ["good"]
    on_another_line_than_it_seems = {"before": {"number": 17}, **document(52006)}
    calibrations.anew(on_another_line_than_it_seems)
    assert calibrations.anew() == ["good"]
