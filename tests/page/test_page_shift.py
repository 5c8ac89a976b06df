"""The page as a shifter uses it, in a real browser: what is wrong, since when, how sure, whom to ask."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from page_browser import chromium, visit
from page_outcomes import campaign, iso, outcome, result, status, write_page
from page_sites import SHELF, write_site

from xomflow import page
from xomflow.core.paths import ROOT

if chromium() is None and os.environ.get("CI") != "true":
    pytest.skip("no Chromium on PATH (Debian: apt-get install chromium; or set XOM_CHROMIUM)", allow_module_level=True)

NOW = datetime.now(UTC).replace(microsecond=0)
AXE = ROOT / "work/node/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A planted site with one open alarm; tests only look at it."""
    folder = tmp_path_factory.mktemp("site") / "page"
    write_site(folder, NOW, 90, 4, 6)
    return folder


def test_overview_has_a_tile_for_each_analysis_the_worst_first(site: Path) -> None:
    levels, lines, headline = visit(
        site,
        """const tiles = $$(".tile");
        const lines = $$("li", tiles[0]).map(line => [line.dataset.variable, $(".sigma", line).className]);
        const headline = $$("#headline a").map(node => node.textContent);
        return [tiles.map(one => [one.dataset.analysis, one.dataset.level]), lines, headline];""",
    )
    assert levels[0] == ["analysis_00", "alarm"]
    assert sorted(levels)[1] == ["analysis_01", "normal"]
    assert lines == [["variable_00", "sigma far"], ["variable_01", "sigma near"]]
    assert headline[0] == "1 open alarm"


def test_alarm_has_what_since_when_how_sure_and_whom_to_ask(site: Path) -> None:
    cards, facts = visit(
        site,
        """const cards = $$(".alarm[data-alarm]");
        const facts = $$("dl div", cards[0]).map(one => [$("dt", one).textContent, $("dd", one).textContent]);
        return [cards.map(one => [one.dataset.alarm, $(".sentence", one).textContent]), facts];""",
    )
    [[name, sentence]] = cards
    told = dict(facts)
    assert name == "step-1" and sentence.startswith("variable_00 fell from 10.00 to 9.40 PE/keV")
    assert " UTC (" in told["since"] and "run 0520" in told["since"]
    assert (told["how sure"], told["ask"]) == ("5.9 σ", "jane@example.org")


def test_a_history_that_is_being_learned_and_where_bands_begin_are_stated(tmp_path: Path) -> None:
    sentence = "kr83m v1: its history is being learned, 20 of 60000 runs so far"
    write_page(tmp_path / "page", [outcome(52001)], status(NOW, learning=[sentence], minimum=10))
    seen = visit(tmp_path / "page", """return [$("#alarms").textContent, $("#foot").textContent];""")
    assert seen[0] == sentence
    assert "Bands begin after 10 results of a run mode." in seen[1]


def test_alarm_leads_to_its_panel(site: Path) -> None:
    seen = visit(
        site,
        """$(".alarm .links button").click();
        await until(() => document.activeElement.dataset.drawn);
        const { analysis, variable } = document.activeElement.dataset;
        return [analysis, variable, $(".panel-alarm", document.activeElement).textContent.slice(0, 10)];""",
    )
    assert seen == ["analysis_00", "variable_00", "step since"]


def test_changes_are_listed_the_newest_first(site: Path) -> None:
    kinds = visit(site, 'return $$(".changes li").map(one => one.dataset.kind)')
    assert kinds == ["decision", "step", "end", "step", "version"]


def test_only_main_variables_are_open_and_loaded(site: Path) -> None:
    """Folded panels neither load nor draw anything until they are unfolded."""
    folded, drawn = visit(
        site,
        """const further = $(".group .more"), inside = $$(".panel", further);
        const before = [further.open, inside.length, inside.filter(one => one.dataset.drawn).length];
        further.open = true;
        $(".panel", further).scrollIntoView({ behavior: "instant" });
        await until(() => $(".panel", further).dataset.drawn);
        return [before, $(".panel", further).dataset.drawn];""",
    )
    assert (folded, drawn) == ([False, 4, 0], "90")


def test_expected_band_and_alarm_are_drawn(site: Path, tmp_path: Path) -> None:
    """They put ink where the same page without them has none."""
    plain = tmp_path / "page"
    shutil.copytree(site, plain)
    for file in plain.glob("data/*/*/*.bands.js"):
        file.unlink()
    script = """const panel = $(".panel"), canvas = $("canvas", panel);
        panel.scrollIntoView({ behavior: "instant" });
        await until(() => panel.dataset.drawn);
        const { data } = copyOf(canvas);
        let ink = 0;
        for (let i = 3; i < data.length; i += 4) if (data[i] > 0) ink++;
        const red = getComputedStyle(document.documentElement).getPropertyValue("--error-line");
        return [ink, pixels(canvas, red)];"""
    page.write_index(plain, [(f"analysis_0{a}", "v1", SHELF) for a in range(4)])
    page.write_alarms(plain, [])
    with_bands, without = visit(site, script), visit(plain, script)
    assert with_bands[0] > without[0] + 3000
    assert with_bands[1] > 100 and with_bands[1] > 3 * max(without[1], 1)


