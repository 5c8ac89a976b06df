"""The page in a real browser, from disk and from a server."""

import contextlib
import functools
import http.server
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from page_browser import chromium, visit
from page_outcomes import campaign, iso, outcome, png, result, status, write_page

from xomflow.core.state import State

if chromium() is None and os.environ.get("CI") != "true":
    pytest.skip("no Chromium on PATH (Debian: apt-get install chromium; or set XOM_CHROMIUM)", allow_module_level=True)

NOW = datetime.now(UTC).replace(microsecond=0)
MARKUP = "<img src=x onerror=\"faults.push('markup ran')\"><script>faults.push('script ran')</script></script>'\\"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a page goes, with room for figures beside it."""
    return tmp_path / "page"


def attention(run: str, state: str, reason: str = "a reason", **changes: Any) -> dict[str, Any]:
    made = {"analysis": "event_rate", "version": "v1", "run": run, "state": state, "reason": reason, "since": iso(NOW)}
    return {**made, "attempt": None, "next_try": None, "log": None, **changes}


def add_figure(folder: Path, name: str) -> None:
    place = folder.parent / "figures/event_rate/v1/052" / name
    place.parent.mkdir(parents=True)
    place.write_bytes(png())


@contextlib.contextmanager
def serving(handler: Callable[..., http.server.SimpleHTTPRequestHandler]) -> Iterator[str]:
    """Give the address of a plain web server on the loopback."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_every_panel_draws_its_points(folder: Path) -> None:
    write_page(folder, campaign(NOW), status(NOW))
    panels = visit(
        folder,
        """for (const panel of $$(".panel")) { panel.scrollIntoView(); await until(() => panel.dataset.drawn); }
        const style = getComputedStyle(document.documentElement);
        const hues = [0, 1].map(hue => style.getPropertyValue(`--hue-${hue}`));
        const ink = panel => Math.max(...hues.map(hue => pixels($("canvas", panel), hue)));
        const facts = p => [p.dataset.variable, +p.dataset.points, +p.dataset.drawn];
        return $$(".panel").map(p => [...facts(p), ink(p)]);""",
    )
    assert [name for name, *_ in panels] == [
        *("rate", "rate_1_30_kev", "rate_above_1_mev"),
        *("light_yield_9_4", "light_yield_32_2", "charge_yield_41_5", "n_selected"),
    ]
    assert all(points == drawn > 0 for _, points, drawn, _ in panels)
    assert all(pixels > 5 * points for _, points, _, pixels in panels)


def test_page_works_the_same_from_a_server(folder: Path) -> None:
    write_page(folder, campaign(NOW), status(NOW))
    count = "return [$$('.panel').length, $('.panel').dataset.drawn]"
    with serving(functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder.parent))) as address:
        assert visit(folder, count, f"{address}/page") == visit(folder, count) == [7, "90"]


def test_states_are_counted_per_analysis(folder: Path) -> None:
    counts = {
        "event_rate": {"version": "v1", "states": {"done": 12345, "gave up": 2, "waiting": 3}},
        "kr83m": {"version": "v2", "states": {"failed": 1}},
    }
    write_page(folder, [], status(NOW, counts=counts))
    heads, table = visit(
        folder,
        """const counts = row => $$("td[data-state]", row).filter(cell => cell.dataset.count !== "0");
        const told = row => Object.fromEntries(counts(row).map(cell => [cell.dataset.state, cell.textContent]));
        const heads = $$(".states th.number").map(head => [head.textContent, head.title]);
        return [heads, $$(".states tbody tr").map(row => [row.dataset.analysis, told(row)])];""",
    )
    order = sorted(State, key=lambda state: (state.urgency, -list(State).index(state)))
    assert heads == [[state, state.meaning] for state in order] + [["all", ""]]
    assert table == [
        ["event_rate", {"done": "12,345", "gave up": "2", "waiting": "3", "all": "12,350"}],
        ["kr83m", {"failed": "1", "all": "1"}],
    ]


