"""The usual mistakes of a first script: one clear answer, the same in a tick, by `xom try` and by hand."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from support.by_hand import try_script
from support.in_process import FastSite
from xomflow.core.paths import ROOT

SAVE = "xomlib.Xomresult(variable_name='rate', variable_value=1.5).save()"
# Stands for numpy's structured array, pandas' table and matplotlib's figure, which the tests' interpreter lacks.
DOUBLES = """
class Array:
    dtype = type("dtype", (), {"names": ("time", "area", "area_fraction_top")})
    def __getitem__(self, name):
        raise ValueError(f"no field of name {name}")

class Figure:
    dpi = 100
    def get_size_inches(self):
        return 400, 300
    def savefig(self, path):
        raise AssertionError("it would need 12 GB")
"""
# Body of main, or with "def main" the whole script: failure class and sentence; without a class it is done.
MISTAKES: dict[str, tuple[str, str, str]] = {
    "no main": (f"run_id = sys.argv[1]\n{SAVE}", "setup", "defines no main(run_id): put its code into one"),
    "top-level code": (f"x = xomlib.settings()\ndef main(run_id):\n    {SAVE}", "", ""),
    "async main": (f"async def main(run_id):\n    {SAVE}", "setup", "is `async` or has a `yield`"),
    "main that yields": (f"def main(run_id):\n    yield 1\n    {SAVE}", "setup", "is `async` or has a `yield`"),
    "exit before save": (f"sys.exit()\n{SAVE}", "no_result", "the script ended well but saved nothing"),
    "exit after save": (f"{SAVE}\nsys.exit()", "", ""),
    "exit with a status": (f"{SAVE}\nsys.exit(3)", "raised", "the script ended itself with exit status 3"),
    "400 inches": (
        f"{DOUBLES}\n{SAVE}\nxomlib.figure('big', Figure())",
        "bad_result",
        "figure 'big' is 400 x 300 inches, 1200 million pixels; at most 30 million are kept: give figsize in inches",
    ),
    "Pool.map": (
        "import multiprocessing\n"
        "def twice(x):\n    return 2 * x\n"
        "def main(run_id):\n"
        "    with multiprocessing.Pool(2) as pool:\n"
        "        xomlib.Xomresult(variable_name='rate', variable_value=sum(pool.map(twice, [1, 2]))).save()",
        "",
        "",
    ),
    "save in Pool.map": (
        "import multiprocessing\n"
        f"def save(x):\n    {SAVE}\n"
        "def main(run_id):\n"
        "    with multiprocessing.Pool(1) as pool:\n"
        "        pool.map(save, [1])",
        "bad_result",
        "'rate' is saved in a process that the script started: return it, and save it in main",
    ),
    "missing column": (
        f"{DOUBLES}\npeaks = Array()\npeaks['aera']",
        "raised",
        "; did you mean 'area'? The columns are: time, area, area_fraction_top",
    ),
    "wrong type": (
        "xomlib.Xomresult(variable_name='rate', variable_value='1.5').save()",
        "bad_result",
        "rate is '1.5', a number is needed",
    ),
    "a file in the working directory": (f"open('table.csv', 'w').close()\n{SAVE}", "", ""),
    "NaN in data": (f"{SAVE[:-8]}, data={{'chi2': float('nan')}}).save()", "", ""),
    "a misspelt keyword": (
        "xomlib.Xomresult(variable_name='rate', variable_vale=1.5)",
        "bad_result",
        "Xomresult has no keyword 'variable_vale'",
    ),
}
WARNING = (
    "warning: the working directory is removed, with table.csv: keep results by xomlib.figure or the data of a result"
)


def write(site: FastSite, name: str, body: str) -> Path:
    """Write a script as a beginner does: all in main, or whole, with the lines that start it by hand."""
    site.analysis(name, "pass", memory_mb=700)
    script = site.folder / "extra/scripts/analyses" / f"{name}.py"
    if "run_id = sys.argv" not in body and "def main" not in body:
        body = "def main(run_id):\n" + "\n".join(f"    {line}" for line in body.splitlines())
    end = "\nif __name__ == '__main__':\n    xomlib.cli(main)\n" if "def main" in body else ""
    script.write_text(f"import sys\nimport xomlib\n\n{body}\n{end}")
    return script


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> FastSite:
    """A site on which a tick has run each of the scripts."""
    made = FastSite(tmp_path_factory.mktemp("mistakes"))
    made.runs([52001])
    for number, (body, _, _) in enumerate(MISTAKES.values()):
        write(made, f"script_{number}", body)
    made.tick()
    return made


def test_each_mistake_has_one_answer_in_a_tick_and_by_xom_try(site: FastSite) -> None:
    wrong = {}
    for number, (name, (_, kind, sentence)) in enumerate(MISTAKES.items()):
        failures = [record["failure"] for record in site.failures(f"script_{number}", 52001)]
        tick = [[one["class"], one["message"]] for one in failures] or [None]
        done = site.xom("try", f"script_{number}", "52001", "--json")
        (tried,) = json.loads(done.stdout)
        expected = tried["failure"] is None if not kind else tried["failure"] and tried["failure"][0] == kind
        if tick != [tried["failure"]] or not expected or (kind and sentence not in tried["failure"][1]):
            wrong[name] = (tick, tried["failure"])
    assert wrong == {}


def by_hand(script: Path, site: FastSite) -> subprocess.CompletedProcess[str]:
    return try_script([str(script), "52001"], site.folder, {"PYTHONPATH": str(ROOT / "src")})


def test_each_mistake_has_the_same_answer_by_hand(site: FastSite) -> None:
    wrong = {}
    for number, (name, (body, kind, sentence)) in enumerate(MISTAKES.items()):
        if name in ("no main", "top-level code"):
            continue
        done = by_hand(site.folder / f"extra/scripts/analyses/script_{number}.py", site)
        said = done.stderr.splitlines()
        clear = sentence in said[-1] or (kind == "raised" and "Traceback" in done.stderr) if kind else True
        if done.returncode != bool(kind) or not clear:
            wrong[name] = (done.returncode, said, body)
    assert wrong == {}


def test_code_outside_main_is_told_where_to_go(site: FastSite) -> None:
    for number in (0, 1):
        done = by_hand(site.folder / f"extra/scripts/analyses/script_{number}.py", site)
        assert done.returncode == 1
        assert "no job is set: call this within main(run_id)" in done.stderr.splitlines()[-1]


def test_a_file_in_the_working_directory_is_named_before_it_goes(site: FastSite) -> None:
    number = list(MISTAKES).index("a file in the working directory")
    assert site.outcome(f"script_{number}", 52001)["message"] == WARNING
    done = by_hand(site.folder / f"extra/scripts/analyses/script_{number}.py", site)
    assert WARNING in done.stderr and json.loads(done.stdout)["messages"] == [WARNING]


def test_a_script_that_is_called_as_a_module_of_python_works(tmp_path: Path) -> None:
    site = FastSite(tmp_path)
    site.runs([52001])
    script = write(site, "signal", f"import subprocess, signal\n{SAVE}\nassert signal.SIGTERM")
    assert site.tick().returncode == 0
    done = by_hand(script, site)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"] == site.outcome("signal", 52001)["results"]