def test_modes_far_apart_have_scales_of_their_own(site: Path) -> None:
    seen = visit(
        site,
        """const facts = [];
        for (const analysis of ["analysis_00", "analysis_01"]) {
          const panel = $(`.panel[data-analysis=${analysis}]`);
          panel.scrollIntoView({ behavior: "instant" });
          await until(() => panel.dataset.drawn);
          facts.push([panel.dataset.lanes, $$(".key .swatch", panel).map(one => one.className)]);
        }
        return facts;""",
    )
    looks = ["swatch circle hue-0", "swatch square hue-1"]
    assert seen == [["1", looks], ["2", looks]]


def test_poor_quality_looks_poor(tmp_path: Path) -> None:
    """A cross has less ink than a dot, and the newest result has the word."""
    seen = {}
    for quality in ("good", "poor"):
        folder = tmp_path / quality / "page"
        made = [outcome(results=[result(error=None, data={"quality": quality, "quality_reason": "misfit"})])]
        write_page(folder, made, status(NOW))
        script = """const blue = getComputedStyle(document.documentElement).getPropertyValue("--hue-0");
            return [pixels($(".panel canvas"), blue), $$(".panel .poor").length, $(".tile").dataset.level];"""
        seen[quality] = visit(folder, script)
    assert seen["good"][1:] == [0, "unknown"]
    assert seen["poor"][1:] == [1, "look"]
    assert 0 < seen["poor"][0] < 0.8 * seen["good"][0]


def test_variables_are_sorted_by_deviation_and_filtered(site: Path) -> None:
    script = """
        const names = () => $$(".panel").map(one => `${one.dataset.analysis} ${one.dataset.variable}`);
        const choose = async (name, value) => {
          const node = $(`#filter-${name}`);
          node.value = value;
          node.dispatchEvent(new Event("change"));
          await pause(100);
          return names();
        };
        const sorted = await choose("sort", "deviation");
        const alarmed = await choose("only", "alarm");
        await choose("only", "");
        const named = await choose("variable", "light");
        return [sorted.length, sorted[0], alarmed, named.length, location.hash];"""
    count, first, alarmed, named, address = visit(site, script)
    assert (count, first, alarmed, named) == (24, "analysis_00 variable_00", ["analysis_00 variable_00"], 4)
    assert address == "#name=light&sort=deviation"


def test_a_run_is_found_in_all_analyses(site: Path) -> None:
    script = """
        $("#find-run").value = "52010";
        $("#find").requestSubmit();
        await until(() => $("dialog").open && $(".elsewhere button"));
        const also = $$(".elsewhere button").map(one => one.textContent);
        const pair = one => [$("dt", one).textContent, $("dd", one).textContent];
        const facts = Object.fromEntries($$(".facts dl > div").map(pair));
        const title = $("#details-title").textContent;
        $(".elsewhere button").click();
        await until(() => $("#details-title").textContent !== title);
        return [title, also, facts, $("#details-title").textContent];"""
    title, also, facts, other = visit(site, script)
    assert title == "Run 052010 analysis_00 · v1" and other == "Run 052010 analysis_01 · v1"
    assert also == ["analysis_01", "analysis_02", "analysis_03"]
    assert facts["chi2 ndf"] == "1.032", "rounded to four digits"
    assert facts["What it is"] == "Falls when the field rises."
    assert " ± 0.10) PE/keV" in facts["Value"]


def test_a_run_without_a_result_has_its_states(tmp_path: Path) -> None:
    entry = {"analysis": "event_rate", "version": "v1", "run": "052899", "state": "waiting", "reason": "no event_info"}
    more = {"since": None, "attempt": None, "next_try": None, "log": None}
    write_page(tmp_path, [outcome()], status(NOW, attention=[{**entry, **more}]))
    script = """await until(() => $("dialog").open); return $$("dialog li > *").map(one => one.textContent);"""
    assert visit(tmp_path, script, fragment="#run=052899") == ["waiting", "event_rate", "no event_info"]


def test_days_of_ones_choice_and_the_range_before(tmp_path: Path) -> None:
    day = datetime(2026, 9, 10, 12, tzinfo=UTC)
    outcomes = [outcome(52800 + i, start=day + timedelta(days=i)) for i in range(10)]
    write_page(tmp_path, outcomes, status(day + timedelta(days=9)))
    script = """
        const points = async () => { await pause(150); return +$(".panel").dataset.points; };
        for (const [name, value] of [["from", "2026-09-14"], ["to", "2026-09-15"]]) {
          const node = $(`#filter-${name}`);
          node.value = value;
          node.dispatchEvent(new Event("change"));
        }
        const chosen = await points();
        $("#filter-earlier").click();
        return [chosen, await points(), location.hash];"""
    assert visit(tmp_path, script) == [2, 2, "#from=2026-09-12&to=2026-09-13"]