def test_markup_in_any_text_is_shown_literally(folder: Path) -> None:
    made = outcome(
        results=[result(MARKUP, None, insufficient=MARKUP), result("__proto__", unit=MARKUP)],
        run={"tags": [MARKUP], "comments": [MARKUP], "mode": MARKUP, "source": MARKUP},
        message=MARKUP,
    )
    told = status(
        NOW,
        attention=[attention("052894", "failed", MARKUP, log=MARKUP)],
        problems=[MARKUP],
        decisions=[MARKUP],
        titles={"event_rate": {"title": MARKUP, "documentation": MARKUP}},
        science_runs=[{"name": MARKUP, "start": iso(NOW - timedelta(days=1)), "end": None}],
        counts={"event_rate": {"version": MARKUP, "states": {"done": 1, MARKUP: 1}}},
    )
    write_page(folder, [made], told)
    seen = visit(
        folder,
        """await until(() => $("dialog").open);
        const texts = selector => $$(selector).map(node => node.textContent);
        return { chips: texts("dialog .chip"), why: texts(".why p:first-child"), problems: texts(".problems li"),
                 decisions: texts(".decisions li"),
                 panels: $$(".panel").map(p => p.dataset.variable), made: $$("img, body script").length };""",
        fragment="#run=052894&analysis=event_rate",
    )
    assert seen == {
        "chips": [MARKUP],
        "why": [MARKUP],
        "problems": [MARKUP],
        "decisions": [MARKUP],
        "panels": [MARKUP, "__proto__"],
        "made": 0,
    }


@pytest.mark.parametrize("name", ["052894.overview.png", "052894/overview.png"], ids=["own", "of_layout_1"])
def test_address_opens_the_figure_of_a_run(folder: Path, name: str) -> None:
    write_page(folder, [outcome(52893), outcome(figures=["overview.png"])], status(NOW))
    add_figure(folder, name)
    seen = visit(
        folder,
        """await until(() => $("figure[data-loaded]"));
        const address = $("figure img").getAttribute("src");
        return [$("dialog").open, $("figure").dataset, address, $("#details-title").textContent];""",
        fragment="#run=052894&analysis=event_rate&variable=rate",
    )
    address = f"../figures/event_rate/v1/052/{name}"
    assert seen == [True, {"figure": "overview.png", "loaded": "yes"}, address, "Run 052894 event_rate · v1"]


def test_figure_that_is_not_there_is_told(folder: Path) -> None:
    # The browser itself reports a file that it cannot load from a server, not from disk.
    write_page(folder, [outcome(figures=["overview.png"])], status(NOW))
    script = """await until(() => $("figure[data-loaded]")); return $("figure").textContent;"""
    assert "is not where it should be" in visit(folder, script, fragment="#run=052894&analysis=event_rate")


def test_address_of_an_unknown_run_says_so(folder: Path) -> None:
    write_page(folder, [outcome()], status(NOW))
    script = """await until(() => $("dialog").open); return $("dialog").textContent;"""
    assert "no result of event_rate for run 052899" in visit(folder, script, fragment="#run=052899&analysis=event_rate")


POINTER = """
function move(node, type, x, y) {
  const how = { clientX: x, clientY: y, movementX: 5, bubbles: true, view: window };
  node.dispatchEvent(new MouseEvent(type, how));
}
function place(panel, fx, fy) {
  const box = $(".u-over", panel).getBoundingClientRect();
  return [box.left + fx * box.width, box.top + fy * box.height];
}
"""


def test_pointer_finds_the_nearest_point_in_x_and_y(folder: Path) -> None:
    """Two versions at the same time, far apart in y: the height of the pointer decides."""
    low = outcome(results=[result(value=1.0)])
    high = outcome(results=[result(value=9.0)], key={"version": "v2"})
    write_page(folder, [low, high], status(NOW))
    script = (
        POINTER
        + """
        const panel = $(".panel"), over = $(".u-over", panel), seen = [];
        for (const height of [0.12, 0.88]) {
          const [x, y] = place(panel, 0.5, height);
          move(over, "mouseenter", x, y); move(over, "mousemove", x, y);
          await pause(100);
          seen.push([$("#tip").hidden, ...$$("#tip > *").map(node => node.textContent)]);
        }
        return seen;"""
    )
    start = low["run"]["start"].replace("T", " ").removesuffix("Z")
    run = "run 052894 · background_stable · n = 100"
    assert visit(folder, script, fragment="#versions=all") == [
        [False, "(9.00 ± 0.10) Hz", run, f"{start} UTC · v2", "click: details"],
        [False, "(1.00 ± 0.10) Hz", run, f"{start} UTC · v1", "click: details"],
    ]


