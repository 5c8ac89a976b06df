"""What runs the analyses of a range of runs: an interpreter, a set-up file, an image; each gets only what it needs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from support.pythons import python_3_9
from support.site import Site

TELL = """
import json
place = os.environ.get("XOM_TEST_IMAGE", "")
xomlib.Xomresult(variable_name="version", variable_value=sys.version_info[1], data={"place": place}).save()
print("ENVIRONMENT", json.dumps(sorted(os.environ)))
"""
# A stand-in for apptainer, which cannot be had here: it checks its arguments as apptainer would understand them, and
# runs the command with the environment that apptainer would give it.
APPTAINER = f"""#!{sys.executable}
import os, sys
words = sys.argv[1:]
assert words.pop(0) == "exec", words
options = []
while words[0].startswith("--"):
    options.append(words.pop(0))
image = words.pop(0)
assert os.path.isfile(image), image
given = dict(one[len("--env="):].split("=", 1) for one in options if one.startswith("--env="))
(binds,) = [one[len("--bind="):].split(",") for one in options if one.startswith("--bind=")]
(folder,) = [one[len("--pwd="):] for one in options if one.startswith("--pwd=")]
assert "--cleanenv" in options, options
assert all(os.path.exists(bind.split(":")[0]) for bind in binds), binds
seen = [os.path.realpath(bind) for bind in binds]
assert any(os.path.realpath(given["PYTHONPATH"]).startswith(place) for place in seen), binds
os.chdir(folder)
words[0] = {sys.executable!r} if words[0] == "python-inside" else words[0]
with open(os.path.join(folder, "images.txt"), "a") as log:
    print(image, *binds, file=log)
os.execve(words[0], words, {{**given, "PATH": "/usr/bin:/bin", "XOM_TEST_IMAGE": image}})
"""


def outcomes(site: Site, *numbers: int) -> list[tuple[float, str, str]]:
    """Version of Python, place, and software of each run's outcome."""
    found = [site.outcome("tell", number) for number in numbers]
    return [
        (one["results"][0]["value"], one["results"][0]["data"]["place"], one["provenance"]["software"]) for one in found
    ]


def environment_of(site: Site, number: int) -> set[str]:
    log = (site.work / f"logs/tell/v1/052/{number:06d}.log").read_text()
    return set(json.loads(re.findall("ENVIRONMENT (.*)", log)[-1]))


def image(site: Site) -> dict[str, Any]:
    """A range of software that is an image, started by the stand-in."""
    launcher, file, data = (site.folder / name for name in ("apptainer", "nt.sif", "data"))
    launcher.write_text(APPTAINER)
    launcher.chmod(0o755)
    file.write_text("an image")
    data.mkdir()
    return {"image": str(file), "interpreter": "python-inside", "binds": [str(data)], "launcher": str(launcher)}


def test_two_interpreters(site: Site) -> None:
    old = python_3_9()
    site.runs([52001, 52002])
    site.analysis("tell", TELL)
    site.tree["software"] = [{"interpreter": old, "max_run": 52001}, {"interpreter": sys.executable, "min_run": 52002}]
    done = site.tick()
    assert done.returncode == 0, done.stderr
    assert outcomes(site, 52001, 52002) == [(9, "", old), (sys.version_info[1], "", sys.executable)]


def test_a_set_up_file_brings_the_interpreter(site: Site) -> None:
    tools = site.folder / "tools"
    tools.mkdir()
    (tools / "python-of-set-up").symlink_to(sys.executable)
    set_up = site.folder / "setup.sh"
    set_up.write_text(
        f'[ $# = 0 ] || return 7\nexport PATH="{tools}:$PATH" PYTHONPATH=/nowhere XOM_TEST_IMAGE=cvmfs\necho hello\n'
    )
    site.runs([52001])
    site.analysis("tell", TELL)
    site.tree["software"] = [{"set_up": str(set_up), "interpreter": "python-of-set-up"}]
    done = site.tick()
    assert done.returncode == 0, done.stderr
    assert outcomes(site, 52001) == [(sys.version_info[1], "cvmfs", f"{set_up} python-of-set-up")]


def test_a_set_up_file_that_fails_is_said(site: Site) -> None:
    (site.folder / "setup.sh").write_text("false\n")
    site.runs([52001])
    site.analysis("tell", TELL)
    site.tree["software"] = [{"set_up": str(site.folder / "setup.sh")}]
    assert site.tick().returncode == 7
    (record,) = site.failures("tell", 52001)
    assert f"{site.folder / 'setup.sh'} failed with exit status 1" in record["failure"]["log_tail"][-1]


@pytest.mark.parametrize("warm", [False, True])
def test_an_image(site: Site, warm: bool) -> None:
    site.runs([52001, 52002])
    site.analysis("tell", TELL)
    site.tree["context"] = {"function": "json:loads"}
    site.tree["warm_start"] = {"enabled": warm, "least_jobs": 1, "preload": ["json"]}
    site.tree["software"] = [image(site)]
    done = site.tick()
    assert done.returncode == 0, done.stderr
    file = str(site.folder / "nt.sif")
    assert outcomes(site, 52001, 52002) == [(sys.version_info[1], file, f"{file} python-inside")] * 2
    starts = (site.folder / "images.txt").read_text().splitlines()
    assert len(starts) == (1 if warm else 2)
    assert str(site.folder / "data") in starts[0].split()


@pytest.mark.parametrize("kind", ["interpreter", "set_up", "image"])
def test_nothing_of_the_workflow_leaks_into_a_job(site: Site, kind: str) -> None:
    (site.folder / "setup.sh").write_text("")
    software = {
        "interpreter": {"interpreter": sys.executable},
        "set_up": {"set_up": str(site.folder / "setup.sh"), "interpreter": sys.executable},
        "image": image(site),
    }
    site.tree["software"] = [software[kind]]
    site.runs([52001])
    site.analysis("tell", f"print('PATH', os.environ['PATH'], os.environ['PYTHONPATH'])\n{TELL}")
    leaks = {
        "VIRTUAL_ENV": "/venv",
        "SNAKEMAKE_OUTPUT_CACHE": "/cache",
        "CONDA_PREFIX": "/conda",
        "MY_TOKEN": "s",
    }
    done = site.tick(**{**leaks, "PYTHONPATH": "/of/the/workflow"})
    assert done.returncode == 0, done.stderr
    seen = environment_of(site, 52001)
    assert not seen & {*leaks, "XOM_TICK"}
    assert not [name for name in seen if name.startswith("SNAKEMAKE")]
    assert "/of/the/workflow" not in (site.work / "logs/tell/v1/052/052001.log").read_text()


def test_a_run_without_software_waits_where_holes_are_allowed(site: Site) -> None:
    site.runs([52001, 52002])
    site.analysis("tell", TELL)
    site.tree["software"] = [{"interpreter": sys.executable, "max_run": 52001}]
    refused = site.tick()
    assert refused.returncode == 3
    assert "no range of software contains run 52002" in refused.stderr
    site.tree["software_may_have_holes"] = True
    assert site.tick().returncode == 0
    assert site.done("tell") == {52001}


def test_the_stand_in_for_apptainer_refuses_what_apptainer_would(site: Site) -> None:
    given = image(site)
    words = [given["launcher"], "exec", "--cleanenv", "--bind=/nowhere", f"--pwd={site.folder}", given["image"], "true"]
    assert subprocess.run(words, capture_output=True, check=False, env=os.environ).returncode != 0
