"""Publishing to a real InfluxDB: the points arrive, none twice, and whatever goes wrong is said and made up for."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient

from local_servers.influx import Bucket, InfluxAccess, InfluxServer
from support.factory import keep, key_of, outcome, result, run, tick_summary, typed
from support.proxy import CUT, HALF, PASS, Proxy, http_refusal, proxy
from xomflow.core.paths import Paths, TickPaths
from xomflow.outcomes.cache import Shelf
from xomflow.publishing import self_monitoring
from xomflow.publishing.point import FINGERPRINT
from xomflow.publishing.points import points_of
from xomflow.publishing.publish import Receipt, drop, publish, rebuild, verify
from xomflow.publishing.stores import influx_client
from xomflow.publishing.stores.influx_client import _RETRIES
from xomflow.publishing.stores.influx_store import InfluxStore
from xomflow.publishing.stores.store import StoreAwayError, StoreError
from xomflow.rundb.run_metadata import RunMetadata
from xomlib.files import dump_json

START = 1790337600 * 10**9  # of the run in every outcome here, in nanoseconds


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "work")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy server is asked again at once."""
    monkeypatch.setattr(influx_client, "_RETRIES", _RETRIES.new(backoff_factor=0))


@dataclass
class Publisher:
    """Publishes to a bucket, each time with a store of its own as each tick does."""

    paths: Paths
    bucket: Bucket
    batch: int = 5000

    def store(self) -> InfluxStore:
        return InfluxStore(self.bucket.credentials(self.paths.work.parent), "test_", self.batch)

    def __call__(self) -> Receipt:
        with closing(self.store()) as store:
            return publish(self.paths, store, "test_")

    def rebuild(self) -> Receipt:
        with closing(self.store()) as store:
            return rebuild(self.paths, store, "test_")

    def verify(self) -> list[str]:
        with closing(self.store()) as store:
            return list(verify(self.paths, store, "test_"))


@pytest.fixture
def published(paths: Paths, bucket: Bucket) -> Publisher:
    return Publisher(paths, bucket)


@pytest.fixture
def between(bucket: Bucket) -> Iterator[Proxy]:
    """A proxy before the server."""
    with proxy(bucket.url.removeprefix("http://")) as made:
        yield made


@pytest.fixture
def disturbed(published: Publisher, between: Proxy) -> Publisher:
    """A publisher that has the proxy before its server."""
    return replace(published, bucket=replace(published.bucket, url=f"http://{between.address}"))


def of(number: int, *variables: str, **changes: Any) -> dict[str, Any]:
    return outcome(key_of(number), [result(name, **changes) for name in variables or ("a", "b")])


def runs(bucket: Bucket) -> list[int]:
    """The run of every point."""
    return sorted(fields["run"] for fields in bucket.points().values())


def is_write(piece: bytes) -> bool:
    return piece.startswith(b"POST /api/v2/write")


def is_question(piece: bytes) -> bool:
    return piece.startswith(b"POST /api/v2/query")


@pytest.mark.parametrize("later", [("a-3", {}), ("a-2", {"items": []})], ids=["another tick", "fewer fields"])
def test_ticks_published_again_without_the_ledger_are_all_there(
    paths: Paths, published: Publisher, bucket: Bucket, later: tuple[str, dict[str, Any]]
) -> None:
    """The points of one tick share their time, and not all of them have the same fields."""
    changes: dict[str, dict[str, Any]] = {"a-1": {}, "a-2": {}}
    for name in changes:
        summary = tick_summary(f"20261122T120000-{name}")
        dump_json(TickPaths(paths.tick(summary.tick)).summary, summary.to_json())
    for name, changed in (("a-2", {}), later):
        changes[name] = changed
        shutil.rmtree(paths.ledger, ignore_errors=True)
        with closing(published.store()) as store:
            self_monitoring.publish(paths, store, "test_", tick_summary(f"20261122T120000-{name}", **changed))
    expected = {
        (point.measurement, ("analysis", point.tags["analysis"]), point.time): point.fields
        for name, changed in changes.items()
        for point in self_monitoring.points_of(tick_summary(f"20261122T120000-{name}", **changed), "test_")
    }
    assert bucket.points() == expected


# --- what arrives -----------------------------------------------------------------------------------------------------