def test_click_on_a_point_opens_its_run_and_names_it_in_the_address(folder: Path) -> None:
    write_page(folder, [outcome()], status(NOW))
    script = (
        POINTER
        + """
        const over = $(".u-over"), at = place($(".panel"), 0.5, 0.5);
        for (const type of ["mouseenter", "mousemove", "mousedown", "mouseup", "click"]) move(over, type, ...at);
        await until(() => $("dialog").open);
        const opened = location.hash;
        $("dialog").close();
        await until(() => !location.hash);
        return [opened, location.hash];"""
    )
    assert visit(folder, script) == ["#run=052894&analysis=event_rate&variable=rate&version=v1", ""]


def test_zoom_is_shared_and_double_click_resets_it(folder: Path) -> None:
    write_page(folder, campaign(NOW), status(NOW))
    script = (
        POINTER
        + """
        const panels = $$(".panel"), over = $(".u-over", panels[0]);
        const drawn = () => panels.slice(0, 2).map(p => +p.dataset.drawn);
        const before = drawn(), from = place(panels[0], 0.25, 0.5), to = place(panels[0], 0.5, 0.5);
        const drag = { mouseenter: from, mousemove: from, mousedown: from };
        for (const [type, at] of [...Object.entries(drag), ["mousemove", to], ["mouseup", to]]) {
          move(type === "mouseup" ? document : over, type, ...at);
          await pause();
        }
        await until(() => !$("#unzoom").hidden);
        await pause(100);
        const zoomed = drawn();
        move(over, "dblclick", ...to);
        await until(() => $("#unzoom").hidden);
        await pause(100);
        return { before, zoomed, after: drawn() };"""
    )
    seen = visit(folder, script)
    assert seen["before"] == seen["after"] == [90, 90]
    assert seen["zoomed"][0] == seen["zoomed"][1] and 15 < seen["zoomed"][0] < 35


def test_newest_version_is_shown_and_all_versions_on_request(folder: Path) -> None:
    outcomes = [outcome(key={"version": version}) for version in ("v9", "v10", "v2")]
    write_page(folder, outcomes, status(NOW))
    script = """
        const keys = () => $$(".panel .key").slice(-3).map(node => node.textContent).filter(text => /^v/.test(text));
        const newest = keys(), select = $("#filter-version");
        select.value = "all";
        select.dispatchEvent(new Event("change"));
        await until(() => keys().length > 1);
        return [newest, keys(), $(".panel").dataset.points];"""
    assert visit(folder, script) == [["v10"], ["v10", "v9", "v2"], "3"]


@pytest.mark.parametrize(
    ("fragment", "points"),
    [
        ("", "4"),
        ("#mode=tpc_kr83m", "1"),
        ("#range=day", "1"),
        ("#range=week", "2"),
        ("#range=month", "3"),
        ("#sr=SR0", "1"),
    ],
)
def test_filters_choose_the_runs(folder: Path, fragment: str, points: str) -> None:
    ages = {52890: 90, 52891: 20, 52892: 5, 52893: 0.5}
    outcomes = [
        outcome(run, start=NOW - timedelta(days=age), run={"mode": "tpc_kr83m" if run == 52891 else "background"})
        for run, age in ages.items()
    ]
    bands = [{"name": "SR0", "start": iso(NOW - timedelta(days=100)), "end": iso(NOW - timedelta(days=50))}]
    write_page(folder, outcomes, status(NOW, science_runs=bands))
    assert visit(folder, "return $('.panel').dataset.points", fragment=fragment) == points


def test_science_runs_are_shaded_over_their_time(folder: Path) -> None:
    outcomes = [outcome(52800 + age, start=NOW - timedelta(days=age)) for age in range(0, 101, 10)]
    bands = [
        {"name": "SR0", "start": iso(NOW - timedelta(days=100)), "end": iso(NOW - timedelta(days=60))},
        {"name": "SR1", "start": iso(NOW - timedelta(days=30)), "end": None},
    ]
    write_page(folder, outcomes, status(NOW, science_runs=bands))
    shares = visit(
        folder,
        """const canvas = $("canvas");
        const [box, over] = [canvas, $(".u-over")].map(node => node.getBoundingClientRect());
        const scale = canvas.width / box.width, pixels = place => Math.round(place * scale);
        const area = [over.left - box.left, over.top - box.top, over.width, over.height].map(pixels);
        const { data, width } = canvas.getContext("2d").getImageData(...area);
        const shaded = (from, to) => {
          let count = 0, all = 0;
          for (let i = 0; i < data.length / 4; i++) {
            const x = (i % width) / width;
            if (x < from || x > to) continue;
            all++;
            if (data[4 * i + 3] > 5) count++;
          }
          return count / all;
        };
        return [[0.05, 0.38], [0.42, 0.68], [0.72, 1]].map(([from, to]) => shaded(from, to));""",
    )
    assert [share > 0.95 for share in shares] == [True, False, True]
    assert shares[1] < 0.2


