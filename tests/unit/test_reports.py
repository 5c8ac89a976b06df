"""The digest of a day and the report of a week, from made-up facts; the report looks as it should in a browser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from support import period
from support.factory import NOW
from xomflow.core import times
from xomflow.core.state import State
from xomflow.core.verdicts import Alarm, HowEnded, Mark, Verdict
from xomflow.reports.axes import Scale, day_ticks, value_range, value_ticks
from xomflow.reports.digest import digest_text, digest_title
from xomflow.reports.facts import Facts, Missing, Period, Remarkable
from xomflow.reports.plot import Span, apart, plot
from xomflow.reports.table import Cell, table
from xomflow.reports.week import week_page
from xomflow.reports.words import cost, how_it_stands, mark_line, number, some


@pytest.fixture(scope="module")
def facts() -> Facts:
    return period.facts()


@pytest.fixture(scope="module")
def page(facts: Facts) -> str:
    return week_page(facts, period.BEGIN)


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the tables below a heading."""
    part = page.split(f"<h2>{heading}</h2>")[1].split("<h2>")[0]
    found = re.findall(r"<tr>(.*?)</tr>", part, re.DOTALL)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in found if "<td" in row]


def test_the_report_has_what_alarmed_what_changed_and_what_is_missing(page: str) -> None:
    ((began, sentence, stands, contact),) = rows(page, "What alarmed")
    assert (began, stands, contact) == ("2026-11-20 12:00", "open", "Jane Doe")
    assert sentence.startswith("light_yield_9_4 fell from 10.24 to 9.91 PE/keV")
    assert rows(page, "What changed") == [
        ["2026-11-17 12:00", "veto run 050522", "jane: a pump was off &amp; the field too"]
    ]
    assert [row[:2] for row in rows(page, "What is missing now")] == [["failed", "1"], ["waiting", "3"]]
    assert "analyses.scada is suspended" in page


def test_the_numbers_are_those_of_the_period_by_run_mode(page: str, facts: Facts) -> None:
    values = {row[1]: row[2:] for row in rows(page, "Numbers") if len(row) == 8}
    assert list(values) == [
        *("Light yield at 9.4 keV", "Event rate", "Dead time, tpc_bkg", "Dead time, tpc_ambe"),
    ]
    points = [one for one in facts.analyses[1].series[0].points if one.start >= period.WEEK.begin]
    count, median, spread, newest, expected, deviation = values["Event rate"]
    assert count == str(len(points))
    assert float(median) == pytest.approx(3.1e-3, rel=0.02) and float(spread) > 1e-4
    assert newest.startswith(f"{points[-1].value:.4g} ± ") and newest.endswith("Hz")
    assert expected == "0.0031" and deviation == f"{points[-1].verdict.deviation:+.1f} sigma"  # type: ignore[union-attr]


def test_a_report_loads_nothing_and_runs_nothing(page: str) -> None:
    assert "<script" not in page and "http:" not in page and "https:" not in page and "url(" not in page
    assert "default-src 'none'" in page


def test_what_others_wrote_is_text(page: str, facts: Facts) -> None:
    assert "&#x27;e_ces&#x27; &lt;in&gt; the data" in page
    evil = replace(facts, site="<script>alert(1)</script>", sentences=["<b>bold</b>"])
    assert "<script>" not in week_page(evil, period.BEGIN) and "<b>bold" not in week_page(evil, period.BEGIN)


def test_a_week_without_anything_is_a_report_too() -> None:
    page = week_page(Facts("here", period.WEEK), period.BEGIN)
    assert page.count(">nothing<") == 6 and "<svg" not in page


def test_the_reports_of_few_results_are_the_kept_ones() -> None:
    assert period.golden() == {path.name: path.read_text(encoding="utf-8") for path in period.GOLDEN.iterdir()}


# --- plots ------------------------------------------------------------------------------------------------------------
def drawn(facts: Facts, alarms: list[Span]) -> ElementTree.Element:
    return ElementTree.fromstring(plot(facts.analyses[1].series[0], period.BEGIN, period.WEEK, alarms))


