"""Which scripts and settings made the results of a version, and what these read."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support.factory import outcome, result, settings
from support.site import Site
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.outcomes.campaigns.groups import Method
from xomflow.outcomes.past.makers import Made, Maker, Makers, by_method, look_at_makers
from xomflow.page.refresh import refresh_page
from xomflow.workflow.makers import _differences, _never_read, maker_lines

STRAX = (("strax", "2.2.3"),)
X, Y = (("peaks", "x"),), (("events", "y"),)


def write(paths: Paths, number: int, script: str | None, settings: str | None = "s", **lineage: str) -> None:
    """Write an outcome that a script made, into a shelf that has not changed for long."""
    key = Key("kr83m", "v1", f"{number:06d}")
    provenance = {**outcome()["provenance"], "script": script, "settings": settings, "lineage": lineage}
    place = paths.outcomes / "kr83m/v1" / f"{number:06d}"[:3] / f"{number:06d}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(outcome(key=key, provenance=provenance, results=[result()])))
    os.utime(place.parent, (number, number))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path / "work")
    write(made, 52001, "a", peaks="x")
    write(made, 52002, "b", events="y")
    write(made, 53001, "a", "t")
    write(made, 53002, None, unknown="z")
    return made


def makers_of(paths: Paths, most: int | None = None) -> dict[Method, Makers]:
    return by_method(look_at_makers(paths, most).found)


def makers(number: int, *read: str) -> Makers:
    maker = Maker("a", "s", "interpreter", tuple((name, "x") for name in read))
    return Makers({maker: Made(number, "052001", "052999")})


def test_outcomes_are_counted_by_script_and_settings(paths: Paths) -> None:
    made = makers_of(paths)["kr83m", "v1"]
    assert (made.scripts, made.settings, made.read) == (Counter(a=2, b=1), Counter(s=2, t=1), {"peaks", "events"})
    assert (made.number, made.total) == (3, 4), "one has no script"
    assert not paths.cache.exists(), "it only looks"
    write(paths, 53003, "a", None)
    for _ in range(2):  # as they are read, and as they were kept
        made = makers_of(paths)["kr83m", "v1"]
        assert (made.number, made.total) == (3, 5), "one has no script, one no settings"
        refresh_page(paths)


def test_a_shelf_that_did_not_change_is_not_read_again(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh_page(paths)
    before = makers_of(paths)
    read: list[Any] = []
    whole = Makers.of
    monkeypatch.setattr(Makers, "of", lambda outcomes: (read.append(1), whole(outcomes))[1])
    assert makers_of(paths) == before
    assert read == []
    write(paths, 53003, "c")
    assert makers_of(paths)["kr83m", "v1"].scripts["c"] == 1
    assert len(read) == 1
    paths.makers.write_text("[damaged")
    assert makers_of(paths)["kr83m", "v1"].scripts["c"] == 1


def test_results_that_were_not_made_alike_are_a_sentence(site: Site) -> None:
    site.runs([52001])
    site.analysis("moves", "xomlib.Xomresult(variable_name='x', variable_value=1).save()", settings={"cut": 1})
    assert site.tick().returncode == 0
    assert "different" not in status(site)
    script = site.folder / "extra/scripts/analyses/moves.py"
    script.write_text(script.read_text() + "# edited\n")
    site.tree["analyses"]["moves"]["settings"] = {"cut": 2}
    site.runs([52002])
    assert site.tick().returncode == 0
    lines = [line for line in status(site).splitlines() if "different" in line]
    made = "moves v1: its results were made with 2 different {} (1 and 1 results)"
    assert lines == [
        f"{made.format(what)}; raise the version if they cannot be compared" for what in ("scripts", "settings")
    ]


def status(site: Site) -> str:
    done = site.xom("status")  # type: ignore[attr-defined]
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_a_needed_type_that_no_result_read_is_one_sentence() -> None:
    read = makers(1234, "peaks", "channels")
    said = {
        needs: list(_never_read("kr83m", needs, read))
        for needs in (
            (),
            (("peaks",),),
            (("peaks", "events"),),
            (("double",), ("peaks", "channels")),
            (("a", "b"), ("peaks", "c")),
        )
    }
    words = "which none of its 1,234 results read: runs wait for it in vain"
    assert list(said.values()) == [
        [],
        [],
        [f"analyses.kr83m.needs has events, {words}"],
        [],
        [f"analyses.kr83m.needs has c, {words}"],
    ]
    assert list(_never_read("kr83m", (("events",),), Makers())) == [], "there are no results yet"
    assert list(_differences("kr83m v1", read)) == []


def test_of_many_shelves_that_changed_only_some_are_read_and_the_others_are_counted(paths: Paths) -> None:
    write(paths, 54001, "c")
    look = look_at_makers(paths, 1)
    assert (look.unknown, by_method(look.found)["kr83m", "v1"].scripts) == (2, Counter(c=1)), "the newest are read"
    refresh_page(paths)
    assert look_at_makers(paths, 0).unknown == 0


def test_times_are_added_and_the_longest_runs_are_known(paths: Paths) -> None:
    for number, seconds in ((52010, 7.5), (53010, 9.0)):
        write(paths, number, "a")
        place = paths.outcomes / "kr83m/v1" / f"0{number}"[:3] / f"0{number}.json"
        document = json.loads(place.read_text())
        document["resources"] = {"wall_s": seconds, "cpu_s": None if seconds == 7.5 else 1.0, "peak_memory_mb": None}
        place.write_text(json.dumps(document))
        os.utime(place.parent, (number, number))
    for _ in range(2):  # as they are read, and as they were kept
        made = makers_of(paths)["kr83m", "v1"]
        assert made.longest[:3] == [(9.0, "053010"), (7.5, "052010"), (1.5, "053002")]
        assert (made.wall_s, made.cpu_s) == (pytest.approx(16.5 + 4 * 1.5), 5.0)
        assert {one.last for one in made.made.values()} >= {"053010", "052002"}
        refresh_page(paths)


def test_what_made_the_outcomes_is_kept_as_it_was_found(paths: Paths) -> None:
    b, one, two = (Maker(name, "s", "/opt/python", lineage, STRAX) for name, lineage in (("b", Y), ("a", X), ("c", ())))
    expected = Makers(
        {b: Made(1, "052002", "052002"), one: Made(1, "052001", "052001")}, 3.0, 2.0, [(1.5, "052002"), (1.5, "052001")]
    )
    expected.units = {"light_yield": "PE/keV"}
    assert {str(shelf): found for shelf, found in look_at_makers(paths).found.items()}["kr83m/v1/052"] == expected
    again = Makers.from_json(json.loads(json.dumps(expected.to_json())))
    assert again == expected
    again.add(Makers({one: Made(2, "051000", "051001"), two: Made(1, "1", "2")}, 1.0, 0.5, [(9.0, "1")], {"x": "Hz"}))
    assert again == Makers(
        {b: expected.made[b], one: Made(3, "051000", "052001"), two: Made(1, "1", "2")},
        4.0,
        2.5,
        [(9.0, "1"), *expected.longest],
        {**expected.units, "x": "Hz"},
    )


def test_only_the_ten_longest_runs_are_kept() -> None:
    found = Makers(longest=[(float(seconds), "a") for seconds in range(9, 0, -1)])
    found.add(Makers(longest=[(0.5, "b"), (0.25, "c")]))
    assert found.longest == [*((float(seconds), "a") for seconds in range(9, 0, -1)), (0.5, "b")]


def test_a_shelf_that_changes_just_now_is_read_again(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is added within the same tick of the clock would not change its time stamp."""
    os.utime(paths.outcomes / "kr83m/v1/053")
    look_at_makers(paths).keep()
    write(paths, 53003, "c")
    os.utime(paths.outcomes / "kr83m/v1/053")
    assert makers_of(paths)["kr83m", "v1"].scripts["c"] == 1
    kept = json.loads(paths.makers.read_text())
    assert kept.keys() == {"kr83m/v1/052"}