def test_what_is_seen_is_saved_as_csv(site: Path) -> None:
    """Two open panels of each of four analyses; the two variables of one analysis once the others are filtered out."""
    script = """
        let saved = null;
        URL.createObjectURL = blob => { saved = blob; return "#"; };
        const table = async () => {
          saved = null;
          $("#save").click();
          await until(() => saved);
          return (await saved.text()).trim().split("\\r\\n");
        };
        const all = await table();
        const node = $("#filter-variable");
        node.value = "variable_01";
        node.dispatchEvent(new Event("change"));
        await pause(100);
        return [all[0].split(",").length, all.length, (await table()).length, all[1].split(",").slice(0, 4)];"""
    assert visit(site, script, seconds=20) == [
        *(18, 1 + 4 * 2 * 90, 1 + 4 * 90),
        ["analysis_00", "v1", "variable_00", "052000"],
    ]


def test_logarithmic_scale_is_taken_and_kept_in_the_address(site: Path) -> None:
    script = """
        const place = () => Lanes.place(Plot.view.panels.values().next().value.lanes[0], 10);
        const before = place();
        $("#filter-log").click();
        await until(() => $(".panel").dataset.drawn);
        return [before, place(), location.hash, $("#filter-log").getAttribute("aria-pressed")];"""
    before, after, address, pressed = visit(site, script)
    assert (address, pressed) == ("#scale=log", "true") and before != after


def test_printing_draws_all_open_panels(site: Path) -> None:
    script = """
        await pause(500);
        const count = () => $$(".panel").filter(one => one.checkVisibility() && !one.dataset.drawn).length;
        const before = count();
        dispatchEvent(new Event("beforeprint"));
        await null;
        return [before > 0, count(), $$(".more .panel[data-drawn]").length];"""
    assert visit(site, script) == [True, 0, 0]


def test_help_and_documentation_of_a_variable(site: Path) -> None:
    script = """const help = $(".panel .help"), link = $("a", help);
        return [$(".panel h4 > span").textContent, $("p", help).textContent, link.href];"""
    name, text, address = visit(site, script)
    assert (name, address) == ("Light yield", "https://example.org/docs")
    assert text == "variable_00 Falls when the field rises. documentation"


def test_limits_of_newest_results_are_in_attention(tmp_path: Path) -> None:
    limits = {"rate": {"error_high": 0.5}}
    titles = {"event_rate": {"title": "", "documentation": "", "contact": "jane", "limits": limits}}
    write_page(tmp_path, [outcome()], status(NOW, titles=titles))
    script = """return [$(".alarm .sentence").textContent, $(".tile").dataset.level]"""
    assert visit(tmp_path, script) == ["rate is 1.00 ± 0.10 Hz, above the error limit 0.5", "alarm"]


def test_five_hundred_variables_stay_usable(tmp_path: Path) -> None:
    """The page begins with what is wrong, and is no longer than some windows."""
    write_site(tmp_path, NOW, 30, 10, 50)
    panels, drawn, height = visit(
        tmp_path,
        """return [$$(".panel").length, $$(".panel[data-drawn]").length, document.documentElement.scrollHeight];""",
    )
    assert panels == 500
    assert drawn <= 20
    assert height < 7000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible(site: Path, tmp_path: Path, scheme: str) -> None:
    if not AXE.exists():
        reason = f"{AXE} is missing: scripts/lint_page.sh installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path / "page"
    shutil.copytree(site, folder)
    shutil.copy(AXE, folder / "axe.js")
    if scheme == "dark":  # the rules of the dark scheme, in a browser that asks for the light one
        style = folder / "page.css"
        dark = style.read_text().replace("prefers-color-scheme: dark", "prefers-color-scheme: light")
        style.write_text(dark.replace("color-scheme: light dark", "color-scheme: dark"))
    index = folder / "index.html"
    first = "<script defer"
    index.write_text(index.read_text().replace(first, f'{first} src="axe.js"></script>\n{first}', 1))
    script = """
        for (const node of $$("details")) node.open = true;
        await pause(300);
        const found = async () => (await axe.run(document, { preload: false })).violations
          .map(one => `${one.id}: ${one.nodes.slice(0, 3).map(node => node.target.join(" ")).join("; ")}`);
        const page = await found();
        location.hash = "#run=052010&analysis=analysis_00";
        await until(() => $("dialog").open);
        return [page, await found()];"""
    assert visit(folder, script, seconds=60) == [[], []]


def _attention(run: str, reason: str) -> dict[str, Any]:
    made = {"analysis": "event_rate", "version": "v1", "run": run, "state": "failed", "reason": reason}
    return {**made, "since": iso(NOW), "attempt": None, "next_try": None, "log": None}


def test_long_reasons_are_cut_until_they_are_clicked(tmp_path: Path) -> None:
    write_page(tmp_path, campaign(NOW), status(NOW, attention=[_attention("052894", "a long reason " * 80)]))
    script = """const line = $(".attention li"), before = line.offsetHeight;
        line.click();
        return [before, line.offsetHeight];"""
    before, after = visit(tmp_path, script)
    assert before < 120 < after