def test_points_arrive_as_the_schema_says(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    keep(paths, outcome(results=[result("light_yield", 10.5, data={"chi2": 1})]))
    receipt = published()
    assert (receipt.outcomes, receipt.points, receipt.problems) == (1, 1, [])
    ((place, fields),) = bucket.points().items()
    assert place == ("test_kr83m", ("variable", "light_yield"), ("version", "v1"), START + 52894)
    assert fields.pop(FINGERPRINT)
    assert fields == {
        "run": 52894,
        "run_id": "052894",
        "run_mode": "tpc_kr83m",
        "source": "Kr-83m",
        "run_tags": "sr1_preliminary",
        "comments": "a comment",
        "detectors": "tpc",
        "rate_tpc": 20.1,
        "end": "2026-09-25T13:00:00Z",
        "duration_s": 3600.0,
        "software": "/opt/python",
        "host": "node01",
        "attempt": 1,
        "version_strax": "2.2.3",
        "lineage_event_info_double": "abcdefghij",
        "wall_s": 1.5,
        "cpu_s": 1.0,
        "peak_memory_mb": 400.0,
        "ended": "2026-09-25T14:00:02Z",
        "lag_s": 3602.0,
        "message": "well done",
        "figure": "figures/kr83m/v1/052/052894.overview.png",
        "figures": "overview.png",
        "quality": "unchecked",
        "value": 10.5,
        "error": 0.1,
        "unit": "PE/keV",
        "n": 512,
        "data_chi2": 1.0,
    }


def test_a_token_for_the_bucket_alone_suffices(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    """Writing, reading back, removing what is outdated, comparing."""
    keep(paths, of(52001, "a", "b"))
    published()
    keep(paths, of(52001, "a"))
    assert published().problems == []
    assert published.verify() == []


def test_publishing_again_sends_nothing(paths: Paths, disturbed: Publisher, between: Proxy) -> None:
    keep(paths, of(52001), of(52002))
    disturbed()
    seen: list[bytes] = []
    between.up = lambda piece: (seen.append(piece), PASS)[1]
    assert disturbed().outcomes == 0
    assert seen == []


def test_without_its_ledger_nothing_is_written_that_is_there(
    paths: Paths, disturbed: Publisher, between: Proxy, bucket: Bucket
) -> None:
    keep(paths, of(52001), of(52002))
    disturbed()
    before, writes = bucket.points(), []
    between.up = lambda piece: (writes.append(piece) if is_write(piece) else None, PASS)[1]
    assert disturbed.rebuild().problems == []
    assert (writes, bucket.points()) == ([], before)


def test_many_points_go_in_batches_that_keep_runs_whole(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    keep(paths, *(of(number) for number in range(52000, 52005)))
    published.batch = 3
    assert published().points == 10
    assert runs(bucket) == [number for number in range(52000, 52005) for _ in "ab"]


def test_late_changes_of_the_document_reach_the_same_points(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    keep(paths, of(52001), of(52002))
    RunMetadata(paths).keep([run(52001), run(52002)])
    published()
    places = bucket.points().keys()
    late = run(52001, tags=[{"name": "late"}], comments=[{"comment": "later"}], rate={"tpc": {"avg": 7.0}})
    RunMetadata(paths).keep([late, run(52002)])
    assert published().outcomes == 1
    points = bucket.points()
    assert points.keys() == places
    names = ("run_tags", "comments", "rate_tpc")
    of_run = {one["run"]: tuple(map(one.get, names)) for one in points.values() if "rate_tpc" in one}
    assert of_run == {52001: ("late", "later", 7.0), 52002: (None, None, 20.0)}


def test_an_outcome_that_was_removed_leaves_the_store(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    keep(paths, of(52001), of(52002), outcome(key_of(52001, version="v2"), [result("a")]))
    published()
    paths.outcome(key_of(52001)).unlink()
    published()
    assert runs(bucket) == [52001, 52002, 52002]
    assert published.verify() == []


# --- the nine silent losses of the client, notes/services.md ----------------------------------------------------------


def test_an_analysis_is_dropped_with_all_its_points(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    for number in (52001, 53001):
        keep(paths, of(number))
    keep(paths, outcome(key_of(52001, analysis="other"), [result("a")]))
    published()
    with closing(published.store()) as store:
        assert drop(paths, [store], "kr83m") == 4
    assert {place[0] for place in bucket.points()} == {"test_other"}
    assert published().points == 4  # no ledger has what was dropped


def test_loss_1_numbers_that_are_none_are_refused_before_they_are_sent(
    paths: Paths, published: Publisher, bucket: Bucket
) -> None:
    broken = of(52001, "a")
    broken["results"][0]["data"] = {"x": float("inf")}
    points = {"052001": points_of(typed(broken), "test_")}
    with closing(published.store()) as store, pytest.raises(StoreError, match="field data_x is inf, a finite number"):
        store.write(Shelf("kr83m", "v1", "052"), points, {"052001"})
    assert bucket.points() == {}


def test_loss_1_a_result_without_a_number_is_a_point_with_its_reason(
    paths: Paths, published: Publisher, bucket: Bucket
) -> None:
    keep(paths, of(52001, "a", value=None, error=None, insufficient="12 events, 50 needed"))
    assert published().problems == []
    (fields,) = bucket.points().values()
    assert ("value" in fields, fields["insufficient"]) == (False, "12 events, 50 needed")


def test_loss_2_a_wrong_token_is_said_and_nothing_is_lost(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    keep(paths, of(52001), of(60001))
    receipt = replace(published, bucket=replace(bucket, token="wr0ng"))()
    place = f"InfluxDB at {bucket.url}, bucket {bucket.name}"
    assert (receipt.outcomes, receipt.away) == (0, True)
    assert receipt.problems == [f"{place} refused: 401 unauthorized access"]
    refused = replace(published, bucket=replace(bucket, token="wr0ng")).store()
    with closing(refused), pytest.raises(StoreAwayError, match="401 unauthorized access"):
        refused.check()
    assert published().outcomes == 2
    assert runs(bucket) == [52001, 52001, 60001, 60001]


def test_loss_3_a_busy_server_is_asked_again(
    paths: Paths, disturbed: Publisher, between: Proxy, bucket: Bucket
) -> None:
    refusals = [http_refusal(503, "busy"), http_refusal(429, "busy", Retry_After="0")]
    between.up = lambda piece: refusals.pop() if is_write(piece) and refusals else PASS
    keep(paths, of(52001))
    assert disturbed().problems == []
    assert (refusals, runs(bucket)) == ([], [52001, 52001])


def test_loss_3_a_server_that_is_not_there_is_one_sentence(paths: Paths, own_influx: InfluxServer) -> None:
    with own_influx.access.bucket() as bucket:
        published = Publisher(paths, bucket)
        keep(paths, of(52001), of(60001))
        own_influx.stop()
        receipt = published()
        place = f"InfluxDB at {bucket.url}, bucket {bucket.name}"
        assert receipt.problems == [f"{place} does not answer: [Errno 111] Connection refused"]
        own_influx.start()
        assert published().outcomes == 2
        assert runs(bucket) == [52001, 52001, 60001, 60001]


def test_loss_4_of_a_batch_that_is_half_refused_the_other_half_is_known_to_be_there(
    paths: Paths, published: Publisher, bucket: Bucket
) -> None:
    bucket.write(f'test_kr83m,variable=a,version=v1 data_x="a text" {START + 1}')
    keep(paths, of(52001, "a"), of(52002, "a", data={"x": 1.0}), of(52003, "a"), outcome(key_of(60001), [result("a")]))
    for sent in (3, 1):
        receipt = published()
        assert len(receipt.problems) == 1
        assert f": 1 of {sent} points of kr83m/v1/052 did not arrive: 422 failure writing points" in receipt.problems[0]
        assert 'input field "data_x"' in receipt.problems[0]
        there = [fields["run"] for fields in bucket.points().values() if "run" in fields]
        assert sorted(there) == [52001, 52003, 60001]


def test_loss_4_a_batch_that_is_refused_keeps_no_other_from_the_store(
    paths: Paths, published: Publisher, bucket: Bucket
) -> None:
    bucket.write(f'test_kr83m,variable=a,version=v1 data_x="a text" {START + 1}')
    keep(paths, of(52001, "a", data={"x": 1.0}), of(52002, "a"))
    published.batch = 1
    assert len(published().problems) == 1
    assert 52002 in [fields.get("run") for fields in bucket.points().values()]


def test_loss_5_whole_numbers_and_others_do_not_collide(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    values = {52001: 1, 52002: 1.5}
    keep(paths, *(of(number, "a", value=value, data={"x": value}) for number, value in values.items()))
    published.batch = 1
    assert published().problems == []
    stored = {fields["run"]: (fields["value"], fields["data_x"]) for fields in bucket.points().values()}
    assert stored == {52001: (1.0, 1.0), 52002: (1.5, 1.5)}


def test_loss_6_what_a_new_outcome_no_longer_says_is_gone(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    keep(paths, of(52001, "a", "b", data={"x": 1.0}), of(52002, "a"))
    published()
    keep(paths, of(52001, "a", value=None, error=None, insufficient="too few"))
    assert published().problems == []
    fields = {place[1:2] + place[-1:]: one for place, one in bucket.points().items()}
    assert fields.keys() == {(("variable", "a"), START + 52001), (("variable", "a"), START + 52002)}
    assert not {"value", "error", "data_x"} & fields[("variable", "a"), START + 52001].keys()


@pytest.mark.parametrize("change", [{"tags": [{"name": "x"}]}, {"comments": [{"comment": "x"}]}, {"mode": "x"}])
def test_loss_6_what_changes_makes_no_second_point(
    paths: Paths, published: Publisher, bucket: Bucket, change: dict[str, Any]
) -> None:
    keep(paths, of(52001, "a"))
    published()
    RunMetadata(paths).keep([run(52001, **change)])
    assert published().outcomes == 1
    assert runs(bucket) == [52001]


def test_loss_7_runs_of_one_start_do_not_overwrite_each_other(
    paths: Paths, published: Publisher, bucket: Bucket
) -> None:
    keep(paths, of(52001, "a"), of(52002, "a"))
    published()
    assert runs(bucket) == [52001, 52002]


ODD_NAMES = ["a, b=c d", "größe µ", "a'b;c", "=", "x" * 1000]


def test_loss_8_names_stay_as_they_are(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    keep(paths, of(52001, *ODD_NAMES, data=dict.fromkeys(ODD_NAMES, 1.0)))
    assert published().problems == []
    points = bucket.points()
    assert {dict(place[1:-1])["variable"] for place in points} == set(ODD_NAMES)
    for fields in points.values():
        assert {f"data_{name}" for name in ODD_NAMES} <= fields.keys()


def test_loss_8_a_name_that_the_server_would_not_take_is_said(paths: Paths, published: Publisher) -> None:
    keep(paths, of(52001, "x" * 70_000), outcome(key_of(60001), [result("a")]))
    receipt = published()
    assert receipt.outcomes == 1
    assert re.fullmatch(r"kr83m/v1/052: 'x{60}' cannot be a name in a time series", receipt.problems[0])


def test_loss_8_texts_stay_as_they_are(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    text = 'a\\b\\\\ "q" \\" \t x, y=z \u2028 €  \\'
    keep(paths, outcome(key_of(52001), [result("a", unit=text)], run={"comments": [text]}))
    assert published().problems == []
    (fields,) = bucket.points().values()
    assert (fields["unit"], fields["comments"]) == (text, text)


def test_loss_9_a_bucket_that_forgets_says_so(paths: Paths, influx: InfluxAccess) -> None:
    with influx.bucket(retention_s=3600) as bucket:
        old = outcome(key_of(52001), [result("a")], run={"start": "2020-01-01T00:00:00Z"})
        keep(paths, old)
        (said,) = Publisher(paths, bucket)().problems
    assert ": 1 of 1 points of kr83m/v1/052 did not arrive: 422 " in said
    assert "retention policy" in said


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_missing_bucket_is_said_once(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    keep(paths, of(52001), of(60001))
    (said,) = replace(published, bucket=replace(bucket, name="nowhere"))().problems
    assert said.startswith(f"InfluxDB at {bucket.url}, bucket nowhere refused: 404 ")
    assert 'could not find bucket "nowhere"' in said


def test_a_server_that_stays_busy_is_given_up(paths: Paths, disturbed: Publisher, between: Proxy) -> None:
    asked = []
    between.up = lambda piece: (asked.append(1), http_refusal(503, "busy"))[1] if is_write(piece) else PASS
    keep(paths, of(52001), of(60001))
    (said,) = disturbed().problems
    assert said.endswith(" refused: 503 busy")
    assert len(asked) == 4
    between.up = lambda piece: PASS
    assert disturbed().outcomes == 2


def test_a_full_cache_is_said_and_made_up_for(paths: Paths, tmp_path: Path) -> None:
    small = InfluxServer(tmp_path / "small", "--storage-cache-max-memory-size=20000")
    with contextlib.ExitStack() as stack:
        stack.callback(small.stop)
        small.start()
        bucket = stack.enter_context(small.access.bucket())
        published = Publisher(paths, bucket, batch=40)
        keep(paths, *(of(number) for number in range(52000, 52100)))
        (said,) = published().problems
        assert " refused: 500 " in said
        assert "cache-max-memory-size exceeded" in said
        assert bucket.points()
        small.stop()
        small.options = ()
        small.start()
        assert published().problems == []
        assert runs(bucket) == [number for number in range(52000, 52100) for _ in "ab"]


def test_a_full_queue_is_said_and_made_up_for(paths: Paths, disturbed: Publisher, between: Proxy) -> None:
    """The server's own words where more is asked at a time than it has places for."""
    full = http_refusal(400, "queue length exceeded")
    between.up = lambda piece: full if is_question(piece) else PASS
    keep(paths, of(52001), of(60001))
    (said,) = disturbed().problems
    assert said.endswith(" refused: 400 queue length exceeded")
    between.up = lambda piece: PASS
    assert disturbed().outcomes == 2


CUTS = {
    "before anything was sent": ("up", is_write, CUT),
    "within the points": ("up", is_write, HALF),
    "after the points": ("down", lambda piece: piece.startswith(b"HTTP/1.1 204"), CUT),
    "while it is asked": ("up", is_question, HALF),
    "within its answer": ("down", lambda piece: b"_time" in piece, HALF),
}


@pytest.mark.parametrize("when", CUTS)
def test_a_connection_that_is_cut_loses_nothing_and_doubles_nothing(
    paths: Paths, disturbed: Publisher, between: Proxy, bucket: Bucket, when: str
) -> None:
    way, strikes, verdict = CUTS[when]
    keep(paths, *(of(number) for number in range(52000, 52300)), of(60001))
    disturbed.batch = 100
    left = [1, 1]  # the second time it happens
    setattr(between, way, lambda piece: verdict if strikes(piece) and (not left or (left.pop() and not left)) else PASS)
    receipt = disturbed()
    assert receipt.away
    assert [said.endswith(" does not answer: the connection was cut") for said in receipt.problems] == [True]
    between.up = between.down = lambda piece: PASS
    assert disturbed().problems == []
    assert runs(bucket) == [number for number in [*range(52000, 52300), 60001] for _ in "ab"]
    assert disturbed.verify() == []


def test_points_that_the_server_lost_without_a_word_are_counted(
    paths: Paths, disturbed: Publisher, between: Proxy
) -> None:
    between.up = lambda piece: b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n" if is_write(piece) else PASS
    keep(paths, of(52001), of(52002))
    (said,) = disturbed().problems
    assert said.endswith(": 4 of 4 points of kr83m/v1/052 did not arrive")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_server_that_dies_and_comes_back_has_everything_in_the_end(
    paths: Paths, own_influx: InfluxServer, end: str
) -> None:
    with own_influx.access.bucket() as bucket:
        published = Publisher(paths, bucket)
        keep(paths, of(52001))
        published()
        getattr(own_influx, end)()
        keep(paths, of(52002))
        assert published().away
        own_influx.start()
        assert published().outcomes == 1
        assert (runs(bucket), published.verify()) == ([52001, 52001, 52002, 52002], [])


def test_the_token_is_in_no_sentence_and_no_log(
    paths: Paths,
    disturbed: Publisher,
    between: Proxy,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    keep(paths, of(52001))
    said = []
    with caplog.at_level(logging.DEBUG):
        for verdict in (http_refusal(503, "busy"), http_refusal(400, "bad"), http_refusal(401, "who"), CUT, PASS):
            between.up = lambda piece, verdict=verdict: verdict
            said += disturbed().problems
    out, err = capfd.readouterr()
    assert len(said) == 4
    assert disturbed.bucket.token not in "".join([*said, caplog.text, out, err, repr(disturbed.store())])


# --- filling anew, comparing ------------------------------------------------------------------------------------------


def test_an_emptied_store_is_filled_from_outcomes_alone(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    keep(paths, of(52001), of(60001), outcome(key_of(5, "event_rate"), [result("c")]))
    published()
    before = bucket.points()
    with InfluxDBClient(url=bucket.url, token=bucket.token, org=bucket.org) as client:
        client.delete_api().delete("1970-01-01T00:00:00Z", "2200-01-01T00:00:00Z", "", bucket=bucket.name)
    assert bucket.points() == {}
    assert published().outcomes == 0
    assert published.rebuild().outcomes == 3
    assert bucket.points() == before


def test_every_difference_is_said(paths: Paths, published: Publisher, bucket: Bucket) -> None:
    keep(paths, of(52001), of(52002), of(52003))
    published()
    assert published.verify() == []
    place, form = f"test_kr83m,variable=a,version=v1 {FINGERPRINT}=", START
    other = f'"{"0" * 16}-{"0" * 8}"'
    bucket.write(f"{place}{other} {form + 52001}\n{place}{other} {form + 52004}")
    bucket.write(
        f"test_gone,variable=a,version=v1 {FINGERPRINT}={other} {form}\nprod_kr83m value=1 {form}\ntest_xom value=1 5"
    )
    keep(paths, of(52005, "a"))
    assert published.verify() == [
        "kr83m v1 run 052001, a: the store has another content",
        "kr83m v1 run 052004, a: the store has it, and there is no outcome of it",
        "kr83m v1 run 052005, a: the store does not have it",
        "measurement test_gone: the store has it, and there is no outcome of it",
    ]