@pytest.mark.parametrize("damage", [{"made": None}, {"longest": [5]}, {"units": {"a": 1}}, {"wall_s": "x"}], ids=str)
def test_what_was_kept_in_another_form_counts_for_nothing(paths: Paths, damage: dict[str, Any]) -> None:
    expected = makers_of(paths)
    look_at_makers(paths).keep()
    content = json.loads(paths.makers.read_text())
    assert content
    for kept in ({name: [stamp, {**one, **damage}] for name, (stamp, one) in content.items()}, [], {"a": 5}):
        paths.makers.write_text(json.dumps(kept))
        assert makers_of(paths) == expected


def test_without_a_change_nothing_is_written(paths: Paths) -> None:
    look_at_makers(paths).keep()
    before = paths.makers.stat().st_mtime_ns, paths.makers.stat().st_ino
    look_at_makers(paths).keep()
    assert (paths.makers.stat().st_mtime_ns, paths.makers.stat().st_ino) == before


def test_the_results_of_configured_analyses_are_compared_with_each_other_and_with_what_they_need(paths: Paths) -> None:
    analyses = {"kr83m": {"version": "v1", "needs": ["peaks", "other"]}, "rate": {"version": "v1"}}
    lines = maker_lines(settings(paths.work, analyses=analyses))
    assert [line.partition(";")[0] for line in lines] == [
        "kr83m v1: its results were made with 2 different scripts (2 and 1 results)",
        "kr83m v1: its results were made with 2 different settings (2 and 1 results)",
        "analyses.kr83m.needs has other, which none of its 3 results read: runs wait for it in vain",
    ]