def of_kind(svg: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [one for one in svg.iter() if one.get("class") == kind]


def test_a_plot_has_results_errors_bands_outliers_and_alarms(facts: Facts) -> None:
    svg = drawn(facts, [Span(NOW - timedelta(days=2), None)])
    points = facts.analyses[1].series[0].points
    dots = [one.get("d", "") for one in svg.iter() if one.get("fill")]
    assert sum(text.count("M") for text in dots) == len(points)
    outside = sum(text.count("h6z") for text in dots)
    assert 0 < outside < 0.03 * len(points)
    assert of_kind(svg, "error")[0].get("d", "").count("M") == len(points) - outside
    assert len(of_kind(svg, "band")) == len(of_kind(svg, "expected")) == 1
    assert len(of_kind(svg, "mark")) == sum(bool(one.verdict and one.verdict.mark) for one in points)
    (alarm,) = of_kind(svg, "alarm")
    assert float(alarm.get("x", 0)) + float(alarm.get("width", 0)) == pytest.approx(750, abs=0.2)  # to the end
    (short,) = of_kind(drawn(facts, [Span(NOW - timedelta(days=2), NOW - timedelta(days=2))]), "alarm")
    assert short.get("width") == "2.0", "an alarm about one run is seen"


def test_a_band_is_not_drawn_over_a_long_time_without_results(facts: Facts) -> None:
    series = facts.analyses[1].series[0]
    gap = Period(NOW - timedelta(days=15), NOW - timedelta(days=8))
    parted = replace(series, points=[one for one in series.points if not gap.has(one.start)])
    svg = ElementTree.fromstring(plot(parted, period.BEGIN, period.WEEK))
    assert len(of_kind(svg, "band")) == 2


def test_modes_that_are_far_apart_have_plots_of_their_own(facts: Facts) -> None:
    deads = facts.analyses[1].series[1]
    assert [one.title for one in apart(deads)] == ["Dead time, tpc_bkg", "Dead time, tpc_ambe"]
    assert [{point.mode for point in one.points} for one in apart(deads)] == [{"tpc_bkg"}, {"tpc_ambe"}]
    assert sum(len(one.points) for one in apart(deads)) == len(deads.points)
    near = replace(deads, points=[replace(one, value=1.0 + 0.01 * (n % 7)) for n, one in enumerate(deads.points)])
    assert apart(near) == [near]
    assert apart(replace(deads, points=[])) == [replace(deads, points=[])]


def test_a_mode_has_the_same_colour_in_all_plots(facts: Facts) -> None:
    whole = facts.analyses[1].series[1]
    colours = {
        tuple(one.get("fill") for one in ElementTree.fromstring(text).iter() if one.get("fill"))
        for text in (plot(part, period.BEGIN, period.WEEK, modes=["tpc_ambe", "tpc_bkg"]) for part in apart(whole))
    }
    assert colours == {("#0072b2",), ("#d55e00",)}


def test_modes_have_colours_shapes_and_a_legend(facts: Facts) -> None:
    svg = ElementTree.fromstring(plot(facts.analyses[1].series[1], period.BEGIN, period.WEEK))
    assert {one.text for one in of_kind(svg, "legend")} == {"tpc_bkg", "tpc_ambe"}
    assert len({one.get("fill") for one in svg.iter() if one.get("fill")}) == 2
    assert len(of_kind(svg, "band")) == 2


def test_shapes_repeat_after_three_modes_and_colours_after_six() -> None:
    single = period.few_facts().analyses[0].series[1]

    def look(place: int) -> tuple[str, str]:
        modes = [*(f"mode {number}" for number in range(place)), "tpc_bkg"]
        svg = ElementTree.fromstring(plot(single, period.BEGIN, period.WEEK, modes=modes))
        (dot,) = [one for one in svg.iter() if one.get("fill")]
        return dot.get("fill", ""), re.sub(r"[^a-zA-Z]+", "", dot.get("d", ""))

    looks = [look(place) for place in range(7)]
    assert len({colour for colour, _ in looks}) == 6 and len({shape for _, shape in looks}) == 3
    assert [looks[3][1], looks[4][1], looks[5][1], looks[6]] == [looks[0][1], looks[1][1], looks[2][1], looks[0]]


def test_a_value_outside_is_an_arrow_at_its_edge() -> None:
    single = period.few_facts().analyses[0].series[1]
    (one,) = single.points
    values = [-1e6, *(10.0 + 0.01 * number for number in range(198)), 1e6]
    values[1:1] = [-1e6]
    values.append(1e6)
    later = one.start + timedelta(days=1)
    points = [replace(one, value=value, start=later if value > 1e5 else one.start) for value in values]
    text = plot(replace(single, points=points), period.BEGIN, period.WEEK)
    arrows = [(float(at) > 260.0, *rest) for at, *rest in re.findall(r"M([\d.]+) (\d+)l-3 (-?6)h6z", text)]
    assert sorted(arrows) == [(False, "184", "-6")] * 2 + [(True, "22", "6")] * 2
    exact = replace(single, points=[replace(one, error=None)])
    assert 'class="error"' not in plot(exact, period.BEGIN, period.WEEK)


def test_each_group_of_modes_has_a_band_of_its_own_and_what_is_not_judged_has_none(facts: Facts) -> None:
    series = facts.analyses[1].series[0]
    groups = ("one", "other", "")
    points = [
        replace(one, group=groups[at % 3], verdict=one.verdict if at % 3 < 2 else None)
        for at, one in enumerate(series.points)
    ]
    svg = ElementTree.fromstring(plot(replace(series, points=points), period.BEGIN, period.WEEK))
    judged = [sum(bool(one.verdict and one.verdict.low) for one in points if one.group == name) for name in groups]
    assert [one.get("d", "").count("L") + 1 for one in of_kind(svg, "expected")] == judged[:2]


def test_modes_are_together_if_a_gap_between_them_is_not_larger_than_the_widest_range() -> None:
    single = period.few_facts().analyses[0].series[1]
    (one,) = single.points

    def titles(*ranges: tuple[float, float]) -> list[str]:
        found = [replace(one, value=value, mode=f"m{place}") for place, both in enumerate(ranges) for value in both]
        return [part.title.removeprefix("Single") for part in apart(replace(single, points=found))]

    assert titles((-10.0, -9.0), (-8.0, -7.0)) == [""]
    assert titles((-10.0, -9.0), (-7.0, -6.5)) == [", m0", ", m1"]
    assert titles((0.0, 1.0), (5.0, 6.0), (1.1, 1.2), (7.0, 7.5)) == [", m0, m2", ", m1, m3"]
    assert titles((0.0, 10.0), (2.0, 3.0), (19.0, 20.0), (40.0, 41.0)) == [", m0, m1, m2", ", m3"]


def test_the_newest_deviation_is_set_apart_from_three_standard_deviations_on(facts: Facts) -> None:
    first = facts.analyses[1]
    newest = first.series[0].points[-1]
    assert newest.verdict is not None
    for deviation, is_far in ((2.95, False), (3.0, True), (-3.0, True)):
        last = replace(newest, verdict=newest.verdict._replace(deviation=deviation))
        series = replace(first.series[0], points=[last])
        page = week_page(replace(facts, analyses=[replace(first, series=[series])]), period.BEGIN)
        assert (f'<td class="n far">{deviation:+.1f} sigma</td>' in page) == is_far


def test_a_lone_outlier_does_not_flatten_the_others() -> None:
    low, high = value_range([*(10 + 0.01 * n for n in range(100)), 1e6], [])
    assert low == pytest.approx(10, abs=0.2) and high == pytest.approx(11, abs=0.2)
    assert value_range([5.0], []) == (4.75, 5.25)
    assert value_range([0.0, 0.0], []) == (-1.0, 1.0)
    assert value_range([], [1.0]) == (0.0, 1.0)


def test_one_in_a_hundred_values_may_lie_outside_at_each_end() -> None:
    def inner(number: int) -> tuple[float, float]:
        values = [-1e6, *range(number - 2), 1e6]
        low, high = value_range(values, [])
        room = (high - low) * 0.08 / 1.16
        return round(low + room), round(high - room)

    assert [inner(number) for number in (39, 99, 100)] == [(-1e6, 1e6), (-1e6, 1e6), (0, 97)]


def test_the_middle_edges_of_bands_are_to_be_seen() -> None:
    assert value_range([5.0, 6.0], [0.0, 1.0, 4.0, 5.0, 8.0, 9.0, 10.0, 20.0]) == pytest.approx((3.52, 10.48))
    assert value_range([0.0, 10.0], [4.0, 8.0]) == pytest.approx((-0.8, 10.8))


def test_ticks_are_the_round_values_and_midnights_within() -> None:
    assert value_ticks(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert value_ticks(9.9, 10.4) == [9.9, 10.0, 10.1, 10.2, 10.3, 10.4]
    assert value_ticks(0.0, 5.5) == [0.0, 2.0, 4.0]
    assert value_ticks(-30.0, 220.0) == [0.0, 50.0, 100.0, 150.0, 200.0]
    noon, day = NOW.replace(hour=12), timedelta(days=1)
    midnight = noon - timedelta(hours=12)
    assert day_ticks(noon, noon + day) == [midnight + day]
    assert day_ticks(midnight, midnight + 8 * day) == [midnight + n * day for n in range(9)]
    assert day_ticks(midnight, midnight + 9 * day) == [midnight + 2 * n * day for n in range(5)]
    assert day_ticks(noon, noon + 16 * day)[0] == midnight + 2 * day


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3e-4, 2e-4), (9.87, 10.31), (1e5, 9e5), (-1.0, 1e-9)])
def test_ticks_are_round_and_few(low: float, high: float) -> None:
    ticks = value_ticks(low, high)
    assert 2 <= len(ticks) <= 6 and all(low - 1e-12 <= one <= high + 1e-12 for one in ticks)
    assert all(len(f"{one:g}".replace("-", "")) <= 7 for one in ticks)
    days = day_ticks(NOW - timedelta(days=28), NOW)
    assert 4 <= len(days) <= 8 and all(f"{one:%H:%M}" == "00:00" for one in days)


