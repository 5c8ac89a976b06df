"""The form of points on a real InfluxDB: a store of version 1 is renewed once, and types never block anything."""

from __future__ import annotations

import contextlib
import itertools
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from local_servers.influx import Bucket
from support.factory import keep, key_of, outcome, result
from support.grafana import Asker
from xomflow.core.key import Key
from xomflow.core.paths import Paths
from xomflow.grafana.queries import newest_results
from xomflow.outcomes.cache import Shelf
from xomflow.publishing.publish import publish, rebuild, verify
from xomflow.publishing.stores.influx_client import InfluxClient
from xomflow.publishing.stores.influx_store import InfluxStore
from xomlib.files import dump_json

START = 1790337600 * 10**9  # of the run in every outcome here, in nanoseconds
OLD = f"{'0' * 16}-{'0' * 8}"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


@pytest.fixture
def store(paths: Paths, bucket: Bucket, tmp_path: Path) -> Any:
    with closing(InfluxStore(bucket.credentials(tmp_path), "test_", 5000)) as made:
        yield made


def line(run: int, fields: str = "value=1", version: str = "v1", variable: str = "a", time: int = 0) -> str:
    """A point as version 1 wrote it."""
    texts = f'run={run}i,run_id="{run:06d}",run_tags="sr1",software="/opt/python",attempt=1i,form="{OLD}"'
    return f"test_kr83m,variable={variable},version={version} {texts},{fields} {time or START + run}"


def old_store(paths: Paths, store: InfluxStore, bucket: Bucket, lines: list[str]) -> None:
    """Points, ledger and stamps as version 1 left them."""
    bucket.write("\n".join(lines))
    ledger = paths.ledger / store.name
    for version in ("v1", "v2"):
        dump_json(ledger / f"kr83m/{version}/052.json", {f"{run:06d}": OLD for run in range(52001, 52004)})
    dump_json(ledger / "stamps.json", {"kr83m/v1/052": "1 2 2", "kr83m/v2/052": "1 2 2"})


def of(number: int, version: str = "v1", **changes: Any) -> dict[str, Any]:
    return outcome(key_of(number, version=version), [result("a", **changes), result("b", **changes)])


def values(bucket: Bucket) -> dict[tuple[int, str], float]:
    """The value of each point of a result by run and version."""
    points = bucket.points().items()
    return {(one["run"], dict(place[1:-1])["version"]): one["value"] for place, one in points if "quality" in one}


def test_a_value_of_data_that_changes_its_type_blocks_nothing(paths: Paths, store: InfluxStore, bucket: Bucket) -> None:
    kinds: list[Any] = ["text", 1.5, True, 2, ""]
    for number, kind in enumerate(kinds):
        keep(paths, of(52001, f"v{number}", data={"x": kind}))
        assert publish(paths, store, "test_").problems == []
    fields = [one for one in bucket.points().values() if "attempt" in one]
    found = [{name: one[name] for name in one if name.endswith("_x")} for one in fields]
    assert found == [{"text_x": "text"}, {"data_x": 1.5}, {"flag_x": True}, {"data_x": 2.0}, {}]


def test_texts_that_some_results_lack_stand_beside_their_own_numbers(
    paths: Paths, store: InfluxStore, bucket: Bucket
) -> None:
    """Were an empty text stored, InfluxDB would give the unit of one run to another."""
    units = ["PE", "", "PE", "Hz", ""]
    keep(paths, *(outcome(key_of(52001 + at), [result("a", float(at), unit=unit)]) for at, unit in enumerate(units)))
    assert publish(paths, store, "test_").problems == []
    (frame,) = Asker(bucket, "1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z")(newest_results("test_kr83m", "v1"))
    assert [row["unit"] for row in sorted(frame.rows, key=lambda row: row["value"])] == units


def test_what_version_1_could_not_publish_arrives(paths: Paths, store: InfluxStore, bucket: Bucket) -> None:
    """The text of one version kept the number of the next out of the same weeks."""
    old_store(paths, store, bucket, [line(52001, 'value=1,data_x="text"'), line(52002, 'value=1,data_x="text"')])
    with pytest.raises(Exception, match="field type conflict"):
        bucket.write(line(52001, "value=1,data_x=1.5", version="v2", variable="b"))
    keep(paths, *(of(run, data={"x": "text"}) for run in (52001, 52002)), of(52001, "v2", data={"x": 1.5}))
    assert publish(paths, store, "test_").problems == []
    assert list(verify(paths, store, "test_")) == []
    assert {one["data_x"] for one in bucket.points().values() if "data_x" in one} == {1.5}
    assert {one["text_x"] for one in bucket.points().values() if "text_x" in one} == {"text"}