def test_limits_in_view_are_lines_over_the_whole_width(folder: Path) -> None:
    outcomes = [outcome(52800 + age, start=NOW - timedelta(days=age)) for age in range(3)]  # 1.0 +- 0.1
    limits = {"rate": {"warn_low": 0.95, "error_high": 1.05, "error_low": 0.2}, "other": {"warn_low": 1.0}}
    titles = {"event_rate": {"title": "", "documentation": "", "limits": limits}}
    write_page(folder, outcomes, status(NOW, titles=titles))
    drawn, rows = visit(
        folder,
        """const canvas = $("canvas");
        const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const style = getComputedStyle(document.documentElement);
        const coloured = name => {
          probe.fillStyle = style.getPropertyValue(name).trim();
          probe.fillRect(0, 0, 1, 1);
          const wanted = probe.getImageData(0, 0, 1, 1).data;
          const count = y => Array.from({ length: width }, (_, x) => 4 * (y * width + x))
            .filter(at => [0, 1, 2].every(i => Math.abs(data[at + i] - wanted[i]) < 3) && data[at + 3] > 200).length;
          return Array.from({ length: height }, (_, y) => count(y)).filter(found => found > width / 4).length;
        };
        return [$(".panel").dataset.limits, ["--warn-line", "--error-line"].map(coloured)];""",
    )
    assert drawn == "2"
    assert rows == [1, 1]


@pytest.mark.parametrize(
    ("age", "hint", "warned"),
    [(0.2, None, False), (2.8, None, False), (3.2, None, True), (1.5, 900, True), (-1, None, True)],
)
def test_old_page_says_that_it_is_old(folder: Path, age: float, hint: float | None, warned: bool) -> None:
    written = datetime.now(UTC) - timedelta(hours=age)  # not NOW: the browser's clock has gone on since
    tick = {"id": "a", "started": iso(written), "ended": iso(written), "interval_hint_s": hint}
    write_page(folder, [outcome()], status(written, tick=tick))
    assert visit(folder, "return [$('#freshness').dataset.level, $$('.banner').length]") == [
        "late" if warned else "fresh",
        1 if warned else 0,
    ]


def test_page_without_any_result_is_friendly(folder: Path) -> None:
    write_page(folder, [], status(NOW))
    seen = visit(folder, "return [$('#panels h3').textContent, $('#attention-body').textContent, $$('.banner').length]")
    assert seen == ["No results yet", "Nothing waits, nothing failed.", 0]


def test_long_attention_list_is_cut_and_filtered(folder: Path) -> None:
    entries = [attention(f"{52000 + i:06d}", "waiting") for i in range(3000)]
    entries += [attention("052999", "gave up", "killed by signal 9", attempt=5)]
    write_page(folder, [], status(NOW, attention=entries))
    script = """
        const shown = () => $$(".attention li").map(node => node.dataset.run);
        const first = shown();
        $(".more button").click();
        const more = shown().length, search = $("#attention input");
        search.value = "signal 9";
        search.dispatchEvent(new Event("input"));
        return [first.length, first[0], more, shown(), $("#attention-count").textContent];"""
    assert visit(folder, script) == [6, "052999", 206, ["052999"], "1"]


def test_limits_and_runs_without_a_number_are_drawn(folder: Path) -> None:
    """Each kind of point puts its own ink on the canvas."""
    script = """const blue = getComputedStyle(document.documentElement).getPropertyValue("--hue-0");
        return [$(".panel").dataset.drawn, pixels($(".panel canvas"), blue)];"""
    kinds = {
        "plain": result(error=None),
        "upper": result(error=None, limit="upper"),
        "lower": result(error=None, limit="lower"),
        "none": result(value=None, error=None, insufficient="2 events"),
    }
    seen = {}
    for name, kind in kinds.items():
        write_page(folder / name, [outcome(results=[kind])], status(NOW))
        seen[name] = visit(folder / name, script)
    assert all(drawn == "1" and ink > 0 for drawn, ink in seen.values()), seen
    assert seen["none"][1] < seen["plain"][1], "a run without a number is hollow"