def test_a_place_outside_is_at_the_edge() -> None:
    scale = Scale(0.0, 10.0, 100.0, 0.0)
    assert [scale(value) for value in (-5.0, 0.0, 2.5, 20.0)] == [100.0, 100.0, 75.0, 0.0]
    assert [scale.has(value) for value in (-0.1, 0.0, 10.0, 10.1)] == [False, True, True, False]
    assert Scale(0.0, 30.0, 0.0, 10.0)(10.0) == 3.3


def test_of_very_many_rows_a_table_has_the_first_hundred() -> None:
    whole = table(("a", "#b"), [[str(number), Cell("x", "far")] for number in range(100)])
    assert (whole.count("<tr>"), "more" in whole) == (101, False)
    assert whole.startswith('<table><thead><tr><th>a</th><th class="n">b</th></tr></thead>\n<tbody>\n<tr><td>0</td>')
    cut = table(("a", "b"), [[str(number), Cell("x", "")] for number in range(1101)])
    assert (cut.count("<tr>"), cut.endswith('</table><p class="none">and 1,001 more</p>')) == (101, True)
    with pytest.raises(ValueError, match="longer"):
        table(("a", "b"), [["0"]])


def test_a_period_has_its_begin_and_not_its_end() -> None:
    begin, end = period.WEEK.begin, period.WEEK.end
    assert [period.WEEK.has(one) for one in (None, begin, end)] == [False, True, False]


