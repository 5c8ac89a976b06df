"""Results in the form of the first XOM: names, types, and what is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.factory import key_of, outcome, result, typed
from support.in_process import FastSite
from xomflow.config.model import Store
from xomflow.publishing.mirror.xomdata import mirrored
from xomflow.publishing.open_store import StoreConfig
from xomflow.publishing.scope import Scope, scopes


def points(results: list[dict[str, Any]], **changes: Any) -> list[Any]:
    return mirrored(typed(outcome(results=results, **changes)), "prod_")


def test_a_result_has_the_names_of_the_first_xom() -> None:
    data = {"chi2": 2, "fit": "failed", "ok": True, "figure_path": "/old/a.png"}
    (point,) = points([result("light_yield", 10.5, error=0.1, data=data)])
    assert point.measurement == "prod_xomdata"
    assert point.tags == {
        "analysis_name": "kr83m",
        "analysis_version": "v1",
        "variable_name": "light_yield",
        "tag": "xom2",
        "container": "python",
        "run_mode": "tpc_kr83m",
        "sr_tag": "_sr1_preliminary",
    }
    assert {name: value for name, value in point.fields.items() if name != "form"} == {
        "light_yield": 10.5,
        "variable_error": 0.1,
        "runid": 52894,
        "chi2": 2.0,
        "text_fit": "failed",
        "figure_path": "/old/a.png",
        "daq_comment": "a comment",
        "event_info_double": "abcdefghij",
    }
    assert isinstance(point.fields["chi2"], float) and isinstance(point.fields["runid"], int)


def test_the_figure_has_its_address_and_what_people_wrote_later_its_place() -> None:
    made = typed(outcome(results=[result("a")], figures=["view.png"]))
    later = {"comments": ["later"]}
    (here,), (there,) = mirrored(made, "prod_", later), mirrored(made, "prod_", page_url="https://x.org/xom/page/")
    assert (here.fields["daq_comment"], there.fields["daq_comment"]) == ("later", "a comment")
    path = "figures/kr83m/v1/052/052894.view.png"
    assert (here.fields["figure_path"], there.fields["figure_path"]) == (path, f"https://x.org/xom/{path}")
    assert "figure_path" not in points([result("a")], figures=[])[0].fields


def test_a_run_without_a_start_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^run 52894 has no start$"):
        points([result("a")], run={"start": None})


def test_a_result_without_a_number_has_no_point() -> None:
    assert points([result("a", None, error=None, insufficient="3 events")]) == []


@pytest.mark.parametrize(
    ("tags", "expected"),
    [([], "no_sr_tag"), (["sr0", "sr1_preliminary", "flash"], "_sr1_preliminary"), (["nonsr0_x"], "no_sr_tag")],
)
def test_the_science_run_is_the_last_tag_of_one(tags: list[str], expected: str) -> None:
    run = {**outcome()["run"], "tags": tags}
    assert points([result()], run=run)[0].tags["sr_tag"] == expected


@pytest.mark.parametrize(
    ("software", "container"),
    [
        ("/images/xenonnt-2024.06.1.simg python3", "xenonnt-2024.06.1.simg"),
        ("/cvmfs/xenon.opensciencegrid.org/releases/nT/2024.01.1/setup.sh python3", "xenonnt-2024.01.1.simg"),
        ("/images/xenonnt-development.simg python3", "xenonnt-development.simg"),
    ],
)
def test_the_container_follows_from_the_software(software: str, container: str) -> None:
    made_with = {**outcome()["provenance"], "software": software}
    assert points([result()], provenance=made_with)[0].tags["container"] == container


def test_results_that_were_taken_over_have_their_former_version() -> None:
    (point,) = mirrored(typed(outcome(key_of(52894, version="history.v0.1"), [result()])), "prod_")
    assert (point.tags["analysis_version"], point.tags["tag"]) == ("v0.1", "history")


def test_each_store_has_its_mirror() -> None:
    config = StoreConfig.of(Store(kind="local", prefix="prod_", mirror="xomdata"))
    found = list(scopes(StoreConfig.from_json(config.to_json()), frozenset({("kr83m", "v2")}), frozenset()))
    hidden = Scope(hidden=frozenset({("kr83m", "v2")}))
    assert [(one.prefix, one.is_mirror, scope == hidden) for one, scope in found] == [
        ("prod_", False, True),
        ("prod_", True, True),
        ("test_", False, False),
        ("test_", True, False),
    ]


def test_without_the_key_there_is_no_mirror() -> None:
    found = scopes(StoreConfig.of(Store(kind="local", prefix="prod_")), frozenset(), frozenset())
    assert [one.is_mirror for one, _ in found] == [False]


def test_ticks_verify_and_rebuild_work_on_the_mirror_too(tmp_path: Path) -> None:
    site = FastSite(tmp_path)
    site.runs([52001, 52002])
    site.tree["store"] = {"kind": "local", "prefix": "test_", "mirror": "xomdata"}
    site.analysis("rate", "xomlib.Xomresult(variable_name='rate', variable_value=1.5).save()")
    assert site.tick().returncode == 0
    lines = site.paths.store / "test_xomdata/rate/v1/052.lp"
    before = lines.read_text()
    assert before.count("test_xomdata,") == 2 and "rate=1.5" in before
    assert site.xom("verify").returncode == 0
    lines.write_text(before.splitlines()[0] + "\n")
    done = site.xom("verify")
    assert done.returncode == 9 and "store/test_xomdata/rate/v1/052.lp" in done.stdout
    assert site.xom("rebuild").returncode == 0 and lines.read_text() == before
    assert site.xom("veto", "52002", "--why", "noise", "--yes").returncode == 0
    assert site.tick().returncode == 0
    assert lines.read_text().count("test_xomdata,") == 1