def test_arrow_keys_step_through_the_runs(folder: Path) -> None:
    write_page(
        folder, [outcome(52890 + i, start=NOW + timedelta(days=i)) for i in range(3)], status(NOW + timedelta(days=2))
    )
    script = """
        const panel = $(".panel"), seen = [];
        panel.focus();
        for (const key of ["ArrowLeft", "ArrowLeft", "Home"]) {
          panel.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
          seen.push($$("#tip > *")[1].textContent.slice(4, 10));
        }
        panel.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
        return [seen, $("#details-title").textContent];"""
    seen = visit(folder, script)
    assert seen == [["052892", "052891", "052890"], "Run 052890 event_rate · v1"]


def test_chunk_that_cannot_be_read_is_told(folder: Path) -> None:
    write_page(folder, [outcome(), outcome(53001)], status(NOW))
    (folder / "data/event_rate/v1/053.js").write_text("// nothing here\n")
    seen = visit(folder, "return [$('.panel').dataset.points, $$('.banner').map(node => node.textContent)]")
    assert seen == ["1", ["1 part of the results could not be read: event_rate/v1/053."]]


def test_open_page_takes_up_what_later_ticks_write(tmp_path: Path) -> None:
    """The server hands out the second tick's files from the second request on; the page is not reloaded."""
    write_page(tmp_path / "first", [outcome(52893)], status(NOW))
    later = NOW + timedelta(minutes=1)
    write_page(tmp_path / "second", [outcome(52893), outcome(start=later, results=[result(value=7.0)])], status(later))
    asked: list[str] = []

    class TwoTicks(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            name = path.partition("?")[0]
            asked.append(name)
            tick = "second" if max(asked.count("/data/index.js"), asked.count("/data/status.js")) > 1 else "first"
            return str(tmp_path / tick) + name

    script = """
        const told = () => [$(".panel").dataset.points, $(".panel .latest strong").textContent];
        const before = told();
        await pause(130000);
        return [before, told()];"""
    with serving(TwoTicks) as address:
        assert visit(tmp_path / "first", script, address, seconds=200) == [["1", "1.00 ± 0.10"], ["2", "7.00 ± 0.10"]]


@pytest.mark.parametrize(
    ("value", "error", "unit", "words"),
    [
        (10.53, 0.12, "PE/keV", "10.53 ± 0.12"),
        (0.000764, 0.000038, "1", "(7.64 ± 0.38) × 10⁻⁴"),
        (0.000764, 0.000038, "Hz", "(7.64 ± 0.38) × 10⁻⁴"),
    ],
)
def test_heading_of_a_panel_has_the_newest_value_whole(
    folder: Path, value: float, error: float, unit: str, words: str
) -> None:
    write_page(folder, [outcome(results=[result(value=value, error=error, unit=unit)])], status(NOW))
    assert visit(folder, "return $('.panel .latest strong').textContent") == words


def test_figures_of_a_group_of_runs_lie_under_its_own_id(folder: Path) -> None:
    group = outcome(key={"run": "052894-3f2a"}, figures=["overview.png"])
    write_page(folder, [group], status(NOW))
    add_figure(folder, "052894-3f2a.overview.png")
    script = "return [$('#details').hidden, $('.figures a').getAttribute('href')]"
    seen = visit(folder, script, fragment="#run=052894&analysis=event_rate&variable=rate&version=v1")
    assert seen == [False, "../figures/event_rate/v1/052/052894-3f2a.overview.png"]


def test_narrow_window_needs_no_sideways_scrolling(folder: Path) -> None:
    write_page(
        folder, campaign(NOW), status(NOW, attention=[attention("052894", "failed", "x" * 300)], problems=["y" * 300])
    )
    script = """
        document.documentElement.style.width = "390px";
        await pause(300);
        const outside = node => node.getBoundingClientRect().right > 391 && !node.closest(".uplot");
        return $$("main *").filter(outside).length;"""
    assert visit(folder, script) == 0