def test_what_the_report_counts_is_marked_where_it_is_bad(facts: Facts) -> None:
    def counts(alarms: Sequence[Alarm], missing: Sequence[Missing]) -> dict[str, tuple[str, str]]:
        page = week_page(replace(facts, alarms=alarms, missing=missing), period.BEGIN)
        found = re.findall(r"<div class='(\w+)'><b>([\d,]+)</b>([^<]+)</div>", page)
        return {words: (number, kind) for kind, number, words in found}

    over = replace(facts.alarms[0], ended=facts.alarms[0].began)
    bad, none = counts([*facts.alarms, over, over], facts.missing), counts([], [])
    names = ("alarms began", "alarms go on", "failed now", "wait for data now")
    assert [bad[name] for name in names] == [("3", "bad"), ("1", "bad"), ("1", "bad"), ("3", "good")]
    assert {none[name] for name in names} == {("0", "good")}


def test_outliers_are_counted_apart_from_other_marks(facts: Facts) -> None:
    outlier = next(one for one in facts.marks if one.verdict.mark is Mark.OUTLIER)
    other = replace(outlier, verdict=outlier.verdict._replace(mark=Mark.MUTED))
    page = week_page(replace(facts, marks=[outlier, outlier, outlier, other]), period.BEGIN)
    assert "<b>3</b>outliers" in page


