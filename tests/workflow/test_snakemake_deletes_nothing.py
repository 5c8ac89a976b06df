"""Snakemake deletes the outputs and logs of its rules; neither an outcome nor a log of XOM is one of them."""

from __future__ import annotations

import json

import pytest

from support.site import Site
from xomflow.core.key import Key
from xomflow.core.paths import Paths

GOOD = "xomlib.Xomresult(variable_name='answer', variable_value=1).save()"
# The first run that is analysed brings the outcome of the other one, as a job does that was taken for lost.
BRINGS_THE_OTHER = f"""
other = {{'052002': '052003', '052003': '052002'}}.get(run_id)
if other:
    assert not os.path.exists('begun-' + other), 'the other was analysed again'
    open('begun-' + run_id, 'w').close()
    text = open('work/outcomes/one/v1/052/052001.json').read()
    for old, new in (('"052001"', f'"{{other}}"'), ('52001', other[1:])):
        text = text.replace(old, new)
    open(f'work/outcomes/one/v1/052/{{other}}.json', 'w').write(text)
{GOOD}
"""


@pytest.mark.slow
def test_an_outcome_that_comes_between_claim_and_start_is_kept_and_published(snakemake_site: Site) -> None:
    site = snakemake_site
    site.analysis("one", BRINGS_THE_OTHER.strip())
    site.runs([52001])
    assert site.tick().returncode == 0
    log = site.paths.log(Key("one", "v1", "052001"))
    assert "attempt 1" in log.read_text()
    assert "attempt 1" in site.ticks()[-1].log_link(Key("one", "v1", "052001")).read_text()
    site.runs([52002, 52003])
    done = site.snakemake("--cores", "1", "--forceall")
    assert done.returncode == 0, done.stderr
    assert site.done("one") == {52001, 52002, 52003}
    assert len(list(site.folder.glob("begun-*"))) == 1
    stored = "".join(path.read_text() for path in (site.work / "store").rglob("052.lp"))
    assert all(f'run_id="{run}"' in stored for run in ("052001", "052002", "052003"))


@pytest.mark.parametrize(
    "options", [("-n",), pytest.param(("--force", "--delete-all-output"), marks=pytest.mark.nightly)]
)
def test_an_outcome_as_target_is_refused_with_one_sentence(snakemake_site: Site, options: tuple[str, ...]) -> None:
    site = snakemake_site
    site.analysis("one", GOOD)
    site.runs([52001])
    place = Paths(site.work).outcome(Key("one", "v1", "052001"))
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps({"any": "content"}))
    done = site.snakemake("--cores", "1", *options, "work/outcomes/one/v1/052/052001.json")
    assert (done.returncode, place.exists()) == (2, True)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("work/outcomes/one/v1/052/052001.json is no target: a tick makes the outcomes of the runs")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.nightly
def test_options_that_leave_out_the_first_step_end_with_one_sentence(snakemake_site: Site) -> None:
    site = snakemake_site
    site.analysis("one", GOOD)
    site.runs([52001])
    assert site.tick().returncode == 0
    site.runs([52002])
    for options in (("--touch",), ("--until", "one")):
        done = site.snakemake("--cores", "1", *options)
        assert (done.returncode, site.done("one")) == (2, {52001}), options
        assert "start it without --touch, --until, --omit-from and targets" in done.stderr, options
    assert site.snakemake("--cores", "1", "--delete-all-output").returncode == 0
    assert site.done("one") == {52001}
    assert site.snakemake("--cores", "1", "--until", "discover").returncode == 0
    assert site.snakemake("--cores", "1", "-R", "one").returncode == 0
    assert site.done("one") == {52001, 52002}
