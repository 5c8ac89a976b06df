"""A trial is run by ticks beside the published version, and published under `test_` until it is promoted."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from support.in_process import FastSite
from support.site import Site
from xomflow.core.exit_code import ExitCode
from xomflow.decisions.files import read_decisions

WHY = ("--why", "the new fit is better")
PUBLISHED = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
TRIED = "xomlib.Xomresult(variable_name='answer', variable_value=xomlib.settings()['scale']).save()"


def set_up(site: Site) -> None:
    site.runs([52001, 52002])
    site.analysis("better", TRIED)
    site.analysis("good", PUBLISHED, trial={"version": "v2", "script": "better", "settings": {"scale": 2}})
    del site.tree["analyses"]["better"]
    site.tree["store"] = {"prefix": "prod_"}


def do_both(site: FastSite) -> None:
    """Let both versions do two runs."""
    set_up(site)
    for _ in range(2):
        assert site.tick().returncode == 0


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> FastSite:
    """A site with a trial; both versions have done two runs."""
    site = FastSite(tmp_path_factory.mktemp("site"))
    do_both(site)
    return site


@pytest.fixture
def tried(template: FastSite, tmp_path: Path) -> FastSite:
    return template.copy(tmp_path)


def stored(site: Site) -> set[str]:
    """The versions in the store, by prefix."""
    found = {path.relative_to(site.paths.store).parts for path in site.paths.store.glob("*/good/*/*.lp")}
    return {f"{prefix} {version}" for prefix, _, version, _ in found}


def values(site: FastSite, version: str) -> set[float]:
    return {site.outcome("good", number, version)["results"][0]["value"] for number in site.done("good", version)}


def test_a_trial_comes_after_the_published_version_and_uses_its_own_script(site: FastSite) -> None:
    set_up(site)
    site.tick()
    assert (site.done("good"), site.done("good", "v2")) == ({52001, 52002}, set())
    site.runs([52003])
    assert site.pending() == {("good", "052001"), ("good", "052002"), ("good", "052003")}
    site.tick()
    assert (site.done("good"), site.done("good", "v2")) == ({52001, 52002, 52003}, {52001, 52002})
    assert (values(site, "v1"), values(site, "v2")) == ({1.0}, {2.0})
    listed = site.ticks()[-1].run_list("good+v2").read_text()
    assert "052003\tready" in listed


def test_both_versions_share_a_job_of_a_batch(site: FastSite) -> None:
    set_up(site)
    site.together = 3
    site.tick()
    site.runs([52003])
    assert site.tick().returncode == 0
    assert (site.done("good"), site.done("good", "v2")) == ({52001, 52002, 52003}, {52001, 52002})


def test_a_trial_is_published_under_test_alone(tried: FastSite) -> None:
    assert stored(tried) == {"prod v1", "test v2"}
    assert tried.xom("verify").stdout == "the store has the points of all outcomes\n"
    shutil.rmtree(tried.paths.store / "test")
    assert "is missing" in tried.xom("verify").stdout
    assert tried.xom("rebuild").returncode == 0
    assert (stored(tried), tried.xom("verify").returncode) == ({"prod v1", "test v2"}, 0)


def test_status_and_why_name_both_versions(tried: FastSite) -> None:
    assert "good+v2" in tried.xom("status").stdout
    why = tried.xom("why", "52001").stdout
    assert "good v1 run 052001: done" in why
    assert "good v2 run 052001: done" in why


def test_a_promoted_trial_is_what_is_published_and_analysed(tried: FastSite) -> None:
    done = tried.xom("promote", "good", "v2", *WHY)
    assert done.returncode == 0, done.stderr
    assert "2 keys to be published, and v2 to be analysed from now on instead of v1" in done.stdout
    tried.runs([52003])
    for _ in range(2):
        assert tried.tick().returncode == 0
    assert (tried.done("good"), tried.done("good", "v2")) == ({52001, 52002}, {52001, 52002, 52003})
    assert values(tried, "v2") == {2.0}
    assert stored(tried) == {"prod v1", "prod v2"}
    assert tried.xom("verify").returncode == 0
    # Later the configuration has the same.
    tried.tree["analyses"]["good"] = {"version": "v2", "script": "better", "settings": {"scale": 2}}
    assert tried.pending() == set()
    tried.tick()
    assert (stored(tried), tried.xom("verify").returncode) == ({"prod v1", "prod v2"}, 0)


def test_a_promotion_that_is_taken_back_makes_a_trial_of_it_again(tried: FastSite) -> None:
    tried.xom("promote", "good", "v2", *WHY)
    tried.tick()
    (made,) = read_decisions(tried.paths).made
    assert tried.xom("withdraw", made.name, "--why", "it was not").returncode == 0
    tried.tick()
    assert stored(tried) == {"prod v1", "test v2"}
    assert tried.xom("verify").returncode == 0


def test_a_trial_that_is_given_up_is_not_published(tried: FastSite) -> None:
    del tried.tree["analyses"]["good"]["trial"]
    tried.runs([52003])
    for _ in range(2):
        tried.tick()
    assert (tried.done("good"), tried.done("good", "v2")) == ({52001, 52002, 52003}, {52001, 52002})
    assert stored(tried) == {"prod v1", "test v2"}
    assert tried.xom("verify").returncode == 0


def test_a_version_that_was_published_is_no_trial_any_more(tried: FastSite) -> None:
    for version in ("v2", "v3"):
        tried.tree["analyses"]["good"] = {"version": version, "script": "better", "settings": {"scale": 2}}
        tried.tick()
    assert stored(tried) >= {"prod v1", "prod v2", "prod v3"}


def test_points_from_a_time_under_test_stay_where_they_are(site: FastSite) -> None:
    set_up(site)
    site.tree["store"]["prefix"] = "test_"
    for _ in range(2):
        site.tick()
    assert stored(site) == {"test v1", "test v2"}
    site.tree["store"]["prefix"] = "prod_"
    site.tick()
    assert stored(site) == {"test v1", "test v2", "prod v1"}
    assert site.xom("verify").returncode == 0


def test_a_trial_that_fails_costs_the_published_version_nothing(site: FastSite) -> None:
    set_up(site)
    site.analysis("better", "raise ValueError('broken')")
    del site.tree["analyses"]["better"]
    assert site.tick().returncode == 0
    assert site.tick().returncode == ExitCode.FAILED_RUNS
    assert (site.done("good"), site.done("good", "v2")) == ({52001, 52002}, set())
    assert stored(site) == {"prod v1"}


def test_the_brake_protects_a_trial(tried: FastSite) -> None:
    tried.runs(range(52003, 52008))
    for _ in range(2):
        tried.tick()
    shutil.rmtree(tried.paths.shelves("good", "v2") / "052")
    done = tried.tick()
    assert done.returncode == ExitCode.WAITS_FOR_PERSON
    assert "good v2: 7 of 7 results are no longer what they were" in tried.xom("status").stdout


def test_what_is_no_trial_is_not_promoted(tried: FastSite) -> None:
    done = tried.xom("promote", "good", "v3", *WHY)
    assert done.returncode == ExitCode.USAGE
    assert "analyses.good has no trial v3, its trial is v2: nothing was done" in done.stderr
    tried.xom("promote", "good", "v2", *WHY)
    again = tried.xom("promote", "good", "v2", *WHY)
    assert "analyses.good has no trial v2, v2 is published, without a trial: nothing was done" in again.stderr


def test_a_kill_leaves_a_promotion_complete_or_absent(tried: FastSite) -> None:
    kills = 0
    while tried.killed_command(kills + 1, "promote", "good", "v2", *WHY).returncode == -signal.SIGKILL:
        kills += 1
        assert read_decisions(tried.paths).problems == ()
        if read_decisions(tried.paths).made:
            break
    tried.tick()
    assert stored(tried) == {"prod v1", "prod v2"}


@pytest.mark.parametrize(
    ("trial", "sentence"),
    [
        ({"version": "v1"}, "trial.version is v1, that of the analysis: a trial needs another one"),
        ({"version": "v2", "script": "bettr"}, "analyses.good has no script for its trial: "),
        ({"version": "v2", "memory": 7}, "analyses.good.trial.memory = 7 is not known"),
    ],
)
def test_a_mistake_in_a_trial_is_one_sentence(site: FastSite, trial: dict[str, object], sentence: str) -> None:
    set_up(site)
    site.tree["analyses"]["good"]["trial"] = trial
    done = site.xom("status")
    assert done.returncode == ExitCode.CONFIGURATION
    assert sentence in done.stderr


def test_a_renamed_analysis_takes_its_trial_along(tried: FastSite) -> None:
    tried.xom("drain", "--wait", *WHY)
    tried.tree["analyses"]["fine"] = tried.tree["analyses"].pop("good")
    for kind in ("scripts/analyses/good.py", "rules/analyses/good.smk"):
        path: Path = tried.folder / "extra" / kind
        path.with_name(path.name.replace("good", "fine")).write_text(path.read_text().replace("good", "fine"))
    done = tried.xom("rename", "good", "fine")
    assert done.returncode == 0, done.stderr
    tried.xom("undrain", *WHY)
    assert tried.pending() == set()
    assert tried.xom("verify").returncode == 0
    assert {path.parent.name for path in tried.paths.store.glob("test/fine/*/*.lp")} == {"v2"}


@pytest.mark.slow
def test_snakemake_runs_both_versions_by_one_rule(snakemake_site: Site) -> None:
    set_up(snakemake_site)
    assert snakemake_site.tick().returncode == 0
    snakemake_site.runs([52003])
    assert snakemake_site.pending() == {("good", f"05200{n}") for n in (1, 2, 3)}
    done = snakemake_site.tick()
    assert done.returncode == 0, done.stderr
    assert snakemake_site.done("good") == {52001, 52002, 52003}
    assert snakemake_site.done("good", "v2") == {52001, 52002}


@pytest.fixture
def failing(site: FastSite) -> FastSite:
    """A site whose trial fails for each run as long as it is not mended."""
    set_up(site)
    mend(site, "raise ValueError('broken')")
    site.tree["retries"] = {"first_wait": "30 d"}
    for _ in range(2):
        site.tick()
    assert (site.done("good"), site.done("good", "v2")) == ({52001, 52002}, set())
    return site


def mend(site: FastSite, text: str) -> None:
    site.analysis("better", text)
    del site.tree["analyses"]["better"]


def test_a_trial_is_retried_by_its_name_in_lists(failing: FastSite) -> None:
    listed = failing.xom("status", "--failed")
    assert "good+v2" in listed.stdout
    plain = failing.xom("retry", "good", *WHY)
    assert plain.returncode == ExitCode.USAGE
    assert "passed over: 2 of its trial that failed; give good+v2 as the analysis" in plain.stderr
    done = failing.xom("retry", "good+v2", "52001", *WHY)
    assert "1 key to be tried again now: good v2 run 052001" in done.stdout
    mend(failing, TRIED)
    assert failing.pending() == {("good", "052001")}
    failing.tick()
    assert failing.done("good", "v2") == {52001}
    assert failing.outcome("good", 52001, "v2")["attempt"] == 2


def test_the_log_of_a_trial_is_found_by_its_name_in_lists(failing: FastSite) -> None:
    assert "ValueError: broken" in failing.xom("log", "good+v2", "52001").stdout
    assert failing.xom("completion", "analyses").stdout.split() == ["good", "good+v2"]


def test_the_outcomes_of_a_trial_are_made_again(tried: FastSite) -> None:
    done = tried.xom("redo", "good+v2", "52001", *WHY)
    assert "1 key to be made again: good v2 run 052001" in done.stdout
    mend(tried, "xomlib.Xomresult(variable_name='answer', variable_value=7).save()")
    assert tried.pending() == {("good", "052001")}
    assert tried.tick().returncode == 0
    assert (values(tried, "v1"), values(tried, "v2")) == ({1.0}, {2.0, 7.0})
    assert (stored(tried), tried.xom("verify").returncode) == ({"prod v1", "test v2"}, 0)


def test_a_trial_is_backfilled_before_the_first_run_of_the_analysis(site: FastSite) -> None:
    set_up(site)
    site.tree["analyses"]["good"]["min_run"] = 52002
    for _ in range(2):
        site.tick()
    done = site.xom("backfill", "good+v2", "52001", *WHY)
    assert "1 key to be analysed after all others, 100 at a time: good v2 run 052001" in done.stdout, done.stderr
    assert "backfill of good v2" in site.xom("status").stdout
    site.tick()
    assert (site.done("good"), site.done("good", "v2")) == ({52002}, {52001, 52002})
    assert stored(site) == {"prod v1", "test v2"}


def test_pause_and_veto_are_about_the_trial_too(tried: FastSite) -> None:
    tried.runs([52003, 52004])
    paused = tried.xom("pause", "good", *WHY)
    assert "4 keys ready, to wait meanwhile" in paused.stdout
    for _ in range(2):
        tried.tick()
    assert (tried.done("good"), tried.done("good", "v2")) == ({52001, 52002}, {52001, 52002})
    tried.xom("resume", "good", *WHY)
    vetoed = tried.xom("veto", "52003", *WHY)
    assert "2 keys to be vetoed: good v1 run 052003, good v2 run 052003" in vetoed.stdout
    for _ in range(2):
        tried.tick()
    assert (tried.done("good"), tried.done("good", "v2")) == ({52001, 52002, 52004}, {52001, 52002, 52004})


def test_slow_and_outdated_have_a_line_for_the_trial(site: FastSite) -> None:
    do_both(site)
    slow = json.loads(site.xom("slow", "--json").stdout)
    seen = sorted((one["analysis"], one["version"]) for one in slow["analyses"])  # the list has the slowest first
    assert seen == [("good", "v1"), ("good", "v2")]
    mend(site, f"{TRIED}  # other text")
    listed = json.loads(site.xom("outdated", "--json").stdout)
    assert [(one["analysis"], one["version"], one["outdated"]) for one in listed] == [
        ("good", "v1", 0),
        ("good", "v2", 2),
    ]


def test_the_sentence_about_a_suspended_trial_names_it(site: FastSite) -> None:
    set_up(site)
    site.runs(range(52001, 52011))
    mend(site, "raise ValueError('broken')")
    for _ in range(2):
        site.tick()
    said = site.xom("status").stdout
    assert "analyses.good+v2 is suspended" in said
    assert "analyses.good is suspended" not in said