@pytest.mark.parametrize("has_ledger", [True, False])
def test_a_store_of_version_1_is_renewed_once(
    paths: Paths, store: InfluxStore, bucket: Bucket, has_ledger: bool
) -> None:
    lines = [
        line(run, version=version, variable=name) for run in (52001, 52002) for version in ("v1", "v2") for name in "ab"
    ]
    campaign = 'value=3,run_id="052003-0bea"'
    if has_ledger:
        old_store(paths, store, bucket, [*lines, line(52003, campaign, "v3"), line(52004, campaign, "v3")])
    else:
        bucket.write("\n".join([*lines, line(52003, campaign, "v3"), line(52004, campaign, "v3")]))
    bucket.write(f"test_xomdata,run_id=052001 x=1 {START}\nprod_kr83m,version=v1 value=1 {START}\nother y=1 {START}")
    keep(paths, *(of(run, version, value=2.0) for run in (52001, 52002) for version in ("v1", "v2")))
    members = {"runs": ["052003", "052004"], "runs_missing": []}
    keep(paths, outcome(Key("kr83m", "v3", "052003-46ca"), [result("a", 4.0)], run=members))
    assert publish(paths, store, "test_").outcomes == 5
    points = bucket.points()
    assert {one.get("form", "4:")[:2] for one in points.values()} == {"4:"}
    assert len(points) == 4 * 2 + 1 + 3
    assert values(bucket)[52003, "v3"] == 4.0
    assert list(verify(paths, store, "test_")) == []
    assert publish(paths, store, "test_").outcomes == 0
    assert rebuild(paths, store, "test_").problems == []
    assert bucket.points() == points


def test_points_of_version_1_without_an_outcome_stay_and_are_named(
    paths: Paths, store: InfluxStore, bucket: Bucket
) -> None:
    old_store(paths, store, bucket, [line(52001), line(52002), line(52007)])
    keep(paths, of(52001), of(52002))
    assert publish(paths, store, "test_").problems == []
    assert list(verify(paths, store, "test_")) == [
        "kr83m v1 run 052007, a: the store has it, and there is no outcome of it"
    ]


class KilledError(BaseException):
    """The process ended here."""


@pytest.mark.parametrize("after", range(5))
def test_a_renewal_that_is_killed_goes_on(
    paths: Paths, store: InfluxStore, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Before and after each request that changes something, among them the middle of a shelf."""
    lines = [line(run, version=version) for run in (52001, 52002, 52003) for version in ("v1", "v2")]
    old_store(paths, store, bucket, [*lines, line(52007)])
    keep(paths, *(of(run, version) for run in (52001, 52002, 52003) for version in ("v1", "v2")))
    store._batch = 2
    requests = itertools.count()
    for name in ("write", "delete"):
        ask = getattr(InfluxClient, name)

        def counted(*words: Any, ask: Any = ask) -> Any:
            if next(requests) == after:
                raise KilledError
            return ask(*words)

        monkeypatch.setattr(InfluxClient, name, counted)
    with contextlib.suppress(KilledError):
        publish(paths, store, "test_")
    monkeypatch.undo()
    assert publish(paths, store, "test_").problems == []
    assert list(verify(paths, store, "test_")) == [
        "kr83m v1 run 052007, a: the store has it, and there is no outcome of it"
    ]
    assert publish(paths, store, "test_").outcomes == 0


def test_points_of_other_programs_are_no_differences_and_stay(paths: Paths, store: InfluxStore, bucket: Bucket) -> None:
    others = [
        f"test_xomdata,analysis_name=kr83m,run_id=052001 light_yield=1 {START}",
        f'test_forms,shape=round form="round" {START}',
        f'test_kr83m,version=v1,variable=a note="a remark" {START + 5}',
        f'test_kr83m,host=node1 form="square" {START + 52001}',
    ]
    bucket.write("\n".join(others))
    theirs = bucket.points()
    keep(paths, of(52001))
    assert publish(paths, store, "test_").problems == []
    keep(paths, of(52001, n=None))
    assert publish(paths, store, "test_").problems == []
    assert list(verify(paths, store, "test_")) == []
    assert theirs.items() <= bucket.points().items()


def test_a_campaign_replaces_the_point_of_its_first_run_of_version_1(
    paths: Paths, store: InfluxStore, bucket: Bucket
) -> None:
    bucket.write(line(52001, 'value=3,run_id="052001-0bea"'))
    keep(paths, outcome(Key("kr83m", "v1", "052001-0bea"), [result("a", 7.0)]))
    assert publish(paths, store, "test_").problems == []
    ((place, fields),) = bucket.points().items()
    assert (place[-1] % 10**6, fields["value"], fields["run_id"]) == (52001, 7.0, "052001-0bea")
    assert place[-1] != START + 52001


def test_thousands_of_points_of_version_1_are_removed_in_one_request(
    paths: Paths, store: InfluxStore, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.write("\n".join(line(run) for run in range(52000, 53000)))
    deleted: list[Any] = []
    delete = InfluxClient.delete
    monkeypatch.setattr(InfluxClient, "delete", lambda self, *words: (deleted.append(words), delete(self, *words)))
    shelf = Shelf("kr83m", "v1", "052")
    store.renew("kr83m", [(shelf, {f"{run:06d}": [] for run in range(52000, 53000)})])
    assert (len(deleted), bucket.points()) == (1, {})