def test_two_values_have_a_spread_and_work_without_failures_is_listed(facts: Facts) -> None:
    first = facts.analyses[1]
    series = replace(first.series[0], points=first.series[0].points[-2:])
    two = replace(facts, analyses=[replace(first, series=[series], done=1, failed=0)])
    (row,) = (row for row in rows(week_page(two, period.BEGIN), "Numbers") if row[1] == "Event rate")
    assert row[2] == "2" and float(row[4]) > 0
    assert "- Event rate: 1 runs done" in digest_text(two).splitlines()


def test_numbers_are_short_and_cost_is_in_hours_from_a_tenth_on() -> None:
    assert [number(value) for value in (None, 0.0, 12345.6)] == ["-", "0", "1.235e+04"]
    assert [cost(seconds) for seconds in (0.0, 359.0, 360.0)] == ["0 CPU seconds", "359 CPU seconds", "0.1 CPU hours"]
    assert [list(some("abcd", most)) for most in (3, 4)] == [["a", "b", "c", "... and 1 more"], list("abcd")]
    for how, words in ((HowEnded.GOES_ON, "it is over"), (HowEnded.ONE_RUN, "one bad run")):
        over = replace(period.few_facts().alarms[0], how_ended=how, reason="")
        assert how_it_stands(over) == f"ended 2026-11-21 12:00: {words}"


# --- the digest -------------------------------------------------------------------------------------------------------
def test_the_digest_has_marks_failures_what_waits_and_the_cost(facts: Facts) -> None:
    text = digest_text(facts)
    parts = [line for line in text.splitlines() if line and not line.startswith("- ")]
    assert parts == [
        "The day until 2026-11-22 12:00 UTC",
        "Alarms",
        "Waits for a person, and what is wrong",
        "Outliers and bad runs",
        "Failed",
        "Waiting",
        "What changed",
        "Done",
        "Cost: 26.4 CPU hours",
        "1003 ticks ended; the longest time without one was 1.5 h",
    ]
    assert re.search(r"- event_rate rate, run 05\d{4}: 0.0049 Hz, expected 0.0031 \(\+9.0 sigma, outlier\)", text)
    assert "- kr83m waiting: 3 runs, such as 050733: event_info is not at this site" in text
    only = replace(facts, analyses=facts.analyses[1:2])
    own = f"- Event rate: {cost(91_000.0)}"
    assert [own in digest_text(one) for one in (facts, only)] == [True, False], "the cost of one is that of all"
    assert digest_title(facts).endswith("173 results of runs, 1 alarms, 1 outliers, 1 failed runs")


def test_a_quiet_day_is_short() -> None:
    quiet = Facts("here", period.WEEK, ticks=144, gap_s=600)
    assert digest_text(quiet).splitlines()[2:] == [
        *("Done", "- no run", "", "Cost: 0 CPU seconds", ""),
        "144 ticks ended; the longest time without one was 10 min",
    ]


def test_of_many_lines_the_digest_has_the_first(facts: Facts) -> None:
    many = [Missing(State.FAILED, 1, f"analysis_{n}", "050001", "raised") for n in range(40)]
    assert digest_text(replace(facts, ticks=3, gap_s=0.0)).endswith("\n3 ticks ended")
    text = digest_text(replace(facts, missing=many))
    assert text.count("failed: run") == 15 and "- ... and 25 more" in text


def test_a_mark_without_a_unit_has_none() -> None:
    verdict = Verdict("052001", "2026-11-20T12:00:00Z", 2.0, 1.0, 0.9, 1.1, 5.0, Mark.OUTLIER)
    words = [mark_line(Remarkable("kr83m", "share", unit, verdict)) for unit in ("", "Hz")]
    assert words == [f"kr83m share, run 052001: 2{unit}, expected 1 (+5.0 sigma, outlier)" for unit in ("", " Hz")]


def test_an_alarm_that_is_over_has_its_reason(facts: Facts) -> None:
    over = replace(
        facts.alarms[0], ended=times.text(NOW), how_ended=HowEnded.EXPECTED, reason="jane: the source was replaced"
    )
    text = digest_text(replace(facts, alarms=[over]))
    assert "[ended 2026-11-22 12:00: the change was intended (jane: the source was replaced)]" in text
