"""Scripts as analysts of XENONnT wrote them for the first XOM run unchanged.

`cutax` is private, so a stand-in with the same call (tests/support/site_packages/cutax) gives the context of the
mini-XENONnT. The first script is a sketch from the calls of the one on the XOM talk's last slides; its physics is only
an example.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support import mini as mini_set
from support.in_process import FastSite
from support.site import Site
from xomflow.core.key import Key

pytestmark = pytest.mark.slow

BEGIN = """
import numpy as np
import cutax
import strax
import xomlib


def find_area_and_rate(run_id):
    st = cutax.xenonnt_online(_rucio_local_path='{site}/rucio', include_rucio_local=True)
    st.storage += [strax.DataDirectory('{site}/processed', provide_run_metadata=True)]
    events = st.get_array(run_id, 'event_basics', progress_bar=False)
    seconds = (events['endtime'].max() - events['time'].min()) / 1e9
    return np.nanmean(events['s2_area']), len(events) / seconds

"""
TALK = """
def main(run_id):
    area, rate = find_area_and_rate(run_id)
    xomresult = xomlib.Xomresult(analysis_name="photo_ionization",
                                 analysis_version="v0.0",
                                 variable_name='area',
                                 variable_value=area,
                                 runid=int(run_id),
                                 data={"area": area, "rate": rate})
    xomresult.xom_message(success=True)
    xomresult.save()
"""
COMMAND_LINE = """
import argparse


def main():
    parser = argparse.ArgumentParser("photo_ionization")
    parser.add_argument("run_id", type=str, help="run to analyse")
    run_id = parser.parse_args().run_id
    area, rate = find_area_and_rate(run_id)
    xomresult = xomlib.Xomresult(analysis_name="command_line", analysis_version="v0.0", variable_name="area",
                                 variable_value=area, runid=int(run_id), data=dict(rate=rate))
    xomresult.save()
    xomresult.xom_message(success=True)


if __name__ == "__main__":
    main()
"""
DICTIONARY = """
import sys


