"""What is wrong in a rule file is said with its place, and costs its own analysis only."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from support.site import RULE, Site, jobs_in
from xomflow.core.key import Key

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
RULE_FILE = RULE.format(name="bad")
MISTAKES = {
    "name": (
        'xom.outcome("bad")',
        'xom.outcome("goood")',
        "line 4: the configuration has no analyses.goood; did you mean 'good'?",
    ),
    "method": ("xom.outcome", "xom.outcom", "line 4: xom has no 'outcom'; did you mean 'outcome'?"),
    "command": ('xom.run("bad")', 'xom.run("good")', "line 2: rule bad runs good; write xom.run('bad')"),
    "indent": ("    log:", "  log:", "line 4: unindent does not match any outer indentation level"),
    "colon": ("rule bad:", "rule bad", "line 2: "),
    "bracket": ('xom.log("bad")', 'xom.log("bad"', "line 5: "),
    "comma": ('xom.outcome("bad"),', 'xom.outcome("bad") 1,', "line 4: invalid syntax"),
    "keyword": ("    log:", "    logg:", "line 5: Unexpected keyword logg"),
    "empty": (RULE_FILE, "", "no rule has the output xom.outcome('bad')"),
    "no_shell": ('    shell:\n        "{params.command}"\n', "", "line 2: rule bad runs nothing"),
    "other_outcome": ('xom.outcome("bad")', 'xom.outcome("good")', "line 2: rule bad makes the outcome of good"),
    "other_log": ('xom.log("bad")', 'xom.log("good")', "line 2: rule bad makes the log of good; write xom.log('bad')"),
    "other_benchmark": (
        "    params:",
        '    benchmark:\n        xom.benchmark("good")\n    params:',
        "line 2: rule bad makes the benchmark of good; write xom.benchmark('bad')",
    ),
    "same_rule": ("rule bad", "rule good", "The name good is already used by another rule"),
    "parameter": (
        "{params.command}",
        "{params.comand}",
        "line 2: shell of rule bad has {params.comand}; did you mean 'command'?",
    ),
    "other_command": (
        "{params.command}",
        "true",
        'line 2: shell of rule bad runs no analysis; it needs "{params.command}"',
    ),
    "slurm_extra": (
        "    params:",
        "    resources:\n        slurm_extra='--hold',\n    params:",
        "line 2: rule bad has the resource slurm_extra",
    ),
    "python": ("rule bad", "x = 1 / 0\nrule bad", "line 2: ZeroDivisionError: division by zero"),
}


def own(name: str, text: str) -> str:
    """A text about the analysis ``bad``, made one about the analysis of one mistake."""
    return re.sub(r"\bbad\b", f"bad_{name}", text)


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, subprocess.CompletedProcess[str]]:
    """A dry-run of a site with a good analysis and one analysis with each mistake."""
    site = Site(tmp_path_factory.mktemp("rules"))
    site.runs([52001])
    site.analysis("good", GOOD)
    for name, (good, bad, _) in MISTAKES.items():
        assert good in RULE_FILE
        site.analysis(f"bad_{name}", GOOD)
        rule_file(site, f"bad_{name}").write_text(own(name, RULE_FILE.replace(good, bad)))
    return site, site.snakemake("-n")


def rule_file(site: Site, analysis: str = "bad") -> Path:
    return site.folder / "extra/rules/analyses" / f"{analysis}.smk"


@pytest.mark.parametrize("name", MISTAKES)
def test_a_dry_run_says_where_and_what(dry_run: tuple[Site, subprocess.CompletedProcess[str]], name: str) -> None:
    site, done = dry_run
    (line,) = [line for line in done.stderr.splitlines() if line.startswith(str(rule_file(site, f"bad_{name}")))]
    assert own(name, MISTAKES[name][2]) in line


def test_a_dry_run_lists_the_others(dry_run: tuple[Site, subprocess.CompletedProcess[str]]) -> None:
    site, done = dry_run
    assert jobs_in(done.stdout + done.stderr, site.tree["analyses"]) == {("good", "052001")}


def test_old_names_go_on_with_a_warning(snakemake_site: Site) -> None:
    site = snakemake_site
    site.runs([52001])
    site.analysis("old", GOOD)
    rule = RULE.format(name="old").replace("    params:", '    benchmark:\n        xom.benchmark("old")\n    params:')
    rule_file(site, "old").write_text(f"assert xom.settings.analyses\n{rule}")
    done = site.tick()
    assert done.returncode == 0, done.stderr
    assert f"remove `benchmark:` from {rule_file(site, 'old')}: " in done.stderr
    assert "xom.settings is xom.config" in done.stderr
    assert site.done("old") == {52001}
    assert site.paths.benchmark(Key("old", "v1", "052001")).exists()


def test_a_tick_does_the_others_and_the_next_one_what_was_fixed(snakemake_site: Site) -> None:
    site = snakemake_site
    site.runs([52001])
    site.analysis("bad", GOOD)
    site.analysis("good", GOOD)
    rule_file(site).write_text(RULE_FILE.replace("    log:", "  log:"))
    done = site.tick()
    assert done.returncode == 3
    assert site.done("good") == {52001}
    assert site.done("bad") == set()
    assert done.stderr.splitlines()[-1].startswith(f"{rule_file(site)}, line 4: ")
    assert "its rule file must be fixed" in site.ticks()[-1].run_list("bad").read_text()
    rule_file(site).write_text(RULE_FILE)
    assert site.tick().returncode == 0
    assert site.done("bad") == {52001}


def test_a_job_that_never_reaches_the_runner_is_a_failed_attempt(snakemake_site: Site) -> None:
    site = snakemake_site
    site.runs([52001])
    site.analysis("bad", GOOD)
    rule_file(site).write_text(RULE_FILE.replace('"{params.command}"', '"exit 7; {params.command}"'))
    done = site.tick()
    assert done.returncode == 1
    (record,) = site.failures("bad", 52001)
    assert record["failure"]["class"] == "not_started"
    assert record["failure"]["next_try"] > record["ended"]
    assert "not_started" in done.stderr.splitlines()[-1]
