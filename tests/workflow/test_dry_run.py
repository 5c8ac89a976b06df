"""``snakemake -n`` lists exactly what a tick started now would run, and writes nothing."""

from __future__ import annotations

import re
from pathlib import Path

from support.in_process import FastSite
from support.patience import PATIENCE
from support.site import Site, document

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
FAILS_ONCE = f"if not os.path.exists('tried'):\n    open('tried', 'w').close()\n    raise ValueError('first')\n{GOOD}"
WAITS = f"open('started', 'w').close()\nwhile not os.path.exists('go'):\n    time.sleep(0.05)\n{GOOD}"


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file outside .snakemake with its size and time."""
    found = {}
    for path in folder.rglob("*"):
        if ".snakemake" not in path.relative_to(folder).parts and path.is_file():
            found[str(path)] = (path.stat().st_size, path.stat().st_mtime_ns)
    return found


def listed_and_done(site: Site) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """What a dry-run lists, and what the tick after it claims."""
    site.write_config()
    before = tree(site.folder)
    listed = site.pending()
    assert tree(site.folder) == before, "a dry-run wrote something"
    site.tick()
    return listed, site.claimed()


def test_with_nothing_done(snakemake_site: Site) -> None:
    site = snakemake_site
    site.runs([52001, 52002, document(52003, end=...), document(52004, status="transferring")])
    site.analysis("good", GOOD)
    site.analysis("other", GOOD, run_modes=["tpc_kr83m"])
    listed, done = listed_and_done(site)
    assert listed == done == {("good", "052001"), ("good", "052002")}


def test_with_some_done(site: Site) -> None:
    site.runs([52001])
    site.analysis("good", GOOD)
    site.tick()
    site.runs([52002, 52003])
    listed, done = listed_and_done(site)
    assert listed == done == {("good", "052002"), ("good", "052003")}


def test_with_a_failure_that_is_due(site: Site) -> None:
    site.runs([52001])
    site.tree["retries"] = {"attempts": 3, "first_wait": "0 s"}
    site.analysis("shaky", FAILS_ONCE)
    site.tick()
    listed, done = listed_and_done(site)
    assert listed == done == {("shaky", "052001")}
    assert site.done("shaky") == {52001}


def test_with_a_failure_that_is_not_due(site: Site) -> None:
    site.runs([52001])
    site.analysis("shaky", FAILS_ONCE)
    site.tick()
    site.runs([52002])
    listed, done = listed_and_done(site)
    assert listed == done == {("shaky", "052002")}


def test_with_more_runs_than_a_tick_takes(site: Site) -> None:
    site.runs(range(52001, 52008))
    site.tree["max_jobs_per_tick"] = 3
    site.analysis("good", GOOD)
    site.analysis("other", GOOD, max_jobs_per_tick=1)
    listed, done = listed_and_done(site)
    two_newest_and_oldest = {("good", "052007"), ("good", "052006"), ("good", "052001")}
    assert listed == done == two_newest_and_oldest | {("other", "052007")}


def test_that_a_tick_leaves_ready_runs_is_told_by_dry_run_tick_status_and_page(site: FastSite) -> None:
    site.runs(range(52001, 52005))
    site.tree["max_jobs_per_tick"] = 2
    site.analysis("good", GOOD)
    sentence = (
        "analyses.good: max_jobs_per_tick, which is 2, does not keep up: 2 ready runs are left to later ticks, "
        "the oldest, 052002, ended at 2026-09-01T02:50:00Z"
    )
    told = [site.dry_run().stderr, site.xom("status").stdout, site.tick().stderr]
    assert [text.splitlines().count(sentence) for text in told] == [1, 1, 1]
    oldest = [
        re.search(r"^the oldest ready run is (\d+) of good, which ended \d+\.\d d ago$", text, re.M) for text in told
    ]
    assert [found and found[1] for found in oldest] == [None, "052001", "052002"]
    assert sentence in "".join(path.read_text() for path in site.paths.page.rglob("status*"))


def test_with_a_live_tick_that_holds_claims(site: Site, wait_for) -> None:
    site.runs([52001])
    site.analysis("slow", WAITS)
    tick = site.start()
    try:
        wait_for((site.folder / "started").exists)
        site.runs([52002])
        site.analysis("good", GOOD)
        listed = site.pending()
        assert listed == {("slow", "052002"), ("good", "052001"), ("good", "052002")}
        second = site.start()
        wait_for(lambda: site.done("good") == {52001, 52002})
        assert site.claimed() == listed
    finally:
        (site.folder / "go").touch()
    assert tick.wait(PATIENCE) == 0
    assert second.wait(PATIENCE) == 0
    assert site.done("slow") == {52001, 52002}


def test_with_a_server_that_is_away_it_says_so_and_leaves(snakemake_site: Site) -> None:
    site = snakemake_site
    site.analysis("good", GOOD)
    site.tree["rundb"] = {"kind": "file", "file": "gone.jsonl"}
    dry, real = site.snakemake("-n"), site.tick()
    assert dry.returncode == real.returncode == 4
    assert "rundb.file: gone.jsonl cannot be read: No such file or directory" in dry.stderr
    assert real.stderr.splitlines()[-1] == "rundb.file: gone.jsonl cannot be read: No such file or directory"


def test_with_runs_that_wait_for_an_entry_of_their_document(site: Site) -> None:
    site.runs([52001, document(52002, rate=...), document(52003, rate={"tpc": {"max": 3.0}})])
    site.analysis("late", GOOD, needs_document=["rate"])
    site.analysis("good", GOOD)
    listed, done = listed_and_done(site)
    assert listed == done == {("late", "052001"), *(("good", f"05200{n}") for n in (1, 2, 3))}
    site.runs([document(52002)])
    listed, done = listed_and_done(site)
    assert listed == done == {("late", "052002")}