def main(run_id):
    area, rate = find_area_and_rate(run_id)
    for name, value in (("area", area), ("rate", rate)):
        xomresult = xomlib.Xomresult({"analysis_name": "dictionary", "analysis_version": "v0.0", "variable_name": name,
                                      "variable_value": value, "runid": int(run_id), "container": "unknown",
                                      "timestamp": 0, "data": {"area": area}})
        xomresult.save()
    xomresult.xom_message(success=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
"""
MAKES_DATA = """
def main(run_id):
    st = cutax.xenonnt_online(_rucio_local_path='{site}/rucio', include_rucio_local=True)
    st.storage += [strax.DataDirectory('{site}/processed_too', provide_run_metadata=True)]
    n = len(st.get_array(run_id, 'corrected_areas', progress_bar=False))
    xomlib.Xomresult(variable_name="events", variable_value=n).save()
"""
SCRIPTS = {"photo_ionization": TALK, "command_line": COMMAND_LINE, "dictionary": DICTIONARY, "makes_data": MAKES_DATA}
RUNS = (52816, 52817)
# Reads with another context, and knows nothing of cutax or xomlib.
INDEPENDENT = """
import json, sys
from mini_xenonnt.context import mini_xenonnt
found = {}
for run in sys.argv[2:]:
    events = mini_xenonnt(sys.argv[1]).get_array(run, "event_basics", progress_bar=False)
    area = events["s2_area"].astype(float)
    seconds = (events["endtime"].max() - events["time"].min()) / 1e9
    found[run] = [float(area[area == area].mean()), len(events) / seconds]
print(json.dumps(found))
"""


class Done(NamedTuple):
    """What a tick with all the scripts left."""

    site: Site
    interpreter: Path
    expected: dict[str, list[float]]


@pytest.fixture(scope="module")
def done(mini: Path, straxen_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("talk")
    interpreter = mini_set.wrapper(folder / "python", straxen_python, mini_set.SITE_PACKAGES)
    (folder / "rucio").symlink_to(mini / "strax_data")
    (folder / "here").mkdir()
    for name in ("processed", "processed_too"):
        (folder / name).mkdir()  # strax fails where two scripts make it at the same time
    site = FastSite(folder / "here")
    mini_set.point(site, mini, interpreter)
    arguments = {"_rucio_local_path": str(folder / "rucio"), "include_rucio_local": True}
    site.tree["context"] = {"function": "cutax:xenonnt_online", "arguments": arguments}
    site.tree["selection"] = {"min_run": RUNS[0], "max_run": RUNS[1]}
    site.tree["warm_start"] = {"enabled": True}
    for name, body in SCRIPTS.items():
        site.analysis(name, "pass", needs=["event_basics"], version="v0.0")
        script = site.folder / "extra/scripts/analyses" / f"{name}.py"
        script.write_text((BEGIN + body).replace("{site}", str(folder)))
    tick = site.tick()
    assert tick.returncode == 0, tick.stderr
    names = [f"{number:06d}" for number in RUNS]
    script = folder / "independent.py"
    script.write_text(INDEPENDENT)
    said = mini_set.call(straxen_python, str(script), str(mini / "strax_data"), *names)
    return Done(site, interpreter, json.loads(said))


def results(done: Done, analysis: str, number: int) -> dict[str, Any]:
    return {one["variable"]: one for one in done.site.outcome(analysis, number, "v0.0")["results"]}


@pytest.mark.parametrize("number", RUNS)
def test_the_talk_s_script_runs_unchanged(done: Done, number: int) -> None:
    area, rate = done.expected[f"{number:06d}"]
    (result,) = results(done, "photo_ionization", number).values()
    assert (result["variable"], result["value"]) == ("area", pytest.approx(area, rel=1e-5))
    assert result["data"] == {"area": pytest.approx(area, rel=1e-5), "rate": pytest.approx(rate, rel=1e-9)}


@pytest.mark.parametrize("number", RUNS)
def test_a_main_that_reads_the_command_line_runs_unchanged(done: Done, number: int) -> None:
    area, rate = done.expected[f"{number:06d}"]
    (result,) = results(done, "command_line", number).values()
    assert (result["value"], result["data"]["rate"]) == (pytest.approx(area, rel=1e-5), pytest.approx(rate, rel=1e-9))


@pytest.mark.parametrize("number", RUNS)
def test_results_given_as_a_dictionary_are_taken(done: Done, number: int) -> None:
    found = results(done, "dictionary", number)
    assert [found[name]["value"] for name in ("area", "rate")] == pytest.approx(
        done.expected[f"{number:06d}"], rel=1e-5
    )
    assert found["area"]["data"].keys() == {"area"}, "the container and the time come from better sources"


@pytest.mark.parametrize("analysis", ["photo_ionization", "command_line", "dictionary"])
def test_the_message_is_in_the_outcome_and_in_the_log(done: Done, analysis: str) -> None:
    line = f"XOM {analysis} v0.0 run 052816: success"
    assert done.site.outcome(analysis, RUNS[0], "v0.0")["message"] == line
    assert line in done.site.paths.log(Key(analysis, "v0.0", "052816")).read_text()


def test_the_outcome_names_the_version_of_cutax(done: Done) -> None:
    found = done.site.outcome("photo_ionization", RUNS[0], "v0.0")["provenance"]
    assert found["versions"].keys() == {"python", "xomlib", "strax", "straxen", "cutax", "numpy", "scipy"}
    assert found["versions"]["cutax"] == "0.0.0+stand.in"
    assert found["software"] == str(done.interpreter)
    assert found["lineage"].keys() == {"event_basics"}


def test_a_tick_with_nothing_new_imports_neither_strax_nor_straxen(done: Done) -> None:
    """Nothing else than the configured interpreter has them, and it is not started."""
    before = mini_set.starts(done.interpreter)
    assert [start.split()[1] for start in before] == ["xomlib.probe", "xomlib.process.fork_server"]
    tick = done.site.tick()
    assert tick.returncode == 0, tick.stderr
    assert done.site.claimed() == set()
    assert mini_set.starts(done.interpreter) == before


def test_a_script_that_only_reads_makes_no_data(done: Done) -> None:
    assert list((done.interpreter.parent / "processed").iterdir()) == []


def test_a_context_that_a_script_builds_itself_is_not_made_read_only(done: Done) -> None:
    """As it is, not as it should be: only `xomlib.context()` keeps a script from making data; see docs/analyst.md."""
    made = {path.name.split("-")[1] for path in (done.interpreter.parent / "processed_too").iterdir()}
    assert "corrected_areas" in made
