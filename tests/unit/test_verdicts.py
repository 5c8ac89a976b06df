"""The shared form of verdicts and alarms, and the files in which they are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from support.verdicts import bands_text, read_verdicts
from xomflow.core.paths import Paths
from xomflow.core.verdicts import Alarm, AlarmState, HowEnded, Kind, Mark, SeriesId, Verdict, read_alarms, read_bands
from xomlib.files import dump_json, write_atomically

YIELD = SeriesId("kr83m", "v1", "all", "light_yield")
WIDTH = SeriesId("kr83m", "v1", "calibration", "resolution")
ALARM = Alarm(
    id="kr83m-052894",
    kind=Kind.STEP,
    series=(YIELD, WIDTH),
    first_run="052894",
    began="2026-11-01T00:00:00Z",
    noticed_run="052897",
    sentence="light_yield fell",
    before=10.24,
    after=9.91,
    sigma=-4.9,
)


def test_an_alarm_is_read_as_it_was_written(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    dump_json(paths.alarms, [ALARM.to_json()])
    assert read_alarms(paths) == [ALARM]
    assert isinstance(read_alarms(paths)[0].main, SeriesId)


def test_verdicts_are_read_by_series_over_all_shelves(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    early = Verdict("052894", "2026-11-01T00:00:00Z", 10.2)
    late = Verdict("053001", "2026-11-09T00:00:00Z", 9.1, 10.2, 9.9, 10.5, -11.0, Mark.OUTLIER, False)
    for shelf, one in (("053", late), ("052", early)):
        write_atomically(paths.bands("kr83m", "v1", shelf), bands_text({YIELD: [one], WIDTH: [one]}))
    assert read_verdicts(paths, YIELD) == [early, late]
    assert read_bands(paths, "kr83m", "v1", "053") == {YIELD: [late], WIDTH: [late]}
    assert read_verdicts(paths, YIELD)[1].mark is Mark.OUTLIER


def test_damaged_files_count_as_none(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    dump_json(paths.alarms, [{"id": "x"}])
    assert read_alarms(paths) == []
    write_atomically(paths.bands("kr83m", "v1", "052"), b"\xff\n")
    assert read_bands(paths, "kr83m", "v1", "052") == {}


def test_a_line_that_is_not_written_to_its_end_costs_only_its_run(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    verdicts = [Verdict(f"{run:06d}", "2026-11-01T00:00:00Z", 10.2) for run in (52894, 52895)]
    text = bands_text({YIELD: verdicts})
    for damaged, left in (
        (text[:-20], verdicts[:1]),
        (text[:20] + text[text.index("\n") :], verdicts[1:]),
        ("[" * 100_000 + "\n" + text, verdicts),
        ("{}\n[1, 2, 3, 4]\n" + text, verdicts),
    ):
        write_atomically(paths.bands("kr83m", "v1", "052"), damaged)
        assert read_bands(paths, "kr83m", "v1", "052") == {YIELD: left}


def test_an_alarm_needs_a_reason_until_a_person_gives_one() -> None:
    accepted = replace(ALARM, state=AlarmState.ENDED, how_ended=HowEnded.UNEXPLAINED)
    returned = replace(ALARM, state=AlarmState.ENDED, how_ended=HowEnded.RETURNED)
    known = replace(ALARM, state=AlarmState.ACKNOWLEDGED)
    explained = replace(accepted, reason="ann: the new PMT voltage")
    assert [one.needs_reason for one in (ALARM, accepted)] == [True, True]
    assert [one.needs_reason for one in (returned, known, explained)] == [False, False, False]
    assert json.loads(json.dumps(accepted.to_json()))["how_ended"] == "accepted unexplained"
